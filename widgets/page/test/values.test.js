// Values of knobs: what a drag or a key asks for is a value that the knob has.

import assert from "node:assert/strict";
import { test } from "node:test";
import { keyed, snap } from "../src/shared/knob_values.js";


const STEPPED = { name: "length", low: 0, high: 15, step: 1 };
const SMOOTH = { name: "rate", low: -1, high: 3, step: 0 };

test("a value is the nearest one that the knob has", () => {
  assert.deepEqual([-3, 0.4, 0.6, 14.7, 99].map((value) => snap(STEPPED, value)), [0, 0, 1, 15, 15]);
  assert.deepEqual([-3, 0.4, 99].map((value) => snap(SMOOTH, value)), [-1, 0.4, 3]);
  for (let value = 0; value <= 15; value += 1) assert.equal(snap(STEPPED, value), value);
});

test("keys go one step, a fifth of the range, or to an end, and never outside", () => {
  const keys = ["ArrowUp", "ArrowDown", "PageUp", "PageDown", "Home", "End"];
  assert.deepEqual(keys.map((key) => keyed(STEPPED, 7, key)), [8, 6, 10, 4, 0, 15]);
  assert.deepEqual(keys.map((key) => keyed(STEPPED, 15, key)), [15, 14, 15, 12, 0, 15]);
  assert.equal(keyed(STEPPED, 7, "x"), null);
  assert.ok(Math.abs(keyed(SMOOTH, 0, "ArrowUp") - 0.04) < 1e-12);
});
