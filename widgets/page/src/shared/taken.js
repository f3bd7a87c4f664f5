// What is done of what a network says.

/**
 * The number that is set: an output within its bounds, as Space.decide has it.
 * @param {Scene["output"]} output
 * @param {number} raw
 * @param {number} at
 */
export const taken = ({ low, high }, raw, at) => Math.min(Math.max(raw, low?.[at] ?? -Infinity), high?.[at] ?? Infinity);
