// The edges of a graph: how full or strong each is, what it carries, and the paths of a chosen pair.

import { freshId, h, mix, rgb, s, setAttributes } from "../shared/dom.js";
import { number, percent } from "../shared/numbers.js";
import { NODE } from "./nodes.js";
import { isCrowded, roomFor } from "./places.js";
import { look, pictureOf } from "./graph_picture.js";

/** @type {Record<string, string[]>} */
const RAMP = {
  light: ["#d5dce4", "#f0cf86", "#df8c33", "#a8431d", "#571910"],
  dark: ["#46505d", "#875d24", "#cf8430", "#f2b75c", "#fff0c8"],
};
/** @type {Record<string, string>} */
const OVER = { light: "#7a1fa0", dark: "#ff9ae6" };
const BESIDE = 3.4; // how far a directed edge lies to the right of the line between its nodes
const MOST_LABELS = 3;
const MOST_COVERED = 12; // px² of other words that a label may lie on
const FAINT = 0.005; // an edge below it carries nothing that one could see
/** @type {[number, string][]} */
const MARKS = [[1, "network only"], [0, "both"], [-1, "optimum only"], [2, "nobody"]];

/**
 * End points of an edge; a directed one is set off to the right of its direction.
 * @param {GraphView} view
 * @param {[from: number, to: number]} given
 */
function endsOf(view, [a, b]) {
  const [[x0, y0], [x1, y1]] = [view.at[a], view.at[b]];
  const long = Math.hypot(x1 - x0, y1 - y0) || 1;
  const [ux, uy] = [(x1 - x0) / long, (y1 - y0) / long];
  const beside = view.graph.directed ? BESIDE / (isCrowded(view) ? 2 : 1) : 0;
  const [ox, oy] = [-uy * beside, ux * beside];
  const gap = Math.min(isCrowded(view) ? NODE - 1 : NODE + 2, long / 3);
  return { x0: x0 + ox + ux * gap, y0: y0 + oy + uy * gap, x1: x1 + ox - ux * gap, y1: y1 + oy - uy * gap, ux, uy };
}

/**
 * @param {GraphMap} map
 * @param {[from: number, to: number]} ends
 * @param {number} index
 */
export function makeMapLink(map, ends, index) {
  const { view } = map;
  const line = s("line", { class: "dx-link-line" });
  const reach = s("line", { class: "dx-link-reach" });
  const arrow = s("path", { class: "dx-link-arrow" });
  const element = s("g", { class: "dx-map-link", role: "option", id: freshId("link") }, line, arrow, reach);
  element.addEventListener("pointerenter", () => look(view, index));
  element.addEventListener("pointerdown", () => look(view, index));
  const link = { element, line, arrow, reach, ends, at: endsOf(view, ends) };
  placeLink(view, link);
  return link;
}

/**
 * @param {GraphView} view
 * @param {GraphLink} link
 */
export function placeLink(view, link) {
  const at = endsOf(view, link.ends);
  link.at = at;
  setAttributes(link.line, { x1: at.x0, y1: at.y0, x2: at.x1, y2: at.y1 });
  setAttributes(link.reach, { x1: at.x0 - at.uy * 2, y1: at.y0 + at.ux * 2, x2: at.x1 - at.uy * 2, y2: at.y1 + at.ux * 2 });
}

/**
 * How an edge looks: [colour, width, dashes].
 * @param {GraphView} view
 * @param {GraphPicture} picture
 * @param {number} side
 * @param {number} index
 * @returns {[string, number, string]}
 */
function lookOf(view, picture, side, index) {
  const level = picture.level[side][index];
  const { theme } = view.store;
  if (view.mode === "marks") {
    const mark = picture.marks[index];
    return [markColour(mark), /** @type {Record<string, number>} */ ({ 1: 4.5, 0: 2.5, "-1": 4.5, 2: 1.2 })[mark], mark === -1 ? "7 4" : mark === 2 ? "1 4" : "none"];
  }
  const wide = 1.6 + 3.6 * Math.sqrt(Math.min(level, 1.3));
  if (view.graph.full) return [heat(theme, level), wide, level > 1 + 1e-9 ? "9 3" : "none"];
  return level < FAINT ? ["transparent", 1, "none"] : ["var(--dx-accent)", wide, "none"];
}

/**
 * @param {GraphView} view
 * @param {GraphLink} link
 * @param {GraphPicture} picture
 * @param {number} side
 * @param {number} index
 */
export function paintLink(view, link, picture, side, index) {
  const [colour, full, dash] = lookOf(view, picture, side, index);
  const wide = isCrowded(view) ? full / 2 : full;
  link.line.style.cssText = `stroke:${colour};stroke-width:${wide.toFixed(2)};stroke-dasharray:${dash}`;
  if (view.graph.directed) {
    const { at } = link;
    const [x, y] = [at.x0 + 0.62 * (at.x1 - at.x0), at.y0 + 0.62 * (at.y1 - at.y0)];
    const size = 2.6 + wide * 0.75;
    /**
     * @param {number} along
     * @param {number} aside
     */
    const point = (along, aside) => `${(x + at.ux * along - at.uy * aside).toFixed(1)} ${(y + at.uy * along + at.ux * aside).toFixed(1)}`;
    link.arrow.setAttribute("d", `M${point(size, 0)}L${point(-size * 0.7, size * 0.8)}L${point(-size * 0.7, -size * 0.8)}Z`);
    link.arrow.style.fill = colour;
  }
  link.element.classList.toggle("dx-looked", view.link === index);
  setAttributes(link.element, { "aria-selected": String(view.link === index), "aria-label": linkWords(view, index) });
}

/**
 * @param {GraphView} view
 * @param {GraphPicture} picture
 * @param {number} side
 */
export function routesOf(view, picture, side) {
  if (view.pair === null) return [];
  /** @type {any[]} */
  const parts = [];
  view.graph.pathPair.forEach((pair, path) => {
    const share = picture.shares[side][path];
    if (pair !== view.pair || share < 0.005) return;
    for (const link of view.graph.pathLinks[path]) {
      const at = endsOf(view, view.graph.links[link]);
      parts.push(s("line", { class: "dx-route", x1: at.x0, y1: at.y0, x2: at.x1, y2: at.y1, style: `stroke-width:${(4 + 10 * share).toFixed(1)}` }));
    }
  });
  return parts;
}

/**
 * What the fullest edges carry, and the edge that is looked at.
 * @param {GraphMap} map
 * @param {GraphPicture} picture
 */
export function labelsOf(map, picture) {
  const { view, side } = map;
  const level = picture.level[side];
  const order = Array.from(level.keys()).sort((a, b) => level[b] - level[a]);
  const shown = new Set(order.slice(0, view.width < 420 ? 1 : MOST_LABELS).filter((link) => level[link] > FAINT));
  if (view.link !== null) shown.add(view.link);
  /** @type {Box[]} */
  const taken = [...view.names.map((name) => name.box), ...view.at.map(([x, y]) => /** @type {Box} */ ([x - 7, y - 7, x + 7, y + 7]))];
  return [...shown].flatMap((link, rank) => {
    const text = carried(picture, side, link);
    const place = roomFor(map.links[link].at, text.length * 6.6, taken, view);
    if (place.covers > MOST_COVERED && rank > 0 && link !== view.link) return []; // its colour says it, too
    taken.push(place.box);
    return s("text", { x: place.x, y: place.y, "text-anchor": "middle", class: link === view.link ? "dx-strong-label" : "" }, text);
  });
}

/**
 * What an edge carries, in a word.
 * @param {GraphPicture} picture
 * @param {number} side
 * @param {number} index
 */
function carried(picture, side, index) {
  return picture.words ? picture.words[side][index] : percent(picture.level[side][index]);
}

/**
 * @param {GraphView} view
 * @param {number} index
 */
export function linkWords(view, index) {
  const { graph } = view;
  const picture = /** @type {GraphPicture} */ (pictureOf(view)); // its links are drawn
  const [a, b] = graph.links[index];
  /** @param {number} side */
  const load = (side) => (graph.capacity ? `${number(picture.level[side][index] * graph.capacity[index])} ${graph.unit} (${percent(picture.level[side][index])})` : carried(picture, side, index));
  const each = picture.names.map((/** @type {string} */ name, /** @type {number} */ side) => `${name.toLowerCase()} ${load(side)}`).join(", ");
  const who = view.mode === "marks" ? `; used by ${MARKS.find(([mark]) => mark === picture.marks[index])?.[1]}` : "";
  const capacity = graph.capacity ? `, capacity ${number(graph.capacity[index])} ${graph.unit}` : "";
  return `${graph.names[a]} to ${graph.names[b]}${capacity}: ${each}${who}`;
}


/**
 * The colour of a link that is so full; beyond its capacity another colour (and dashes).
 * @param {string} theme
 * @param {number} used
 */
function heat(theme, used) {
  if (used > 1 + 1e-9) return OVER[theme];
  const ramp = RAMP[theme];
  const place = Math.min(Math.max(used, 0), 1) * (ramp.length - 1);
  const at = Math.min(Math.floor(place), ramp.length - 2);
  return `rgb(${mix(rgb(ramp[at]), rgb(ramp[at + 1]), place - at).map(Math.round).join(",")})`;
}

/** @param {number} mark */
function markColour(mark) {
  return /** @type {Record<string, string>} */ ({ 1: "var(--dx-positive)", 0: "var(--dx-soft)", "-1": "var(--dx-negative)", 2: "var(--dx-line)" })[mark];
}

/** @param {GraphView} view */
export function drawLegend(view) {
  const shape = `${view.mode} ${view.store.theme}`;
  if (view.legend.dataset.shape === shape) return;
  view.legend.dataset.shape = shape;
  if (view.mode === "marks") {
    const samples = MARKS.map(([mark, words]) => h("span", { class: "dx-mark-sample" }, h("i", { class: `dx-mark dx-mark-${mark === -1 ? "theirs" : ["both", "ours", "none"][mark]}` }), words));
    view.legend.replaceChildren(h("span", {}, "Used by"), ...samples);
    return;
  }
  if (!view.graph.full) {
    const parts = view.graph.means ? [h("i", { class: "dx-mark dx-mark-width" }), h("span", {}, `The wider, the larger the ${view.graph.means}.`)] : [];
    if (view.graph.nodes.some((node) => node.switch >= 0)) parts.push(h("span", {}, "A filled square is on; a dashed rim is switched now."));
    view.legend.replaceChildren(...parts);
    return;
  }
  const { theme } = view.store;
  const stops = RAMP[theme].map((colour, index, all) => `${colour} ${(100 * index) / (all.length - 1)}%`).join(",");
  const over = h("i", { class: "dx-over-sample", style: `background:${OVER[theme]}` });
  view.legend.replaceChildren("empty", h("span", { class: "dx-heat-ramp", style: `background:linear-gradient(90deg,${stops})` }), "full", over, "over its capacity (dashed)");
}
