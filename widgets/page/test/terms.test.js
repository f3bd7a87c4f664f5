// Quantities that follow from knobs: each thing that a term does, in an order that matters.

import assert from "node:assert/strict";
import { test } from "node:test";

import { makeTerms, repairBy, runLets } from "../src/network/terms.js";

const of = (does, ...terms) => ({ kind: "Of", does, terms });
const knobs = () => new Map([["size", 0], ["throughput", 1]]);
const TABLES = [{ name: "ladder", rows: [[1, 2, 4], [10, 20, 40]] }];

/** What one term is where size is 3 and throughput 4. */
function valueOf(term) {
  const made = makeTerms({ repairs: [], quantities: [{ name: "it", term }], tables: TABLES }, knobs());
  return runLets(made.quantities, made.count, [3, 4])[2];
}

test("a term is what it says", () => {
  const cases = [
    ["size", 3], [7.5, 7.5], [of("divide", "size", "throughput"), 0.75], [of("add", "size", "throughput", 1), 8],
    [of("multiply", "size", 2, 5), 30], [of("subtract", 1, "size"), -2], [of("size", of("subtract", 1, "size")), 2],
    [of("least", "size", 1, 2), 1], [of("most", "size", 9, 2), 9], [of("logarithm", "throughput"), Math.log(4)],
    [of("single", 0.1), Math.fround(0.1)], [of("below", "size", "throughput"), 1], [of("below", 3, "size"), 0],
    [of("same", 3, "size"), 1], [of("and", 1, "size", 0), 0], [of("or", 0, 0), 0], [of("or", 0, "size"), 1], [of("not", 0), 1],
    [of("if", of("same", "size", 3), "throughput", 9), 4], [of("if", 0, "throughput", 9), 9],
    [{ kind: "Pick", table: "ladder", row: 1, column: 2 }, 40], [{ kind: "Pick", table: "ladder", row: -3, column: 8 }, 4],
    [{ kind: "Nearest", table: "ladder", row: 0, value: "size" }, 1], // 3 is as near to 2 as to 4
    [{ kind: "Nearest", table: "ladder", row: 1, value: -Infinity }, 0],
  ];
  for (const [term, exact] of cases) assert.equal(valueOf(term), exact, JSON.stringify(term));
});

test("what is let be later sees what was let be before, knobs among it", () => {
  const repairs = [{ name: "half", term: of("divide", "size", 2) }, { name: "size", term: of("add", "half", 1) }, { name: "throughput", term: of("multiply", "size", "half") }];
  const made = makeTerms({ repairs, quantities: [], tables: [] }, knobs());
  assert.deepEqual(Array.from(runLets(made.repairs, made.count, [3, 4])), [2.5, 3.75, 1.5]);
  const values = Float64Array.from([3, 4]);
  repairBy(made.repairs, made.room, values);
  assert.deepEqual(Array.from(values), [2.5, 3.75]);
});

test("a name that nobody has is refused", () => {
  assert.throws(() => valueOf("colour"), /no knob or quantity 'colour'/);
  assert.throws(() => valueOf({ kind: "Pick", table: "snakes", row: 0, column: 0 }), /no table 'snakes'/);
});
