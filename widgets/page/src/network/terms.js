// Quantities that follow from knobs, from their terms as data (contract/terms.py). Pure functions over values in
// the order of scene.knobs, with the quantities behind them.

/**
 * What a painting's terms become: {repairs, quantities, count, room}, and names of quantities in `positions`.
 * @param {Painting} painting
 * @param {Map<string, number>} positions of knobs by name; quantities are added
 */
export function makeTerms(painting, positions) {
  const lets = [...painting.repairs, ...painting.quantities];
  for (const { name } of lets) if (!positions.has(name)) positions.set(name, positions.size);
  const tables = new Map(painting.tables.map((table) => [table.name, table.rows]));
  const place = (/** @type {string} */ name) => positions.get(name) ?? -1; // all are known: they were added above
  /**
   * @param {SaidLet} one
   * @returns {Let}
   */
  const made = ({ name, term }) => ({ place: place(name), reads: namesIn(term).map(place), value: makeTerm(term, positions, tables) });
  return { repairs: painting.repairs.map(made), quantities: painting.quantities.map(made), count: positions.size, room: new Float64Array(positions.size) };
}

/**
 * Of lets, in their order, those whose values may change with one knob: what reads it, writes it, or hangs on such; and
 * the quantities, from place `knobs` on, that these need.
 * @param {Let[]} lets
 * @param {number} knob
 * @param {number} knobs how many there are
 * @returns {Let[]}
 */
export function letsAfter(lets, knob, knobs) {
  const touched = new Set([knob]);
  const kept = new Set();
  for (let before = -1; before < kept.size;) {
    before = kept.size;
    lets.forEach((statement, turn) => {
      // a quantity that is needed, or a knob that is overwritten after it was read
      const needed = lets.some((other, place) => kept.has(other) && other.reads.includes(statement.place) && (statement.place >= knobs || place < turn));
      if (!needed && !touched.has(statement.place) && !statement.reads.some((place) => touched.has(place))) return;
      kept.add(statement);
      touched.add(statement.place);
    });
  }
  return lets.filter((statement) => kept.has(statement));
}

/**
 * The knobs and quantities that a term speaks of.
 * @param {SaidTerm} term
 * @returns {string[]}
 */
function namesIn(term) {
  if (typeof term === "string") return [term];
  return term && typeof term === "object" ? [...(term.terms ?? []), term.row, term.column, term.value].flatMap(namesIn) : [];
}

/**
 * Knobs and quantities once each thing that was let be is so, one after another.
 * @param {Let[]} lets
 * @param {number} count of knobs and quantities
 * @param {Numbers} values of the knobs
 */
export function runLets(lets, count, values) {
  const all = new Float64Array(count);
  all.set(values);
  for (const { place, value } of lets) all[place] = value(all);
  return all;
}

/**
 * The same in place, for knobs alone: `room` is where quantities are kept meanwhile.
 * @param {Let[]} lets
 * @param {Float64Array} room for knobs and quantities
 * @param {Numbers} values of the knobs
 */
export function repairBy(lets, room, values) {
  room.set(values);
  for (const { place, value } of lets) room[place] = value(room);
  for (let place = 0; place < values.length; place += 1) values[place] = room[place];
}

/** @typedef {(values: Numbers) => number} Term */
/** @typedef {{place: number, reads: number[], value: Term}} Let */

/**
 * @param {SaidTerm} term
 * @param {Map<string, number>} positions
 * @param {Map<string, number[][]>} tables
 * @returns {Term}
 */
function makeTerm(term, positions, tables) {
  if (typeof term === "number") return () => term;
  if (typeof term === "string") {
    const place = positions.get(term);
    if (place === undefined) throw new Error(`no knob or quantity '${term}'`);
    return (values) => values[place];
  }
  /** @param {SaidTerm} part */
  const made = (part) => makeTerm(part, positions, tables);
  if (term.kind === "Of") return DOES[term.does]((term.terms ?? []).map(made));
  const [rows, row] = [tables.get(term.table), made(term.row)];
  if (!rows) throw new Error(`no table '${term.table}'`);
  if (term.kind === "Pick") {
    const column = made(term.column);
    return (values) => at(at(rows, row(values)), column(values));
  }
  const value = made(term.value);
  return (values) => nearest(at(rows, row(values)), value(values));
}

/**
 * An item; a place beyond an end is that end.
 * @template T
 * @param {T[]} items
 * @param {number} place
 */
function at(items, place) {
  return items[Math.min(Math.max(Math.round(place), 0), items.length - 1)];
}

/**
 * @param {number[]} numbers
 * @param {number} value
 */
function nearest(numbers, value) {
  let passes = 0;
  for (let place = 1; place < numbers.length; place += 1) if (Math.abs(numbers[place] - value) < Math.abs(numbers[passes] - value)) passes = place;
  return passes;
}

/**
 * @param {(a: number, b: number) => number} joins
 * @returns {(terms: Term[]) => Term}
 */
const folded = (joins) => ([first, second, ...rest]) => {
  if (!second) return first;
  const pair = (/** @type {Numbers} */ values) => joins(first(values), second(values));
  return rest.length ? folded(joins)([pair, ...rest]) : pair;
};

/** @type {Record<string, (terms: Term[]) => Term>} */
const DOES = {
  add: folded((a, b) => a + b),
  multiply: folded((a, b) => a * b),
  least: folded((a, b) => Math.min(a, b)),
  most: folded((a, b) => Math.max(a, b)),
  and: (terms) => (values) => Number(terms.every((term) => term(values) !== 0)),
  or: (terms) => (values) => Number(terms.some((term) => term(values) !== 0)),
  subtract: folded((a, b) => a - b),
  divide: folded((a, b) => a / b),
  below: folded((a, b) => Number(a < b)),
  same: folded((a, b) => Number(a === b)),
  size: ([term]) => (values) => Math.abs(term(values)),
  logarithm: ([term]) => (values) => Math.log(term(values)),
  single: ([term]) => (values) => Math.fround(term(values)),
  not: ([term]) => (values) => Number(term(values) === 0),
  if: ([test, yes, no]) => (values) => (test(values) !== 0 ? yes(values) : no(values)),
};
