// Traffic over the paths of a graph, from a network's shares: what each link carries, the busiest one and its slopes,
// and the picture of it beside even shares. Pure functions. graph: as views.py's flow_graph.

import { percent } from "../shared/numbers.js";

/**
 * @typedef {{pairs: number[][], knobs: number[], pathPair: number[], pathLinks: number[][], capacity: number[], links: number[][], names: string[], unit: string}} FlowGraph
 */

/**
 * How full each link is, of its capacity.
 * @param {FlowGraph} graph
 * @param {Numbers} values
 * @param {Numbers} shares
 */
export function linksUsed(graph, values, shares) {
  const used = new Float64Array(graph.links.length);
  graph.pathLinks.forEach((links, path) => {
    const sent = shares[path] * values[graph.knobs[graph.pathPair[path]]];
    for (const link of links) used[link] += sent / graph.capacity[link];
  });
  return used;
}

/**
 * The fullest link, the first of several.
 * @param {Numbers} used
 */
export function fullestLink(used) {
  let best = 0;
  for (let link = 1; link < used.length; link += 1) if (used[link] > used[best]) best = link;
  return best;
}

/**
 * The slopes of one link's utilisation: by the shares, and by the demands themselves (a number for each knob).
 * @param {FlowGraph} graph
 * @param {Numbers} values
 * @param {Numbers} shares
 * @param {number} link
 */
export function linkSlopes(graph, values, shares, link) {
  const byShare = new Float64Array(shares.length);
  const byKnob = new Float64Array(values.length);
  graph.pathLinks.forEach((links, path) => {
    if (!links.includes(link)) return;
    const knob = graph.knobs[graph.pathPair[path]];
    byShare[path] = values[knob] / graph.capacity[link];
    byKnob[knob] += shares[path] / graph.capacity[link];
  });
  return { byShare, byKnob };
}

/**
 * Even shares over the paths of each pair.
 * @param {FlowGraph} graph
 */
export function evenShares(graph) {
  const count = new Float64Array(graph.pairs.length);
  for (const pair of graph.pathPair) count[pair] += 1;
  return Float64Array.from(graph.pathPair, (pair) => 1 / count[pair]);
}

/** @param {FlowGraph} graph @param {number} link */
export function linkName(graph, link) {
  return graph.links[link].map((node) => graph.names[node]).join(" -> ");
}

/**
 * What parts/graph.js draws of it, and a sentence.
 * @param {FlowGraph} graph
 * @param {Numbers} values
 * @param {Numbers} shares
 */
export function routedPicture(graph, values, shares) {
  const even = evenShares(graph);
  const sides = [shares, even].map((share) => linksUsed(graph, values, share));
  const [cost, beside] = sides.map((used) => used[fullestLink(used)] ?? 0);
  /** @param {ArrayLike<number>[]} arrays */
  const joined = (arrays) => new DataView(Float32Array.from(arrays.flatMap((row) => Array.from(row))).buffer);
  const verdict = cost > 0 && beside > 0 ? `The busiest link is ${percent(cost / beside)} as full as with even shares` : "No traffic";
  const sentence = cost > 0
    ? `The network fills its busiest link, ${linkName(graph, fullestLink(sides[0]))}, to ${percent(cost)}; even shares over the same paths would fill theirs, ${linkName(graph, fullestLink(sides[1]))}, to ${percent(beside)}.`
    : "There is no traffic, so nothing is used.";
  return {
    sentence,
    graph: {
      names: ["Network", "Even shares"], headlines: [cost, beside].map((most) => `busiest link ${percent(most)} full`), verdict, words: null, on: null,
      level: joined(sides), shares: joined([shares, even]), marks: new DataView(new Int8Array(graph.links.length).buffer),
    },
  };
}

/**
 * The busiest link's utilisation as what is explained: its slopes by the outputs, and by the demands themselves.
 * @param {FlowGraph} graph
 * @param {Numbers} values
 * @param {Numbers} shares
 * @returns {Target}
 */
export function busiestTarget(graph, values, shares) {
  const link = fullestLink(linksUsed(graph, values, shares));
  /** @typedef {{outputs: Numbers}} Read */
  const slopes = (/** @type {Numbers} */ known, /** @type {Numbers} */ outputs) => linkSlopes(graph, known, outputs, fullestLink(linksUsed(graph, known, outputs)));
  return {
    name: `the utilisation of ${linkName(graph, link)}, the busiest link`,
    unit: "utilisation",
    share: { name: "utilisation of the busiest link", unit: "" }, // along a path another link may be the busiest
    value: (/** @type {Read} */ { outputs }, /** @type {Numbers} */ known) => Math.max(...linksUsed(graph, known, outputs)),
    slope: (/** @type {Read} */ { outputs }, /** @type {Numbers} */ known) => slopes(known, outputs).byShare,
    direct: (/** @type {Read} */ { outputs }, /** @type {Numbers} */ known) => slopes(known, outputs).byKnob,
  };
}
