// The network in the page: each kind of layer beside a slow twin, and its gradient beside differences.

import assert from "node:assert/strict";
import { test } from "node:test";

import { makeStack, pullBack, runStack, runUnit, unitReader } from "../src/network/stack.js";

/** Numbers that look random and are the same each time (Park and Miller's generator). */
function generator(seed) {
  let state = seed;
  return () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647 - 0.5;
  };
}

function floats(count, next) {
  const values = Float32Array.from({ length: count }, next);
  return new DataView(values.buffer);
}

const dense = (name, from, to, next) => ({ kind: "dense", name, shape: [to], weight: floats(from * to, next), bias: floats(to, next) });
const relu = (shape) => ({ kind: "relu", name: "", shape });

function convolutional() {
  const next = generator(7);
  return {
    shape: [1, 6, 7],
    layers: [
      { kind: "pad", name: "", shape: [1, 8, 9], margins: [1, 1, 1, 1] },
      { kind: "conv", name: "c", shape: [3, 3, 4], kernel: [3, 2], stride: [2, 2], padding: [0, 0], weight: floats(3 * 1 * 3 * 2, next), bias: floats(3, next) },
      relu([3, 3, 4]),
      { kind: "max-pool", name: "", shape: [3, 1, 2], kernel: [2, 2], stride: [2, 2], padding: [0, 0] },
      dense("d", 6, 4, next),
    ],
  };
}

function perceptron() {
  const next = generator(3);
  return { shape: [1, 6, 7], layers: [dense("a", 42, 9, next), relu([9]), dense("b", 9, 4, next)] };
}

const picture = (seed) => {
  const next = generator(seed);
  return Float64Array.from({ length: 42 }, () => (next() > 0.1 ? 0 : next()));
};

for (const [name, described] of Object.entries({ perceptron: perceptron(), convolutional: convolutional() })) {
  const stack = makeStack(described);

  test(`${name}: the gradient is what small differences give`, () => {
    const input = picture(11);
    const outputs = runStack(stack, input);
    const wanted = Float64Array.from([1, -2, 0.5, 0]);
    const value = (at) => runStack(stack, at).at(-1).reduce((sum, output, i) => sum + wanted[i] * output, 0);
    const gradient = pullBack(stack, input, outputs, wanted);
    assert.ok(gradient.some((slope) => Math.abs(slope) > 1e-3));
    for (let cell = 0; cell < input.length; cell += 1) {
      const moved = (by) => input.map((level, at) => (at === cell ? level + by : level));
      const slope = (value(moved(1e-6)) - value(moved(-1e-6))) / 2e-6;
      assert.ok(Math.abs(slope - gradient[cell]) < 1e-6, `cell ${cell}: ${slope} and ${gradient[cell]}`);
    }
  });

  test(`${name}: one unit alone answers as it does among the others`, () => {
    for (let seed = 1; seed < 6; seed += 1) {
      const input = picture(seed);
      const outputs = runStack(stack, input);
      outputs.forEach((layer, at) => layer.forEach((value, unit) => {
        assert.ok(Math.abs(runUnit(stack, input, at, unit) - value) < 1e-12);
      }));
    }
  });

  test(`${name}: a reader of one unit answers as the whole network, state after state in the same picture`, () => {
    const painted = picture(1).slice();
    const states = [1, 2, 3].map(picture);
    const last = stack.length - 1;
    for (const at of stack.keys()) {
      painted.set(states[0]);
      const unit = runStack(stack, painted)[at].length - 1;
      const read = unitReader(stack, at, unit);
      for (const state of [states[0], states[1], states[0], states[2]]) {
        painted.set(state);
        assert.ok(Math.abs(read(painted) - runStack(stack, painted, last)[at][unit]) < 1e-9, `layer ${at}`);
      }
    }
  });
}

test("a convolution is the sum over its window", () => {
  const [rows, columns] = [5, 6];
  const next = generator(5);
  const layer = { kind: "conv", name: "c", shape: [2, 3, 3], kernel: [3, 3], stride: [2, 2], padding: [1, 1], weight: floats(2 * 2 * 9, next), bias: floats(2, next) };
  const [stack] = [makeStack({ shape: [2, rows, columns], layers: [layer] })];
  const input = Float64Array.from({ length: 2 * rows * columns }, generator(9));
  const weight = new Float32Array(layer.weight.buffer);
  const bias = new Float32Array(layer.bias.buffer);
  const [found] = runStack(stack, input);
  for (let o = 0; o < 2; o += 1) for (let y = 0; y < 3; y += 1) for (let x = 0; x < 3; x += 1) {
    let sum = bias[o];
    for (let c = 0; c < 2; c += 1) for (let ky = 0; ky < 3; ky += 1) for (let kx = 0; kx < 3; kx += 1) {
      const [row, column] = [2 * y + ky - 1, 2 * x + kx - 1];
      if (row >= 0 && row < rows && column >= 0 && column < columns) sum += weight[((o * 2 + c) * 3 + ky) * 3 + kx] * input[(c * rows + row) * columns + column];
    }
    assert.ok(Math.abs(found[(o * 3 + y) * 3 + x] - sum) < 1e-12);
  }
});

test("cosines and sines of degrees, and their slopes", () => {
  const next = generator(5);
  const stack = makeStack({ shape: [4], layers: [dense("d", 4, 6, next), { kind: "turn", name: "t", shape: [6], parts: [2, 2, 2] }] });
  const input = Float64Array.from([30, -80, 200, 5]);
  const [turned, given] = runStack(stack, input).reverse();
  for (let at = 0; at < 6; at += 1) {
    const radians = (given[at] * Math.PI) / 180;
    assert.ok(Math.abs(turned[at] - (at < 2 ? given[at] : at < 4 ? Math.cos(radians) : Math.sin(radians))) < 1e-12);
    const slope = pullBack(stack, input, [given, turned], Float64Array.from({ length: 6 }, (_, one) => Number(one === at)));
    for (let place = 0; place < 4; place += 1) {
      const ends = [1e-4, -1e-4].map((step) => runStack(stack, input.map((value, one) => (one === place ? value + step : value)))[1][at]);
      assert.ok(Math.abs((ends[0] - ends[1]) / 2e-4 - slope[place]) < 1e-6);
    }
  }
});

/** @param {any} layer @param {number[]} shape */
function alone(layer, shape) {
  return makeStack({ shape, layers: [layer] });
}

const ONES = {
  sigmoid: { kind: "sigmoid", name: "", shape: [5] },
  tanh: { kind: "tanh", name: "", shape: [5] },
  scale: { kind: "scale", name: "", shape: [5], weight: floats(5, generator(11)), bias: floats(5, generator(12)) },
  "one scale": { kind: "scale", name: "", shape: [5], weight: floats(1, generator(13)), bias: floats(1, generator(14)) },
  shares: { kind: "shares", name: "", shape: [5], parts: [0, 0, 1, 1, 1] },
};

for (const [name, layer] of Object.entries(ONES)) {
  test(`${name}: its gradient is that of differences`, () => {
    const stack = alone(layer, [5]);
    const input = Float64Array.from([0.7, 0.2, 1.1, 0.4, 0.9]);
    const weights = Float64Array.from([1, -2, 3, 0.5, -1]);
    const value = (/** @type {Float64Array} */ x) => runStack(stack, x)[0].reduce((sum, one, at) => sum + weights[at] * one, 0);
    const slopes = pullBack(stack, input, runStack(stack, input), weights);
    for (let at = 0; at < 5; at += 1) {
      const [up, down] = [1e-5, -1e-5].map((step) => value(input.map((one, place) => (place === at ? one + step : one))));
      assert.ok(Math.abs(slopes[at] - (up - down) / 2e-5) < 1e-6, `${name} ${at}`);
    }
  });
}

test("shares of a group sum to 1, and are even where all are 0", () => {
  const [found] = runStack(alone(ONES.shares, [5]), Float64Array.from([3, 1, 0, 0, 0]));
  assert.deepEqual(Array.from(found), [0.75, 0.25, 1 / 3, 1 / 3, 1 / 3]);
});
