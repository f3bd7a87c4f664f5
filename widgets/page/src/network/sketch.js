// What a system does to its knobs, from its painting as data (contract/paintings.py): repair, paint,
// mask, tell. Pure functions over values in the order of scene.knobs.

import { snap } from "../shared/knob_values.js";
import { number } from "../shared/numbers.js";
import { capital } from "../shared/words.js";
import { makeTerms, repairBy, runLets } from "./terms.js";

/** The knobs that a stroke may speak of. */
const KNOBS = ["knob", "down", "right", "east", "north"];

/**
 * A painting whose names of knobs and outputs are their positions.
 * @param {any} painting
 * @param {Scene} scene
 * @param {number[]} shape of the observation: rows and columns, or how many numbers
 */
export function makeSketch(painting, scene, shape) {
  const columns = shape[shape.length - 1];
  const positions = new Map(scene.knobs.map((knob, index) => [knob.name, index]));
  const outputs = new Map(scene.output.names.map((name, index) => [name, index]));
  /** @param {string} name */
  const at = (name) => positions.get(name);
  const terms = makeTerms(painting, positions);
  const strokes = painting.strokes.map((/** @type {any} */ stroke) => ({
    ...stroke, ...Object.fromEntries(KNOBS.map((name) => [name, at(stroke[name])])), cells: cellsOf(stroke.cells, columns),
    wide: stroke.cells.columns, knobs: KNOBS.map((name) => stroke[name]).filter(Boolean).map(at),
  }));
  return {
    knobs: scene.knobs,
    outputs: scene.output.names.length,
    size: shape.reduce((product, length) => product * length, 1),
    strokes,
    strokesOf: Array.from({ length: terms.count }, (_, index) => strokes.filter((/** @type {any} */ stroke) => stroke.knobs.includes(index))),
    wholes: painting.wholes.map((/** @type {any} */ whole) => whole.needs.map((/** @type {any} */ set) => set.map(at))),
    masks: painting.masks.map((/** @type {any} */ mask) => ({
      ...mask, output: outputs.get(mask.output), knob: at(mask.knob), length: at(mask.length), busy: (mask.busy || []).map(at),
      demands: (mask.demands || []).map((/** @type {any} */ demand) => ({ knob: at(demand.knob), use: demand.use.map(at), room: demand.room })),
    })),
    words: painting.words,
    ...terms,
    at,
  };
}

/**
 * @param {any} given
 * @param {any} width
 */
function cellsOf({ row, column, rows, columns }, width) {
  /** @type {any[]} */
  const cells = [];
  for (let y = row; y < row + rows; y += 1) for (let x = column; x < column + columns; x += 1) cells.push(y * width + x);
  return cells;
}

/**
 * The nearest valid values: every knob on its grid, and nothing that means nothing alone.
 * @param {any} sketch
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
 * @param {any} sketch
 * @param {any} fixed
 */
export function makeWhole(sketch, fixed) {
  if (sketch.repairs.length) repairBy(sketch.repairs, sketch.room, fixed);
  for (const needs of sketch.wholes) {
    if (needs.every((/** @type {any} */ set) => set.some((/** @type {number} */ index) => fixed[index] > sketch.knobs[index].low))) continue;
    for (const set of needs) for (const index of set) fixed[index] = sketch.knobs[index].low;
  }
  return fixed;
}

/**
 * Valid values such that the knobs that were moved do move: as valid_values in moves.py.
 * @param {any} sketch
 * @param {Numbers} wanted
 * @param {Numbers} before
 */
export function validValues(sketch, wanted, before) {
  const repaired = repairValues(sketch, wanted);
  const { knobs } = sketch;
  const refused = knobs.filter((/** @type {any} */ knob, /** @type {number} */ index) => wanted[index] !== before[index] && repaired[index] <= knob.low && knob.low < wanted[index] && knob.group);
  if (!refused.length) return repaired;
  const groups = new Set(refused.map((/** @type {any} */ knob) => knob.group));
  const accompanied = Float64Array.from(wanted, (value, index) => {
    const knob = knobs[index];
    const alone = groups.has(knob.group) && value <= knob.low;
    return alone ? Math.min(knob.low + (knob.step || (knob.high - knob.low) / 10), knob.high) : value;
  });
  return repairValues(sketch, accompanied);
}

/**
 * The observation that values paint, over a background or none.
 * @param {any} sketch
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
 * @param {any} sketch
 * @param {Numbers} values
 */
export function withQuantities(sketch, values) {
  return sketch.quantities.length && values.length < sketch.count ? runLets(sketch.quantities, sketch.count, values) : values;
}

/**
 * Paints anew what differs between two states; `picture` shows the first and then the second.
 * @param {any} sketch
 * @param {any} picture
 * @param {any} shown
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

/** @type {Record<string, (picture: Float32Array, stroke: any, values: Numbers, knobs: Knob[], ground: Numbers | null) => void>} */
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
 * @param {any} sketch
 * @param {Numbers} values
 */
export function allowedOutputs(sketch, values) {
  const allowed = new Uint8Array(sketch.outputs).fill(1);
  let anything = false;
  for (const mask of sketch.masks.filter((/** @type {any} */ rule) => rule.kind === "Fits")) {
    const fits = values[mask.length] > 0 && hasRoom(mask, values);
    allowed[mask.output] = fits ? 1 : 0;
    anything ||= fits;
  }
  for (const mask of sketch.masks.filter((/** @type {any} */ rule) => rule.kind === "Within")) {
    allowed[mask.output] = values[mask.knob] >= mask.low && values[mask.knob] <= mask.high ? 1 : 0;
  }
  for (const mask of sketch.masks.filter((/** @type {any} */ rule) => rule.kind === "Pause")) {
    if (anything && mask.busy.every((/** @type {number} */ index) => values[index] === 0)) allowed[mask.output] = 0;
  }
  return allowed;
}

/**
 * Whether, for as many steps in a row as the length says, every demand finds room.
 * @param {any} given
 * @param {Numbers} values
 */
function hasRoom({ length, demands }, values) {
  let run = 0;
  for (let step = 0; step < demands[0].use.length; step += 1) {
    const free = demands.every((/** @type {any} */ { knob, use, room }) => values[use[step]] + values[knob] <= room);
    run = free ? run + 1 : 0;
    if (run === values[length]) return true;
  }
  return false;
}

/**
 * The state in one sentence.
 * @param {any} sketch
 * @param {Numbers} given
 */
export function tellState(sketch, given) {
  const values = withQuantities(sketch, given);
  /** @param {any} phrase */
  const shown = (phrase) => !phrase.when || values[sketch.at(phrase.when)] > 0;
  /** @param {any} phrase */
  const fill = (phrase) => phrase.text.replace(/\{([^{}|]+)(?:\|([^{}|]*)\|([^{}|]*))?\}/g, (/** @type {any} */ whole, /** @type {string} */ name, /** @type {any} */ single, /** @type {any} */ many) => {
    const [knob, digits] = name.split(":");
    const value = values[sketch.at(knob)];
    if (single === undefined) return digits !== undefined ? value.toFixed(Number(digits)) : Number.isInteger(value) ? value.toLocaleString("en-US") : number(value);
    return value === 1 ? single : many;
  });
  const parts = sketch.words.map((/** @type {any} */ word) => {
    if (word.kind === "Phrase") return shown(word) ? fill(word) : "";
    const items = word.items.filter(shown).map(fill);
    return items.length ? items.join(", ") + (items.length === 1 ? word.singular : word.plural) : word.none;
  });
  return capital(parts.join(""));
}
