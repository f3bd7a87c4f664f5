// What a graph shows: what the kernel said last, and the edge that is looked at.

import { bytes } from "../shared/bytes.js";

/**
 * What the kernel said last, with its arrays unpacked once.
 * @param {GraphView} view
 */
export function pictureOf(view) {
  /** @type {{graph?: SaidGraphPicture}} */
  const { graph: given } = view.model.get("figure");
  if (given && given !== view.given) {
    view.given = given;
    /**
     * @template {Float32Array | Uint8Array} T
     * @param {Packed} data
     * @param {new (of: any) => T} Kind
     */
    const parted = (data, Kind) => {
      const all = bytes(data, Kind);
      const each = all.length / given.names.length;
      return given.names.map((_, side) => /** @type {T} */ (all.subarray(side * each, (side + 1) * each)));
    };
    const on = given.on ? parted(given.on, Uint8Array) : null;
    view.picture = { ...given, on, level: parted(given.level, Float32Array), shares: parted(given.shares, Float32Array), marks: bytes(given.marks, Int8Array) };
  }
  return given ? view.picture : null;
}

/**
 * Whether a node is on after the decision that is shown, which may be ahead of the picture; null if no output says it.
 * @param {Scene["output"]} output the scene's: its kind
 * @param {GraphNode} node
 * @param {Step} live the step that is shown
 * @param {Numbers} values of the knobs that it is about
 * @returns {boolean | null}
 */
export function isOnNow(output, node, live, values) {
  if (node.output < 0 || node.switch < 0) return null;
  if (output.kind === "switches") return live.outputs.length ? live.outputs[node.output] > 0 : null;
  if (live.action === undefined) return null;
  return (values[node.switch] > 0.5) !== (live.action === node.output);
}

/**
 * @param {GraphView} view
 * @param {number | null} link
 */
export function look(view, link) {
  if (view.link === link) return;
  view.link = link;
  view.draw();
}
