// Integrated gradients in the page, as dnnexplain/explain/attribution/bent_path.py: the path is divided where the
// network bends. Along a straight path what a linear beginning of the network gives is a straight path too, so
// only the rest is run at each step. Pure functions.

import { pullBack, runStack } from "./stack.js";

/** The error that a map's sum may have, as a part of the difference. */
const WITHIN = 0.01;
const PIECES = 16;
const DIVIDE = 4;
const ROUNDS = 10;
/** Pieces that may still be divided: beyond, it is rounding that fails them, or a network all bends. */
const MOST_BAD = 256;
/** Where in a piece the gradient is taken: the middles of its halves. */
const STEPS = [0.25, 0.75];
const LINEAR = new Set(["same", "scale", "dense", "turn", "conv", "pad", "mean-pool"]);

/**
 * What a scalar is at a place of the path (0: reference, 1: input), its gradient at the outputs, and at the knobs
 * where it depends on them directly.
 * @typedef {(outputs: Numbers, place: number) => {value: number, slope: Numbers, direct: Numbers | null}} Scalar
 */

/**
 * The mean gradient along the straight path from a reference to the input, at the cells and (if the scalar depends on
 * them directly) at the knobs; what is explained, by how much the sum misses it, and how many steps it took.
 * @param {Layer[]} stack
 * @param {Numbers} from
 * @param {Numbers} to
 * @param {Scalar} scalar
 * @param {Numbers | null} way by how much each knob differs from the reference's
 */
export function meanGradient(stack, from, to, scalar, way = null) {
  const linear = stack.findIndex((layer) => !LINEAR.has(layer.kind));
  const first = linear < 0 ? stack.length : linear;
  const [head, tail] = [stack.slice(0, first), stack.slice(first)];
  const [begin, end] = [from, to].map((input) => (first ? runStack(head, input)[first - 1] : input));
  const along = Float64Array.from(end, (value, at) => value - begin[at]);
  const look = (/** @type {number} */ place) => {
    const input = Float64Array.from(begin, (value, at) => value + place * along[at]);
    const outputs = runStack(tail, input);
    return { input, outputs, ...scalar(tail.length ? outputs[tail.length - 1] : input, place) };
  };
  /** @type {Map<number, number>} */
  const known = new Map();
  const valueAt = (/** @type {number} */ place) => {
    if (!known.has(place)) known.set(place, look(place).value);
    return /** @type {number} */ (known.get(place));
  };
  const explained = valueAt(1) - valueAt(0);
  const noise = 1e-6 * (Math.abs(valueAt(1)) + Math.abs(valueAt(0)));
  const mean = new Float64Array(along.length);
  const direct = way && new Float64Array(way.length);
  let [left, sum, steps] = [WITHIN * Math.abs(explained), 0, 0];
  let pieces = Array.from({ length: PIECES }, (_, at) => [at / PIECES, (at + 1) / PIECES]);
  for (let round = 0; round < ROUNDS && pieces.length; round += 1) {
    const measures = pieces.map(([low, high]) => measured(low, high));
    const lost = measures.reduce((total, measure) => total + measure.missed, 0);
    const allowed = left / 2 ** (round + 1) / pieces.length;
    const bad = measures.map((measure) => measure.missed > allowed && measure.missed > noise);
    const crowd = bad.filter(Boolean).length;
    const last = lost <= left || crowd > MOST_BAD || round === ROUNDS - 1;
    /** @type {number[][]} */
    const further = [];
    measures.forEach((measure, at) => {
      if (bad[at] && !last) further.push(...divided(measure.low, measure.high));
      else accept(measure);
    });
    pieces = further;
  }
  const cells = pullBack(head, from, first ? runStack(head, from) : [], mean);
  return { cells, direct, explained, missed: sum - explained, steps };

  /**
   * @param {number} low
   * @param {number} high
   */
  function measured(low, high) {
    const width = high - low;
    const parts = STEPS.map((share) => {
      const seen = look(low + share * width);
      return { gradient: pullBack(tail, seen.input, seen.outputs, seen.slope), direct: seen.direct };
    });
    steps += STEPS.length;
    let gained = 0;
    for (const part of parts) {
      gained += inner(part.gradient, along);
      if (way && part.direct) gained += inner(part.direct, way);
    }
    gained *= width / STEPS.length;
    return { low, high, parts, gained, missed: Math.abs(gained - (valueAt(high) - valueAt(low))) };
  }

  /** @param {ReturnType<typeof measured>} one */
  function accept({ low, high, parts, gained, missed }) {
    const weight = (high - low) / STEPS.length;
    for (const part of parts) {
      add(mean, part.gradient, weight);
      if (direct && part.direct) add(direct, part.direct, weight);
    }
    sum += gained;
    left -= missed;
  }
}

/**
 * @param {number} low
 * @param {number} high
 */
function divided(low, high) {
  const cut = (/** @type {number} */ at) => low + ((high - low) * at) / DIVIDE;
  return Array.from({ length: DIVIDE }, (_, at) => [cut(at), cut(at + 1)]);
}

/**
 * @param {Numbers} first
 * @param {Numbers} other
 */
function inner(first, other) {
  let sum = 0;
  for (let at = 0; at < first.length; at += 1) sum += first[at] * other[at];
  return sum;
}

/**
 * @param {Numbers} into
 * @param {Numbers} what
 * @param {number} weight
 */
function add(into, what, weight) {
  for (let at = 0; at < into.length; at += 1) into[at] += weight * what[at];
}
