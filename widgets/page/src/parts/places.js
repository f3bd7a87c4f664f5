// Where names of nodes and labels of links have room on a map.

const CROWD = 60;
const LEAST_COVER = 8; // px², less than a letter

/**
 * Whether there are so many nodes that marks are drawn smaller, and only names that have room (the others on hover).
 * @param {GraphView} view
 */
export const isCrowded = (view) => view.graph.nodes.length > CROWD;

/**
 * For each name the first of eight sides, clockwise from below, where it covers least.
 * @param {GraphView} view
 * @param {string[]} nodes
 */
export function placeNames(view, nodes) {
  const crowded = isCrowded(view);
  const half = crowded ? 4 : 8;
  const taken = view.at.map(([x, y]) => /** @type {Box} */ ([x - half, y - half, x + half, y + half]));
  const lines = crowded ? [] : view.graph.links.map(([a, b]) => /** @type {[Point, Point]} */ ([view.at[a], view.at[b]]));
  return nodes.map((/** @type {string} */ name, /** @type {number} */ index) => {
    const [x, y] = view.at[index];
    const wide = name.length * 6.1;
    const sides = [[0, 19], [0, -11], [wide / 2 + 10, 4], [-wide / 2 - 10, 4], [wide / 2 + 6, 15], [-wide / 2 - 6, 15], [wide / 2 + 6, -8], [-wide / 2 - 6, -8]];
    /** @type {Room} */
    let best = { covers: Infinity, box: [0, 0, 0, 0], x, y };
    for (const [dx, dy] of sides) {
    /** @type {Box} */
    const box = [x + dx - wide / 2, y + dy - 9, x + dx + wide / 2, y + dy + 3];
    const outside = Math.max(0, -box[0]) + Math.max(0, box[2] - view.width) + Math.max(0, box[3] - view.height);
    const covers = taken.reduce((/** @type {number} */ sum, other) => sum + overlap(box, other), 0) + 40 * outside + 3 * lines.reduce((/** @type {number} */ sum, line) => sum + crosses(box, line), 0);
      if (covers < best.covers - 1) best = { covers, box, x: x + dx, y: y + dy };
    }
    best.hidden = crowded && best.covers > LEAST_COVER;
    if (!best.hidden) taken.push(best.box);
    return best;
  });
}

/**
 * @param {Box} first
 * @param {Box} other
 */
function overlap(first, other) {
  const w = Math.min(first[2], other[2]) - Math.max(first[0], other[0]);
  const t = Math.min(first[3], other[3]) - Math.max(first[1], other[1]);
  return w > 0 && t > 0 ? w * t : 0;
}

/**
 * How many of nine points along a line lie in a box.
 * @param {Box} box
 * @param {[Point, Point]} given
 */
function crosses(box, [a, b]) {
  let inside = 0;
  for (let part = 0.1; part < 0.95; part += 0.1) {
    const x = a[0] + part * (b[0] - a[0]);
    const y = a[1] + part * (b[1] - a[1]);
    if (x > box[0] && x < box[2] && y > box[1] && y < box[3]) inside += 1;
  }
  return inside;
}

/** How far aside of a link (px) and how far along it a label may stand, the best first. */
const SPOTS = [1, 2].flatMap((far) => [0.5, 0.3, 0.7, 0.15, 0.85].flatMap((along) => [[13 * far, along], [-17 * far, along]]));

/**
 * Where beside a link a label of that width covers least: right of it or left, nearer to its start or its end, close to it if it can.
 * @param {Ends} at
 * @param {number} wide
 * @param {Box[]} taken
 * @param {GraphView} view
 */
export function roomFor(at, wide, taken, view) {
  /** @type {Room} */
  let best = { covers: Infinity, box: [0, 0, 0, 0], x: at.x0, y: at.y0 };
  for (const [aside, along] of SPOTS) {
    const x = at.x0 + along * (at.x1 - at.x0) - at.uy * aside * (1 + 0.6 * Math.abs(at.uy));
    const y = at.y0 + along * (at.y1 - at.y0) + at.ux * aside + 4;
    /** @type {Box} */
    const box = [x - wide / 2, y - 9, x + wide / 2, y + 2];
    const outside = Math.max(0, -box[0]) + Math.max(0, box[2] - view.width);
    const covers = taken.reduce((/** @type {number} */ sum, other) => sum + overlap(box, other), 0) + 40 * outside;
    if (covers < best.covers - 1) best = { covers, box, x, y };
  }
  return best;
}
