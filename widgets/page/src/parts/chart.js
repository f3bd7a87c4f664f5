// What all charts share: scales, axes and lines (d3), in the page's own look and with the page's own numbers.

import { axisBottom, axisLeft } from "d3-axis";
import { scaleLinear, scaleLog } from "d3-scale";
import { select } from "d3-selection";
import { curveLinear, curveStepAfter, line } from "d3-shape";

import { s } from "../shared/dom.js";
import { number } from "../shared/numbers.js";

/**
 * A chart's rectangle inside its SVG element, px from its edges, and the scales over it.
 * @typedef {{left: number, right: number, top: number, bottom: number}} Edge
 * @typedef {import("d3-scale").ScaleContinuousNumeric<number, number>} Scale
 * @typedef {{width: number, height: number, edge: Edge, x: Scale, y: Scale}} Frame
 */

/**
 * @param {{width: number, height: number, edge: Edge, x: [number, number], y: [number, number], log?: boolean}} given
 *     x and y: what the scales range over; log: whether x is on a logarithmic scale
 * @returns {Frame}
 */
export function makeFrame({ width, height, edge, x, y, log = false }) {
  const across = log ? scaleLog() : scaleLinear();
  return {
    width, height, edge,
    x: across.domain(spanned(x)).range([edge.left, width - edge.right]),
    y: scaleLinear().domain(spanned(y)).range([height - edge.bottom, edge.top]),
  };
}

/**
 * An interval that is not empty: of one value, to the next 1.
 * @param {[number, number]} interval
 * @returns {[number, number]}
 */
function spanned([low, high]) {
  return low === high ? [low, low + 1] : [low, high];
}

/**
 * An interval between round numbers that covers a range: the axis stands still while curves move.
 * @param {number} low
 * @param {number} high
 * @param {number} [count] of steps, about
 * @returns {[number, number]}
 */
export function roundInterval(low, high, count = 4) {
  const [from, to] = scaleLinear().domain(spanned([low, high])).nice(count).domain();
  return [from, to];
}

/**
 * About so many round numbers inside an interval.
 * @param {number} low
 * @param {number} high
 * @param {number} count
 */
export function roundNumbers(low, high, count) {
  return scaleLinear().domain(spanned([low, high])).ticks(count);
}

/**
 * The axes of a frame: rules across it, numbers beside and below, and what they mean.
 * @param {Frame} frame
 * @param {{below: string, above?: string, rows?: number, columns?: number, places?: number[], whole?: boolean}} given
 *     below and above: titles; rows and columns: about how many numbers; places: these numbers below, instead;
 *     whole: whole numbers alone below
 */
export function makeAxes({ width, height, edge, x, y }, { below, above, rows = 4, columns = 8, places, whole = false }) {
  const shown = places ?? x.ticks(columns).filter((value) => !whole || Number.isInteger(value));
  const left = axisLeft(y).ticks(rows).tickFormat((value) => number(value.valueOf())).tickSize(-(width - edge.left - edge.right)).tickPadding(6).offset(0);
  const bottom = axisBottom(x).tickValues(shown).tickFormat((value) => number(value.valueOf())).tickSize(0).tickPadding(7).offset(0);
  const axes = s("g", { class: "dx-axes", "aria-hidden": "true" });
  const root = select(axes);
  root.append("g").attr("transform", `translate(${edge.left} 0)`).call(left);
  root.append("g").attr("transform", `translate(0 ${height - edge.bottom})`).call(bottom);
  root.selectAll(".domain").remove();
  root.selectAll(".tick line").filter((value) => value === 0).attr("class", "dx-zero");
  axes.append(s("text", { x: (edge.left + width - edge.right) / 2, y: height - 4, "text-anchor": "middle", class: "dx-title" }, below));
  if (above) axes.append(s("text", { x: 0, y: 12 }, above));
  return axes;
}

/**
 * A title with its unit: "memory, units".
 * @param {string} name
 * @param {string} [unit]
 */
export function withItsUnit(name, unit) {
  return unit ? `${name}, ${unit}` : name;
}

/**
 * A line through points, as the `d` of a path.
 * @param {Frame} frame
 * @param {[number, number][]} points
 * @param {boolean} [stairs] whether a value holds until the next one
 */
export function linePath(frame, points, stairs = false) {
  const path = line().x(([x]) => frame.x(x)).y(([, y]) => frame.y(y)).curve(stairs ? curveStepAfter : curveLinear).digits(1);
  return path(points) ?? "";
}
