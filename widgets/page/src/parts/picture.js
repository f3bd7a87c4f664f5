// The picture: a canvas, its drag handles, its tooltip and its description in words.

import { h, objectColour, setAttributes, setText } from "../shared/dom.js";
import { arrange, cellAt, gripAt } from "./geometry.js";
import { paintPicture } from "./paint.js";
import { keyed, snap } from "../shared/knob_values.js";
import { number, withUnit } from "../shared/numbers.js";

/**
 * part: {overlay: bool}. Returns {element, update(what), stop()}.
 * @param {Store} store
 * @param {PartSpec} part
 */
export function makePicture(store, part) {
  const canvas = h("canvas", { role: "img", class: "dx-canvas" });
  const stage = h("div", { class: "dx-stage" }, canvas);
  const tip = h("div", { class: "dx-tip", "aria-hidden": "true" });
  const legend = part.overlay ? makeLegend() : null;
  const element = h("div", { class: "dx-picture" }, stage, legend ? legend.element : null);
  stage.append(tip);
  /** @type {any} */
  const view = { store, part, canvas, stage, tip, legend, scratch: document.createElement("canvas"), grips: [], layout: null };
  const resize = new ResizeObserver(() => relayout(view));
  resize.observe(element);
  view.element = element;
  canvas.dnnexplainFigure = () => sharpPicture(view);
  hoverOn(view);
  dragOn(view);
  return {
    element,
    update(/** @type {string} */ what) {
      if (what === "scene" || !view.layout) relayout(view);
      else redraw(view, what);
    },
    stop: () => resize.disconnect(),
  };
}

const SHARE_OF_SCREEN = 0.6; // of its height, where a panel has the whole screen: sliders and sentence stay in sight
const LARGEST = 3; // times the picture of an ordinary page

/** @param {HTMLElement} element */
const onWholeScreen = (element) => Boolean(document.fullscreenElement?.contains(element));

/**
 * @param {number} low
 * @param {number} value
 * @param {number} high
 */
const clampedBetween = (low, value, high) => Math.min(high, Math.max(low, value));

/** @param {PictureView} view */
function relayout(view) {
  const picture = view.store.scene.picture;
  const width = view.element.clientWidth;
  if (!picture || width < 40) return;
  const ratio = window.devicePixelRatio || 1;
  const usual = arrange(picture.panes, picture.rows, width, ratio);
  const larger = onWholeScreen(view.element) ? clampedBetween(1, Math.min(width / usual.width, (SHARE_OF_SCREEN * window.innerHeight) / usual.height), LARGEST) : 1;
  view.layout = larger === 1 ? usual : arrange(picture.panes, picture.rows, width, ratio, larger);
  view.ratio = ratio;
  const { canvas, stage, layout } = view;
  canvas.width = Math.round(layout.width * ratio);
  canvas.height = Math.round(layout.height * ratio);
  for (const box of [canvas, stage]) {
    box.style.width = `${layout.width}px`;
    box.style.height = `${layout.height}px`;
  }
  makeGrips(view);
  redraw(view, "live");
}

/**
 * @param {PictureView} view
 * @param {string} what
 */
function redraw(view, what) {
  const { store, layout } = view;
  if (!layout) return;
  const options = { theme: store.theme, ratio: view.ratio, overlay: view.part.overlay, scratch: view.scratch, selected: store.selected };
  if (what !== "local" || view.selected !== store.selected) {
    paintPicture(view.canvas, store.scene, store.live, layout, options);
    view.selected = store.selected;
  }
  placeGrips(view);
  if (what === "local") return;
  const words = store.live.words;
  setAttributes(view.canvas, { "aria-label": (view.part.overlay ? words.overlay : words.state) || "No state yet." });
  if (view.legend) view.legend.update(store);
}

/**
 * The picture for a file: four dots for each of the page's, without a frame around what is being edited.
 * @param {PictureView} given
 */
function sharpPicture({ store, part, layout }) {
  const canvas = document.createElement("canvas");
  const ratio = 4;
  canvas.width = Math.round(layout.width * ratio);
  canvas.height = Math.round(layout.height * ratio);
  paintPicture(canvas, store.scene, store.live, layout, { theme: store.theme, ratio, overlay: part.overlay, scratch: document.createElement("canvas"), selected: null });
  return canvas.toDataURL("image/png");
}

function makeLegend() {
  const low = h("span");
  const high = h("span");
  const bar = h("span", { class: "dx-ramp", "aria-hidden": "true" });
  const element = h("div", { class: "dx-legend" }, low, bar, high);
  return {
    element,
    update(/** @type {Store} */ store) {
      const { scale } = store.live;
      const unit = store.live.overlayUnit;
      setText(low, `${number(-scale)} ${unit}`.trim());
      setText(high, `+${number(scale)} ${unit}`.trim());
    },
  };
}

// --- handles ------------------------------------------------------------------------------------

/** @param {PictureView} view */
function makeGrips(view) {
  for (const grip of view.grips) grip.element.remove();
  view.grips = [];
  const { scene } = view.store;
  scene.picture.panes.forEach((/** @type {Pane} */ pane, /** @type {number} */ index) => {
    for (const handle of pane.handles) {
      const knob = scene.knobs[handle.knob];
      const element = h("div", {
        class: `dx-grip dx-${handle.axis}`, role: "slider", "aria-label": `${knob.name}, ${pane.title}`,
        "aria-orientation": handle.axis === "down" ? "vertical" : "horizontal",
        "aria-valuemin": knob.low, "aria-valuemax": knob.high,
        onkeydown: (event) => turnByKey(view, handle, event),
        onfocus: () => view.store.select(knob.group),
      });
      element.style.setProperty("--grip", objectColour(pane.colour));
      view.grips.push({ element, handle, pane, index });
      view.stage.append(element);
    }
  });
}

/**
 * @param {PictureView} view
 * @param {Handle} handle
 * @param {KeyboardEvent} event
 */
function turnByKey(view, handle, event) {
  const { store } = view;
  const knob = store.scene.knobs[handle.knob];
  // On a lower edge, the arrow that points down makes the rectangle longer.
  const flip = handle.axis === "down" ? /** @type {Record<string, any>} */ ({ ArrowDown: "ArrowUp", ArrowUp: "ArrowDown" })[event.key] : undefined;
  const value = keyed(knob, store.values[handle.knob], flip || event.key);
  if (value === null) return;
  event.preventDefault();
  event.stopPropagation();
  store.propose([[handle.knob, value]], true);
}

/**
 * How many cells of a pane are filled down and to the right, by its handles' knobs.
 * @param {PictureView} view
 * @param {Pane} pane
 */
function reachOf(view, pane) {
  const reach = { down: 0, right: 0 };
  for (const handle of pane.handles) {
    reach[handle.axis] = view.store.values[handle.knob] / (view.store.scene.knobs[handle.knob].step || 1);
  }
  const axes = new Set(pane.handles.map((handle) => handle.axis));
  if (!axes.has("down")) reach.down = view.store.scene.picture.rows;
  if (!axes.has("right")) reach.right = pane.width;
  return reach;
}

/** @param {PictureView} view */
function placeGrips(view) {
  const { store, layout } = view;
  for (const { element, handle, pane, index } of view.grips) {
    const knob = store.scene.knobs[handle.knob];
    const value = store.values[handle.knob];
    const at = gripAt(layout.places[index], layout, handle.axis, reachOf(view, pane));
    element.style.transform = `translate(${at.x}px, ${at.y}px)`;
    const chosen = store.selected === knob.group;
    setAttributes(element, {
      "aria-valuenow": value, "aria-valuetext": withUnit(value, knob.unit),
      tabindex: chosen || (!store.selected && index === 0) ? 0 : -1,
    });
    element.classList.toggle("dx-chosen", chosen);
  }
}

// --- pointer: dragging and hovering ---------------------------------------------------------------

/**
 * @param {PictureView} view
 * @param {PointerEvent} event
 */
function pointIn(view, event) {
  const box = view.stage.getBoundingClientRect();
  return { x: event.clientX - box.left, y: event.clientY - box.top };
}

/**
 * What a press at a point takes hold of: handles to move, and the pane that they move in.
 * @param {PictureView} view
 * @param {PointerEvent} event
 */
function grabAt(view, event) {
  const grip = view.grips.find((item) => item.element === event.target);
  if (grip) return { handles: [grip.handle], index: grip.index };
  const { scene } = view.store;
  const point = pointIn(view, event);
  const hit = cellAt(scene.picture.panes, view.layout, scene.picture.rows, point.x, point.y);
  if (!hit) return null;
  const pane = scene.picture.panes[hit.index];
  const reach = reachOf(view, pane);
  const slack = event.pointerType === "touch" ? 14 : 5;
  const place = view.layout.places[hit.index];
  const edge = { down: place.y + reach.down * view.layout.step, right: place.x + reach.right * view.layout.cell };
  const near = pane.handles.filter((/** @type {Handle} */ handle) =>
    handle.axis === "down"
      ? Math.abs(point.y - edge.down) <= slack && point.x <= edge.right + slack
      : Math.abs(point.x - edge.right) <= slack && point.y <= edge.down + slack,
  );
  const empty = pane.handles.length > 0 && (reach.down === 0 || reach.right === 0);
  return { handles: near.length ? near : empty ? pane.handles : [], index: hit.index };
}

/** @param {PictureView} view */
function dragOn(view) {
  /** @type {any} */
  let held = null;
  view.stage.addEventListener("pointerdown", (event) => {
    if (!view.layout || event.button > 0) return;
    const grab = grabAt(view, event);
    if (!grab) return;
    view.store.select(view.store.scene.picture.panes[grab.index].group);
    if (!grab.handles.length) return;
    held = { ...grab, moved: false, sent: "" };
    view.stage.setPointerCapture(event.pointerId);
    /** @type {HTMLElement} */ (event.target).focus?.({ preventScroll: true });
    event.preventDefault();
  });
  view.stage.addEventListener("pointermove", (event) => {
    if (held) moveHeld(view, held, event, false);
  });
  /** @param {PointerEvent} event */
  const release = (event) => {
    if (!held) return;
    if (held.moved) moveHeld(view, held, event, true);
    held = null;
  };
  view.stage.addEventListener("pointerup", release);
  view.stage.addEventListener("pointercancel", release);
}

/**
 * @param {PictureView} view
 * @param {{handles: Handle[], index: number, moved: boolean, sent: string}} held
 * @param {PointerEvent} event
 * @param {boolean} settled
 */
function moveHeld(view, held, event, settled) {
  const place = view.layout.places[held.index];
  const point = pointIn(view, event);
  const cells = { down: (point.y - place.y) / view.layout.step, right: (point.x - place.x) / view.layout.cell };
  const changes = held.handles.map((/** @type {Handle} */ handle) => {
    const knob = view.store.scene.knobs[handle.knob];
    return [handle.knob, snap(knob, cells[handle.axis] * (knob.step || 1))];
  });
  const key = JSON.stringify(changes);
  if (key === held.sent && !settled) return;
  held.sent = key;
  held.moved = true;
  hideTip(view);
  view.store.propose(changes, settled);
}

/** @param {PictureView} view */
function hoverOn(view) {
  view.stage.addEventListener("pointermove", (event) => {
    if (event.pointerType === "touch" || event.buttons || !view.layout) return;
    const point = pointIn(view, event);
    const { scene } = view.store;
    const hit = cellAt(scene.picture.panes, view.layout, scene.picture.rows, point.x, point.y);
    if (!hit) {
      hideTip(view);
      return;
    }
    const grab = grabAt(view, event);
    const axes = new Set((grab ? grab.handles : []).map((/** @type {Handle} */ handle) => handle.axis));
    view.stage.style.cursor = axes.size === 2 ? "nwse-resize" : axes.has("down") ? "ns-resize" : axes.has("right") ? "ew-resize" : "";
    setText(view.tip, tipText(view, hit));
    view.tip.style.opacity = "1";
    const left = Math.min(point.x + 14, view.layout.width - view.tip.offsetWidth);
    view.tip.style.transform = `translate(${Math.max(0, left)}px, ${point.y + 18}px)`;
  });
  view.stage.addEventListener("pointerleave", () => hideTip(view));
}

/** @param {PictureView} view */
function hideTip(view) {
  view.tip.style.opacity = "0";
}

/**
 * @param {PictureView} view
 * @param {Cell} given
 */
function tipText(view, { index, row, column }) {
  const { scene, live } = view.store;
  const pane = scene.picture.panes[index];
  const cell = row * scene.picture.columns + pane.first + column;
  const level = live.picture[cell] / 255;
  const where = pane.handles.length || pane.width > 3 ? `step ${row + 1}, unit ${column + 1}` : `row ${row + 1}`;
  const state = level === 0 ? "free" : level === 1 ? "in use" : `level ${number(level)}`;
  const parts = [`${pane.title}, ${where}: ${state}`];
  if (view.part.overlay && live.overlay.length) {
    const value = (live.overlay[cell] / 127) * live.scale;
    parts.push(`${value > 0 ? "+" : ""}${number(value)} ${live.overlayUnit}`.trim());
  }
  if (pane.note) parts.push(pane.note);
  return parts.join(" · ");
}
