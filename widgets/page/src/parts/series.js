// Rows of numbers over the same places, such as a history, each in a strip of its own; every number can be dragged.
// part: {series: {title, places, axis, level (a knob or -1), lines: [{name, kind, chances, open, knobs}]}}

import { keyed } from "../shared/knob_values.js";
import { h, s, setAttributes, setText } from "../shared/dom.js";
import { number, shortShare, withUnit } from "../shared/numbers.js";
import { roundInterval } from "./chart.js";

const ROWS = { left: 46, right: 10, top: 20, strip: 78, gap: 26, bottom: 34, tank: 74 };

/**
 * @param {Store} store
 * @param {PartSpec} part
 */
export function makeSeries(store, part) {
  const svg = s("svg", { class: "dx-chart dx-series", role: "group", "aria-label": part.series.title });
  const element = h("div", { class: "dx-series-box" }, h("h4", { class: "dx-part-title" }, part.series.title), svg);
  /** @type {any} */
  const view = { store, svg, element, series: part.series, width: 0, held: null, strips: [], tank: null };
  const resize = new ResizeObserver(([entry]) => {
    view.width = Math.floor(entry.contentRect.width);
    buildSeries(view);
    drawSeries(view);
  });
  resize.observe(element);
  svg.addEventListener("pointermove", (event) => view.held && dragSeries(view, event, false));
  svg.addEventListener("pointerup", (event) => {
    if (!view.held) return;
    dragSeries(view, event, true);
    view.held = null;
    drawSeries(view);
  });
  svg.addEventListener("pointercancel", () => {
    if (view.held) store.propose([], true);
    view.held = null;
  });
  return { element, update: () => drawSeries(view), stop: () => resize.disconnect() };
}

/** @param {any} view */
function buildSeries(view) {
  const { series, svg, width } = view;
  if (width < 120) return;
  const tank = series.level < 0 ? 0 : ROWS.tank;
  view.right = width - ROWS.right - tank;
  view.height = ROWS.top + series.lines.length * (ROWS.strip + ROWS.gap) - ROWS.gap + ROWS.bottom;
  setAttributes(svg, { width, height: view.height, viewBox: `0 0 ${width} ${view.height}` });
  view.strips = series.lines.map((/** @type {any} */ line, /** @type {any} */ row) => makeStrip(view, line, ROWS.top + row * (ROWS.strip + ROWS.gap)));
  view.tank = tank ? makeTank(view) : null;
  const foot = view.height - ROWS.bottom;
  const apart = (view.right - ROWS.left) / series.places.length;
  const every = Math.max(1, Math.ceil((Math.max(...series.places.map((/** @type {any} */ place) => place.length)) * 6.2 + 6) / apart));
  const ticks_ = series.places.map((/** @type {any} */ place, /** @type {number} */ at) => (at % every ? null : s("text", { x: placeX(view, at), y: foot + 14, "text-anchor": "middle" }, place)));
  const title = s("text", { x: (ROWS.left + view.right) / 2, y: view.height - 4, "text-anchor": "middle", class: "dx-title" }, series.axis);
  const axes = s("g", { class: "dx-axes", "aria-hidden": "true" }, ...ticks_.filter(Boolean), title);
  svg.replaceChildren(axes, ...view.strips.map((/** @type {any} */ strip) => strip.element), ...(view.tank ? [view.tank.element] : []));
}

/**
 * @param {any} view
 * @param {number} at
 */
function placeX(view, at) {
  return ROWS.left + ((at + 0.5) * (view.right - ROWS.left)) / view.series.places.length;
}

/**
 * One line: its axis, its bars or its points, and what is held to drag them.
 * @param {any} view
 * @param {any} line
 * @param {any} top
 */
function makeStrip(view, line, top) {
  const knobs = line.knobs.map((/** @type {number} */ index) => view.store.scene.knobs[index]);
  const wide = (view.right - ROWS.left) / knobs.length;
  const ground = s("rect", { x: ROWS.left, y: top, width: view.right - ROWS.left, height: ROWS.strip, class: "dx-strip-ground" });
  const name = s("text", { x: ROWS.left, y: top - 6, class: "dx-strip-name" }, knobs[0].unit ? `${line.name}, ${knobs[0].unit}` : line.name);
  const [most, least] = [top + 10, top + ROWS.strip].map((y) => s("text", { x: ROWS.left - 6, y, "text-anchor": "end" }));
  const axes = s("g", { class: "dx-axes", "aria-hidden": "true" }, ground, name, most, least);
  const path = s("path", { class: "dx-strip-line", "aria-hidden": "true" });
  /** @type {any} */
  const strip = { view, line, knobs, top, wide, most, least, path };
  strip.marks = knobs.map((/** @type {Knob} */ knob, /** @type {number} */ at) => makeMark(view, strip, knob, at));
  strip.element = s("g", {}, axes, ...(line.kind === "line" ? [path] : []), ...strip.marks.map((/** @type {any} */ mark) => mark.element));
  return strip;
}

/**
 * @param {any} view
 * @param {any} strip
 * @param {Knob} knob
 * @param {number} at
 */
function makeMark(view, strip, knob, at) {
  const index = strip.line.knobs[at];
  const x = placeX(view, at);
  const shape = strip.line.kind === "line" ? s("circle", { cx: x, r: 4.5, class: "dx-strip-dot" }) : s("rect", { x: x - strip.wide * 0.34, width: strip.wide * (strip.line.chances ? 0.32 : 0.68), class: "dx-strip-bar" });
  const chance = strip.line.chances ? s("rect", { x: x + strip.wide * 0.02, width: strip.wide * 0.32, class: "dx-strip-chance" }) : null;
  const text = s("text", { x, "text-anchor": "middle", class: "dx-strip-text" });
  const reach = s("rect", { x: x - strip.wide / 2, y: strip.top, width: strip.wide, height: ROWS.strip, class: "dx-reach" });
  const element = s("g", {
    class: "dx-strip-mark", role: "slider", tabindex: "0", "aria-label": knob.name, "aria-orientation": "vertical",
    "aria-valuemin": knob.low, "aria-valuemax": knob.high,
  }, shape, ...(chance ? [chance] : []), text, reach);
  element.addEventListener("pointerdown", (event) => {
    view.held = { strip, low: strip.low, high: strip.high, tank: false };
    view.svg.setPointerCapture(event.pointerId);
    event.preventDefault();
    dragSeries(view, event, false);
  });
  element.addEventListener("keydown", (event) => seriesKey(view.store, knob, index, event));
  return { element, shape, chance, text, knob, index };
}

/**
 * @param {Store} store
 * @param {Knob} knob
 * @param {number} index
 * @param {any} event
 */
function seriesKey(store, knob, index, event) {
  const value = keyed(knob, store.values[index], event.key);
  if (value === null) return;
  event.preventDefault();
  event.stopPropagation();
  store.propose([[index, value]], true);
}

/**
 * Beside the strips, what is filled: a buffer, a queue.
 * @param {any} view
 */
function makeTank(view) {
  const index = view.series.level;
  const knob = view.store.scene.knobs[index];
  const [x, top, tall] = [view.right + 26, ROWS.top, view.height - ROWS.top - ROWS.bottom];
  const ground = s("rect", { x, y: top, width: 30, height: tall, rx: 3, class: "dx-strip-ground" });
  const fill = s("rect", { x, width: 30, rx: 3, class: "dx-strip-bar" });
  const text = s("text", { x: x + 15, y: top - 6, "text-anchor": "middle", class: "dx-strip-name" });
  const name = s("text", { x: x + 15, y: top + tall + 14, "text-anchor": "middle" }, knob.name);
  const element = s("g", {
    class: "dx-strip-mark", role: "slider", tabindex: "0", "aria-label": knob.name, "aria-orientation": "vertical",
    "aria-valuemin": knob.low, "aria-valuemax": knob.high,
  }, ground, fill, s("g", { class: "dx-axes" }, text, name), s("rect", { x: x - 8, y: top, width: 46, height: tall, class: "dx-reach" }));
  element.addEventListener("pointerdown", (event) => {
    view.held = { tank: true, index, knob, top, tall };
    view.svg.setPointerCapture(event.pointerId);
    event.preventDefault();
    dragSeries(view, event, false);
  });
  element.addEventListener("keydown", (event) => seriesKey(view.store, knob, index, event));
  return {
    element,
    update(/** @type {number} */ value) {
      const part = (value - knob.low) / (knob.high - knob.low || 1);
      setAttributes(fill, { y: (top + tall * (1 - part)).toFixed(1), height: (tall * part).toFixed(1) });
      setText(text, withUnit(value, knob.unit === "of capacity" ? "" : knob.unit));
      setAttributes(element, { "aria-valuenow": value, "aria-valuetext": withUnit(value, knob.unit) });
    },
  };
}

/**
 * @param {any} view
 * @param {any} event
 * @param {boolean} settled
 */
function dragSeries(view, event, settled) {
  const { held, store } = view;
  const box = view.svg.getBoundingClientRect();
  const [x, y] = [event.clientX - box.left, event.clientY - box.top];
  if (held.tank) {
    const part = 1 - (y - held.top) / held.tall;
    store.propose([[held.index, held.knob.low + part * (held.knob.high - held.knob.low)]], settled);
    return;
  }
  const { strip } = held;
  const at = Math.min(Math.max(Math.floor((x - ROWS.left) / strip.wide), 0), strip.knobs.length - 1);
  const part = Math.min(Math.max(1 - (y - strip.top) / ROWS.strip, 0), 1);
  store.propose([[strip.line.knobs[at], held.low + part * (held.high - held.low)]], settled);
}

/**
 * From where to where a strip's axis goes: what is dragged keeps its axis until it is let go.
 * @param {any} strip
 * @param {any} values
 */
function rangeOf(strip, values) {
  const { held } = strip.view;
  if (held && held.strip === strip) return [held.low, held.high];
  const least = Math.min(...strip.knobs.map((/** @type {Knob} */ knob) => knob.low));
  const low = strip.line.kind === "bars" ? Math.min(0, least) : least; // a bar's length is its value
  const high = Math.max(...strip.knobs.map((/** @type {Knob} */ knob) => knob.high));
  if (!strip.line.open) return [low, high];
  return [low, roundInterval(low, low + 1.25 * (Math.max(...values) - low) + 0.02 * (high - low))[1]];
}

/** @param {any} view */
function drawSeries(view) {
  if (view.width < 120) return;
  const { store } = view;
  for (const strip of view.strips) drawStrip(view, strip, strip.line.knobs.map((/** @type {number} */ index) => store.values[index]));
  view.tank?.update(store.values[view.series.level]);
}

/**
 * @param {any} view
 * @param {any} strip
 * @param {any} values
 */
function drawStrip(view, strip, values) {
  [strip.low, strip.high] = rangeOf(strip, values);
  setText(strip.most, number(strip.high));
  setText(strip.least, number(strip.low));
  const foot = strip.top + ROWS.strip;
  /** @param {number} value */
  const y = (value) => foot - (Math.min(Math.max((value - strip.low) / (strip.high - strip.low || 1), 0), 1)) * ROWS.strip;
  if (strip.line.kind === "line") strip.path.setAttribute("d", values.map((/** @type {number} */ value, /** @type {number} */ at) => `${at ? "L" : "M"}${placeX(view, at).toFixed(1)} ${y(value).toFixed(1)}`).join(""));
  const { probabilities, action } = view.store.live;
  const few = strip.wide > 34;
  strip.marks.forEach((/** @type {any} */ mark, /** @type {number} */ at) => {
    const value = values[at];
    const height = y(value);
    if (strip.line.kind === "line") setAttributes(mark.shape, { cy: height.toFixed(1) });
    else setAttributes(mark.shape, { y: height.toFixed(1), height: Math.max(0, foot - height).toFixed(1) });
    let words = few ? number(value) : "";
    let above = height;
    if (mark.chance) {
      const likely = probabilities[at] || 0;
      above = Math.min(height, foot - likely * ROWS.strip);
      setAttributes(mark.chance, { y: (foot - likely * ROWS.strip).toFixed(1), height: (likely * ROWS.strip).toFixed(1) });
      mark.element.classList.toggle("dx-chosen", action === at);
      const share = shortShare(likely);
      if (few) words = strip.wide > 66 ? `${number(value)}, ${share}` : share; // both only where they fit side by side
    }
    setText(mark.text, words);
    setAttributes(mark.text, { y: Math.max(above - 7, strip.top + 9).toFixed(1) });
    setAttributes(mark.element, { "aria-valuenow": value, "aria-valuetext": withUnit(value, mark.knob.unit) });
  });
}
