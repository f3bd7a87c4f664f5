// Integrated gradients along a path that is divided where the network bends.

import assert from "node:assert/strict";
import { test } from "node:test";

import { meanGradient } from "../src/network/path.js";
import { makeStack, runStack } from "../src/network/stack.js";

/** @param {number[]} values */
const packed = (values) => new DataView(Float32Array.from(values).buffer);

// relu(x0 - x1), relu(x1 - 1), relu(2 - x0 - x1), then 2, -3 and 1 of them, plus 0.5
const STACK = makeStack({
  shape: [2],
  layers: [
    { kind: "dense", shape: [3], weight: packed([1, -1, 0, 1, -1, -1]), bias: packed([0, -1, 2]) },
    { kind: "relu", shape: [3] },
    { kind: "dense", shape: [1], weight: packed([2, -3, 1]), bias: packed([0.5]) },
  ],
});
const scalar = (raw) => ({ value: raw[0], slope: Float64Array.from([1]), direct: null });
const value = (input) => runStack(STACK, Float64Array.from(input))[2][0];

for (const [from, to] of [[[0, 0], [3, 2]], [[1, 4], [2, -1]], [[0.3, 0.1], [0.31, 0.12]]]) {
  test(`shares sum to the difference, and are the path's mean gradient, from ${from} to ${to}`, () => {
    const found = meanGradient(STACK, Float64Array.from(from), Float64Array.from(to), scalar);
    assert.ok(Math.abs(found.explained - (value(to) - value(from))) < 1e-9);
    const sum = found.cells.reduce((total, slope, at) => total + slope * (to[at] - from[at]), 0);
    assert.ok(Math.abs(sum - found.explained) <= 0.01 * Math.abs(found.explained) + 1e-9);
    assert.ok(Math.abs(found.missed - (sum - found.explained)) < 1e-9);
    const fine = 20000;
    const mean = [0, 0];
    for (let at = 0; at < fine; at += 1) {
      const [a, b] = from.map((low, axis) => low + ((at + 0.5) / fine) * (to[axis] - low));
      const on = [a - b > 0, b - 1 > 0, 2 - a - b > 0];
      mean[0] += (2 * on[0] - on[2]) / fine;
      mean[1] += (-2 * on[0] - 3 * on[1] - on[2]) / fine;
    }
    mean.forEach((slope, axis) => assert.ok(Math.abs(found.cells[axis] - slope) < 0.05, `${found.cells[axis]} and ${slope}`));
  });
}

test("what depends on the knobs directly has its share, too", () => {
  const square = (raw, place) => ({ value: raw[0] + place * place, slope: Float64Array.from([1]), direct: Float64Array.from([2 * place]) });
  const found = meanGradient(STACK, Float64Array.from([0, 0]), Float64Array.from([1, 0]), square, Float64Array.from([1]));
  assert.ok(Math.abs(found.direct[0] - 1) < 1e-9); // the mean of 2 t over 0 to 1
  assert.ok(Math.abs(found.explained - (value([1, 0]) - value([0, 0]) + 1)) < 1e-9);
});

test("where nothing bends few steps are enough", () => {
  assert.equal(meanGradient(STACK, Float64Array.from([0.3, 0.1]), Float64Array.from([0.31, 0.12]), scalar).steps, 32);
});
