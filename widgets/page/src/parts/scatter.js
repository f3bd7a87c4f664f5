// States as points. A click on a point loads its state; the slider below goes from point to point by keyboard.
// figure.scatter: {points: bytes f32 [n x 2], values: bytes f32 [n], names: [text] (empty: a ramp), colours: [index or null],
// low, high, unit, here: [x, y] or null, words, axes: [text, text]}
// The chosen point goes to answers.point.

import { bytes } from "../shared/bytes.js";
import { INK, h, mix, objectColour, setAttributes, setText } from "../shared/dom.js";
import { answer } from "../session/answers.js";
import { withUnit } from "../shared/numbers.js";

const CLOUD = { edge: 14, height: 360, reach: 14 };

/**
 * @param {Store} store
 * @param {PartSpec} part
 * @param {PanelModel} model
 */
export function makeScatter(store, part, model) {
  const canvas = h("canvas", { role: "img", class: "dx-canvas dx-cloud" });
  const tip = h("div", { class: "dx-tip", "aria-hidden": "true" });
  const stage = h("div", { class: "dx-stage" }, canvas, tip);
  const legend = h("div", { class: "dx-legend dx-names" });
  const walk = h("input", { type: "range", min: "0", step: "1", "aria-label": "State by state" });
  const label = h("label", { class: "dx-field dx-walk" }, h("span", { class: "dx-label" }, "State by state"), walk);
  const element = h("div", { class: "dx-scatter" }, stage, legend, label);
  /** @type {any} */
  const view = { store, model, canvas, tip, legend, walk, element, width: 0, points: new Float32Array(0), values: new Float32Array(0) };
  canvas.addEventListener("pointermove", (event) => hoverPoint(view, event));
  canvas.addEventListener("pointerleave", () => { tip.style.opacity = "0"; });
  canvas.addEventListener("click", (event) => {
    const point = pointAt(view, event);
    if (point !== null) answer(model, "point", point);
  });
  walk.addEventListener("input", () => drawCloud(view, Number(walk.value)));
  walk.addEventListener("change", () => answer(model, "point", Number(walk.value)));
  const update = () => takeCloud(view);
  const resize = new ResizeObserver(([entry]) => {
    view.width = Math.floor(entry.contentRect.width);
    drawCloud(view);
  });
  resize.observe(stage);
  model.on("change:figure", update);
  model.on("change:answers", () => drawCloud(view));
  return { element, update: (/** @type {string} */ what) => (what === "theme" ? drawCloud(view) : what === "scene" && update()), stop: () => resize.disconnect() };
}

/** @param {any} view */
function takeCloud(view) {
  const { scatter } = view.model.get("figure");
  view.element.hidden = !scatter;
  if (!scatter) return;
  if (scatter.points !== view.given) {
    view.given = scatter.points;
    view.points = bytes(scatter.points, Float32Array);
    view.walk.max = String(view.points.length / 2 - 1);
  }
  view.values = bytes(scatter.values, Float32Array);
  setAttributes(view.canvas, { "aria-label": scatter.words });
  drawNames(view, scatter);
  drawCloud(view);
}

/**
 * @param {any} view
 * @param {any} scatter
 * @param {number} value
 */
function colourOfPoint(view, scatter, value) {
  const ink = INK[view.store.theme];
  if (scatter.names.length) {
    const colour = scatter.colours[value];
    return colour === null || colour === undefined ? ink.soft : objectColour(colour);
  }
  const share = (value - scatter.low) / (scatter.high - scatter.low || 1);
  const colour = share < 0.5 ? mix(ink.negative, ink.zero.map((channel) => channel * 0.85), share * 2) : mix(ink.zero.map((channel) => channel * 0.85), ink.positive, share * 2 - 1);
  return `rgb(${colour.map(Math.round).join(",")})`;
}

/**
 * Where a point lies on the canvas, px.
 * @param {any} view
 * @param {number} x
 * @param {number} y
 */
function placeOf(view, x, y) {
  const { x0, x1, y0, y1 } = view.box;
  const across = view.width - 2 * CLOUD.edge;
  const down = CLOUD.height - 2 * CLOUD.edge;
  return [CLOUD.edge + ((x - x0) / (x1 - x0 || 1)) * across, CLOUD.edge + ((y1 - y) / (y1 - y0 || 1)) * down];
}

/**
 * @param {any} view
 * @param {number} [walking]
 */
function drawCloud(view, walking) {
  const { scatter } = view.model.get("figure");
  if (!scatter || view.width < 80) return;
  const { canvas, points, values } = view;
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.round(view.width * ratio);
  canvas.height = Math.round(CLOUD.height * ratio);
  canvas.style.width = `${view.width}px`;
  canvas.style.height = `${CLOUD.height}px`;
  view.box = boxOf(points, scatter.here);
  const context = canvas.getContext("2d");
  const ink = INK[view.store.theme];
  context.scale(ratio, ratio);
  for (let index = 0; index < values.length; index += 1) {
    const [x, y] = placeOf(view, points[2 * index], points[2 * index + 1]);
    context.globalAlpha = 0.75;
    context.fillStyle = colourOfPoint(view, scatter, values[index]);
    context.beginPath();
    context.arc(x, y, view.width < 520 ? 2.5 : 3.2, 0, 2 * Math.PI);
    context.fill();
  }
  context.globalAlpha = 1;
  const chosen = walking ?? view.model.get("answers").point;
  if (Number.isInteger(chosen) && chosen >= 0 && chosen < values.length) {
    ring(context, placeOf(view, points[2 * chosen], points[2 * chosen + 1]), 6, ink.text);
    view.walk.value = String(chosen);
    setAttributes(view.walk, { "aria-valuetext": tellPoint(scatter, values[chosen], chosen) });
  } else view.walk.value = "0";
  if (scatter.here) {
    const at = placeOf(view, scatter.here[0], scatter.here[1]);
    ring(context, at, 9, ink.text);
    cross(context, at, ink.text);
  }
  context.font = '11px system-ui, "Segoe UI", Roboto, sans-serif';
  context.fillStyle = ink.soft;
  context.fillText(scatter.axes[0], view.width - CLOUD.edge - context.measureText(scatter.axes[0]).width, CLOUD.height - 2);
  context.fillText(scatter.axes[1], 2, 10);
}

/**
 * @param {any} points
 * @param {any} here
 */
function boxOf(points, here) {
  const box = { x0: Infinity, x1: -Infinity, y0: Infinity, y1: -Infinity };
  /**
   * @param {number} x
   * @param {number} y
   */
  const take = (x, y) => {
    box.x0 = Math.min(box.x0, x);
    box.x1 = Math.max(box.x1, x);
    box.y0 = Math.min(box.y0, y);
    box.y1 = Math.max(box.y1, y);
  };
  for (let index = 0; index < points.length; index += 2) take(points[index], points[index + 1]);
  if (here) take(here[0], here[1]);
  return box;
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {any} given
 * @param {any} radius
 * @param {string} colour
 */
function ring(context, [x, y], radius, colour) {
  context.lineWidth = 2;
  context.strokeStyle = colour;
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.stroke();
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {any} given
 * @param {string} colour
 */
function cross(context, [x, y], colour) {
  context.lineWidth = 1.5;
  context.strokeStyle = colour;
  context.beginPath();
  for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
    context.moveTo(x + dx * 6, y + dy * 6);
    context.lineTo(x + dx * 15, y + dy * 15);
  }
  context.stroke();
}

/**
 * @param {any} view
 * @param {any} event
 */
function pointAt(view, event) {
  const edge = view.canvas.getBoundingClientRect();
  const [x, y] = [event.clientX - edge.left, event.clientY - edge.top];
  /** @type {any} */
  let best = null;
  let nearest = CLOUD.reach ** 2;
  for (let index = 0; index < view.values.length && view.box; index += 1) {
    const [px, py] = placeOf(view, view.points[2 * index], view.points[2 * index + 1]);
    const far = (px - x) ** 2 + (py - y) ** 2;
    if (far < nearest) [best, nearest] = [index, far];
  }
  return best;
}

/**
 * @param {any} scatter
 * @param {number} value
 * @param {number} index
 */
function tellPoint(scatter, value, index) {
  return `state ${index}: ${scatter.names.length ? scatter.names[value] : withUnit(value, scatter.unit)}`;
}

/**
 * @param {any} view
 * @param {any} event
 */
function hoverPoint(view, event) {
  const { scatter } = view.model.get("figure");
  const point = scatter ? pointAt(view, event) : null;
  view.canvas.style.cursor = point === null ? "default" : "pointer";
  view.tip.style.opacity = point === null ? 0 : 1;
  if (point === null) return;
  setText(view.tip, `${tellPoint(scatter, view.values[point], point)}; click to load it`);
  const [x, y] = placeOf(view, view.points[2 * point], view.points[2 * point + 1]);
  view.tip.style.transform = `translate(${Math.min(x + 10, Math.max(0, view.width - 190)).toFixed(0)}px, ${Math.min(y + 10, CLOUD.height - 30).toFixed(0)}px)`;
}

/**
 * @param {any} view
 * @param {any} scatter
 */
function drawNames(view, scatter) {
  if (!scatter.names.length) {
    view.legend.replaceChildren(h("span", {}, withUnit(scatter.low, scatter.unit)), h("span", { class: "dx-ramp", "aria-hidden": "true" }), h("span", {}, withUnit(scatter.high, scatter.unit)));
    return;
  }
  const present = [...new Set(view.values)].sort((a, b) => a - b);
  view.legend.replaceChildren(...present.map((value) => h("span", { class: "dx-name" }, h("span", { class: "dx-dot", style: `background:${objectColour(scatter.colours[value])}` }), scatter.names[value])));
}
