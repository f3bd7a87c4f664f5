// Several runs over the same work, one under another on one axis of time: lanes with bars and curves, and a scrubber.
// figure: {runs: [{name, summary, wrong, tracks: [{name, unit, capacity, thin, wrong}], objects: [{colour, words}],
//                  bars: [[object, track, from, to, low, high]], curves: [{name, track, steps, quiet, points: f32 [2, n]}]}],
//          begin, end, unit, times: [per decision], marks: [decisions],
//          flags: [[decision, words]]: a dashed line through all runs, and what grips.js reads}

import { answer } from "../session/answers.js";
import { bytes } from "../shared/bytes.js";
import { INK, h, objectColour, setAttributes, setText } from "../shared/dom.js";
import { number } from "../shared/numbers.js";
import { roundNumbers } from "./chart.js";
import { makeGrips } from "./grips.js";
import { shorten } from "./paint.js";
import { makeScrubber } from "./scrubber.js";
import { FONT, LANE, LOUD, SOFT, TITLE, fitsBeside, lanesOf, stretches, stripesOf, timeAt, timeX } from "./timeline_lanes.js";

const NAMES = 220; // px that the names of a lane's curves take
const ROOM = 520; // px from which on a lane's span is written in full
/** @type {Record<string, string>} */
const WRONG = { light: "#a3161f", dark: "#ff8a80" };
/** @type {Record<string, string>} */
const ACCENT = { light: "#0f6b62", dark: "#4fc0b2" };

/**
 * @param {Store} store
 * @param {PartSpec} part
 * @param {PanelModel} model
 */
export function makeTimeline(store, part, model) {
  const canvas = h("canvas", { role: "img", class: "dx-canvas" });
  const line = h("div", { class: "dx-now", "aria-hidden": "true" });
  const tip = h("div", { class: "dx-tip", "aria-hidden": "true" });
  const stage = h("div", { class: "dx-stage dx-seek" }, canvas, line);
  const box = h("div", { class: "dx-timeline" }, stage);
  const scrub = makeScrubber(model);
  /** @type {any} */
  const view = { store, model, canvas, line, tip, stage, box, scrub, object: null };
  view.grips = makeGrips(view, (time) => timeX(view, time));
  stage.append(view.grips.element, tip);
  const element = h("div", {}, box, scrub.element, view.grips.say);
  const resize = new ResizeObserver(() => drawTimeline(view));
  resize.observe(box);
  model.on("change:figure", () => update("figure"));
  watchPointer(view);
  const update = (/** @type {string} */ what) => {
    if (what === "local" || what === "live") {
      view.grips.update();
      return;
    }
    drawTimeline(view);
    scrub.update();
  };
  model.on("change:answers", () => {
    placeNow(view);
    scrub.update();
  });
  return { element, update, stop: () => resize.disconnect() };
}

/** The figure with its curves unpacked, once.
 * @param {TimelineView} view
 */
function readFigure(view) {
  const figure = view.model.get("figure");
  if (figure === view.given) return view.figure;
  view.given = figure;
  view.figure = /** @type {any} */ (null); // nothing is drawn without
  if (!figure.runs) return null;
  const unpacked = (/** @type {SaidRunCurve} */ curve) => {
    const points = bytes(curve.points, Float32Array);
    return { ...curve, times: points.subarray(0, points.length / 2), values: points.subarray(points.length / 2) };
  };
  view.figure = { ...figure, runs: figure.runs.map((/** @type {Run<SaidRunCurve>} */ run) => ({ ...run, curves: run.curves.map(unpacked) })) };
  return view.figure;
}

/**
 * @param {TimelineView} view
 */
function drawTimeline(view) {
  const figure = readFigure(view);
  const width = view.box.clientWidth;
  view.box.hidden = !figure;
  if (!figure) view.grips.update(); // what it says goes with the picture
  if (!figure || width < 60) return;
  const ratio = window.devicePixelRatio || 1;
  const context = /** @type {Pen} */ (view.canvas.getContext("2d"));
  const { lanes, height } = lanesOf(figure, figure.runs.map((run) => !fitsBeside(context, run, width)));
  context.font = `400 12px ${FONT}`;
  const names = figure.runs.flatMap((run) => run.tracks.map((track) => context.measureText(track.name).width * (track.wrong ? 1.2 : 1)));
  context.font = `400 11px ${FONT}`;
  const spans = figure.runs.flatMap((run) => run.curves.map((curve) => context.measureText(spanOf(run.tracks[curve.track])).width));
  names.push(...(width >= ROOM ? spans : []));
  Object.assign(view, { width, height, lanes, left: Math.max(64, Math.ceil(Math.max(...names) + 10)) });
  view.scrub.element.style.setProperty("--dx-left", `${view.left}px`);
  view.canvas.width = Math.round(width * ratio);
  view.canvas.height = Math.round(height * ratio);
  for (const target of [view.canvas, view.stage]) {
    target.style.width = `${width}px`;
    target.style.height = `${height}px`;
  }
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  const ink = INK[view.store.theme];
  figure.runs.forEach((run, index) => drawRun(view, context, ink, run, lanes[index], index));
  drawTimes(view, context, ink);
  drawFlags(view, context, ink);
  view.line.style.background = stripesOf(lanes);
  setAttributes(view.canvas, { "aria-label": figure.words || "Timelines" });
  placeNow(view);
}

const LEAST_SUMMARY = 60; // px: less of a summary says nothing

/**
 * @param {TimelineView} view
 * @param {Pen} context
 * @param {Ink} ink
 * @param {Run<RunCurve>} run
 * @param {RunLanes} given
 * @param {number} index
 */
function drawRun(view, context, ink, run, { title, said, rows }, index) {
  context.textBaseline = "alphabetic";
  context.textAlign = "left";
  context.font = TITLE;
  context.fillStyle = ink.text;
  context.fillText(shorten(context, run.name, view.width), 0, title);
  const begin = said === title ? context.measureText(run.name).width + 10 : 0;
  context.font = LOUD;
  const kept = run.wrong ? context.measureText(run.wrong).width + 12 : 0; // what goes wrong is never cut off for the rest
  context.font = SOFT;
  context.fillStyle = ink.soft;
  const room = view.width - begin - kept;
  const words = kept && room < LEAST_SUMMARY ? "" : shorten(context, run.summary, room);
  context.fillText(words, begin, said);
  if (run.wrong) {
    const from = begin + (words ? context.measureText(words).width + 12 : 0);
    context.font = LOUD;
    context.fillStyle = WRONG[view.store.theme];
    context.fillText(shorten(context, run.wrong, view.width - from), from, said);
  }
  run.tracks.forEach((track, at) => drawLane(view, context, ink, track, rows[at], run.curves.some((curve) => curve.track === at)));
  for (const [object, track, from, to, low, high] of run.bars) {
    const { capacity } = run.tracks[track];
    const lane = rows[track];
    const left = timeX(view, from);
    const wide = timeX(view, to) - left;
    const tall = ((high - low) / capacity) * lane.tall;
    context.globalAlpha = isOther(view, index, object) ? 0.25 : 0.9;
    context.fillStyle = run.tracks[track].wrong ? WRONG[view.store.theme] : objectColour(run.objects[object].colour);
    const gap = tall > 3 ? 1 : 0;
    context.fillRect(left + 0.5, lane.top + lane.tall - (high / capacity) * lane.tall + 0.5, Math.max(run.tracks[track].wrong ? 2 : 1, wide - 1), Math.max(1, tall - gap));
  }
  context.globalAlpha = 1;
  rows.forEach((lane, at) => drawCurves(view, context, ink, run, lane, at));
}

/** Whether another object is pointed at; one that is the same in two runs has the same words in both.
 * @param {TimelineView} view
 * @param {number} run
 * @param {number} object
 */
function isOther(view, run, object) {
  if (!view.object) return false;
  const { runs } = view.figure;
  return runs[run].objects[object].words !== runs[view.object.run].objects[view.object.at].words;
}

/**
 * "0 to 12 Mb/s".
 * @param {Track} track
 */
function spanOf(track) {
  return `0 to ${number(track.capacity)} ${track.unit}`.trim();
}

/**
 * @param {TimelineView} view
 * @param {Pen} context
 * @param {Ink} ink
 * @param {Track} track
 * @param {Lane} lane
 * @param {boolean} scaled
 */
function drawLane(view, context, ink, track, lane, scaled) {
  context.fillStyle = `rgb(${ink.zero.join(",")})`;
  context.fillRect(view.left, lane.top, view.width - view.left - LANE.right, lane.tall);
  context.fillStyle = track.wrong ? WRONG[view.store.theme] : ink.soft;
  context.font = `${track.wrong ? 700 : 400} ${track.thin ? 11 : track.wrong ? 13 : 12}px ${FONT}`;
  const middle = lane.top + lane.tall / 2;
  context.fillText(track.name, 0, track.thin ? middle + 4 : scaled ? middle - 3 : middle + 4);
  if (track.thin || !scaled) return;
  context.font = `400 11px ${FONT}`;
  context.fillText(spanOf(track), 0, middle + 12, view.left - 6);
}

/** The curves of a lane, quiet ones first, with their names where there are several.
 * @param {TimelineView} view
 * @param {Pen} context
 * @param {Ink} ink
 * @param {Run<RunCurve>} run
 * @param {Lane} lane
 * @param {number} at
 */
function drawCurves(view, context, ink, run, lane, at) {
  const curves = run.curves.filter((curve) => curve.track === at).sort((a, b) => Number(b.quiet) - Number(a.quiet));
  const { capacity } = run.tracks[at];
  const loud = curves.filter((curve) => !curve.quiet);
  /** @type {[string, string][]} */
  const names = [];
  let high = 0; // points in the upper half where the names stand, less those in the lower one
  for (const curve of curves) {
    const colour = curve.quiet ? ink.soft : loud.length === 1 ? ACCENT[view.store.theme] : objectColour(loud.indexOf(curve));
    context.strokeStyle = colour;
    context.lineWidth = curve.quiet ? 1 : 1.6;
    context.lineJoin = "round";
    context.beginPath();
    let drawing = false;
    curve.times.forEach((time, index) => {
      const value = curve.values[index];
      if (Number.isNaN(value)) {
        drawing = false;
        return;
      }
      const x = timeX(view, time);
      if (x < view.left + NAMES) high += 2 * value > capacity ? 1 : -1;
      const y = lane.top + lane.tall - 1 - Math.min(Math.max(value / capacity, 0), 1) * (lane.tall - 2);
      if (drawing && curve.steps) context.lineTo(x, lane.top + lane.tall - 1 - Math.min(Math.max(curve.values[index - 1] / capacity, 0), 1) * (lane.tall - 2));
      if (drawing) context.lineTo(x, y);
      else context.moveTo(x, y);
      drawing = true;
    });
    context.stroke();
    names.push([curve.name, colour]);
  }
  if (names.length > 1) drawNames(view, context, ink, high > 0 ? lane.top + lane.tall - 14 : lane.top + 1, names);
}

/** The names of a lane's curves, in the half where fewer lines are, over what is there.
 *
 * @param {TimelineView} view
 * @param {Pen} context
 * @param {Ink} ink
 * @param {number} top of their line
 * @param {[string, string][]} names
 */
function drawNames(view, context, ink, top, names) {
  context.font = `400 11px ${FONT}`;
  context.textAlign = "left";
  let left = view.left + 4;
  for (const [name, colour] of names) {
    const { width } = context.measureText(name);
    context.fillStyle = `rgb(${ink.zero.join(",")})`;
    context.fillRect(left - 3, top, width + 6, 13);
    context.fillStyle = colour;
    context.fillText(name, left, top + 10);
    left += width + 12;
  }
}

/**
 * @param {TimelineView} view
 * @param {Pen} context
 * @param {Ink} ink
 */
function drawTimes(view, context, ink) {
  context.font = `400 11px ${FONT}`;
  context.fillStyle = ink.soft;
  context.textAlign = "center";
  const { begin, end, unit } = view.figure;
  const marks = roundNumbers(begin, end, view.width / 90);
  for (const value of marks) {
    const last = value === marks[marks.length - 1];
    const text = last ? `${number(value)} ${unit}` : number(value);
    const x = Math.min(timeX(view, value), view.width - context.measureText(text).width / 2);
    context.fillText(text, x, view.height - 4);
  }
}

/** Where the first run leaves the others: a dashed line down the chart, named above it.
 * @param {TimelineView} view
 * @param {Pen} context
 * @param {Ink} ink
 */
function drawFlags(view, context, ink) {
  context.font = `400 11px ${FONT}`;
  context.fillStyle = ink.soft;
  context.strokeStyle = ink.soft;
  context.lineWidth = 1;
  context.setLineDash([4, 3]);
  view.figure.flags.forEach(([decision, words], row) => {
    const x = Math.round(timeX(view, view.figure.times[decision])) + 0.5;
    const y = LANE.flag * row;
    const right = x + context.measureText(words).width + 6 > view.width;
    context.textAlign = right ? "right" : "left";
    context.fillText(words, right ? x - 5 : x + 5, y + 11);
    context.beginPath();
    context.moveTo(x, y + 2);
    context.lineTo(x, LANE.flag * view.figure.flags.length);
    for (const [from, to] of stretches(view.lanes)) { // titles between the lanes stay readable
      context.moveTo(x, from);
      context.lineTo(x, to);
    }
    context.stroke();
  });
  context.setLineDash([]);
}

/**
 * @param {TimelineView} view
 */
function placeNow(view) {
  const { figure } = view;
  view.grips.update();
  if (!figure || !view.width) return;
  const at = view.model.get("answers").decision || 0;
  const time = figure.times[Math.min(at, figure.times.length - 1)] || 0;
  view.line.style.height = `${view.height - LANE.axis}px`;
  view.line.style.transform = `translateX(${timeX(view, time)}px)`;
}

/** Pointing tells what is there; pressing, and dragging on, goes to that time.
 * @param {TimelineView} view
 */
function watchPointer(view) {
  let seeking = false;
  const place = (/** @type {PointerEvent} */ event) => {
    const box = view.stage.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  view.stage.addEventListener("pointerdown", (event) => {
    const [x] = place(event);
    if (!view.figure || x < view.left) return;
    seeking = true;
    view.stage.setPointerCapture(event.pointerId);
    seek(view, x);
  });
  view.stage.addEventListener("pointerup", () => { seeking = false; });
  view.stage.addEventListener("pointercancel", () => { seeking = false; });
  view.stage.addEventListener("pointermove", (event) => {
    if (!view.figure || !view.width) return;
    const [x, y] = place(event);
    if (seeking) seek(view, x);
    tell(view, x, y);
  });
  view.stage.addEventListener("pointerleave", () => {
    view.tip.style.opacity = "0";
    if (!view.object) return;
    view.object = null;
    drawTimeline(view);
  });
}

/** To the decision nearest in time.
 * @param {TimelineView} view
 * @param {number} x
 */
function seek(view, x) {
  const time = timeAt(view, x);
  const { times } = view.figure;
  let best = 0;
  times.forEach((moment, at) => {
    if (Math.abs(moment - time) < Math.abs(times[best] - time)) best = at;
  });
  if ((view.model.get("answers").decision || 0) !== best) answer(view.model, "decision", best);
}

/**
 * @param {TimelineView} view
 * @param {number} x
 * @param {number} y
 */
function tell(view, x, y) {
  const object = objectAt(view, x, y);
  if (object?.run !== view.object?.run || object?.at !== view.object?.at) {
    view.object = object;
    drawTimeline(view);
  }
  const words = object ? view.figure.runs[object.run].objects[object.at].words : curveWords(view, x, y);
  view.tip.style.opacity = words ? "1" : "0";
  if (!words) return;
  setText(view.tip, words);
  view.tip.style.transform = `translate(${Math.max(0, Math.min(x + 12, view.width - view.tip.offsetWidth))}px, ${y + 16}px)`;
}

/** The lane under a place: [run, track], or null.
 * @param {TimelineView} view
 * @param {number} y
 */
function laneAt(view, y) {
  for (let run = 0; run < view.lanes.length; run += 1) {
    const track = view.lanes[run].rows.findIndex((lane) => y >= lane.top && y < lane.top + lane.tall);
    if (track >= 0) return [run, track];
  }
  return null;
}

/**
 * @param {TimelineView} view
 * @param {number} x
 * @param {number} y
 */
function objectAt(view, x, y) {
  const lane = laneAt(view, y);
  if (!lane) return null;
  const [run, track] = lane;
  const time = timeAt(view, x);
  const { top, tall } = view.lanes[run].rows[track];
  const units = ((top + tall - y) / tall) * view.figure.runs[run].tracks[track].capacity;
  const bar = view.figure.runs[run].bars.find(([, at, from, to, low, high]) => at === track && time >= from && time < to && units >= low && units < high);
  return bar ? { run, at: bar[0] } : null;
}

/** What the curves of a lane are at a time.
 * @param {TimelineView} view
 * @param {number} x
 * @param {number} y
 */
function curveWords(view, x, y) {
  const lane = laneAt(view, y);
  const time = timeAt(view, x);
  if (!lane || x < view.left || time > view.figure.end) return "";
  const run = view.figure.runs[lane[0]];
  const { unit } = run.tracks[lane[1]];
  const parts = run.curves.filter((curve) => curve.track === lane[1]).map((curve) => `${curve.name} ${number(valueAt(curve, time))} ${unit}`.trim());
  return parts.length ? `${parts.join(", ")} at ${number(time)} ${view.figure.unit}` : "";
}

/**
 * @param {RunCurve} given
 * @param {number} time
 */
function valueAt({ times, values, steps }, time) {
  let after = times.findIndex((moment) => moment > time);
  if (after < 0) after = times.length;
  if (after === 0 || after === times.length || steps) return values[Math.max(0, after - 1)];
  const part = (time - times[after - 1]) / (times[after] - times[after - 1] || 1);
  return values[after - 1] + part * (values[after] - values[after - 1]);
}
