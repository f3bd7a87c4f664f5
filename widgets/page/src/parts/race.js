// What searches found against the CPU time they took; and ranges of values around a case.
// figure.race: {series: [{name, points: [[seconds, ratio]], spent, running}], limit, reference, unit}
// figure.ranges: {caption, rows: [{name, low, high, value, words}]}; low, high, value as shares of the whole range

import { h, objectColour, s, setAttributes } from "../shared/dom.js";
import { roundly, ticks } from "./geometry.js";
import { number } from "../shared/numbers.js";

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
  const element = h("div", { class: "dx-race" }, svg, table);
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
  const right = Math.min(16 + 6.4 * Math.max(...race.series.map((/** @type {any} */ one) => one.name.length + 5)), 0.45 * view.width);
  const time = Math.max(race.limit, ...race.series.map((/** @type {any} */ one) => one.spent));
  const most = Math.max(...race.series.flatMap((/** @type {any} */ one) => one.points.map((/** @type {any} */ [, ratio]) => ratio)), 1.05);
  const { y1 } = roundly(1, most);
  /** @param {any} t */
  const x = (t) => RACE.left + (t / time) * (view.width - RACE.left - right);
  /** @param {number} ratio */
  const y = (ratio) => RACE.height - RACE.bottom - ((ratio - 1) / (y1 - 1)) * (RACE.height - RACE.top - RACE.bottom);
  const ends = spreadEnds(race.series.map((/** @type {any} */ one) => (one.points.length ? y(one.points[one.points.length - 1][1]) : RACE.height - RACE.bottom)));
  const lines = race.series.flatMap((/** @type {any} */ one, /** @type {number} */ index) => raceLine(one, index, x, y, ends[index]));
  setAttributes(view.svg, { width: view.width, height: RACE.height, viewBox: `0 0 ${view.width} ${RACE.height}`, "aria-label": `Best ratio found against CPU time, for ${race.series.map((/** @type {any} */ one) => one.name).join(", ")}` });
  view.svg.replaceChildren(raceAxes(view, race, x, y, time, y1, right), ...lines);
  const rows = race.series.map((/** @type {any} */ one) => h("tr", {}, h("th", { scope: "row" }, one.name), h("td", {}, one.points.length ? `${number(one.points[one.points.length - 1][1])} after ${number(one.points[one.points.length - 1][0])} CPU-seconds` : "nothing yet")));
  view.table.replaceChildren(h("caption", {}, "Best ratio of each search"), ...rows);
}

/**
 * @param {any} view
 * @param {any} race
 * @param {(value: number) => number} x
 * @param {(value: number) => number} y
 * @param {any} time
 * @param {any} top
 * @param {any} right
 */
function raceAxes(view, race, x, y, time, top, right) {
  /** @type {any[]} */
  const parts = [];
  for (const value of ticks(1, top, 5)) {
    parts.push(s("line", { x1: RACE.left, x2: view.width - right, y1: y(value), y2: y(value) }), s("text", { x: RACE.left - 6, y: y(value) + 4, "text-anchor": "end" }, number(value)));
  }
  for (const value of ticks(0, time, Math.min(8, view.width / 70))) {
    parts.push(s("text", { x: x(value), y: RACE.height - RACE.bottom + 15, "text-anchor": "middle" }, number(value)));
  }
  parts.push(s("text", { x: (RACE.left + view.width - right) / 2, y: RACE.height - 4, "text-anchor": "middle", class: "dx-title" }, "CPU time of each search, s"));
  return s("g", { class: "dx-axes", "aria-hidden": "true" }, ...parts);
}

/**
 * A staircase: a search knows its best until it finds better.
 * @param {any} one
 * @param {number} index
 * @param {(value: number) => number} x
 * @param {(value: number) => number} y
 * @param {any} end
 */
function raceLine(one, index, x, y, end) {
  const colour = objectColour(index);
  const dash = DASHES[index % DASHES.length];
  let path = "";
  one.points.forEach((/** @type {any} */ [t, ratio], /** @type {number} */ at) => {
    path += at ? `H${x(t).toFixed(1)}V${y(ratio).toFixed(1)}` : `M${x(t).toFixed(1)} ${y(Math.max(1, ratio)).toFixed(1)}`;
  });
  const last = one.points[one.points.length - 1];
  if (last) path += `H${x(Math.max(one.spent, last[0])).toFixed(1)}`;
  const shown = x(Math.max(one.spent, last ? last[0] : 0));
  const name = s("text", { x: shown + 6, y: end + 4, class: "dx-race-end", style: `fill:${colour}` }, last ? `${number(last[1])} ${one.name}` : one.name);
  const line = s("path", { d: path, class: `dx-race-line ${one.running === false ? "" : "dx-running"}`, style: `stroke:${colour};stroke-dasharray:${dash}` });
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
