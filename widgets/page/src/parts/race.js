// What searches found against the CPU time they took; and ranges of values around a case.
// figure.race: {series: [{name, points: [[seconds, ratio]], spent, running}], limit, reference, unit}
// figure.ranges: {caption, rows: [{name, low, high, value, words}]}; low, high, value as shares of the whole range

import { h, objectColour, s, setAttributes } from "../shared/dom.js";
import { number } from "../shared/numbers.js";
import { linePath, makeAxes, makeFrame, roundInterval } from "./chart.js";

const RACE = { left: 40, top: 10, bottom: 34, height: 230 };
const DASHES = ["none", "7 3", "2 3", "9 3 2 3", "4 2", "12 4", "2 2 6 2", "1 4"];

/**
 * @param {Store} store
 * @param {PartSpec} part
 * @param {PanelModel} model
 */
export function makeRace(store, part, model) {
  const svg = s("svg", { class: "dx-chart", role: "img" });
  const table = h("table", { class: "dx-hidden" });
  const element = h("div", { class: "dx-race" }, svg, h("div", { class: "dx-hidden" }, table)); // a table alone would keep its width
  /** @type {any} */
  const view = { svg, table, element, model, width: 0, drawn: null };
  const resize = new ResizeObserver(([entry]) => {
    view.width = Math.floor(entry.contentRect.width);
    drawRace(view);
  });
  resize.observe(element);
  /** @param {string} what */
  const update = (what) => what !== "live" && what !== "local" && drawRace(view);
  model.on("change:figure", () => update("figure"));
  return { element, update, stop: () => resize.disconnect() };
}

/** @param {any} view */
function drawRace(view) {
  const { race } = view.model.get("figure");
  view.element.hidden = !race || !race.series.length;
  if (view.element.hidden || view.width < 120) return;
  const right = Math.min(16 + 6.4 * Math.max(...race.series.map((/** @type {any} */ line) => line.name.length + 5)), 0.45 * view.width);
  const time = Math.max(race.limit, ...race.series.map((/** @type {any} */ line) => line.spent));
  const most = Math.max(...race.series.flatMap((/** @type {any} */ line) => line.points.map((/** @type {any} */ [, ratio]) => ratio)), 1.05);
  const frame = makeFrame({ width: view.width, height: RACE.height, edge: { ...RACE, right }, x: [0, time], y: [1, roundInterval(1, most, 5)[1]] });
  const ends = spreadEnds(race.series.map((/** @type {any} */ line) => (line.points.length ? frame.y(line.points[line.points.length - 1][1]) : RACE.height - RACE.bottom)));
  const lines = race.series.flatMap((/** @type {any} */ line, /** @type {number} */ index) => raceLine(line, index, frame, ends[index]));
  setAttributes(view.svg, { width: view.width, height: RACE.height, viewBox: `0 0 ${view.width} ${RACE.height}`, "aria-label": `Best ratio found against CPU time, for ${race.series.map((/** @type {any} */ line) => line.name).join(", ")}` });
  view.svg.replaceChildren(makeAxes(frame, { below: "CPU time of each search, s", rows: 5, columns: Math.min(8, view.width / 70) }), ...lines);
  const rows = race.series.map((/** @type {any} */ line) => h("tr", {}, h("th", { scope: "row" }, line.name), h("td", {}, line.points.length ? `${number(line.points[line.points.length - 1][1])} after ${number(line.points[line.points.length - 1][0])} CPU-seconds` : "nothing yet")));
  view.table.replaceChildren(h("caption", {}, "Best ratio of each search"), ...rows);
}

/**
 * A staircase: a search knows its best until it finds better.
 * @param {any} series
 * @param {number} index
 * @param {import("./chart.js").Frame} frame
 * @param {number} end
 */
function raceLine(series, index, frame, end) {
  const colour = objectColour(index);
  const dash = DASHES[index % DASHES.length];
  const last = series.points[series.points.length - 1];
  const ended = Math.max(series.spent, last ? last[0] : 0);
  const seen = series.points.map((/** @type {any} */ [time, ratio]) => [time, Math.max(1, ratio)]);
  const path = linePath(frame, last ? [...seen, [ended, Math.max(1, last[1])]] : [], true);
  const shown = frame.x(ended);
  const name = s("text", { x: shown + 6, y: end + 4, class: "dx-race-end", style: `fill:${colour}` }, last ? `${number(last[1])} ${series.name}` : series.name);
  const line = s("path", { d: path, class: `dx-race-line ${series.running === false ? "" : "dx-running"}`, style: `stroke:${colour};stroke-dasharray:${dash}` });
  return [line, name];
}

/**
 * Heights of labels that keep 13 px between one another, in the order of their lines.
 * @param {any} heights
 */
function spreadEnds(heights) {
  const order = heights.map((/** @type {number} */ height, /** @type {number} */ index) => [height, index]).sort((/** @type {any} */ a, /** @type {any} */ b) => a[0] - b[0]);
  const placed = heights.slice();
  let above = -Infinity;
  for (const [height, index] of order) {
    placed[index] = Math.max(height, above + 13);
    above = placed[index];
  }
  const over = Math.max(0, above - (RACE.height - RACE.bottom + 2));
  let below = Infinity;
  for (const [, index] of order.reverse()) {
    placed[index] = Math.min(placed[index] - (below === Infinity ? over : 0), below - 13);
    below = placed[index];
  }
  return placed;
}

/**
 * Rows of ranges: a rail for all that is allowed, a bar for the range, a stroke for the case's value.
 * @param {Store} store
 * @param {PartSpec} part
 * @param {PanelModel} model
 */
export function makeRanges(store, part, model) {
  const table = h("table", { class: "dx-bars dx-ranges" });
  /** @type {any} */
  let drawn = null;
  const update = () => {
    const { ranges } = model.get("figure");
    table.hidden = !ranges || !ranges.rows.length;
    if (table.hidden || ranges === drawn) return;
    drawn = ranges;
    const rows = ranges.rows.map((/** @type {any} */ row) => {
      const span = h("span", { class: "dx-span", "aria-hidden": "true" });
      span.append(h("i", { style: `left:${100 * row.low}%;right:${100 * (1 - row.high)}%` }), h("b", { style: `left:${100 * row.value}%` }));
      return h("tr", {}, h("th", { scope: "row" }, row.name), h("td", { class: "dx-track" }, span), h("td", { class: "dx-number" }, row.words));
    });
    table.replaceChildren(h("caption", { class: "dx-label" }, ranges.caption), ...rows);
  };
  model.on("change:figure", update);
  return { element: table, update, stop() {} };
}
