// The hidden units, and the chosen unit's activation against one knob per object. A curve's marker
// sits at the knob's present value and can be dragged.

import { freshId, h, objectColour, s, setAttributes, stretch } from "../shared/dom.js";
import { steadyScale } from "./scales.js";
import { keyed, snap } from "../shared/knob_values.js";
import { answer } from "../session/answers.js";
import { number, withUnit } from "../shared/numbers.js";
import { linePath, makeAxes, makeFrame, roundInterval, withItsUnit } from "./chart.js";

/**
 * @param {Store} store
 * @param {PartSpec} part
 * @param {PanelModel} model
 */
export function makeUnits(store, part, model) {
  const element = h("div", { class: "dx-units", role: "listbox", tabindex: "0", "aria-label": "Hidden neurons", "aria-orientation": "horizontal" });
  /** @type {any[]} */
  let cells = [];
  let named = 0;
  const nameAll = () => cells.forEach((cell) => cell.name());
  const scale = steadyScale();
  /** @param {number} unit */
  const choose = (unit) => {
    if (unit < 0 || unit >= cells.length) return;
    answer(model, "unit", unit);
    store.unit = unit;
    update("live");
  };
  element.addEventListener("keydown", (event) => {
    const now = store.live.unit;
    const next = /** @type {Record<string, any>} */ ({ ArrowRight: now + 1, ArrowLeft: now - 1, Home: 0, End: cells.length - 1 })[event.key];
    if (next === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    choose(next);
  });
  /** @param {string} what */
  const update = (what) => {
    if (what === "local") return;
    const { units, unit } = store.live;
    if (cells.length !== units.length) {
      cells = Array.from(units, (_, index) => unitCell(index, choose));
      element.replaceChildren(...cells.map((cell) => cell.element));
      element.classList.toggle("dx-many", cells.length > 48);
      element.classList.toggle("dx-sparse", cells.length > 24);
    }
    const largest = scale(Math.max(1e-30, ...Array.from(units, Math.abs)));
    cells.forEach((cell, index) => cell.update(units[index], largest, index === unit));
    clearTimeout(named);
    if (cells.length > FEW) named = window.setTimeout(nameAll, PAUSE); // words of hundreds of neurons, once a drag pauses
    else nameAll();
    if (cells[unit]) setAttributes(element, { "aria-activedescendant": cells[unit].element.id });
  };
  return { element, update, stop: () => clearTimeout(named) };
}

/**
 * @param {number} index
 * @param {any} choose
 */
function unitCell(index, choose) {
  const fill = h("span", { class: "dx-fill" });
  /** @type {any} */
  let shown = {};
  const element = h("div", { class: "dx-unit-cell", role: "option", id: freshId("unit"), onclick: () => choose(index) }, h("span", { class: "dx-well" }, fill), h("span", { class: "dx-tick" }, String(index)));
  return {
    element,
    update(/** @type {number} */ value, /** @type {any} */ largest, /** @type {any} */ chosen) {
      stretch(fill, "Y", Math.abs(value) / largest);
      if (shown.value < 0 !== value < 0) fill.classList.toggle("dx-below", value < 0);
      if (shown.chosen !== chosen) setAttributes(element, { "aria-selected": String(chosen) });
      shown = { value, chosen };
    },
    name() {
      const words = `neuron ${index}: ${shown.value === 0 ? "off" : number(shown.value)}`;
      setAttributes(element, { "aria-label": words, title: words });
    },
  };
}

/** Of neurons: as many are named at each step. */
const FEW = 48;
/** Milliseconds without a step after which the others are. */
const PAUSE = 150;

const EDGE = { left: 44, right: 12, top: 10, bottom: 34 };

/** @param {Store} store */
export function makeCurves(store) {
  const svg = s("svg", { class: "dx-chart", role: "group", "aria-label": "Activation curves" });
  const key = h("ul", { class: "dx-curve-key", "aria-hidden": "true" });
  const element = h("div", { class: "dx-chart-box" }, svg, key);
  /** @type {any} */
  const view = { store, svg, key, element, width: 0, height: 210, lines: [], shape: "", held: null };
  const resize = new ResizeObserver(([entry]) => {
    view.width = Math.floor(entry.contentRect.width); // read here: asking at each step would force a layout
    view.shape = "";
    drawCurves(view);
  });
  resize.observe(element);
  svg.addEventListener("pointermove", (event) => view.held !== null && dragMarker(view, event, false));
  svg.addEventListener("pointerup", (event) => {
    if (view.held !== null) dragMarker(view, event, true);
    view.held = null;
  });
  svg.addEventListener("pointercancel", () => {
    view.held = null;
  });
  return { element, update: () => drawCurves(view), stop: () => resize.disconnect() };
}

/**
 * The curves of the present step: [{index, knob, values, low, high}], over the knob's values from low to high.
 * @param {Store} store
 */
export function curvesOf(store) {
  const { swept, curves } = store.live;
  let start = 0;
  return swept.map(([index, count, low, high]) => {
    const values = curves.subarray(start, start + count);
    start += count;
    return { index, knob: store.scene.knobs[index], values, low, high };
  });
}

/** @param {any} view */
function drawCurves(view) {
  const curves = curvesOf(view.store);
  view.svg.style.display = curves.length ? "" : "none";
  view.key.hidden = curves.length < 2;
  if (!curves.length || view.width < 60) return;
  const knobs = curves.map((curve) => curve.knob);
  const all = curves.flatMap((curve) => Array.from(curve.values));
  const low = Math.min(0, ...all);
  const high = Math.max(...all, low + 1e-6);
  const [x, y] = [[Math.min(...knobs.map((k) => k.low)), Math.max(...knobs.map((k) => k.high))], roundInterval(low, high)];
  const { width, height } = view;
  view.frame = makeFrame({ width, height, edge: EDGE, x: [x[0], x[1]], y });
  const shape = JSON.stringify([curves.map((curve) => curve.index), view.width]);
  if (shape !== view.shape) {
    view.shape = shape;
    makeChart(view, curves);
  }
  drawAxes(view, curves);
  view.lines.forEach((/** @type {any} */ line, /** @type {number} */ at) => line.update(curves[at]));
}

/**
 * @param {any} view
 * @param {any} curves
 */
function makeChart(view, curves) {
  setAttributes(view.svg, { width: view.width, height: view.height, viewBox: `0 0 ${view.width} ${view.height}` });
  view.key.replaceChildren(...curves.map((/** @type {any} */ curve) => h("li", {}, h("span", { class: "dx-dot", style: `background:${lineColour(view, curve)}` }), curve.knob.group || curve.knob.name)));
  view.axes = s("g", { class: "dx-axes", "aria-hidden": "true" });
  view.lines = curves.map((/** @type {any} */ curve) => makeLine(view, curve));
  view.svg.replaceChildren(view.axes, ...view.lines.map((/** @type {any} */ line) => line.path), ...view.lines.map((/** @type {any} */ line) => line.marker));
}

/** An object's colour, as in all panels; of what has none, one after the other.
 *
 * @param {any} view
 * @param {any} curve
 */
function lineColour(view, curve) {
  return objectColour(view.store.scene.colours[curve.knob.group] ?? curvesOf(view.store).findIndex(({ index }) => index === curve.index));
}

/**
 * @param {any} view
 * @param {any} curve
 */
function makeLine(view, curve) {
  const { store } = view;
  const colour = lineColour(view, curve);
  const path = s("path", { class: "dx-line", stroke: colour });
  const marker = s("g", { class: "dx-marker", role: "slider", tabindex: "0", "aria-label": curve.knob.name, "aria-valuemin": curve.knob.low, "aria-valuemax": curve.knob.high },
    s("circle", { r: 14, class: "dx-reach" }), s("circle", { r: 5.5, fill: colour, class: "dx-knob-dot" }));
  marker.addEventListener("pointerdown", (event) => {
    view.held = curve.index;
    view.svg.setPointerCapture(event.pointerId);
    store.select(curve.knob.group);
    event.preventDefault();
  });
  marker.addEventListener("keydown", (event) => {
    const value = keyed(curve.knob, store.values[curve.index], event.key);
    if (value === null) return;
    event.preventDefault();
    event.stopPropagation();
    store.propose([[curve.index, value]], true);
  });
  return {
    path, marker,
    update(/** @type {any} */ now) {
      const { knob, values, low, high } = now;
      /** @param {number} at */
      const x = (at) => low + (at * (high - low)) / Math.max(1, values.length - 1);
      path.setAttribute("d", linePath(view.frame, Array.from(values, (value, at) => [x(at), value])));
      const value = store.values[now.index];
      const at = Math.min(Math.max((value - low) / (high - low || 1), 0), 1) * (values.length - 1);
      const before = values[Math.floor(at)];
      const height = before + (at - Math.floor(at)) * ((values[Math.ceil(at)] ?? before) - before);
      marker.setAttribute("transform", `translate(${view.frame.x(value).toFixed(1)} ${view.frame.y(height).toFixed(1)})`);
      const chosen = store.selected === knob.group;
      path.classList.toggle("dx-chosen", chosen);
      setAttributes(marker, { "aria-valuenow": value, "aria-valuetext": `${withUnit(value, knob.unit)}, activation ${number(height)}` });
    },
  };
}

/**
 * @param {any} view
 * @param {any} curves
 */
function drawAxes(view, curves) {
  const { frame } = view;
  const drawn = JSON.stringify([frame.x.domain(), frame.y.domain(), view.width, view.store.live.words.axis]);
  if (drawn === view.drawn && view.axes.childElementCount) return; // text is the dear part of a chart
  view.drawn = drawn;
  const { family, unit } = view.store.live.words.axis || { family: curves[0].knob.name, unit: curves[0].knob.unit };
  const axes = makeAxes(frame, { below: withItsUnit(family, unit), columns: Math.min(10, view.width / 60) });
  view.axes.replaceWith(axes);
  view.axes = axes;
}

/**
 * @param {any} view
 * @param {any} event
 * @param {boolean} settled
 */
function dragMarker(view, event, settled) {
  const { store } = view;
  const knob = store.scene.knobs[view.held];
  const box = view.svg.getBoundingClientRect();
  const value = snap(knob, view.frame.x.invert(event.clientX - box.left));
  if (value === store.values[view.held] && !settled) return;
  store.propose([[view.held, value]], settled);
}
