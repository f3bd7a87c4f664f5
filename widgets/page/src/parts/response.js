// One neuron close up: its activation against one knob, and over two.
// figure.curve: {title, knob, unit, colour, values, activation, ranges: [{response, low, high}], current, words}
// figure.surface: {title, first: {name, unit, values}, second, activation: bytes f32 [first x second], current, words}

import { bytes } from "../shared/bytes.js";
import { INK, h, mix, objectColour, s, setAttributes, setText } from "../shared/dom.js";
import { number, withUnit } from "../shared/numbers.js";
import { linePath, makeAxes, makeFrame, roundInterval, withItsUnit } from "./chart.js";

const NOTHING = 1e-30; // of a neuron that is off everywhere
const PLOT = { left: 44, right: 12, top: 22, bottom: 34, height: 220 };
/** @type {Record<string, string>} */
const RESPONSES = { dead: "off", active: "reacts", saturated: "no difference", flat: "does not react" };

/**
 * An SVG that is drawn again when its width or its figure changes.
 * @param {Store} store
 * @param {PanelModel} model
 * @param {string} name
 * @param {any} draw
 */
function makePlot(store, model, name, draw) {
  const title = h("h4", { class: "dx-card-title" });
  const svg = s("svg", { class: "dx-chart", role: "img" });
  const box = h("div", { class: "dx-chart-box" }, svg);
  const words = h("p", { class: "dx-card-words" });
  const element = h("div", { class: "dx-plot" }, title, box, words);
  let width = 0;
  const update = () => {
    const figure = model.get("figure")[name];
    element.hidden = !figure;
    if (!figure) return;
    setText(title, figure.title);
    setText(words, figure.words);
    if (width < 120) return;
    setAttributes(svg, { width, height: PLOT.height, viewBox: `0 0 ${width} ${PLOT.height}`, "aria-label": `${figure.title}. ${figure.words}` });
    svg.replaceChildren(...draw(figure, width, store));
  };
  const resize = new ResizeObserver(([entry]) => {
    width = Math.floor(entry.contentRect.width);
    update();
  });
  resize.observe(box);
  model.on("change:figure", update);
  return { element, update: (/** @type {string} */ what) => (what === "theme" || what === "scene") && update(), stop: () => resize.disconnect() };
}

/**
 * The curve and the surface, side by side where there is room.
 * @param {Store} store
 * @param {PartSpec} part
 * @param {PanelModel} model
 */
export function makeResponse(store, part, model) {
  const curve = makePlot(store, model, "curve", drawResponse);
  const surface = makePlot(store, model, "surface", drawSurface);
  const element = h("div", { class: "dx-plots" }, curve.element, surface.element);
  return {
    element,
    update(/** @type {string} */ what) {
      curve.update(what);
      surface.update(what);
    },
    stop() {
      curve.stop();
      surface.stop();
    },
  };
}

/**
 * @param {number} width
 * @param {any} below
 * @param {string} unit
 */
function axisTitles(width, below, unit) {
  return s("text", { x: (PLOT.left + width - PLOT.right) / 2, y: PLOT.height - 4, "text-anchor": "middle", class: "dx-title" }, unit ? `${below}, ${unit}` : below);
}

/**
 * @param {any} figure
 * @param {number} width
 */
function drawResponse(figure, width) {
  const { values, activation } = figure;
  const bottom = PLOT.height - PLOT.bottom;
  const [left, right] = [values[0], values[values.length - 1]];
  const up = roundInterval(Math.min(0, ...activation), Math.max(...activation) || 1);
  const frame = makeFrame({ width, height: PLOT.height, edge: PLOT, x: [left, right], y: up });
  const { x, y } = frame;
  const half = values.length > 1 ? (values[1] - values[0]) / 2 : 0;
  const axes = makeAxes(frame, { below: withItsUnit(figure.knob, figure.unit), columns: Math.min(10, width / 60) });
  figure.ranges.forEach((/** @type {any} */ range, /** @type {number} */ index) => {
    const from = Math.max(PLOT.left, x(index ? range.low - half : range.low));
    const to = Math.min(width - PLOT.right, x(index < figure.ranges.length - 1 ? range.high + half : range.high));
    axes.prepend(s("rect", { x: from, y: PLOT.top, width: Math.max(0, to - from), height: bottom - PLOT.top, class: `dx-range dx-${range.response}` }));
    if (to - from > 48) axes.append(s("text", { x: (from + to) / 2, y: PLOT.top - 7, "text-anchor": "middle" }, RESPONSES[range.response]));
    if (index) axes.append(s("line", { x1: from, x2: from, y1: PLOT.top - 4, y2: bottom, class: "dx-step" }));
  });
  const colour = objectColour(figure.colour);
  const line = s("path", { class: "dx-line dx-chosen", stroke: colour, d: linePath(frame, values.map((/** @type {number} */ value, /** @type {number} */ at) => [value, activation[at]])) });
  const dots = values.length <= 41 ? values.map((/** @type {number} */ value, /** @type {number} */ at) => s("circle", { cx: x(value), cy: y(activation[at]), r: value === figure.current ? 5.5 : 2.5, fill: colour, class: value === figure.current ? "dx-knob-dot" : "" })) : [];
  return [axes, line, ...dots];
}

/**
 * @param {any} figure
 * @param {number} width
 * @param {Store} store
 */
function drawSurface(figure, width, store) {
  const cells = bytes(figure.activation, Float32Array);
  const { first, second, current } = figure;
  const [rows, columns] = [second.values.length, first.values.length];
  const bottom = PLOT.height - PLOT.bottom;
  const [wide, tall] = [(width - PLOT.left - PLOT.right) / columns, (bottom - PLOT.top) / rows];
  const largest = Math.max(NOTHING, ...Array.from(cells, (value) => (Number.isFinite(value) ? Math.abs(value) : 0)));
  const ink = INK[store.theme];
  /** @type {any[]} */
  const parts = [];
  for (let at = 0; at < cells.length; at += 1) {
    const [column, row] = [Math.floor(at / rows), at % rows];
    const place = { x: PLOT.left + column * wide, y: bottom - (row + 1) * tall, width: wide + 0.4, height: tall + 0.4 };
    if (!Number.isFinite(cells[at])) continue;
    const colour = mix(ink.zero, cells[at] < 0 ? ink.negative : ink.positive, Math.abs(cells[at]) / largest).map(Math.round);
    const words = `${first.name} ${withUnit(first.values[column], first.unit)}, ${second.name} ${withUnit(second.values[row], second.unit)}: ${cells[at] === 0 ? "off" : number(cells[at])}`;
    parts.push(s("rect", { ...place, fill: `rgb(${colour.join(",")})` }, s("title", {}, words)));
  }
  const axes = s("g", { class: "dx-axes", "aria-hidden": "true" });
  /** @param {number} index */
  const x = (index) => PLOT.left + (index + 0.5) * wide;
  /** @param {number} index */
  const y = (index) => bottom - (index + 0.5) * tall + 4;
  for (const index of spread(columns, width / 46)) axes.append(s("text", { x: x(index), y: bottom + 15, "text-anchor": "middle" }, number(first.values[index])));
  for (const index of spread(rows, 8)) axes.append(s("text", { x: PLOT.left - 6, y: y(index), "text-anchor": "end" }, number(second.values[index])));
  const up = `${second.name}, ${second.unit}`.replace(/, $/, "");
  axes.append(s("text", { x: PLOT.left, y: 12 }, largest > NOTHING ? `↑ ${up}; full colour ${number(largest)}` : `↑ ${up}`), axisTitles(width, first.name, first.unit));
  if (current) axes.append(s("rect", { x: PLOT.left + current[0] * wide, y: bottom - (current[1] + 1) * tall, width: wide, height: tall, class: "dx-here" }));
  return [...parts, axes];
}

/**
 * At most `most` positions out of `count`, evenly apart.
 * @param {number} count
 * @param {any} most
 */
function spread(count, most) {
  const step = Math.max(1, Math.ceil(count / Math.max(1, most)));
  return Array.from({ length: Math.ceil(count / step) }, (_, index) => index * step);
}
