// A graph with more paths than lists can carry comes as bytes of int32 (views.py, _long); here it becomes lists again.

import { bytes } from "./bytes.js";

/**
 * The graph with its pairs, knobs and paths as lists, whichever way they came.
 * @param {any} graph
 */
export function unfolded(graph) {
  if (!graph.pathEnds) return graph;
  const [pairs, knobs, earlier, pathPair, ends, links] = ["pairs", "knobs", "earlier", "pathPair", "pathEnds", "pathLinks"].map((name) => bytes(graph[name], Int32Array));
  return {
    ...graph,
    pairs: rowsOf(pairs, pairs.length / 2),
    knobs: Array.from(knobs),
    earlier: rowsOf(earlier, graph.rows),
    pathPair: Array.from(pathPair),
    pathLinks: Array.from(ends, (end, path) => Array.from(links.subarray(path ? ends[path - 1] : 0, end))),
  };
}

/**
 * Numbers as so many rows of equal length.
 * @param {Int32Array} all
 * @param {number} count
 */
function rowsOf(all, count) {
  const width = count ? all.length / count : 0;
  return Array.from({ length: count }, (_, row) => Array.from(all.subarray(row * width, (row + 1) * width)));
}
