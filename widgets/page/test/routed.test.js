// Traffic over paths in the page: what links carry, the busiest one's slopes beside differences, and what is told.

import assert from "node:assert/strict";
import { test } from "node:test";

import { busiestTarget, evenShares, fullestLink, linkSlopes, linksUsed, routedPicture } from "../src/network/routed.js";

/** a -> b directly, or by way of c; a -> c directly. */
const GRAPH = {
  names: ["a", "b", "c"], unit: "Gb/s", links: [[0, 1], [0, 2], [2, 1]], capacity: [10, 10, 5], pairs: [[0, 1], [0, 2]], knobs: [1, 0],
  pathPair: [0, 0, 1], pathLinks: [[0], [1, 2], [1]],
};
const DEMANDS = Float64Array.from([2, 8]); // of knobs: a -> c 2, a -> b 8
const SHARES = Float64Array.from([0.25, 0.75, 1]);

test("each link carries the shares of the demands whose paths cross it", () => {
  assert.deepEqual(Array.from(linksUsed(GRAPH, DEMANDS, SHARES)), [0.2, 0.8, 1.2]);
  assert.equal(fullestLink(linksUsed(GRAPH, DEMANDS, SHARES)), 2);
  assert.deepEqual(Array.from(evenShares(GRAPH)), [0.5, 0.5, 1]);
});

test("slopes are those of differences, by share and by demand", () => {
  const { byShare, byKnob } = linkSlopes(GRAPH, DEMANDS, SHARES, 1);
  const moved = (array, at) => array.map((value, place) => (place === at ? value + 1e-6 : value));
  for (let at = 0; at < 3; at += 1) assert.ok(Math.abs((linksUsed(GRAPH, DEMANDS, moved(SHARES, at))[1] - 0.8) / 1e-6 - byShare[at]) < 1e-6);
  for (let at = 0; at < 2; at += 1) assert.ok(Math.abs((linksUsed(GRAPH, moved(DEMANDS, at), SHARES)[1] - 0.8) / 1e-6 - byKnob[at]) < 1e-6);
});

test("the picture has the network beside even shares, and says how full the busiest links are", () => {
  const { sentence, graph } = routedPicture(GRAPH, DEMANDS, SHARES);
  assert.deepEqual(graph.headlines, ["busiest link 120% full", "busiest link 80% full"]);
  assert.match(sentence, /c -> b, to 120%.*even shares.*c -> b, to 80%/);
  assert.equal(graph.level.byteLength, 4 * 6);
  assert.equal(routedPicture(GRAPH, Float64Array.from([0, 0]), SHARES).sentence, "There is no traffic, so nothing is used.");
});

test("what is explained is the busiest link", () => {
  const target = busiestTarget(GRAPH, DEMANDS, SHARES);
  assert.match(target.name, /c -> b, the busiest link/);
  assert.deepEqual(Array.from(target.slope({ outputs: SHARES }, DEMANDS)), Array.from(linkSlopes(GRAPH, DEMANDS, SHARES, 2).byShare));
  assert.deepEqual(Array.from(target.direct({ outputs: SHARES }, DEMANDS)), Array.from(linkSlopes(GRAPH, DEMANDS, SHARES, 2).byKnob));
  assert.equal(target.value({ outputs: SHARES }, DEMANDS), Math.max(...linksUsed(GRAPH, DEMANDS, SHARES)));
});
