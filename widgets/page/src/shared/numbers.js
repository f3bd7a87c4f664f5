// How a figure is written: the twin of dnnexplain/numbers.py; tests/numbers.json holds what both must write.

const LEAST_POWER = -3;
const LARGEST = 1e6;

function grouped(digits) {
  const [whole, rest] = digits.split(".");
  const parted = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return rest === undefined ? parted : `${parted}.${rest}`;
}

/** A measured figure to three significant digits, "1,240" or "0.41"; trim leaves out zeros at the end. */
export function measured(value, trim) {
  if (Number.isNaN(value)) return "-";
  if (!Number.isFinite(value)) return value > 0 ? "infinite" : "-infinite";
  const [mantissa, power] = Math.abs(value).toExponential(2).split("e");
  const exponent = value === 0 ? 0 : Number(power);
  const shorter = (text) => (trim && text.includes(".") ? text.replace(/\.?0+$/, "") : text);
  const rounded = Number(`${mantissa}e${power}`);
  const sign = value < 0 ? "-" : "";
  if (value !== 0 && (exponent < LEAST_POWER || rounded > LARGEST)) {
    return `${sign}${shorter(mantissa)}e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
  }
  return sign + shorter(grouped(rounded.toFixed(Math.max(0, 2 - exponent))));
}

/** A figure in a sentence, zeros at the end left out; with a plus where it is above zero, if asked for. */
export function plainNumber(value, withSign = false) {
  const text = measured(value, true);
  return withSign && value > 0 ? `+${text}` : text;
}
