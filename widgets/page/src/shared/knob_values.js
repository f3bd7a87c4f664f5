// Values of knobs: the nearest that a knob has, and what a key makes of one.

/**
 * @param {Knob} knob
 * @param {number} value
 */
export function snap(knob, value) {
  const inside = Math.min(Math.max(value, knob.low), knob.high);
  if (!knob.step) return inside;
  const steps = Math.round((inside - knob.low) / knob.step);
  return Math.min(knob.low + steps * knob.step, knob.high);
}

/**
 * How far one press of an arrow key, or of a page key, turns a knob.
 * @param {Knob} knob
 */
function strides(knob) {
  const small = knob.step || (knob.high - knob.low) / 100;
  return { small, large: Math.max(small, Math.round((knob.high - knob.low) / 5 / small) * small) };
}

/**
 * The value that a key asks for, or null when the key is not ours.
 * @param {Knob} knob
 * @param {number} value
 * @param {string} key
 */
export function keyed(knob, value, key) {
  const { small, large } = strides(knob);
  /** @type {Record<string, number>} */
  const moves = {
    ArrowUp: value + small, ArrowRight: value + small, ArrowDown: value - small, ArrowLeft: value - small,
    PageUp: value + large, PageDown: value - large, Home: knob.low, End: knob.high,
  };
  return key in moves ? snap(knob, moves[key]) : null;
}
