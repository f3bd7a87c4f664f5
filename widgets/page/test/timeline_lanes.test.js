import assert from "node:assert/strict";
import test from "node:test";

import { fitsBeside, lanesOf } from "../src/parts/timeline_lanes.js";

const pen = { font: "", measureText: (/** @type {string} */ text) => ({ width: 7 * text.length }) };
const run = { name: "A network taught fairly", summary: "mean cost of 3.56, 0 users kept out", wrong: "" };

test("what is said of a run has a line of its own where it does not fit beside the name", () => {
  assert.equal(fitsBeside(pen, run, 340), false);
  assert.equal(fitsBeside(pen, run, 740), true);
  assert.equal(fitsBeside(pen, { ...run, wrong: "3,135 users kept out" }, 400), false);
  const figure = { flags: [], runs: [{ tracks: [{}] }, { tracks: [{}] }] };
  const [beside, under] = [lanesOf(figure), lanesOf(figure, [true, false])];
  assert.equal(beside.lanes[0].said, beside.lanes[0].title);
  assert.ok(under.lanes[0].said > under.lanes[0].title);
  assert.equal(under.lanes[0].rows[0].top - under.lanes[0].said, beside.lanes[0].rows[0].top - beside.lanes[0].said);
  assert.equal(under.lanes[1].said, under.lanes[1].title);
});
