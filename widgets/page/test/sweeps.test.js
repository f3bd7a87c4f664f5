// How a neuron responds along a sweep.

import assert from "node:assert/strict";
import { test } from "node:test";

import { ACTIVE, DEAD, FLAT, SATURATED, classify, sweepStates } from "../src/network/sweeps.js";
import { makeWhole } from "../src/network/sketch.js";
import { makeTerms } from "../src/network/terms.js";

const GRID = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
const curve = (f) => GRID.map(f);

test("a ramp is active throughout", () => {
  assert.deepEqual(classify(GRID, curve((x) => x), 10, false), curve(() => ACTIVE));
});

test("a rectified neuron is dead where it is 0, and active above", () => {
  assert.deepEqual(classify(GRID, curve((x) => Math.max(0, x - 4)), 6, true), curve((x) => (x <= 4 ? DEAD : ACTIVE)));
});

test("a curve that levels off is saturated from there on", () => {
  assert.deepEqual(classify(GRID, curve((x) => Math.min(x, 5)), 5, false).slice(5, 9), [SATURATED, SATURATED, SATURATED, SATURATED]);
  assert.equal(classify(GRID, curve((x) => Math.min(x, 5)), 5, false)[2], ACTIVE);
});

test("a curve that hardly moves beside the neuron's others is flat", () => {
  assert.deepEqual(classify(GRID, curve((x) => 3 + x / 100), 10, false), curve(() => FLAT));
});

test("in a sweep only what follows from its knob is repaired anew, and all is as if everything were", () => {
  const of = (does, ...terms) => ({ kind: "Of", does, terms });
  const names = ["a", "b", "c", "d"];
  const let_ = (name, term) => ({ name, term });
  const lists = [
    [let_("b", of("multiply", "a", 2)), let_("c", of("add", "b", 1)), let_("d", of("least", "d", 2))],
    [let_("a", of("least", "a", 2)), let_("b", of("add", "b", of("multiply", 0, "a"))), let_("b", of("most", "b", "c"))],
    [let_("q", of("add", "c", 1)), let_("b", of("add", "q", "a")), let_("q", of("add", "d", 3)), let_("d", of("least", "q", 5))],
    [let_("b", of("add", "a", "c")), let_("c", of("least", "c", 1)), let_("a", of("most", "a", "d"))],
    [],
  ];
  for (const repairs of lists) {
    const made = makeTerms({ repairs, quantities: [], tables: [] }, new Map(names.map((name, at) => [name, at])));
    const sketch = { knobs: names.map((name) => ({ name, low: 0, high: 4, step: 1, group: "" })), wholes: [], strokes: [], size: 0, ...made };
    for (let place = 0; place < names.length; place += 1) {
      const base = Float64Array.of(1, 3, 2, 4);
      const { grid, rows } = sweepStates({ ...sketch, knobs: sketch.knobs.map((knob) => ({ ...knob, low: -1e9, high: 1e9, step: 0 })) }, place, base, null, []);
      rows.forEach((row, at) => {
        const full = base.slice();
        full[place] = grid[at];
        assert.deepEqual(row, makeWhole(sketch, full));
      });
    }
  }
});
