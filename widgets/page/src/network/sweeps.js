// Sweeps of knobs and how a neuron responds to them, as in sweeps.py and responses.py of explain. Pure functions.

import { plainNumber } from "../shared/numbers.js";
import { makeWhole, paintValues } from "./sketch.js";
import { letsAfter } from "./terms.js";
import { capital } from "../shared/words.js";

export const [DEAD, ACTIVE, SATURATED, FLAT] = [0, 1, 2, 3];
const [FLAT_SHARE, PACE_SHARE, ROUNDING] = [0.05, 0.1, 1e-6];

/**
 * The response at every grid value of one curve; `scale` is the neuron's range over all curves.
 * @param {number[]} grid
 * @param {number[]} curve
 * @param {number} scale
 * @param {boolean} rectified
 */
export function classify(grid, curve, scale, rectified) {
  const spread = Math.max(...curve) - Math.min(...curve);
  const end = curve.length - 1;
  const dead = curve.map((/** @type {number} */ value) => rectified && value === 0);
  const labels = curve.map(() => ACTIVE);
  const width = grid[end] - grid[0];
  if (width > 0) {
    const pace = (PACE_SHARE * spread) / width;
    const late = settled(grid, curve, pace);
    const early = settled(grid.map((/** @type {number} */ value) => -value).reverse(), [...curve].reverse(), pace).reverse();
    for (let at = 0; at <= end; at += 1) if ((late[at] && !dead[end]) || (early[at] && !dead[0])) labels[at] = SATURATED;
  }
  const flat = spread <= FLAT_SHARE * scale && !dead.every(Boolean);
  return labels.map((label, /** @type {number} */ at) => (flat ? FLAT : dead[at] ? DEAD : label));
}

/**
 * Where a curve has settled to its last value, at least two grid values before the end.
 * @param {number[]} grid
 * @param {number[]} curve
 * @param {number} pace
 */
function settled(grid, curve, pace) {
  const end = curve.length - 1;
  const near = curve.map(() => false);
  let worst = 0;
  for (let at = end; at >= 0; at -= 1) {
    worst = Math.max(worst, Math.abs(curve[at] - curve[end]));
    near[at] = at < end && worst <= pace * (grid[end] - grid[at]);
  }
  let above = false;
  return near.map((here) => {
    above ||= here;
    return above;
  });
}

/**
 * All values of a stepped knob, or 101 evenly spaced ones.
 * @param {Knob} given
 */
function gridOf({ low, high, step }) {
  if (!step) return Array.from({ length: 101 }, (_, at) => low + ((high - low) * at) / 100);
  const count = Math.floor((high - low) / step + 1e-9) + 1;
  return Array.from({ length: count }, (_, at) => low + step * at);
}

/**
 * The states in which a knob takes all its values: {grid, rows, note}. Where that would paint nothing, the
 * other knobs of its group that are at their lowest get their middle; values that are not valid are left out.
 * @param {Sketch} sketch
 * @param {number} place
 * @param {Numbers} values
 * @param {Numbers | null} ground
 * @param {Numbers} middles
 */
export function sweepStates(sketch, place, values, ground, middles) {
  const all = gridOf(sketch.knobs[place]);
  const base = values.slice();
  const knob = sketch.knobs[place];
  /** @type {number[]} */
  const held = [];
  sketch.knobs.forEach((other, /** @type {number} */ index) => {
    if (index !== place && knob.group && other.group === knob.group && base[index] === other.low) held.push(index);
  });
  const blank = held.length > 0 && all.length > 1 && paintsNothing(sketch, place, base, all, ground);
  if (blank) for (const index of held) base[index] = middles[index];
  const whole = makesWhole(sketch, base, place);
  const rows = all.map((value) => whole(value));
  const valid = all.map((value, at) => rows[at].every((now, /** @type {number} */ index) => asAsked(sketch.knobs[index], now, index === place ? value : base[index])));
  const keep = valid.filter(Boolean).length > 1 ? valid : valid.map(() => true);
  return { grid: all.filter((_, at) => keep[at]), rows: rows.filter((_, at) => keep[at]), note: blank ? heldNote(sketch, held, middles, values) : "" };
}

/**
 * The state in which a knob has a value, made whole; what does not follow from that knob is made so once.
 * @param {Sketch} sketch
 * @param {Numbers} base
 * @param {number} place
 * @returns {(value: number) => Numbers}
 */
function makesWhole(sketch, base, place) {
  if (sketch.wholes.length) return (value) => makeWhole(sketch, withValue(base, place, value));
  const repairs = letsAfter(sketch.repairs, place, base.length);
  const once = makeWhole(sketch, base.slice());
  for (const { place: written } of repairs) if (written < base.length) once[written] = base[written];
  const less = { ...sketch, repairs };
  return (value) => makeWhole(less, withValue(once, place, value));
}

/**
 * Whether a repaired value is the one that was asked for, but for rounding to single precision.
 * @param {Knob} knob
 * @param {number} now
 * @param {number} rows
 */
function asAsked({ low, high }, now, rows) {
  return Math.abs(now - rows) <= ROUNDING * (high - low);
}

/**
 * @param {Numbers} values
 * @param {number} place
 * @param {number} value
 */
function withValue(values, place, value) {
  const row = values.slice();
  row[place] = value;
  return row;
}

/**
 * Whether the lowest, the middle and the highest value of a knob give the same picture.
 * @param {Sketch} sketch
 * @param {number} place
 * @param {Numbers} base
 * @param {number[]} grid
 * @param {Numbers | null} ground
 */
function paintsNothing(sketch, place, base, grid, ground) {
  const three = [grid[0], grid[Math.floor(grid.length / 2)], grid[grid.length - 1]];
  const [first, ...others] = three.map((value) => paintValues(sketch, makeWhole(sketch, withValue(base, place, value)), ground));
  return others.every((picture) => picture.every((level, cell) => level === first[cell]));
}

/**
 * What others of a group were given, and why: the group is empty in the state, or what it has shows nothing.
 * @param {Sketch} sketch
 * @param {number[]} held
 * @param {Numbers} middles
 * @param {Numbers} values of the state
 */
function heldNote(sketch, held, middles, values) {
  const group = sketch.knobs[held[0]].group;
  const words = held.map((index) => `${sketch.knobs[index].name} ${plainNumber(middles[index])} ${sketch.knobs[index].unit}`.trim());
  const empty = sketch.knobs.every((/** @type {Knob} */ knob, /** @type {number} */ index) => knob.group !== group || values[index] === knob.low);
  return capital(`${group} ${empty ? "is empty" : "shows nothing"} in this state, so it was given ${words.join(", ")}.`);
}
