// What is done over two quantities: a map of actions for the network and one for a rule; pressing goes to that state.
// figure.sweep: {across, down: {name, unit, values, knobs}, sides: [{name, action: [rows * columns], u16 of a choice, else f32}],
//                kind, names, ordered, low, high, still?: words of a map that leads to no state, box?: [left, right, bottom, top]}
// A number that is NaN is a cell of which nothing is known.

import { answer } from "../session/answers.js";
import { bytes } from "../shared/bytes.js";
import { h, mix, objectColour, rgb, setAttributes, setText } from "../shared/dom.js";
import { number, withUnit } from "../shared/numbers.js";
import { typeset } from "../shared/words.js";
import { roundNumbers } from "./chart.js";

const RAMP = ["#30346d", "#2a6f97", "#2a9d8f", "#8ab661", "#e9b949", "#d9622b"];
const FEW = 15; // cells that stand for one value each
const EDGE = { left: 44, bottom: 20, tall: 190 };

/**
 * @param {Store} store
 * @param {PartSpec} part
 * @param {PanelModel} model
 */
export function makeSweepMap(store, part, model) {
  /** @type {any} */
  const view = { store, model, maps: [], given: null, room: 0, width: 0 };
  view.grid = h("div", { class: "dx-maps" });
  view.legend = h("div", { class: "dx-legend dx-sweep-legend" });
  view.readout = h("output", { class: "dx-readout", "aria-live": "polite" });
  const element = h("div", { class: "dx-sweep" }, view.grid, view.legend, view.readout);
  view.element = element;
  const resize = new ResizeObserver(([entry]) => {
    view.room = Math.floor(entry.contentRect.width);
    drawSweep(view);
  });
  resize.observe(view.grid);
  const update = (/** @type {string} */ what) => {
    if (what === "figure" || what === "theme" || what === "scene") drawSweep(view);
    else placeHere(view);
  };
  model.on("change:figure", () => update("figure"));
  return { element, update, stop: () => resize.disconnect(), table: () => tableOf(view) };
}

/**
 * @param {SweepView} view
 */
function drawSweep(view) {
  const { sweep } = view.model.get("figure");
  view.element.hidden = !sweep;
  if (!sweep) return;
  view.width = view.room >= 560 && sweep.sides.length > 1 ? Math.floor((view.room - 16) / 2) : view.room;
  if (view.width < 120) return;
  if (sweep !== view.given) {
    view.given = sweep;
    const read = (/** @type {Packed} */ sent) => (sweep.kind === "choice" ? bytes(sent, Uint16Array) : bytes(sent, Float32Array));
    view.actions = sweep.sides.map((/** @type {Sweep["sides"][number]} */ side) => read(side.action));
  }
  if (view.maps.length !== sweep.sides.length) {
    view.maps = sweep.sides.map((/** @type {unknown} */ _, /** @type {number} */ side) => makeOneMap(view, side));
    view.grid.replaceChildren(...view.maps.map((map) => map.element));
  }
  view.maps.forEach((map) => drawOneMap(view, map));
  drawSweepLegend(view);
  setText(view.readout, sweep.still || "Point at the map for what is done there; press to go to that state.");
  placeHere(view);
}

/**
 * @param {SweepView} view
 * @param {number} side
 */
function makeOneMap(view, side) {
  const title = h("span", { class: "dx-map-title" });
  const canvas = h("canvas", { class: "dx-canvas dx-sweep-cells" });
  const here = h("span", { class: "dx-sweep-here", "aria-hidden": "true" });
  const box = h("span", { class: "dx-sweep-frame", "aria-hidden": "true" });
  const stage = h("div", { class: "dx-sweep-stage", role: "img" }, canvas, here, box);
  const [down, foot] = [h("div", { class: "dx-sweep-down", "aria-hidden": "true" }), h("div", { class: "dx-sweep-across", "aria-hidden": "true" })];
  const element = h("figure", { class: "dx-map-box" }, h("figcaption", {}, title), h("div", { class: "dx-sweep-box" }, down, stage, foot));
  const map = { side, title, canvas, here, box, stage, down, foot, element };
  let held = false;
  const place = (/** @type {PointerEvent} */ event) => {
    const size = stage.getBoundingClientRect();
    const { across, down: up } = view.given;
    const column = Math.floor(((event.clientX - size.left) / size.width) * across.values.length);
    const row = Math.floor((1 - (event.clientY - size.top) / size.height) * up.values.length);
    return [Math.min(Math.max(row, 0), up.values.length - 1), Math.min(Math.max(column, 0), across.values.length - 1)];
  };
  const go = (/** @type {PointerEvent} */ event) => {
    const [row, column] = place(event);
    const now = view.model.get("answers").place || [];
    if (now[0] !== row || now[1] !== column) answer(view.model, "place", [row, column]);
  };
  stage.addEventListener("pointerdown", (event) => {
    if (view.given.still) return;
    held = true;
    stage.setPointerCapture(event.pointerId);
    go(event);
  });
  stage.addEventListener("pointermove", (event) => {
    if (!view.given) return;
    if (held) go(event);
    const [row, column] = place(event);
    setText(view.readout, wordsAt(view, row, column));
  });
  stage.addEventListener("pointerup", () => { held = false; });
  stage.addEventListener("pointercancel", () => { held = false; });
  return map;
}

/** What both do at a place.
 *
 * @param {SweepView} view
 * @param {number} row
 * @param {number} column
 */
function wordsAt(view, row, column) {
  const { across, down, sides, kind, names } = view.given;
  const done = (/** @type {number} */ side) => {
    const value = view.actions[side][row * across.values.length + column];
    if (Number.isNaN(value)) return "not met";
    if (view.given.still) return `${number(value)} ${names[0]}`;
    return kind === "choice" ? names[value] : names.length === 1 ? `${names[0]} ${number(value)}` : `${number(value)} on`;
  };
  const where = [across, down].map((axis, at) => `${axis.name} ${withUnit(axis.values[at ? row : column], axis.unit)}`).join(", ");
  return `${where}: ${sides.map((side, at) => `${side.name} ${done(at)}`).join("; ")}`;
}

/**
 * @param {SweepView} view
 * @param {number} value
 */
function colourOf(view, value) {
  const { kind, ordered, low, high } = view.given;
  if (kind === "choice" && !ordered) {
    const known = view.store.scene.outputColours[value];
    return rgb(objectColour(known ?? value));
  }
  const place = Math.min(Math.max((value - low) / (high - low || 1), 0), 1) * (RAMP.length - 1);
  const at = Math.min(Math.floor(place), RAMP.length - 2);
  return mix(rgb(RAMP[at]), rgb(RAMP[at + 1]), place - at);
}

/**
 * @param {SweepView} view
 * @param {SweepSide} map
 */
function drawOneMap(view, map) {
  const { across, down, sides } = view.given;
  const [columns, rows] = [across.values.length, down.values.length];
  setText(map.title, sides[map.side].name);
  map.canvas.width = columns;
  map.canvas.height = rows;
  const context = /** @type {Pen} */ (map.canvas.getContext("2d"));
  const image = context.createImageData(columns, rows);
  view.actions[map.side].forEach((value, at) => {
    const [row, column] = [Math.floor(at / columns), at % columns];
    if (!Number.isNaN(value)) image.data.set([...colourOf(view, value).map(Math.round), 255], 4 * ((rows - 1 - row) * columns + column));
  });
  context.putImageData(image, 0, 0);
  const frame = view.given.box;
  map.box.hidden = !frame;
  if (frame) Object.assign(map.box.style, { left: `${100 * frame[0]}%`, right: `${100 * (1 - frame[1])}%`, bottom: `${100 * frame[2]}%`, top: `${100 * (1 - frame[3])}%` });
  map.stage.classList.toggle("dx-still", Boolean(view.given.still));
  map.stage.style.height = `${EDGE.tall}px`;
  setAttributes(map.stage, { "aria-label": `What ${sides[map.side].name} does over ${across.name} and ${down.name}; the sentence below reads it` });
  map.foot.replaceChildren(...marksOf(across, Math.max(2, Math.floor((view.width - EDGE.left) / 70)), "left"), h("span", { class: "dx-sweep-name" }, nameOf(across)));
  map.down.replaceChildren(...marksOf(down, 5, "bottom"), h("span", { class: "dx-sweep-name" }, nameOf(down)));
}

/**
 * @param {SweepAxis} given
 */
function nameOf({ name, unit }) {
  return unit ? `${name}, ${unit}` : name;
}

/** About so many round numbers along an axis; of few cells each its own value.
 *
 * @param {SweepAxis} given
 * @param {number} count
 * @param {string} side
 */
function marksOf(given, count, side) {
  const { values } = given;
  const few = values.length <= Math.min(count, FEW);
  const round = few ? values : roundNumbers(values[0], values[values.length - 1], count).filter((value) => shareOf(given, value) !== null);
  return round.map((/** @type {number} */ value) => h("span", { class: "dx-sweep-mark", style: `${side}:${100 * (shareOf(given, value) ?? 0)}%` }, number(value)));
}

/** Actions with their colours, those that are nowhere on the network's map struck out; or the ramp of numbers.
 *
 * @param {SweepView} view
 */
function drawSweepLegend(view) {
  const { kind, names, low, high } = view.given;
  const css = (/** @type {number} */ value) => `rgb(${colourOf(view, value).map(Math.round).join(",")})`;
  if (kind !== "choice") {
    const stops = RAMP.join(",");
    view.legend.replaceChildren(number(low), h("span", { class: "dx-heat-ramp", style: `background:linear-gradient(90deg,${stops})` }), `${number(high)}${names.length === 1 ? ` ${typeset(names[0])}` : " on"}`);
    return;
  }
  const taken = view.actions.map((actions) => new Set(actions));
  view.legend.replaceChildren(...names.map((name, at) => {
    const never = !taken[0].has(at);
    const beside = taken.slice(1).some((actions) => actions.has(at)); // then its colour is on the rule's map
    return h("span", { class: `dx-sweep-key ${never && !beside ? "dx-sweep-never" : ""}` }, h("i", { style: `background:${css(at)}` }), name, never ? h("span", { class: "dx-soft-word" }, beside ? " (network never)" : " (never)") : null);
  }));
}

/** Where the present state is on the axes, if it is on the map.
 *
 * @param {SweepView} view
 */
function placeHere(view) {
  if (!view.given) return;
  const [x, y] = [view.given.across, view.given.down].map((axis) => shareOf(axis, view.store.values[axis.knobs[0]]));
  for (const { here } of view.maps) {
    here.hidden = x === null || y === null || Boolean(view.given.still);
    here.style.left = `${100 * (x ?? 0)}%`;
    here.style.bottom = `${100 * (y ?? 0)}%`;
  }
}

/** How far along the cells of an axis a value lies, or null beyond them.
 *
 * @param {SweepAxis} given
 * @param {number} value
 */
function shareOf({ values }, value) {
  const last = values.length - 1;
  if (value < values[0] - 1e-9 || value > values[last] + 1e-9) return null;
  let at = values.findIndex((edge) => edge > value) - 1;
  if (at < 0) at = last - 1;
  const part = (value - values[at]) / (values[at + 1] - values[at] || 1);
  return (at + part + 0.5) / values.length;
}

/**
 * @param {SweepView} view
 */
function tableOf(view) {
  if (!view.given) return null;
  const { across, down, sides, kind, names } = view.given;
  const rows = sides.flatMap((side, which) => Array.from(view.actions[which], (value, at) => [
    side.name, across.values[at % across.values.length], down.values[Math.floor(at / across.values.length)], kind === "choice" ? names[value] : value,
  ]));
  return [["policy", nameOf(across), nameOf(down), "action"], ...rows];
}
