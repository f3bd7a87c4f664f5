// What is set along one quantity: the network's curve with the present state on it, and a rule's behind it.
// figure.curve: {knob, along, unit, name, low, high, lines: [{name, points: f32 [2, n]}]}

import { bytes } from "../shared/bytes.js";
import { h, s, setAttributes } from "../shared/dom.js";
import { number } from "../shared/numbers.js";
import { roundInterval, roundNumbers } from "./chart.js";

const PLOT = { left: 40, right: 12, top: 18, bottom: 34, height: 190 };

/**
 * @param {Store} store
 * @param {PartSpec} part
 * @param {PanelModel} model
 */
export function makeLiveCurve(store, part, model) {
  const svg = s("svg", { class: "dx-chart", role: "img" });
  const key = h("ul", { class: "dx-curve-key" });
  const element = h("div", { class: "dx-chart-box" }, key, svg);
  /** @type {any} */
  const view = { store, model, svg, key, named: "", element, width: 0 };
  const resize = new ResizeObserver(([entry]) => {
    view.width = Math.floor(entry.contentRect.width);
    drawLiveCurve(view);
  });
  resize.observe(element);
  const update = () => drawLiveCurve(view);
  model.on("change:figure", update);
  return { element, update, stop: () => resize.disconnect() };
}

/**
 * @param {any} view
 */
function drawLiveCurve(view) {
  const { curve } = view.model.get("figure");
  view.element.hidden = !curve;
  if (!curve || view.width < 120) return;
  const lines = curve.lines.map((/** @type {any} */ line) => {
    const points = bytes(line.points, Float32Array);
    const count = points.length / 2;
    return { name: line.name, xs: points.subarray(0, count), ys: points.subarray(count) };
  });
  const scale = scaleOf(view, curve, lines);
  const paths = lines.map((/** @type {any} */ line, /** @type {number} */ at) => s("path", { d: pathOf(scale, line), class: at ? "dx-rule-line" : "dx-strip-line" }));
  nameLines(view, lines);
  const now = view.store.values[curve.knob];
  const here = valueAt(lines[0], now);
  const mark = here === null ? [] : [s("circle", { cx: scale.x(now), cy: scale.y(here), r: 5, class: "dx-strip-dot" })];
  setAttributes(view.svg, { width: view.width, height: PLOT.height, viewBox: `0 0 ${view.width} ${PLOT.height}`, "aria-label": `${curve.name} along ${curve.along}${here === null ? "" : `; here ${number(here)}`}` });
  view.svg.replaceChildren(axesOf(view, curve, scale), ...paths.reverse(), ...mark);
}

/** Which line is whose, over the chart, where long names have room.
 *
 * @param {any} view
 * @param {any[]} lines
 */
function nameLines(view, lines) {
  const names = lines.map((line) => line.name).join("|");
  if (names === view.named) return;
  view.named = names;
  view.key.replaceChildren(...lines.map((line, at) => h("li", {}, h("span", { class: at ? "dx-key-dash" : "dx-key-line" }), line.name)));
}

/**
 * @param {any} view
 * @param {any} curve
 * @param {any[]} lines
 */
function scaleOf(view, curve, lines) {
  const all = lines.flatMap((line) => Array.from(line.ys));
  const [low, high] = roundInterval(Math.min(...all), Math.max(...all));
  const [y0, y1] = [curve.low ?? low, curve.high ?? high];
  const { xs } = lines[0];
  const [x0, x1] = [xs[0], xs[xs.length - 1]];
  const [wide, tall] = [view.width - PLOT.left - PLOT.right, PLOT.height - PLOT.top - PLOT.bottom];
  return {
    x0, x1, y0, y1,
    x: (/** @type {number} */ value) => PLOT.left + ((value - x0) / (x1 - x0 || 1)) * wide,
    y: (/** @type {number} */ value) => PLOT.height - PLOT.bottom - ((value - y0) / (y1 - y0 || 1)) * tall,
  };
}

/**
 * @param {any} scale
 * @param {any} line
 */
function pathOf({ x, y }, { xs, ys }) {
  let path = "";
  for (let at = 0; at < xs.length; at += 1) path += `${at ? "L" : "M"}${x(xs[at]).toFixed(1)} ${y(ys[at]).toFixed(1)}`;
  return path;
}

/**
 * @param {any} view
 * @param {any} curve
 * @param {any} scale
 */
function axesOf(view, curve, { x0, x1, y0, y1, x, y }) {
  const foot = PLOT.height - PLOT.bottom;
  return s("g", { class: "dx-axes", "aria-hidden": "true" },
    ...roundNumbers(y0, y1, 4).flatMap((value) => [s("line", { x1: PLOT.left, x2: view.width - PLOT.right, y1: y(value), y2: y(value) }), s("text", { x: PLOT.left - 6, y: y(value) + 4, "text-anchor": "end" }, number(value))]),
    ...roundNumbers(x0, x1, view.width / 80).map((value) => s("text", { x: x(value), y: foot + 15, "text-anchor": "middle" }, number(value))),
    s("text", { x: (PLOT.left + view.width - PLOT.right) / 2, y: PLOT.height - 4, "text-anchor": "middle", class: "dx-title" }, curve.unit ? `${curve.along}, ${curve.unit}` : curve.along),
    s("text", { x: PLOT.left, y: 11 }, curve.name));
}

/**
 * A line's value between its points, or null beyond them.
 * @param {any} line
 * @param {number} at
 */
function valueAt({ xs, ys }, at) {
  const last = xs.length - 1;
  if (at < xs[0] - 1e-6 || at > xs[last] + 1e-6) return null;
  let after = 1;
  while (after < last && xs[after] < at) after += 1;
  const part = (at - xs[after - 1]) / (xs[after] - xs[after - 1] || 1);
  return ys[after - 1] + part * (ys[after] - ys[after - 1]);
}
