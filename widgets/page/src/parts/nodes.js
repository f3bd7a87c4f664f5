// The nodes of a graph: some stand still, some are dragged, some are switched, some have an amount.

import { h, s, setAttributes } from "../shared/dom.js";
import { isOnNow } from "./graph_picture.js";
import { makeSlider } from "./knobs.js";
import { isCrowded } from "./places.js";

export const NODE = 5;

/**
 * @param {GraphView} view
 * @param {number} index
 */
export function makeNode(view, index) {
  const { shape, switch: knob } = view.graph.nodes[index];
  const dot = shape === "square" ? s("rect", { class: "dx-node-dot", rx: 2 }) : s("circle", { class: "dx-node-dot" });
  const reach = s("circle", { r: isCrowded(view) ? 7 : 14, class: "dx-reach" });
  const text = s("text", { "text-anchor": "middle", class: "dx-node-name" }, view.graph.names[index]);
  const element = s("g", { class: "dx-node", "aria-hidden": "true" }, reach, dot, text);
  if (view.traffic) element.addEventListener("click", () => view.traffic?.pick(index));
  if (view.edit && knob >= 0) element.addEventListener("click", () => view.store.propose([[knob, view.store.values[knob] > 0.5 ? 0 : 1]], true));
  if (view.edit && view.graph.nodes[index].moves) dragNode(view, element, index);
  const node = { element, dot, reach, text };
  placeNode(view, node, index);
  return node;
}

/**
 * @param {GraphView} view
 * @param {NodeMark} node
 * @param {number} index
 */
export function placeNode(view, node, index) {
  const [x, y] = view.at[index];
  const where = view.names[index];
  const size = sizeOf(view, index);
  setAttributes(node.reach, { cx: x, cy: y });
  if (node.dot.tagName === "rect") setAttributes(node.dot, { x: x - size, y: y - size, width: 2 * size, height: 2 * size });
  else setAttributes(node.dot, { cx: x, cy: y, r: size });
  setAttributes(node.text, { x: where.x, y: where.y });
  node.text.classList.toggle("dx-covered", Boolean(where.hidden));
}

/**
 * The area of a node grows with its amount.
 * @param {GraphView} view
 * @param {number} index
 */
function sizeOf(view, index) {
  const { amount, shape } = view.graph.nodes[index];
  if (amount < 0) return (shape === "square" ? NODE + 2 : NODE) - (isCrowded(view) ? 2 : 0);
  const knob = view.store.scene.knobs[amount];
  return NODE + 7 * Math.sqrt(Math.max(0, view.store.values[amount] - knob.low) / (knob.high - knob.low || 1));
}

/**
 * Where a node that moves stands, from its knobs: their bounds are the edges of the picture, y up.
 * @param {GraphView} view
 * @param {number} index
 */
export function standsAt(view, index) {
  const { place, moves } = view.graph.nodes[index];
  if (!moves) return place;
  const { scene, values } = view.store;
  const [x, y] = moves.map((/** @type {number} */ knob) => (values[knob] - scene.knobs[knob].low) / (scene.knobs[knob].high - scene.knobs[knob].low || 1));
  return [x, 1 - y];
}

/**
 * @param {GraphView} view
 * @param {SVGElement} element
 * @param {number} index
 */
function dragNode(view, element, index) {
  let held = false;
  /**
   * @param {PointerEvent} event
   * @param {boolean} settled
   */
  const move = (event, settled) => {
    const box = /** @type {SVGSVGElement} */ (element.ownerSVGElement).getBoundingClientRect();
    const part = [(event.clientX - box.left - view.left) / view.scale, 1 - (event.clientY - box.top - view.top) / view.scale];
    const { moves } = view.graph.nodes[index];
    const { knobs } = view.store.scene;
    view.store.propose((moves ?? []).map((/** @type {number} */ knob, axis) => [knob, knobs[knob].low + part[axis] * (knobs[knob].high - knobs[knob].low)]), settled);
  };
  element.classList.add("dx-moves");
  element.addEventListener("pointerdown", (event) => {
    held = true;
    element.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  element.addEventListener("pointermove", (event) => held && move(event, false));
  element.addEventListener("pointerup", (event) => {
    if (held) move(event, true);
    held = false;
  });
  element.addEventListener("pointercancel", () => {
    if (held) view.store.propose([], true);
    held = false;
  });
}

/**
 * Marks what is on, what is about to be switched, and the chosen pair.
 * @param {GraphMap} map
 * @param {GraphPicture} picture
 */
export function paintNodes(map, picture) {
  const { view, side } = map;
  const ends = view.pair === null ? [] : view.graph.pairs[view.pair];
  const { scene, live, pageStep, values } = view.store;
  const shown = pageStep ? values : live.values;
  map.nodes.forEach((node, /** @type {number} */ index) => {
    const { switch: knob, amount } = view.graph.nodes[index];
    const on = (side ? null : isOnNow(scene.output, view.graph.nodes[index], live, shown)) ?? (picture.on ? Boolean(picture.on[side][index]) : true);
    node.element.classList.toggle("dx-source", ends[0] === index || view.pending === index);
    node.element.classList.toggle("dx-target", ends[1] === index && view.pending === null);
    node.element.classList.toggle("dx-on", knob >= 0 && on);
    node.element.classList.toggle("dx-asleep", knob >= 0 && !on);
    node.element.classList.toggle("dx-switched", knob >= 0 && on !== view.store.values[knob] > 0.5);
    node.element.classList.toggle("dx-amount", amount >= 0);
  });
}

/**
 * Below the graph: a slider for each amount, a box for each switch.
 * @param {GraphView} view
 */
export function makeAmounts(view) {
  const { store, graph } = view;
  /** @type {any[]} */
  const rows = [];
  graph.nodes.forEach((node, /** @type {number} */ index) => {
    if (node.amount >= 0) rows.push(makeSlider(store, { knob: store.scene.knobs[node.amount], index: node.amount }, store.scene.knobs[node.amount].name));
    if (node.switch >= 0) rows.push(makeSwitch(store, graph.names[index], node.switch));
  });
  const sliders = rows.filter((row) => row.element.tagName === "LABEL" && !row.box);
  const boxes = rows.filter((row) => row.box);
  const element = h("div", { class: "dx-amounts" }, h("div", { class: "dx-knobs" }, ...sliders.map((row) => row.element)), boxes.length ? h("div", { class: "dx-controls", role: "group", "aria-label": "Switches" }, ...boxes.map((row) => row.element)) : null);
  return { element, update: () => rows.forEach((row) => row.update()) };
}

/**
 * @param {Store} store
 * @param {string} name
 * @param {number} knob
 */
function makeSwitch(store, name, knob) {
  const input = h("input", { type: "checkbox", onchange: (event) => store.propose([[knob, event.target.checked ? 1 : 0]], true) });
  return {
    box: true,
    element: h("label", { class: "dx-check" }, input, store.scene.knobs[knob].name),
    update() {
      input.checked = store.values[knob] > 0.5;
    },
  };
}
