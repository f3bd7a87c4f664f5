// Nodes and edges, once for each way of doing it: the network's, the optimum's, a rule's.
// part: {graph: {names, nodes: [{place, moves, amount, switch, shape}], links, directed, full, means, capacity, unit,
//        pairs, knobs, earlier, pathPair, pathLinks}, edit, mode}
// figure.graph: {names: [S], headlines: [S], verdict, level: f32 [S, E], words: [S][E] or null, on: u8 [S, N] or empty,
//        marks: i8 [E], shares: f32 [S, F]}; marks and shares where pairs send traffic over paths

import { h, s, setAttributes, setText } from "../shared/dom.js";
import { drawLegend, labelsOf, linkWords, makeMapLink, paintLink, placeLink, routesOf } from "./edges.js";
import { makeAmounts, makeNode, paintNodes, placeNode, standsAt } from "./nodes.js";
import { placeNames } from "./places.js";
import { unfolded } from "../shared/long_graph.js";
import { makeTraffic } from "./traffic.js";
import { look, pictureOf } from "./graph_picture.js";
import { typeset } from "../shared/words.js";

/** What a verdict begins with: a number and its unit, "26.5 W". */
const FIGURE = /^[\d.,]+(?:%| [A-Z]\S{0,3}(?=\s))?/;
const TALLEST = 320; // px between the highest and the lowest node

/**
 * @param {Store} store
 * @param {PartSpec} part
 * @param {PanelModel} model
 */
export function makeGraph(store, part, model) {
  /** @type {Graph} */
  const graph = unfolded(part.graph);
  const view = /** @type {GraphView} */ (/** @type {Partial<GraphView>} */ ({ store, model, graph, edit: part.edit, mode: part.mode || "used", link: null, pair: null, pending: null, width: 0, maps: [] }));
  view.draw = () => drawGraph(view);
  view.verdict = h("p", { class: "dx-verdict-line" });
  view.readout = h("output", { class: "dx-readout", "aria-live": "polite" });
  view.legend = h("div", { class: "dx-legend dx-heat-legend" });
  const { pairs, nodes } = graph;
  const top = h("div", { class: "dx-controls dx-map-head" }, view.verdict, pairs && graph.marked !== false ? makeModes(view) : null);
  view.grid = h("div", { class: "dx-maps" });
  view.traffic = part.edit && pairs ? makeTraffic(view) : null;
  view.amounts = part.edit && nodes.some((node) => node.amount >= 0 || node.switch >= 0) ? makeAmounts(view) : null;
  view.travels = nodes.some((node) => node.moves || node.amount >= 0);
  const below = [view.traffic, view.amounts].flatMap((side) => side?.element ?? []);
  const element = h("div", { class: "dx-topology" }, top, view.grid, view.legend, view.readout, ...below);
  view.element = element;
  const resize = new ResizeObserver(([entry]) => {
    const width = Math.floor(entry.contentRect.width);
    const columns = width >= 560 ? 2 : 1;
    view.width = Math.floor((width - (columns - 1) * 16) / columns);
    view.theme = null;
    drawGraph(view);
  });
  resize.observe(view.grid);
  /** @param {string} what */
  const update = (what) => {
    if (what !== "live" || view.travels) drawGraph(view);
    view.traffic?.update();
    view.amounts?.update();
  };
  model.on("change:figure", () => update("figure"));
  return { element, update, stop: () => resize.disconnect() };
}

/** @param {GraphView} view */
function makeModes(view) {
  const modes = [["used", "how full they are"], ["marks", "who uses them"]];
  const choice = h("select", { "aria-label": "Links show", onchange: (event) => { view.mode = event.target.value; drawGraph(view); } }, ...modes.map(([value, text]) => h("option", { value, selected: value === view.mode }, text)));
  return h("label", { class: "dx-field" }, h("span", { class: "dx-label" }, "Links show"), choice);
}

/**
 * A verdict with its figure drawn large: "1.00 times the optimum", "26.5 W with the same heads".
 * @param {HTMLElement} element
 * @param {string} text
 */
function setVerdict(element, text) {
  if (element.dataset.text === text) return;
  element.dataset.text = text;
  const [figure] = FIGURE.exec(text) ?? [""];
  element.replaceChildren(...(figure ? [h("strong", {}, figure)] : []), typeset(text.slice(figure.length)));
}

/** @param {GraphView} view */
export function drawGraph(view) {
  const picture = pictureOf(view);
  view.element.hidden = !picture;
  if (!picture || view.width < 120) return;
  if (view.maps.length !== picture.names.length) {
    view.maps = picture.names.map((_, /** @type {number} */ side) => makeMap(view, side));
    view.grid.replaceChildren(...view.maps.map((map) => map.element));
    view.placed = false;
  }
  if (view.theme !== view.store.theme || !view.placed) layOut(view);
  else if (view.travels) follow(view);
  view.theme = view.store.theme;
  setVerdict(view.verdict, picture.verdict);
  view.maps.forEach((map) => map.update(picture));
  drawLegend(view);
  setText(view.readout, view.link === null ? hintOf(view) : linkWords(view, view.link));
}

/**
 * Pixels of all nodes, and where their names have room.
 * @param {GraphView} view
 */
function layOut(view) {
  const { nodes } = view.graph;
  const side = Math.min(70, 30 + view.width * 0.08);
  /** @param {number} axis */
  const farthest = (axis) => (nodes.some((node) => node.moves) ? 1 : Math.max(...nodes.map((node) => node.place[axis]), 0.2));
  const [long, tall] = [farthest(0), farthest(1)];
  view.scale = Math.min((view.width - 2 * side) / long, TALLEST / tall);
  view.left = (view.width - long * view.scale) / 2;
  view.top = 30;
  view.height = Math.round(tall * view.scale + 64);
  view.placed = true;
  stand(view);
  view.maps.forEach((map) => map.make());
}

/** @param {GraphView} view */
function stand(view) {
  view.at = view.graph.nodes.map((_, /** @type {number} */ index) => {
    const [x, y] = standsAt(view, index);
    return [view.left + x * view.scale, view.top + y * view.scale];
  });
  view.names = placeNames(view, view.graph.names);
}

/**
 * Nodes that were moved take their edges along.
 * @param {GraphView} view
 */
function follow(view) {
  stand(view);
  for (const map of view.maps) {
    map.nodes.forEach((node, /** @type {number} */ index) => placeNode(view, node, index));
    map.links.forEach((link) => placeLink(view, link));
  }
}

/**
 * @param {GraphView} view
 * @param {number} side
 */
function makeMap(view, side) {
  const title = h("span", { class: "dx-map-title" });
  const headline = h("span", { class: "dx-map-cost" });
  const svg = s("svg", { class: "dx-map", role: "listbox", tabindex: "0" });
  const element = h("figure", { class: "dx-map-box" }, h("figcaption", {}, title, headline), svg);
  const map = /** @type {GraphMap} */ (/** @type {Partial<GraphMap>} */ ({ view, side, svg, element, links: [] }));
  svg.addEventListener("keydown", (event) => mapKey(view, event));
  svg.addEventListener("pointerleave", () => look(view, null));
  svg.addEventListener("blur", () => look(view, null));
  map.make = () => buildMap(map);
  map.update = (picture) => {
    setText(title, picture.names[side]);
    setText(headline, picture.headlines[side]);
    setAttributes(svg, { "aria-label": `${picture.names[side]}: links and ${view.graph.means || "how full they are"}; arrow keys go from link to link` });
    updateMap(map, picture);
  };
  return map;
}

/** @param {GraphMap} map */
function buildMap(map) {
  const { view, svg } = map;
  setAttributes(svg, { width: view.width, height: view.height, viewBox: `0 0 ${view.width} ${view.height}` });
  map.routes = s("g", { class: "dx-routes", "aria-hidden": "true" });
  map.links = view.graph.links.map((ends, /** @type {number} */ index) => makeMapLink(map, ends, index));
  map.labels = s("g", { class: "dx-link-labels", "aria-hidden": "true" });
  map.nodes = view.graph.nodes.map((_, /** @type {number} */ index) => makeNode(view, index));
  const side = { x: view.left, y: view.top, width: view.scale, height: view.scale };
  const ground = view.graph.nodes.some((node) => node.moves) ? [s("rect", { ...side, rx: 4, class: "dx-ground" })] : [];
  svg.replaceChildren(...ground, map.routes, ...map.links.map((link) => link.element), ...map.nodes.map((node) => node.element), map.labels);
}

/**
 * @param {GraphMap} map
 * @param {GraphPicture} picture
 */
function updateMap(map, picture) {
  const { view, side } = map;
  map.links.forEach((link, /** @type {number} */ index) => paintLink(view, link, picture, side, index));
  setAttributes(map.svg, { "aria-activedescendant": view.link === null ? "" : map.links[view.link].element.id });
  map.routes.replaceChildren(...routesOf(view, picture, side));
  map.labels.replaceChildren(...labelsOf(map, picture));
  paintNodes(map, picture);
}

/**
 * @param {GraphView} view
 * @param {KeyboardEvent} event
 */
function mapKey(view, event) {
  const count = view.graph.links.length;
  const now = view.link === null ? -1 : view.link;
  const next = /** @type {Record<string, any>} */ ({ ArrowRight: now + 1, ArrowDown: now + 1, ArrowLeft: now - 1, ArrowUp: now - 1, Home: 0, End: count - 1 })[event.key];
  if (next === undefined) return;
  event.preventDefault();
  event.stopPropagation();
  look(view, ((next % count) + count) % count);
}

/** @param {GraphView} view */
function hintOf(view) {
  const { nodes, names } = view.graph;
  if (view.pending !== null) return `From ${names[view.pending]}: now click where the traffic goes.`;
  const parts = ["Point at a link for what it carries"];
  if (view.traffic) parts.push("click two nodes to choose the traffic between them");
  if (view.edit && nodes.some((node) => node.moves)) parts.push("drag a circle to move it");
  if (view.edit && nodes.some((node) => node.switch >= 0)) parts.push("click a square to switch it");
  return `${parts.join("; ")}.`;
}
