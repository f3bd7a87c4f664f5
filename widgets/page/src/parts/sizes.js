// Curves over the number of rules, and the slider that moves along them.
// figure.sizes: {leaves: [[of each size] per line], at, charts: [{title, unit, reference, lines: [[value]]}], words: [of each size]}
// The first line is the chosen one; the place on the slider goes to answers.size.

import { h, s, setAttributes, setText } from "../shared/dom.js";
import { answer } from "../session/answers.js";
import { linePath, makeAxes, makeFrame, roundInterval, withItsUnit } from "./chart.js";

const SIZE_EDGE = { left: 40, right: 10, top: 20, bottom: 30 };
const COUNTS = [1, 2, 5, 10, 20, 50, 100, 200]; // of rules, below the charts

/**
 * @param {Store} store
 * @param {PartSpec} part
 * @param {PanelModel} model
 */
export function makeSizes(store, part, model) {
  const slider = h("input", { type: "range", min: "0", step: "1", "aria-label": "Number of rules" });
  const words = h("p", { class: "dx-size-words" });
  const charts = h("div", { class: "dx-size-charts" });
  const element = h("div", { class: "dx-sizes" }, h("label", { class: "dx-field" }, h("span", { class: "dx-label" }, "How many rules"), slider), words, charts);
  /** @type {any} */
  const view = { sizes: null, width: 0, at: 0 };
  const draw = () => {
    if (!view.sizes || view.width < 60) return;
    charts.replaceChildren(...view.sizes.charts.map((/** @type {any} */ chart) => sizeChart(chart, view)));
  };
  /** @param {number} at */
  const mark = (at) => {
    view.at = at;
    slider.value = String(at);
    const last = view.sizes.words.length - 1;
    slider.style.setProperty("--part", `${(100 * at) / Math.max(1, last)}%`);
    setAttributes(slider, { max: last, "aria-valuetext": view.sizes.words[at] });
    setText(words, view.sizes.words[at]);
    draw();
  };
  slider.addEventListener("input", () => {
    mark(Number(slider.value));
    answer(model, "size", Number(slider.value));
  });
  const resize = new ResizeObserver(([entry]) => {
    const columns = entry.contentRect.width >= 560 ? 2 : 1;
    view.width = Math.floor((entry.contentRect.width - 16 * (columns - 1)) / columns);
    draw();
  });
  resize.observe(charts);
  /** @param {string} what */
  const update = (what) => {
    if (what === "live" || what === "local") return;
    const { sizes } = model.get("figure");
    element.hidden = !sizes;
    if (!sizes) return;
    const moved = view.sizes !== sizes;
    view.sizes = sizes;
    slider.max = String(sizes.words.length - 1);
    if (moved || what === "theme") mark(document.activeElement === slider ? Number(slider.value) : sizes.at);
  };
  model.on("change:figure", () => update("own"));
  return { element, update, stop: () => resize.disconnect() };
}

/**
 * @param {any} chart
 * @param {any} view
 */
function sizeChart(chart, view) {
  const { leaves } = view.sizes;
  const { width } = view;
  const height = 150;
  const all = [...chart.lines.flat(), ...(chart.reference === null ? [] : [chart.reference])];
  const up = roundInterval(Math.min(...all), Math.max(...all), 3);
  const counts = leaves.flat();
  const [least, most] = [Math.max(1, Math.min(...counts)), Math.max(...counts)];
  const frame = makeFrame({ width, height, edge: SIZE_EDGE, x: [least, most], y: up, log: true });
  const { x, y } = frame;
  const svg = s("svg", { class: "dx-chart", width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `${chart.title} against the number of rules` });
  const places = COUNTS.filter((count) => count >= least && count <= most);
  svg.append(makeAxes(frame, { below: "rules", above: withItsUnit(chart.title, chart.unit), rows: 3, places }));
  if (chart.reference !== null) {
    svg.append(s("line", { x1: SIZE_EDGE.left, x2: width - SIZE_EDGE.right, y1: y(chart.reference), y2: y(chart.reference), class: "dx-reference" }));
  }
  chart.lines.forEach((/** @type {any} */ line, /** @type {any} */ seed) => {
    const d = linePath(frame, line.map((/** @type {number} */ value, /** @type {number} */ at) => [leaves[seed][at], value]));
    svg.append(s("path", { d, class: seed ? "dx-line dx-other-seed" : "dx-line dx-chosen dx-size-line" }));
  });
  svg.append(s("circle", { cx: x(leaves[0][view.at]), cy: y(chart.lines[0][view.at]), r: 5.5, class: "dx-knob-dot dx-size-dot" }));
  return svg;
}
