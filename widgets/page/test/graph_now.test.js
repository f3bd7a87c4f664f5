// On a graph, a switch follows the decision that the page found, whichever kind of output decides about it.

import assert from "node:assert/strict";
import { test } from "node:test";

import { isOnNow } from "../src/parts/graph_picture.js";

const NODE = { switch: 1, output: 2 };

test("of a choice, its own action turns a switch and no other does", () => {
  for (const [value, action, on] of [[0, 2, true], [1, 2, false], [0, 1, false], [1, 0, true]]) {
    assert.equal(isOnNow({ kind: "choice" }, NODE, { action }, [9, value]), on);
  }
});

test("of switches, its own output sets it whatever it was", () => {
  for (const before of [0, 1]) {
    assert.equal(isOnNow({ kind: "switches" }, NODE, { outputs: [-1, -1, 0.1] }, [0, before]), true);
    assert.equal(isOnNow({ kind: "switches" }, NODE, { outputs: [1, 1, -0.1] }, [0, before]), false);
  }
});

test("without an output that says it, or a decision, the kernel's picture says it", () => {
  assert.equal(isOnNow({ kind: "choice" }, { switch: 1, output: -1 }, { action: 2 }, [0, 1]), null);
  assert.equal(isOnNow({ kind: "choice" }, NODE, {}, [0, 1]), null);
  assert.equal(isOnNow({ kind: "switches" }, NODE, { outputs: [] }, [0, 1]), null);
});
