// Training as it goes: cost and agreement over the iterations, one line per run, the newest on top.
// figure.lessons: {charts: [{title, unit, series: [{name, points: [[iteration, value]]}], levels: [{name, value}]}], across}

import { h, objectColour, s } from "../shared/dom.js";
import { number, withUnit } from "../shared/numbers.js";
import { linePath, makeAxes, makeFrame, roundInterval, withItsUnit } from "./chart.js";

const LESSON = { left: 44, right: 14, top: 24, bottom: 32, height: 190, gap: 16 };
const LESSON_DASHES = ["none", "7 3", "2 3", "9 3 2 3"];

/**
 * @param {Store} store
 * @param {PartSpec} part
 * @param {PanelModel} model
 */
export function makeLessons(store, part, model) {
  const charts = h("div", { class: "dx-lesson-charts" });
  const key = h("ul", { class: "dx-lesson-key" });
  const table = h("table", {});
  const element = h("div", { class: "dx-lessons" }, charts, key, h("div", { class: "dx-hidden" }, table)); // a table alone would keep its width
  let width = 0;
  const draw = () => {
    const { lessons } = model.get("figure");
    element.hidden = !lessons || !lessons.charts.length;
    if (element.hidden || width < 100) return;
    charts.replaceChildren(...lessons.charts.map((/** @type {any} */ chart) => lessonChart(chart, lessons.across, width)));
    const names = lessons.charts[0].series.map((/** @type {any} */ line) => line.name);
    key.replaceChildren(...names.map((/** @type {string} */ name, /** @type {number} */ at) => h("li", {}, lessonMark(at), name)));
    table.replaceChildren(h("caption", {}, "Training runs at their last point"), ...names.map((/** @type {string} */ name, /** @type {number} */ at) => lessonRow(lessons, name, at)));
  };
  const resize = new ResizeObserver(([entry]) => {
    const columns = entry.contentRect.width >= 560 ? 2 : 1;
    width = Math.floor((entry.contentRect.width - LESSON.gap * (columns - 1)) / columns);
    draw();
  });
  resize.observe(charts);
  /** @param {string} what */
  const update = (what) => what !== "live" && what !== "local" && draw();
  model.on("change:figure", () => update("own"));
  return { element, update, stop: () => resize.disconnect() };
}

/** @param {number} at */
function lessonMark(at) {
  const line = s("line", { x1: 1, x2: 25, y1: 6, y2: 6, style: `stroke:${objectColour(at)};stroke-dasharray:${LESSON_DASHES[at % LESSON_DASHES.length]}`, class: "dx-lesson-line" });
  return s("svg", { width: 26, height: 12, "aria-hidden": "true", class: "dx-lesson-mark" }, line);
}

/**
 * @param {any} lessons
 * @param {string} name
 * @param {number} at
 */
function lessonRow(lessons, name, at) {
  const cells = lessons.charts.map((/** @type {any} */ chart) => {
    const points = chart.series[at]?.points || [];
    const last = points[points.length - 1];
    return h("td", {}, last ? `${chart.title}: ${withUnit(last[1], chart.unit)} after ${last[0]} iterations, before ${withUnit(points[0][1], chart.unit)}` : "not measured yet");
  });
  return h("tr", {}, h("th", { scope: "row" }, name), ...cells);
}

/**
 * @param {any} chart
 * @param {any} across
 * @param {number} width
 */
function lessonChart(chart, across, width) {
  const { height } = LESSON;
  const all = [...chart.series.flatMap((/** @type {any} */ line) => line.points), ...chart.levels.map((/** @type {any} */ level) => [0, level.value])];
  const values = all.map(([, value]) => value);
  const pad = Math.max(1e-6, (Math.max(...values) - Math.min(...values)) * 0.06);
  const up = roundInterval(Math.min(...values) - pad, Math.max(...values) + pad);
  const most = Math.max(2, ...all.map(([at]) => at));
  const frame = makeFrame({ width, height, edge: LESSON, x: [0, most], y: up });
  const { y } = frame;
  const svg = s("svg", { class: "dx-chart", width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `${chart.title} over the iterations` });
  svg.append(makeAxes(frame, { below: across, above: withItsUnit(chart.title, chart.unit), columns: Math.min(8, width / 60), whole: true }));
  for (const level of chart.levels) {
    svg.append(s("line", { x1: LESSON.left, x2: width - LESSON.right, y1: y(level.value), y2: y(level.value), class: "dx-reference" }));
  }
  lessonLevels(chart.levels, y).forEach(([level, at]) => svg.append(s("text", { x: width - LESSON.right, y: at, "text-anchor": "end", class: "dx-lesson-level" }, `${level.name} ${number(level.value)}`)));
  chart.series.forEach((/** @type {any} */ line, /** @type {number} */ at) => svg.append(...lessonLine(line, at, frame)));
  return svg;
}

/**
 * Where the names of the levels stand: above their lines, and never on one another.
 * @param {any} levels
 * @param {(value: number) => number} y
 */
function lessonLevels(levels, y) {
  const sorted = [...levels].sort((a, b) => b.value - a.value);
  let above = -Infinity;
  return sorted.map((level, index) => {
    const close = index + 1 < sorted.length && y(sorted[index + 1].value) - y(level.value) < 15;
    let at = close || index === 0 ? y(level.value) - 4 : y(level.value) + 13;
    at = Math.max(at, above + 13);
    above = at;
    return [level, at];
  });
}

/**
 * @param {any} line
 * @param {number} at
 * @param {import("./chart.js").Frame} frame
 */
function lessonLine(line, at, frame) {
  const colour = objectColour(at);
  const d = linePath(frame, line.points);
  const parts = [s("path", { d, class: "dx-lesson-line", style: `stroke:${colour};stroke-dasharray:${LESSON_DASHES[at % LESSON_DASHES.length]}` })];
  const last = line.points[line.points.length - 1];
  if (last) parts.push(s("circle", { cx: frame.x(last[0]), cy: frame.y(last[1]), r: 4, style: `fill:${colour}` }));
  return parts;
}
