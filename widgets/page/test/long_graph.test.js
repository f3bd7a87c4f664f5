// A graph that came as bytes is the graph that would have come as lists.

import assert from "node:assert/strict";
import { test } from "node:test";

import { unfolded } from "../src/shared/long_graph.js";

const asBytes = (numbers) => new DataView(Int32Array.from(numbers.flat()).buffer);

test("bytes become lists again, and lists stay as they are", () => {
  const lists = { names: ["a", "b"], pairs: [[0, 1], [1, 0]], knobs: [2, 3], earlier: [[0, 1]], pathPair: [0, 0, 1], pathLinks: [[0], [1, 2], [3]] };
  const { names, pathLinks, ...rest } = lists;
  const sent = Object.fromEntries(Object.entries(rest).map(([name, numbers]) => [name, asBytes(numbers)]));
  const found = unfolded({ names, ...sent, rows: 1, pathEnds: asBytes([1, 3, 4]), pathLinks: asBytes(pathLinks) });
  const { pathEnds: _ends, rows: _rows, ...back } = found;
  assert.deepEqual(back, lists);
  assert.equal(unfolded(lists), lists);
  assert.deepEqual(unfolded({ ...sent, earlier: asBytes([]), rows: 0, pathEnds: asBytes([1, 3, 4]), pathLinks: asBytes(pathLinks) }).earlier, []);
});
