import assert from "node:assert/strict";
import { test } from "node:test";

import { taken } from "../src/shared/taken.js";

test("what is shown as set lies within what can be set", () => {
  const rate = { kind: "values", names: ["rate"], unit: "", low: [0], high: [1] };
  assert.deepEqual([-17.6, 0.25, 3].map((raw) => taken(rate, raw, 0)), [0, 0.25, 1]);
  assert.equal(taken({ kind: "values", names: ["flow"], unit: "" }, -17.6, 0), -17.6);
});
