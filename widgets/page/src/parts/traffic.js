// The traffic of a topology: one pair's demand, all demands together, and the paths that a pair's demand takes.

import { h, setAttributes, setText, stretch } from "../shared/dom.js";
import { snap } from "../shared/knob_values.js";
import { number, percent, withUnit } from "../shared/numbers.js";
import { pictureOf } from "./graph_picture.js";

const WIDEST = 10; // all demands together may be scaled by 1/10 to 10

/** @param {GraphView} view */
export function makeTraffic(view) {
  const { graph, store } = view;
  const traffic = /** @type {Traffic} */ ({ view, scale: 1, anchor: null, rows: "both" });
  const options = () => graph.names.map((/** @type {string} */ name, /** @type {number} */ index) => h("option", { value: String(index) }, name));
  const from = h("select", { onchange: () => choose(traffic), "aria-label": "Traffic from" }, ...options());
  const to = h("select", { onchange: () => choose(traffic), "aria-label": "Traffic to" }, ...options());
  const first = graph.pairs.length ? graph.pairs[fullest(store, graph)] : [0, 1];
  Object.assign(traffic, { from, to });
  [from.value, to.value] = first.map(String);
  view.pair = pairAt(graph, first[0], first[1]);
  const top = Math.max(...Array.from(graph.knobs, (knob) => store.scene.knobs[knob].high));
  traffic.demand = makeRange("Demand", { min: 0, max: top, step: top / 400 }, (/** @type {number} */ value, /** @type {boolean} */ settled) => setDemand(traffic, value, settled));
  traffic.all = makeRange("All demands", { min: -1, max: 1, step: 0.005 }, (/** @type {number} */ value, /** @type {boolean} */ settled) => setScale(traffic, WIDEST ** value, settled));
  /**
   * @param {string} label
   * @param {HTMLElement} input
   */
  const field = (label, input) => h("label", { class: "dx-field" }, h("span", { class: "dx-label" }, label), input);
  const row = h("div", { class: "dx-controls dx-pair-row" }, field("Traffic from", from), field("to", to), traffic.demand.element, traffic.all.element);
  if (graph.earlier.length) row.append(field("Change", makeRowChoice(traffic)));
  traffic.paths = h("table", { class: "dx-bars dx-paths" });
  traffic.element = h("div", { class: "dx-traffic" }, row, traffic.paths);
  traffic.pick = (node) => pickNode(traffic, node);
  traffic.update = () => updateTraffic(traffic);
  return traffic;
}

/**
 * Whether the matrix that is carried changes, the ones before it, or all of them.
 * @param {Traffic} traffic
 */
function makeRowChoice(traffic) {
  const count = traffic.view.graph.earlier.length;
  const rows = [["both", "all matrices alike"], ["now", "only the one to route"], ["before", `only the ${count} before it`]];
  const select = h("select", {
    "aria-label": "Which matrices change",
    onchange: (event) => {
      traffic.rows = event.target.value;
      traffic.anchor = null;
      updateTraffic(traffic);
    },
  }, ...rows.map(([value, text]) => h("option", { value }, text)));
  return select;
}

/**
 * @param {string} name
 * @param {{min: number, max: number, step: number}} given
 * @param {(value: number, settled: boolean) => void} change
 */
function makeRange(name, { min, max, step }, change) {
  const value = h("output", { class: "dx-value" });
  const input = h("input", {
    type: "range", min: String(min), max: String(max), step: String(step),
    oninput: (event) => change(event.target.valueAsNumber, false),
    onchange: (event) => change(event.target.valueAsNumber, true),
    onkeydown: (event) => {
      if (/^(Arrow|Page|Home|End)/.test(event.key)) event.stopPropagation();
    },
  });
  input.setAttribute("aria-label", name);
  const element = h("label", { class: "dx-knob dx-range" }, h("span", { class: "dx-label" }, name), value, input);
  return {
    element, input,
    show(/** @type {number} */ now, /** @type {string} */ text) {
      if (Math.abs(input.valueAsNumber - now) > step / 2) input.value = String(now);
      setText(value, text);
      setAttributes(input, { "aria-valuetext": text });
      input.style.setProperty("--part", `${(100 * (now - min)) / (max - min)}%`);
    },
  };
}

/**
 * @param {Graph} graph
 * @param {number} from
 * @param {number} to
 */
function pairAt(graph, from, to) {
  const pair = graph.pairs.findIndex(([a, b]) => a === from && b === to);
  return pair < 0 ? null : pair;
}

/**
 * @param {Store} store
 * @param {Graph} graph
 */
function fullest(store, graph) {
  let best = 0;
  graph.knobs.forEach((/** @type {number} */ knob, pair) => {
    if (store.values[knob] > store.values[graph.knobs[best]]) best = pair;
  });
  return best;
}

/**
 * The knobs of a pair that a change turns: of the matrix to route, of those before it, or of all.
 * @param {Traffic} traffic
 * @param {number} pair
 */
function knobsOf(traffic, pair) {
  const { knobs, earlier } = traffic.view.graph;
  const before = earlier.map((row) => row[pair]);
  return /** @type {Record<string, any>} */ ({ both: [...before, knobs[pair]], now: [knobs[pair]], before })[traffic.rows];
}

/**
 * @param {Traffic} traffic
 * @param {number} value
 * @param {boolean} settled
 */
function setDemand(traffic, value, settled) {
  const { store, pair } = traffic.view;
  if (pair === null) return;
  traffic.anchor = null;
  store.propose(knobsOf(traffic, pair).map((/** @type {number} */ knob) => [knob, value]), settled);
}

/**
 * All demands times a factor of what they were when the slider was first touched: there and back loses nothing.
 * @param {Traffic} traffic
 * @param {number} factor
 * @param {boolean} settled
 */
function setScale(traffic, factor, settled) {
  const { graph, store } = traffic.view;
  traffic.anchor ??= Float64Array.from(store.values);
  const { anchor } = traffic;
  traffic.scale = factor;
  const changes = graph.pairs.flatMap((_, pair) => knobsOf(traffic, pair).map((/** @type {number} */ knob) => [knob, anchor[knob] * factor]));
  traffic.expected = Float64Array.from(store.values);
  for (const [knob, value] of changes) traffic.expected[knob] = snap(store.scene.knobs[knob], value);
  store.propose(changes, settled);
}

/**
 * Whether the values are still those that the scale slider asked for.
 * @param {Traffic} traffic
 */
function stillScaled(traffic) {
  if (!traffic.anchor) return false;
  const { values } = traffic.view.store;
  return traffic.expected.every((wanted, /** @type {number} */ knob) => Math.abs(values[knob] - wanted) <= 1e-5 * Math.max(1, wanted));
}

/** @param {Traffic} traffic */
function choose(traffic) {
  const { view } = traffic;
  view.pair = pairAt(view.graph, Number(traffic.from.value), Number(traffic.to.value));
  view.pending = null;
  view.draw();
  updateTraffic(traffic);
}

/**
 * Two clicks on cities choose a pair.
 * @param {Traffic} traffic
 * @param {number} node
 */
function pickNode(traffic, node) {
  const { view } = traffic;
  if (view.pending === null || view.pending === node) {
    view.pending = view.pending === node ? null : node;
    view.draw();
    return;
  }
  traffic.from.value = String(view.pending);
  traffic.to.value = String(node);
  choose(traffic);
}

/** @param {Traffic} traffic */
function updateTraffic(traffic) {
  const { view } = traffic;
  const { graph, store, pair } = view;
  const { unit } = graph;
  if (!stillScaled(traffic)) Object.assign(traffic, { anchor: null, scale: 1 });
  const turned = pair === null ? [] : traffic.rows === "before" ? knobsOf(traffic, pair) : [graph.knobs[pair]];
  const shown = mean(turned.map((/** @type {number} */ knob) => store.values[knob]));
  traffic.demand.input.disabled = pair === null;
  traffic.demand.show(shown, pair === null ? "no such pair" : withUnit(shown, unit));
  const total = graph.knobs.reduce((/** @type {number} */ sum, /** @type {number} */ knob) => sum + store.values[knob], 0);
  traffic.all.show(Math.log10(traffic.scale) / Math.log10(WIDEST), `×${number(traffic.scale)}: ${withUnit(total, unit)}`);
  drawPaths(traffic);
}

/** @param {number[]} values */
function mean(values) {
  return values.reduce((/** @type {number} */ sum, /** @type {number} */ value) => sum + value, 0) / Math.max(1, values.length);
}

/**
 * The chosen pair's paths, and the share of its demand that each carries, in both routings.
 * @param {Traffic} traffic
 */
function drawPaths(traffic) {
  const { view, paths } = traffic;
  const picture = pictureOf(view);
  const { graph, pair } = view;
  paths.hidden = pair === null || !picture;
  if (pair === null || !picture) return;
  const [source, target] = graph.pairs[pair].map((node) => graph.names[node]);
  if (paths.dataset.pair !== String(pair)) {
    paths.dataset.pair = String(pair);
    const members = graph.pathPair.map((of, path) => [of, path]).filter(([of]) => of === pair).map(([, path]) => path);
    traffic.rowsShown = members.map((path) => pathRow(graph, path));
    const head = h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Path"), ...picture.names.map((/** @type {string} */ name) => h("th", { scope: "col" }, name))));
    const body = h("tbody", {}, ...traffic.rowsShown.map((row) => row.element));
    paths.replaceChildren(h("caption", { class: "dx-label" }, `How the traffic from ${source} to ${target} is split`), head, body);
  }
  traffic.rowsShown.forEach((row) => row.update(picture));
}

/**
 * @param {Graph} graph
 * @param {number} path
 */
function pathRow(graph, path) {
  const links = graph.pathLinks[path].map((link) => graph.links[link]);
  const nodes = [links[0][0], ...links.map(([, b]) => b)].map((node) => graph.names[node]);
  const cells = [0, 1].map(() => {
    const fill = h("span", { class: "dx-fill" });
    const text = h("span", { class: "dx-share" });
    return { fill, text, element: h("td", {}, h("span", { class: "dx-share-box" }, h("span", { class: "dx-rail" }, fill), text)) };
  });
  const element = h("tr", {}, h("th", { scope: "row" }, nodes.join(" – ")), ...cells.map((cell) => cell.element));
  return {
    element,
    update(/** @type {GraphPicture} */ picture) {
      cells.forEach((cell, side) => {
        stretch(cell.fill, "X", picture.shares[side][path]);
        setText(cell.text, percent(picture.shares[side][path]));
      });
    },
  };
}
