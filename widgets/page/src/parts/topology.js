// One network twice, as the policy uses it and as the optimum would: directed links coloured by how full they are.
// part: {graph: {nodes, places, links, capacity, pairs, knobs, earlier, pathPair, pathLinks, unit}, edit, mode}
// figure.flows: {names: [2], cost: [2], ratio, words, used: f32 [2, E], marks: i8 [E], shares: f32 [2, F]}

import { bytes } from "../shared/bytes.js";
import { freshId, h, mix, number, rgb, s, setAttributes, setText } from "../shared/dom.js";
import { placeNames, roomFor } from "./places.js";
import { makeTraffic } from "./traffic.js";

const RAMP = {
  light: ["#d5dce4", "#f0cf86", "#df8c33", "#a8431d", "#571910"],
  dark: ["#46505d", "#875d24", "#cf8430", "#f2b75c", "#fff0c8"],
};
const OVER = { light: "#7a1fa0", dark: "#ff9ae6" };
const NODE = 5;
const BESIDE = 3.4; // how far a link lies to the right of the line between its nodes
const MOST_LABELS = 3;
const TALLEST = 320; // px between the highest and the lowest node
const MARKS = [[1, "network only"], [0, "both"], [-1, "optimum only"], [2, "nobody"]];

export function makeTopology(store, part, model) {
  const view = { store, model, graph: part.graph, mode: part.mode || "used", link: null, pair: null, pending: null, width: 0 };
  view.maps = [0, 1].map((side) => makeMap(view, side));
  view.verdict = h("p", { class: "dx-verdict-line" });
  view.readout = h("output", { class: "dx-readout", "aria-live": "polite" });
  view.legend = h("div", { class: "dx-legend dx-heat-legend" });
  const modes = [["used", "how full they are"], ["marks", "who uses them"]];
  const choice = h("select", { "aria-label": "Links show", onchange: (event) => { view.mode = event.target.value; drawTopology(view); } }, ...modes.map(([value, text]) => h("option", { value, selected: value === view.mode }, text)));
  const top = h("div", { class: "dx-controls dx-map-head" }, view.verdict, h("label", { class: "dx-field" }, h("span", { class: "dx-label" }, "Links show"), choice));
  const grid = h("div", { class: "dx-maps" }, ...view.maps.map((map) => map.element));
  view.traffic = part.edit ? makeTraffic(view) : null;
  const element = h("div", { class: "dx-topology" }, top, grid, view.legend, view.readout, view.traffic ? view.traffic.element : null);
  const resize = new ResizeObserver(([entry]) => {
    const width = Math.floor(entry.contentRect.width);
    const columns = width >= 560 ? 2 : 1;
    view.width = Math.floor((width - (columns - 1) * 16) / columns);
    view.theme = null;
    drawTopology(view);
  });
  resize.observe(grid);
  const update = (what) => {
    if (what !== "live") drawTopology(view);
    view.traffic?.update();
  };
  model.on("change:figure", () => update("figure"));
  return { element, update, stop: () => resize.disconnect() };
}

/** What the kernel said last, with its arrays unpacked once. */
export function flowsOf(view) {
  const { flows } = view.model.get("figure");
  if (flows && flows !== view.given) {
    view.given = flows;
    const links = view.graph.links.length;
    const used = bytes(flows.used, Float32Array);
    const shares = bytes(flows.shares, Float32Array);
    const half = shares.length / 2;
    view.flows = { ...flows, used: [used.subarray(0, links), used.subarray(links)], shares: [shares.subarray(0, half), shares.subarray(half)], marks: bytes(flows.marks, Int8Array) };
  }
  return flows ? view.flows : null;
}

export function drawTopology(view) {
  const flows = flowsOf(view);
  view.maps[0].element.closest(".dx-topology").hidden = !flows;
  if (!flows || view.width < 120) return;
  if (view.theme !== view.store.theme || !view.placed) layOut(view);
  view.theme = view.store.theme;
  setText(view.verdict, flows.words);
  view.maps.forEach((map) => map.update(flows));
  drawLegend(view);
  setText(view.readout, view.link === null ? hintOf(view) : linkWords(view, view.link));
}

/** Pixels of all nodes, and where their names have room. */
function layOut(view) {
  const { places, nodes } = view.graph;
  const side = Math.min(70, 30 + view.width * 0.08);
  const [long, tall] = [0, 1].map((axis) => Math.max(...places.map((place) => place[axis]), 0.2));
  const scale = Math.min((view.width - 2 * side) / long, TALLEST / tall);
  const left = (view.width - long * scale) / 2;
  view.height = Math.round(tall * scale + 64);
  view.at = places.map(([x, y]) => [left + x * scale, 30 + y * scale]);
  view.names = placeNames(view, nodes);
  view.placed = true;
  view.maps.forEach((map) => map.make());
}

function makeMap(view, side) {
  const title = h("span", { class: "dx-map-title" });
  const cost = h("span", { class: "dx-map-cost" });
  const svg = s("svg", { class: "dx-map", role: "listbox", tabindex: "0" });
  const element = h("figure", { class: "dx-map-box" }, h("figcaption", {}, title, cost), svg);
  const map = { view, side, svg, element, links: [] };
  svg.addEventListener("keydown", (event) => mapKey(view, event));
  svg.addEventListener("pointerleave", () => look(view, null));
  svg.addEventListener("blur", () => look(view, null));
  map.make = () => buildMap(map);
  map.update = (flows) => {
    setText(title, flows.names[side]);
    setText(cost, `busiest link ${percentOf(flows.cost[side])} full`);
    setAttributes(svg, { "aria-label": `${flows.names[side]}: links and how full they are; arrow keys go from link to link` });
    updateMap(map, flows);
  };
  return map;
}

function buildMap(map) {
  const { view, svg } = map;
  setAttributes(svg, { width: view.width, height: view.height, viewBox: `0 0 ${view.width} ${view.height}` });
  map.routes = s("g", { class: "dx-routes", "aria-hidden": "true" });
  map.links = view.graph.links.map((ends, index) => makeMapLink(map, ends, index));
  map.labels = s("g", { class: "dx-link-labels", "aria-hidden": "true" });
  const nodes = view.graph.nodes.map((name, index) => makeNode(view, name, index));
  map.nodes = nodes;
  svg.replaceChildren(map.routes, ...map.links.map((link) => link.element), ...nodes, map.labels);
}

/** End points of a link, set off to the right of its direction. */
function endsOf(view, [a, b]) {
  const [[x0, y0], [x1, y1]] = [view.at[a], view.at[b]];
  const long = Math.hypot(x1 - x0, y1 - y0) || 1;
  const [ux, uy] = [(x1 - x0) / long, (y1 - y0) / long];
  const [ox, oy] = [-uy * BESIDE, ux * BESIDE];
  const gap = Math.min(NODE + 2, long / 3);
  return { x0: x0 + ox + ux * gap, y0: y0 + oy + uy * gap, x1: x1 + ox - ux * gap, y1: y1 + oy - uy * gap, ux, uy };
}

function makeMapLink(map, ends, index) {
  const { view } = map;
  const at = endsOf(view, ends);
  const line = s("line", { class: "dx-link-line", x1: at.x0, y1: at.y0, x2: at.x1, y2: at.y1 });
  const reach = s("line", { class: "dx-link-reach", x1: at.x0 - at.uy * 2, y1: at.y0 + at.ux * 2, x2: at.x1 - at.uy * 2, y2: at.y1 + at.ux * 2 });
  const arrow = s("path", { class: "dx-link-arrow" });
  const element = s("g", { class: "dx-map-link", role: "option", id: freshId("link") }, line, arrow, reach);
  element.addEventListener("pointerenter", () => look(view, index));
  element.addEventListener("pointerdown", () => look(view, index));
  return { element, line, arrow, at };
}

function makeNode(view, name, index) {
  const [x, y] = view.at[index];
  const where = view.names[index];
  const text = s("text", { x: where.x, y: where.y, "text-anchor": "middle", class: "dx-node-name" }, name);
  const node = s("g", { class: "dx-node", "aria-hidden": "true" }, s("circle", { cx: x, cy: y, r: 12, class: "dx-reach" }), s("circle", { cx: x, cy: y, r: NODE, class: "dx-node-dot" }), text);
  if (view.traffic) node.addEventListener("click", () => view.traffic.pick(index));
  return node;
}

function updateMap(map, flows) {
  const { view, side } = map;
  const { theme } = view.store;
  map.links.forEach((link, index) => paintLink(view, link, flows, side, index, theme));
  const chosen = view.link === null ? "" : map.links[view.link].element.id;
  setAttributes(map.svg, { "aria-activedescendant": chosen });
  map.routes.replaceChildren(...routesOf(view, flows, side));
  map.labels.replaceChildren(...labelsOf(map, flows));
  const ends = view.pair === null ? [] : view.graph.pairs[view.pair];
  map.nodes.forEach((node, index) => {
    node.classList.toggle("dx-source", ends[0] === index || view.pending === index);
    node.classList.toggle("dx-target", ends[1] === index && view.pending === null);
  });
}

function paintLink(view, link, flows, side, index, theme) {
  const used = flows.used[side][index];
  const mark = flows.marks[index];
  const marked = view.mode === "marks";
  const colour = marked ? markColour(mark) : heat(theme, used);
  const wide = marked ? { 1: 4.5, 0: 2.5, "-1": 4.5, 2: 1.2 }[mark] : 1.6 + 3.6 * Math.sqrt(Math.min(used, 1.3));
  const dash = marked ? (mark === -1 ? "7 4" : mark === 2 ? "1 4" : "none") : used > 1 + 1e-9 ? "9 3" : "none";
  link.line.style.cssText = `stroke:${colour};stroke-width:${wide.toFixed(2)};stroke-dasharray:${dash}`;
  const { at } = link;
  const [x, y] = [at.x0 + 0.62 * (at.x1 - at.x0), at.y0 + 0.62 * (at.y1 - at.y0)];
  const size = 2.6 + wide * 0.75;
  const point = (along, aside) => `${(x + at.ux * along - at.uy * aside).toFixed(1)} ${(y + at.uy * along + at.ux * aside).toFixed(1)}`;
  link.arrow.setAttribute("d", `M${point(size, 0)}L${point(-size * 0.7, size * 0.8)}L${point(-size * 0.7, -size * 0.8)}Z`);
  link.arrow.style.fill = colour;
  link.element.classList.toggle("dx-looked", view.link === index);
  setAttributes(link.element, { "aria-selected": String(view.link === index), "aria-label": linkWords(view, index) });
}

function routesOf(view, flows, side) {
  if (view.pair === null) return [];
  const parts = [];
  view.graph.pathPair.forEach((pair, path) => {
    const share = flows.shares[side][path];
    if (pair !== view.pair || share < 0.005) return;
    for (const link of view.graph.pathLinks[path]) {
      const at = endsOf(view, view.graph.links[link]);
      parts.push(s("line", { class: "dx-route", x1: at.x0, y1: at.y0, x2: at.x1, y2: at.y1, style: `stroke-width:${(4 + 10 * share).toFixed(1)}` }));
    }
  });
  return parts;
}

/** How full the fullest links are, and the link that is looked at. */
function labelsOf(map, flows) {
  const { view, side } = map;
  const used = flows.used[side];
  const order = Array.from(used.keys()).sort((a, b) => used[b] - used[a]);
  const shown = new Set(order.slice(0, view.width < 420 ? 1 : MOST_LABELS).filter((link) => used[link] > 0.005));
  if (view.link !== null) shown.add(view.link);
  const taken = [...view.names.map((name) => name.box), ...view.at.map(([x, y]) => [x - 7, y - 7, x + 7, y + 7])];
  return [...shown].map((link) => {
    const text = percentOf(used[link]);
    const place = roomFor(map.links[link].at, text.length * 6.6, taken, view);
    taken.push(place.box);
    return s("text", { x: place.x, y: place.y, "text-anchor": "middle", class: link === view.link ? "dx-strong-label" : "" }, text);
  });
}

function look(view, link) {
  if (view.link === link) return;
  view.link = link;
  drawTopology(view);
}

function mapKey(view, event) {
  const count = view.graph.links.length;
  const now = view.link === null ? -1 : view.link;
  const next = { ArrowRight: now + 1, ArrowDown: now + 1, ArrowLeft: now - 1, ArrowUp: now - 1, Home: 0, End: count - 1 }[event.key];
  if (next === undefined) return;
  event.preventDefault();
  event.stopPropagation();
  look(view, ((next % count) + count) % count);
}

function hintOf(view) {
  if (view.pending !== null) return `From ${view.graph.nodes[view.pending]}: now click where the traffic goes.`;
  return view.traffic ? "Point at a link for its load; click two cities to choose the traffic between them." : "Point at a link for its load.";
}

function linkWords(view, index) {
  const { graph } = view;
  const flows = flowsOf(view);
  const [a, b] = graph.links[index];
  const load = (side) => `${flows.names[side].toLowerCase()} ${number(flows.used[side][index] * graph.capacity[index])} ${graph.unit} (${percentOf(flows.used[side][index])})`;
  const who = view.mode === "marks" ? `; used by ${MARKS.find(([mark]) => mark === flows.marks[index])[1]}` : "";
  return `${graph.nodes[a]} to ${graph.nodes[b]}, capacity ${number(graph.capacity[index])} ${graph.unit}: ${load(0)}, ${load(1)}${who}`;
}

export function percentOf(share) {
  if (share > 0 && share < 0.0005) return "<0.1%";
  return `${number(100 * share)}%`;
}

/** The colour of a link that is so full; beyond its capacity another colour (and dashes). */
function heat(theme, used) {
  if (used > 1 + 1e-9) return OVER[theme];
  const ramp = RAMP[theme];
  const place = Math.min(Math.max(used, 0), 1) * (ramp.length - 1);
  const at = Math.min(Math.floor(place), ramp.length - 2);
  return `rgb(${mix(rgb(ramp[at]), rgb(ramp[at + 1]), place - at).map(Math.round).join(",")})`;
}

function markColour(mark) {
  return { 1: "var(--dx-positive)", 0: "var(--dx-soft)", "-1": "var(--dx-negative)", 2: "var(--dx-line)" }[mark];
}

function drawLegend(view) {
  const shape = `${view.mode} ${view.store.theme}`;
  if (view.legend.dataset.shape === shape) return;
  view.legend.dataset.shape = shape;
  if (view.mode === "marks") {
    const samples = MARKS.map(([mark, words]) => h("span", { class: "dx-mark-sample" }, h("i", { class: `dx-mark dx-mark-${mark === -1 ? "theirs" : ["both", "ours", "none"][mark]}` }), words));
    view.legend.replaceChildren(h("span", {}, "Used by"), ...samples);
    return;
  }
  const { theme } = view.store;
  const stops = RAMP[theme].map((colour, index, all) => `${colour} ${(100 * index) / (all.length - 1)}%`).join(",");
  const over = h("i", { class: "dx-over-sample", style: `background:${OVER[theme]}` });
  view.legend.replaceChildren("empty", h("span", { class: "dx-heat-ramp", style: `background:linear-gradient(90deg,${stops})` }), "full", over, "over its capacity (dashed)");
}
