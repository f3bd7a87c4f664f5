// What d3-scale takes from d3-interpolate and d3-format, for numbers alone: built in their places, because our
// scales know no colours, and figures are written by src/shared/numbers.js. It saves a fifth of an exported page's code.

/**
 * @param {number} from
 * @param {number} to
 */
export function interpolateNumber(from, to) {
  return (/** @type {number} */ part) => from * (1 - part) + to * part;
}

/**
 * @param {number} from
 * @param {number} to
 */
export function interpolateRound(from, to) {
  return (/** @type {number} */ part) => Math.round(from * (1 - part) + to * part);
}

export const interpolate = interpolateNumber;

function unused() {
  throw new Error("Figures are written by shared/numbers.js: give the axis a tickFormat. Scales here are of numbers alone.");
}

export const [format, formatPrefix, formatSpecifier, piecewise, precisionFixed, precisionPrefix, precisionRound] = Array.from({ length: 7 }, () => unused);
