// What a system does to its knobs, from its painting as data (contract/paintings.py): repair, paint,
// mask, tell. Pure functions over values in the order of scene.knobs.

import { snap } from "../shared/knob_values.js";
import { number } from "../shared/numbers.js";
import { capital } from "../shared/words.js";
import { makeTerms, repairBy, runLets } from "./terms.js";

/** The knobs that a stroke may speak of. */
const KNOBS = /** @type {KnobName[]} */ (["knob", "down", "right", "east", "north"]);

/**
 * A painting whose names of knobs and outputs are their positions.
 * @param {Painting} painting
 * @param {Scene} scene
 * @param {number[]} shape of the observation: rows and columns, or how many numbers
 */
export function makeSketch(painting, scene, shape) {
  const columns = shape[shape.length - 1];
  const positions = new Map(scene.knobs.map((knob, index) => [knob.name, index]));
  const outputs = new Map(scene.output.names.map((name, index) => [name, index]));
  /**
   * A name that a painting leaves out is nobody's, and never read.
   * @param {string} [name]
   */
  const at = (name) => positions.get(name ?? "") ?? -1;
  const terms = makeTerms(painting, positions);
  const strokes = painting.strokes.map((stroke) => /** @type {Stroke} */ ({
    ...stroke, .../** @type {Record<KnobName, number>} */ (Object.fromEntries(KNOBS.map((name) => [name, at(stroke[name])]))), cells: cellsOf(stroke.cells, columns),
    wide: stroke.cells.columns, knobs: KNOBS.map((name) => stroke[name]).filter((name) => name !== undefined).map(at),
  }));
  return {
    knobs: scene.knobs,
    outputs: scene.output.names.length,
    size: shape.reduce((product, length) => product * length, 1),
    strokes,
    strokesOf: Array.from({ length: terms.count }, (_, index) => strokes.filter((stroke) => stroke.knobs.includes(index))),
    wholes: painting.wholes.map((whole) => whole.needs.map((set) => set.map(at))),
    masks: painting.masks.map((mask) => /** @type {Mask} */ ({
      ...mask, output: outputs.get(mask.output) ?? -1, knob: at(mask.knob), length: at(mask.length), busy: (mask.busy || []).map(at),
      demands: (mask.demands || []).map((demand) => ({ knob: at(demand.knob), use: demand.use.map(at), room: demand.room })),
    })),
    words: painting.words,
    ...terms,
    at,
  };
}

/**
 * @param {Cells} given
 * @param {number} width
 */
function cellsOf({ row, column, rows, columns }, width) {
  /** @type {number[]} */
  const cells = [];
  for (let y = row; y < row + rows; y += 1) for (let x = column; x < column + columns; x += 1) cells.push(y * width + x);
  return cells;
}

/**
 * The nearest valid values: every knob on its grid, and nothing that means nothing alone.
 * @param {Sketch} sketch
 * @param {Numbers} values
 */
function repairValues(sketch, values) {
  const fixed = new Float64Array(values.length);
  for (let index = 0; index < fixed.length; index += 1) fixed[index] = snap(sketch.knobs[index], values[index]);
  return makeWhole(sketch, fixed);
}

/**
 * Puts what means nothing alone to its lowest, in place, and knobs that follow from others to what they must be;
 * every value is on its grid already.
 * @param {Sketch} sketch
 * @template {Numbers} T
 * @param {T} fixed
 * @returns {T}
 */
export function makeWhole(sketch, fixed) {
  if (sketch.repairs.length) repairBy(sketch.repairs, sketch.room, fixed);
  for (const needs of sketch.wholes) {
    if (needs.every((set) => set.some((/** @type {number} */ index) => fixed[index] > sketch.knobs[index].low))) continue;
    for (const set of needs) for (const index of set) fixed[index] = sketch.knobs[index].low;
  }
  return fixed;
}

/**
 * Valid values such that the knobs that were moved do move: as valid_values in moves.py.
 * @param {Sketch} sketch
 * @param {Numbers} wanted
 * @param {Numbers} before
 */
export function validValues(sketch, wanted, before) {
  const repaired = repairValues(sketch, wanted);
  const { knobs } = sketch;
  const refused = knobs.filter((knob, /** @type {number} */ index) => wanted[index] !== before[index] && repaired[index] <= knob.low && knob.low < wanted[index] && knob.group);
  if (!refused.length) return repaired;
  const groups = new Set(refused.map((knob) => knob.group));
  const accompanied = Float64Array.from(wanted, (value, index) => {
    const knob = knobs[index];
    const alone = groups.has(knob.group) && value <= knob.low;
    return alone ? Math.min(knob.low + (knob.step || (knob.high - knob.low) / 10), knob.high) : value;
  });
  return repairValues(sketch, accompanied);
}

/**
 * The observation that values paint, over a background or none.
 * @param {Sketch} sketch
 * @param {Numbers} values
 * @param {Numbers | null} ground
 */
export function paintValues(sketch, values, ground) {
  const picture = new Float32Array(sketch.size);
  const all = withQuantities(sketch, values);
  for (const stroke of sketch.strokes) STROKES[stroke.kind](picture, stroke, all, sketch.knobs, ground);
  return picture;
}

/**
 * Knobs, and behind them what follows from them; those that have it already are left as they are.
 * @param {Sketch} sketch
 * @param {Numbers} values
 */
export function withQuantities(sketch, values) {
  return sketch.quantities.length && values.length < sketch.count ? runLets(sketch.quantities, sketch.count, values) : values;
}

/**
 * Paints anew what differs between two states; `picture` shows the first and then the second.
 * @param {Sketch} sketch
 * @param {Float32Array} picture
 * @param {Numbers} shown
 * @param {Numbers} values
 * @param {Numbers | null} ground
 */
export function repaint(sketch, picture, shown, values, ground) {
  const [before, all] = [withQuantities(sketch, shown), withQuantities(sketch, values)];
  const apart = new Set();
  for (let index = 0; index < all.length; index += 1) if (before[index] !== all[index]) for (const stroke of sketch.strokesOf[index]) apart.add(stroke);
  for (const stroke of apart.size ? sketch.strokes : []) {
    if (!apart.has(stroke)) continue;
    for (const cell of stroke.cells) picture[cell] = 0;
    STROKES[stroke.kind](picture, stroke, all, sketch.knobs, ground);
  }
}

/** @type {Record<string, (picture: Float32Array, stroke: Stroke, values: Numbers, knobs: Knob[], ground: Numbers | null) => void>} */
const STROKES = {
  Rectangle(picture, { cells, wide, down, right }, values) {
    const width = Math.min(values[right], wide);
    const height = Math.min(values[down], cells.length / wide);
    for (let row = 0; row < height; row += 1) for (let column = 0; column < width; column += 1) picture[cells[row * wide + column]] = 1;
  },
  Run(picture, { cells, knob, keeps }, values, knobs, /** @type {Numbers | null} */ ground) {
    let left = values[knob];
    if (keeps && ground) {
      for (const cell of cells) if (ground[cell] > 0 && left-- > 0) picture[cell] = ground[cell];
    }
    for (let at = 0; at < cells.length && left > 0; at += 1) {
      if (picture[cells[at]] > 0) continue;
      picture[cells[at]] = 1;
      left -= 1;
    }
  },
  Level(picture, { cells, knob, levels }, values, knobs) {
    const place = Math.round((values[knob] - knobs[knob].low) / (knobs[knob].step ?? 1));
    for (const cell of cells) picture[cell] = levels[place];
  },
  Number(picture, { cells, knob, scale, offset, keeps }, values, knobs, ground) {
    const level = scale * values[knob] + offset;
    for (const cell of cells) picture[cell] = keeps && ground && saysSo((ground[cell] - offset) / scale, values[knob], knobs[knob]) ? ground[cell] : level;
  },
  Remote(picture, { cells, knob, east, north, place, nearest, unit, level, slope }, values) {
    const distance = Math.max(Math.hypot(values[east] - place[0], values[north] - place[1]), nearest) / unit;
    for (const cell of cells) picture[cell] = values[knob] + (level + slope * Math.log10(distance));
  },
};

/**
 * Whether what a background shows, held within the knob's bounds, is the value; of what is no knob it always is.
 * @param {number} shown
 * @param {number} value
 * @param {Knob | undefined} knob
 */
function saysSo(shown, value, knob) {
  return !knob || Math.abs(Math.min(Math.max(shown, knob.low), knob.high) - value) <= SAME * Math.max(1, Math.abs(value));
}

const SAME = 1e-5;

/**
 * Which outputs are allowed, a byte each.
 * @param {Sketch} sketch
 * @param {Numbers} values
 */
export function allowedOutputs(sketch, values) {
  const allowed = new Uint8Array(sketch.outputs).fill(1);
  let anything = false;
  for (const mask of sketch.masks.filter((rule) => rule.kind === "Fits")) {
    const fits = values[mask.length] > 0 && hasRoom(mask, values);
    allowed[mask.output] = fits ? 1 : 0;
    anything ||= fits;
  }
  for (const mask of sketch.masks.filter((rule) => rule.kind === "Within")) {
    allowed[mask.output] = values[mask.knob] >= mask.low && values[mask.knob] <= mask.high ? 1 : 0;
  }
  for (const mask of sketch.masks.filter((rule) => rule.kind === "Pause")) {
    if (anything && mask.busy.every((/** @type {number} */ index) => values[index] === 0)) allowed[mask.output] = 0;
  }
  return allowed;
}

/**
 * Whether, for as many steps in a row as the length says, every demand finds room.
 * @param {Mask} given
 * @param {Numbers} values
 */
function hasRoom({ length, demands }, values) {
  let run = 0;
  for (let step = 0; step < demands[0].use.length; step += 1) {
    const free = demands.every(({ knob, use, room }) => values[use[step]] + values[knob] <= room);
    run = free ? run + 1 : 0;
    if (run === values[length]) return true;
  }
  return false;
}

/**
 * The state in one sentence.
 * @param {Sketch} sketch
 * @param {Numbers} given
 */
export function tellState(sketch, given) {
  const values = withQuantities(sketch, given);
  /** @param {Phrase} phrase */
  const shown = (phrase) => !phrase.when || values[sketch.at(phrase.when)] > 0;
  /** @param {Phrase} phrase */
  const fill = (phrase) => phrase.text.replace(/\{([^{}|]+)(?:\|([^{}|]*)\|([^{}|]*))?\}/g, (whole, /** @type {string} */ name, single, many) => {
    const [knob, digits] = name.split(":");
    const value = values[sketch.at(knob)];
    if (single === undefined) return digits !== undefined ? value.toFixed(Number(digits)) : Number.isInteger(value) ? value.toLocaleString("en-US") : number(value);
    return value === 1 ? single : many;
  });
  const parts = sketch.words.map((word) => {
    if (word.kind === "Phrase") return shown(word) ? fill(word) : "";
    const items = word.items.filter(shown).map(fill);
    return items.length ? items.join(", ") + (items.length === 1 ? word.singular : word.plural) : word.none;
  });
  return capital(parts.join(""));
}
