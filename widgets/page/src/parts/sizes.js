// Curves over the number of rules, and the slider that moves along them.
// figure.sizes: {leaves: [[of each size] per line], at, charts: [{title, unit, reference, lines: [[value]]}], words: [of each size]}
// The first line is the chosen one; the place on the slider goes to answers.size.

import { h, s, setAttributes, setText } from "../shared/dom.js";
import { roundly, ticks } from "./geometry.js";
import { answer } from "../session/answers.js";
import { number } from "../shared/numbers.js";

const SIZE_EDGE = { left: 40, right: 10, top: 20, bottom: 30 };

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
  const { y0, y1 } = roundly(Math.min(...all), Math.max(...all));
  const most = Math.log(Math.max(...leaves.flat()));
  const least = Math.log(Math.max(1, Math.min(...leaves.flat())));
  /** @param {number} count */
  const x = (count) => SIZE_EDGE.left + ((Math.log(count) - least) / (most - least || 1)) * (width - SIZE_EDGE.left - SIZE_EDGE.right);
  /** @param {number} value */
  const y = (value) => height - SIZE_EDGE.bottom - ((value - y0) / (y1 - y0 || 1)) * (height - SIZE_EDGE.top - SIZE_EDGE.bottom);
  const svg = s("svg", { class: "dx-chart", width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `${chart.title} against the number of rules` });
  svg.append(sizeAxes({ chart, x, y, y0, y1, width, height, least, most }));
  if (chart.reference !== null) {
    svg.append(s("line", { x1: SIZE_EDGE.left, x2: width - SIZE_EDGE.right, y1: y(chart.reference), y2: y(chart.reference), class: "dx-reference" }));
  }
  chart.lines.forEach((/** @type {any} */ line, /** @type {any} */ seed) => {
    const d = line.map((/** @type {number} */ value, /** @type {number} */ at) => `${at ? "L" : "M"}${x(leaves[seed][at]).toFixed(1)} ${y(value).toFixed(1)}`).join("");
    svg.append(s("path", { d, class: seed ? "dx-line dx-other-seed" : "dx-line dx-chosen dx-size-line" }));
  });
  svg.append(s("circle", { cx: x(leaves[0][view.at]), cy: y(chart.lines[0][view.at]), r: 5.5, class: "dx-knob-dot dx-size-dot" }));
  return svg;
}

/** @param {any} given */
function sizeAxes({ chart, x, y, y0, y1, width, height, least, most }) {
  const axes = s("g", { class: "dx-axes", "aria-hidden": "true" });
  axes.append(s("text", { x: 0, y: 11 }, chart.unit ? `${chart.title}, ${chart.unit}` : chart.title));
  for (const value of ticks(y0, y1, 3)) {
    axes.append(s("line", { x1: SIZE_EDGE.left, x2: width - SIZE_EDGE.right, y1: y(value), y2: y(value) }), s("text", { x: SIZE_EDGE.left - 6, y: y(value) + 4, "text-anchor": "end" }, number(value)));
  }
  for (const count of [1, 2, 5, 10, 20, 50, 100, 200]) {
    if (Math.log(count) < least - 1e-9 || Math.log(count) > most + 1e-9) continue;
    axes.append(s("text", { x: x(count), y: height - SIZE_EDGE.bottom + 15, "text-anchor": "middle" }, String(count)));
  }
  axes.append(s("text", { x: (SIZE_EDGE.left + width - SIZE_EDGE.right) / 2, y: height - 2, "text-anchor": "middle" }, "rules"));
  return axes;
}
