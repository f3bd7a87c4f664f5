import assert from "node:assert/strict";
import { test } from "node:test";

import { decisionAt } from "../src/parts/player.js";

test("the decision of a moment is the last that was made by then", () => {
  const times = [0, 0, 1, 4, 4, 9];
  const slow = (time) => times.reduce((found, at, index) => (at <= time ? index : found), 0);
  for (let time = 0; time <= 10; time += 0.5) assert.equal(decisionAt(times, time), slow(time), `at ${time}`);
  assert.equal(decisionAt(times, -1), 0);
});
