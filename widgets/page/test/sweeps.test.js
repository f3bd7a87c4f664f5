// How a neuron responds along a sweep.

import assert from "node:assert/strict";
import { test } from "node:test";

import { ACTIVE, DEAD, FLAT, SATURATED, classify } from "../src/network/sweeps.js";

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
