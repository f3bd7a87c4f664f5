// Scales and lines of charts.

import assert from "node:assert/strict";
import { test } from "node:test";

import { linePath, makeFrame, roundInterval, roundNumbers } from "../src/parts/chart.js";

const EDGE = { left: 40, right: 10, top: 20, bottom: 30 };
const frame = makeFrame({ width: 450, height: 250, edge: EDGE, x: [0, 4], y: [-1, 1] });

test("the corners of a frame are the ends of its scales, and y goes up", () => {
  assert.deepEqual([0, 4].map(frame.x), [40, 440]);
  assert.deepEqual([-1, 0, 1].map(frame.y), [220, 120, 20]);
  assert.equal(frame.x.invert(240), 2);
});

test("equal factors are equally apart on a logarithmic scale", () => {
  const { x } = makeFrame({ width: 450, height: 250, edge: EDGE, x: [1, 100], y: [0, 1], log: true });
  assert.ok(Math.abs(x(10) - x(1) - (x(100) - x(10))) < 1e-9);
});

test("one value alone still has a place inside the frame", () => {
  const { x, y } = makeFrame({ width: 450, height: 250, edge: EDGE, x: [3, 3], y: [2, 2] });
  assert.deepEqual([x(3), y(2)], [40, 220]);
});

test("a round interval covers what it is for, hardly more, and ends at round numbers", () => {
  for (const [low, high] of [[0, 7.3], [-0.31, 12.2], [1e-6, 3e-6], [-250, -13], [5, 5], [0, 1e6]]) {
    const [from, to] = roundInterval(low, high);
    assert.ok(from <= low && to >= high, `${low} to ${high}: ${from} to ${to}`);
    if (high > low) assert.ok(to - from < 2.5 * (high - low));
    for (const end of [from, to]) {
      const steps = (end / (to - from)) * 40; // a step is 1, 2 or 5 of a power of ten, at least a fortieth of it all
      assert.ok(Math.abs(steps - Math.round(steps)) < 1e-6 || roundNumbers(from, to, 4).some((value) => Math.abs(value - end) < 1e-9 * (to - from)));
    }
  }
});

test("the interval stays while its ends stay inside the same steps", () => {
  assert.deepEqual(roundInterval(0, 7.3), roundInterval(0.1, 7.9));
});

test("lines and stairs go through their points", () => {
  assert.equal(linePath(frame, [[0, -1], [2, 0], [4, 1]]), "M40,220L240,120L440,20");
  assert.equal(linePath(frame, [[0, -1], [2, 0], [4, 0]], true), "M40,220L240,220L240,120L440,120L440,120");
  assert.equal(linePath(frame, []), "");
});
