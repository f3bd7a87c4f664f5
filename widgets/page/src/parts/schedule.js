// Schedules of several runs over the same work, one under another, and a scrubber over the decisions.
// figure: {runs: [{name, summary, tracks: [{name, unit, capacity}], bars: [[object, track, from, to, low, high]]}],
//          objects: [{name, colour, words}], end, unit, times: [per decision], marks: [decisions],
//          flags: [[decision, words]]: a dashed line through all runs}

import { INK, h, objectColour, setAttributes, setText } from "../shared/dom.js";
import { shorten } from "./paint.js";
import { answer } from "../session/answers.js";
import { number } from "../shared/numbers.js";
import { roundNumbers } from "./chart.js";

const ROW = 46;
const LANE = { left: 64, right: 8, gap: 6, title: 22, axis: 18, flag: 16 };

/**
 * @param {Store} store
 * @param {PartSpec} part
 * @param {PanelModel} model
 */
export function makeSchedule(store, part, model) {
  const canvas = h("canvas", { role: "img", class: "dx-canvas" });
  const line = h("div", { class: "dx-now", "aria-hidden": "true" });
  const tip = h("div", { class: "dx-tip", "aria-hidden": "true" });
  const stage = h("div", { class: "dx-stage" }, canvas, line, tip);
  const box = h("div", { class: "dx-schedule" }, stage);
  const scrub = makeScrubber(model);
  const element = h("div", {}, box, scrub.element);
  /** @type {any} */
  const view = { store, model, canvas, line, tip, stage, box, object: -1 };
  const resize = new ResizeObserver(() => drawSchedule(view));
  resize.observe(box);
  model.on("change:figure", () => update("figure"));
  scheduleHover(view);
  /** @param {string} what */
  const update = (what) => {
    if (what === "local" || what === "live") return;
    drawSchedule(view);
    scrub.update();
  };
  model.on("change:answers", () => {
    placeNow(view);
    scrub.update();
  });
  return { element, update, stop: () => resize.disconnect() };
}

/**
 * @param {any} given
 * @param {any} run
 * @param {any} track
 */
function laneTop({ runs, flags }, run, track) {
  let top = LANE.flag * flags.length;
  for (let index = 0; index < run; index += 1) top += LANE.title + runs[index].tracks.length * (ROW + LANE.gap) + 10;
  return top + LANE.title + track * (ROW + LANE.gap);
}

/** @param {any} view */
function drawSchedule(view) {
  const figure = view.model.get("figure");
  const width = view.box.clientWidth;
  view.box.hidden = !figure.runs;
  if (!figure.runs || width < 60) return;
  const { runs } = figure;
  const height = laneTop(figure, runs.length, 0) - LANE.title + LANE.axis;
  const ratio = window.devicePixelRatio || 1;
  Object.assign(view, { width, height, figure });
  view.canvas.width = Math.round(width * ratio);
  view.canvas.height = Math.round(height * ratio);
  for (const target of [view.canvas, view.stage]) {
    target.style.width = `${width}px`;
    target.style.height = `${height}px`;
  }
  const context = view.canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  const ink = INK[view.store.theme];
  runs.forEach((/** @type {any} */ run, /** @type {number} */ index) => drawRun(view, context, ink, run, index));
  drawTimes(view, context, ink);
  drawFlags(view, context, ink);
  setAttributes(view.canvas, { "aria-label": figure.words || "Schedules" });
  placeNow(view);
}

/**
 * @param {any} view
 * @param {any} time
 */
function timeX(view, time) {
  return LANE.left + (time / Math.max(1, view.figure.end)) * (view.width - LANE.left - LANE.right);
}

/**
 * @param {any} view
 * @param {CanvasRenderingContext2D} context
 * @param {any} ink
 * @param {any} run
 * @param {number} index
 */
function drawRun(view, context, ink, run, index) {
  const { objects } = view.figure;
  const top = laneTop(view.figure, index, 0);
  context.textBaseline = "alphabetic";
  context.textAlign = "left";
  context.font = '600 13px system-ui, "Segoe UI", Roboto, sans-serif';
  context.fillStyle = ink.text;
  context.fillText(run.name, 0, top - 8);
  const after = context.measureText(run.name).width + 10;
  context.font = '400 12px system-ui, "Segoe UI", Roboto, sans-serif';
  context.fillStyle = ink.soft;
  context.fillText(shorten(context, run.summary, view.width - after), after, top - 8);
  run.tracks.forEach((/** @type {any} */ track, /** @type {number} */ at) => {
    const y = laneTop(view.figure, index, at);
    context.fillStyle = `rgb(${ink.zero.join(",")})`;
    context.fillRect(LANE.left, y, view.width - LANE.left - LANE.right, ROW);
    context.fillStyle = ink.soft;
    context.fillText(track.name, 0, y + ROW / 2 + 4);
  });
  for (const [object, track, from, to, low, high] of run.bars) {
    const { capacity } = run.tracks[track];
    const y = laneTop(view.figure, index, track);
    const left = timeX(view, from);
    const wide = timeX(view, to) - left;
    const tall = ((high - low) / capacity) * ROW;
    context.globalAlpha = view.object >= 0 && view.object !== object ? 0.25 : 0.9;
    context.fillStyle = objectColour(objects[object].colour);
    context.fillRect(left + 0.5, y + ROW - (high / capacity) * ROW + 0.5, Math.max(1, wide - 1), Math.max(1, tall - 1));
  }
  context.globalAlpha = 1;
}

/**
 * @param {any} view
 * @param {CanvasRenderingContext2D} context
 * @param {any} ink
 */
function drawTimes(view, context, ink) {
  context.font = '400 11px system-ui, "Segoe UI", Roboto, sans-serif';
  context.fillStyle = ink.soft;
  context.textAlign = "center";
  const { end, unit } = view.figure;
  const marks = roundNumbers(0, end, view.width / 90);
  for (const value of marks) {
    const last = value === marks[marks.length - 1];
    const text = last ? `${number(value)} ${unit}` : number(value);
    const x = Math.min(timeX(view, value), view.width - context.measureText(text).width / 2);
    context.fillText(text, x, view.height - 4);
  }
}

/**
 * Where the first run leaves the others: a dashed line down the chart, named above it.
 * @param {any} view
 * @param {CanvasRenderingContext2D} context
 * @param {any} ink
 */
function drawFlags(view, context, ink) {
  context.font = '400 11px system-ui, "Segoe UI", Roboto, sans-serif';
  context.fillStyle = ink.soft;
  context.strokeStyle = ink.soft;
  context.lineWidth = 1;
  context.setLineDash([4, 3]);
  view.figure.flags.forEach((/** @type {any} */ [decision, words], /** @type {any} */ row) => {
    const x = Math.round(timeX(view, view.figure.times[decision])) + 0.5;
    const y = LANE.flag * row;
    const right = x + context.measureText(words).width + 6 > view.width;
    context.textAlign = right ? "right" : "left";
    context.fillText(words, right ? x - 5 : x + 5, y + 11);
    context.beginPath();
    context.moveTo(x, y + 2);
    context.lineTo(x, view.height - LANE.axis);
    context.stroke();
  });
  context.setLineDash([]);
}

/** @param {any} view */
function placeNow(view) {
  const figure = view.model.get("figure");
  if (!figure.runs || !view.width) return;
  const at = view.model.get("answers").decision || 0;
  const time = figure.times[Math.min(at, figure.times.length - 1)] || 0;
  view.line.style.height = `${view.height - LANE.axis}px`;
  view.line.style.transform = `translateX(${timeX(view, time)}px)`;
}

/** @param {any} view */
function scheduleHover(view) {
  view.stage.addEventListener("pointermove", (/** @type {any} */ event) => {
    if (!view.figure) return;
    const box = view.stage.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    const object = objectAt(view, x, y);
    if (object !== view.object) {
      view.object = object;
      drawSchedule(view);
    }
    view.tip.style.opacity = object < 0 ? 0 : 1;
    if (object < 0) return;
    setText(view.tip, view.figure.objects[object].words);
    view.tip.style.transform = `translate(${Math.min(x + 12, view.width - view.tip.offsetWidth)}px, ${y + 16}px)`;
  });
  view.stage.addEventListener("pointerleave", () => {
    view.tip.style.opacity = 0;
    if (view.object < 0) return;
    view.object = -1;
    drawSchedule(view);
  });
}

/**
 * @param {any} view
 * @param {number} x
 * @param {number} y
 */
function objectAt(view, x, y) {
  const { runs, end } = view.figure;
  const time = ((x - LANE.left) / (view.width - LANE.left - LANE.right)) * end;
  for (let run = 0; run < runs.length; run += 1) {
    for (const [object, track, from, to, low, high] of runs[run].bars) {
      const bottom = laneTop(view.figure, run, track) + ROW;
      const units = ((bottom - y) / ROW) * runs[run].tracks[track].capacity;
      if (time >= from && time < to && units >= low && units < high) return object;
    }
  }
  return -1;
}

/**
 * A slider over the decisions, with a mark where the two disagree.
 * @param {PanelModel} model
 */
function makeScrubber(model) {
  const marks = h("div", { class: "dx-marks", "aria-hidden": "true" });
  const input = h("input", {
    type: "range", min: "0", step: "1", "aria-label": "Decision",
    oninput: (event) => answer(model, "decision", event.target.valueAsNumber),
    onkeydown: (event) => event.stopPropagation(),
  });
  const say = h("output", { class: "dx-value" });
  /** @param {any} way */
  const jump = (way) => () => {
    const now = model.get("answers").decision || 0;
    const found = model.get("figure").marks.filter((/** @type {any} */ mark) => (way > 0 ? mark > now : mark < now));
    if (found.length) answer(model, "decision", way > 0 ? found[0] : found[found.length - 1]);
  };
  const buttons = h("div", { class: "dx-controls" },
    h("button", { type: "button", class: "dx-button", onclick: jump(-1) }, "Previous disagreement"),
    h("button", { type: "button", class: "dx-button", onclick: jump(1) }, "Next disagreement"));
  const element = h("div", { class: "dx-scrub" }, h("div", { class: "dx-scrub-line" }, marks, input), say, buttons);
  /** @type {any} */
  let drawn = null;
  const update = () => {
    const figure = model.get("figure");
    element.hidden = !figure.runs;
    if (!figure.runs) return;
    const count = figure.times.length;
    input.max = String(count - 1);
    const at = Math.min(model.get("answers").decision || 0, count - 1);
    input.value = String(at);
    const text = `decision ${at + 1} of ${count}`;
    const differs = figure.marks.includes(at) ? ", the two disagree" : "";
    setText(say, text + differs);
    setAttributes(input, { "aria-valuetext": text + differs });
    input.style.setProperty("--part", `${(100 * at) / Math.max(1, count - 1)}%`);
    if (drawn === figure) return;
    drawn = figure;
    marks.replaceChildren(...figure.marks.map((/** @type {any} */ mark) => h("span", { style: `left:${(100 * mark) / Math.max(1, count - 1)}%` })));
    for (const button of buttons.querySelectorAll("button")) button.disabled = !figure.marks.length;
  };
  return { element, update };
}
