// How a figure is written: the twin of dnnexplain/numbers.py; tests/numbers.json holds what both must write.

const LEAST_POWER = -4;
const LARGEST = 1e6;

/** @param {any} digits */
function grouped(digits) {
  const [whole, rest] = digits.split(".");
  const parted = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return rest === undefined ? parted : `${parted}.${rest}`;
}

/**
 * A measured figure to three significant digits, "1,240" or "0.41"; trim leaves out zeros at the end.
 * @param {number} value
 * @param {any} trim
 */
export function measured(value, trim) {
  if (Number.isNaN(value)) return "-";
  if (!Number.isFinite(value)) return value > 0 ? "infinite" : "-infinite";
  const [mantissa, power] = Math.abs(value).toExponential(2).split("e");
  const exponent = value === 0 ? 0 : Number(power);
  /** @param {string} text */
  const shorter = (text) => (trim && text.includes(".") ? text.replace(/\.?0+$/, "") : text);
  const rounded = Number(`${mantissa}e${power}`);
  const sign = value < 0 ? "-" : "";
  if (value !== 0 && (exponent < LEAST_POWER || rounded > LARGEST)) {
    return `${sign}${shorter(mantissa)}e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
  }
  return sign + shorter(grouped(rounded.toFixed(Math.max(0, 2 - exponent))));
}

/**
 * A figure in a sentence, zeros at the end left out; with a plus where it is above zero, if asked for.
 * @param {number} value
 * @param {boolean} [withSign]
 */
export function plainNumber(value, withSign = false) {
  const text = measured(value, true);
  return withSign && value > 0 ? `+${text}` : text;
}

/**
 * plainNumber with a true minus sign.
 * @param {number} value
 */
export function number(value) {
  if (!Number.isFinite(value)) return "none";
  return plainNumber(value).replace(/-/g, "−");
}

/**
 * A share in a column of shares: its sign, and its zeros, so that the column aligns; nothing is "0".
 * @param {number} value
 */
export function signedFigure(value) {
  if (value === 0) return "0";
  return `${value > 0 ? "+" : ""}${measured(value, false).replace(/-/g, "−")}`;
}

/**
 * A value with its unit: "3 steps".
 * @param {number} value
 * @param {string} unit
 */
export function withUnit(value, unit) {
  const text = number(value);
  return unit ? `${text} ${unitOf(text, unit)}` : text;
}

/**
 * "units" after 2, "unit" after 1; "Gb/s" stays. As counts.unit_of in Python.
 * @param {string} text
 * @param {string} unit
 */
export function unitOf(text, unit) {
  return text.replace(/^[+−-]/, "") === "1" ? unit.replace(/\b([A-Za-z]{2,}[^s\W])s(?=$| per | of )/, "$1") : unit;
}

/**
 * A probability, as Python's words.probability: three places after the point, and never 0 or 1 where it is not.
 * @param {number} value
 */
export function chance(value) {
  if (!Number.isFinite(value)) return "none";
  if (value > 0 && value < 0.0005) return "under 0.001";
  return value >= 0.9995 && value < 1 ? "over 0.999" : value.toFixed(3);
}

/**
 * A share as a percentage, as Python's percent: "3.17%"; below a hundredth of one, "under 0.01%". No number has no sign.
 * @param {number} share
 * @param {boolean} [withSign]
 */
export function percent(share, withSign = false) {
  if (!Number.isFinite(share)) return plainNumber(share, withSign);
  const size = Math.abs(share);
  if (!withSign && size > 0 && size < 1e-4) return "under 0.01%";
  return withSign && size < 5e-5 ? "0%" : `${plainNumber(100 * share, withSign)}%`;
}

/**
 * A part of a whole where there is room for four characters: "48%", and "<1%" or ">99%" where it would read none or all.
 * @param {number} part
 */
export function shortShare(part) {
  const whole = Math.round(100 * part);
  if (part > 0 && whole === 0) return "<1%";
  return part < 1 && whole === 100 ? ">99%" : `${whole}%`;
}

/**
 * A duration as people say it: "5 s", "2 min".
 * @param {number} seconds
 */
export function shortTime(seconds) {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  return `${Math.round(seconds / 60)} min`;
}
