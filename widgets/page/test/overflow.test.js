// On which side of a box more is to be seen.

import assert from "node:assert/strict";
import { test } from "node:test";

import { hiddenSides } from "../src/shared/overflow.js";

test("a box says on which sides there is more of what it holds", () => {
  const sides = (/** @type {number} */ scrollLeft, scrollWidth = 500) => Object.values(hiddenSides({ scrollLeft, clientWidth: 300, scrollWidth }));
  assert.deepEqual(sides(0, 300), [false, false]);
  assert.deepEqual(sides(0, 301), [false, false]); // rounding
  assert.deepEqual(sides(0), [false, true]);
  assert.deepEqual(sides(100), [true, true]);
  assert.deepEqual(sides(200), [true, false]);
});
