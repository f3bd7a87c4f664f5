// Sliders for the knobs of the selected object; a group of many knobs is drawn as a profile.

import { h, objectColour, setAttributes, setText } from "../shared/dom.js";
import { keyed } from "../shared/knob_values.js";
import { number, withUnit } from "../shared/numbers.js";

const MANY = 8;

/** @param {Store} store */
export function makeKnobs(store) {
  const tabs = h("div", { class: "dx-tabs", role: "tablist", "aria-label": "What to change" });
  const body = h("div", { class: "dx-knobs", role: "tabpanel" });
  const element = h("div", {}, tabs, body);
  /** @type {any} */
  const view = { store, tabs, body, rows: [], shown: null };
  return {
    element,
    update(/** @type {string} */ what) {
      if (what === "scene") view.shown = null;
      if (!store.selected) store.selected = (store.scene.knobs[0] || {}).group ?? null;
      if (view.shown !== store.selected) showGroup(view);
      for (const row of view.rows) row.update();
    },
    stop() {},
  };
}

/** @param {Scene} scene */
function groupsOf(scene) {
  return [...new Set(scene.knobs.map((knob) => knob.group))];
}

/** @param {KnobsView} view */
function showGroup(view) {
  const { store } = view;
  const { scene } = store;
  view.shown = store.selected;
  const hadFocus = view.tabs.contains(document.activeElement);
  const groups = groupsOf(scene);
  view.tabs.hidden = groups.length === 1 && !groups[0]; // knobs that belong to nothing need no choice
  view.tabs.replaceChildren(...groups.map((group) => makeTab(view, group)));
  if (hadFocus) /** @type {HTMLElement | null} */ (view.tabs.querySelector('[aria-selected="true"]'))?.focus();
  const members = scene.knobs.map((/** @type {Knob} */ knob, /** @type {number} */ index) => ({ knob, index })).filter((/** @type {PlacedKnob} */ item) => item.knob.group === store.selected);
  view.body.setAttribute("aria-label", store.selected || "knobs");
  view.rows = members.length > MANY ? [makeProfile(store, members)] : members.map((/** @type {PlacedKnob} */ item) => makeSlider(store, item));
  view.body.replaceChildren(...view.rows.map((row) => row.element));
}

/**
 * @param {KnobsView} view
 * @param {string} group
 */
function makeTab(view, group) {
  const { store } = view;
  const chosen = group === store.selected;
  const colour = store.scene.colours[group];
  const dot = colour === undefined ? null : h("span", { class: "dx-dot", style: `background:${objectColour(colour)}` });
  return h("button", {
    type: "button", role: "tab", class: "dx-tab", "aria-selected": String(chosen), tabindex: chosen ? "0" : "-1",
    onclick: () => store.select(group),
    onkeydown: (event) => {
      const groups = groupsOf(store.scene);
      const step = /** @type {Record<string, any>} */ ({ ArrowRight: 1, ArrowLeft: -1 })[event.key];
      if (!step) return;
      event.preventDefault();
      event.stopPropagation();
      store.select(groups[(groups.indexOf(group) + step + groups.length) % groups.length]);
    },
  }, dot, group || looseName(store.scene));
}

/**
 * What knobs that belong to no group are called beside groups that have names: the only one's name, or "other".
 * @param {Scene} scene
 */
function looseName(scene) {
  const loose = scene.knobs.filter((knob) => !knob.group);
  return loose.length === 1 ? loose[0].name : "other";
}

/**
 * A native slider in a label: named, focusable, and the kernel hears the newest value only.
 * @param {Store} store
 * @param {PlacedKnob} given
 * @param {string} [called]
 */
export function makeSlider(store, { knob, index }, called) {
  const step = knob.step || (knob.high - knob.low) / 200;
  const value = h("output", { class: "dx-value" });
  const input = h("input", {
    type: "range", min: String(knob.low), max: String(knob.high), step: String(step),
    oninput: (event) => store.propose([[index, event.target.valueAsNumber]], false),
    onchange: (event) => store.propose([[index, event.target.valueAsNumber]], true),
    // The notebook must not take the arrow keys for its own.
    onkeydown: (event) => {
      if (keyed(knob, 0, event.key) !== null) event.stopPropagation();
    },
  });
  const short = knob.group && knob.name.startsWith(`${knob.group} `) ? knob.name.slice(knob.group.length + 1) : knob.name;
  const name = called || short;
  input.setAttribute("aria-label", knob.name);
  const element = h("label", { class: "dx-knob" }, h("span", { class: "dx-label" }, name), value, input);
  return {
    element,
    update() {
      const now = store.values[index];
      if (input.valueAsNumber !== now) input.value = String(now);
      const text = withUnit(now, knob.unit);
      setText(value, text);
      setAttributes(input, { "aria-valuetext": text });
      input.style.setProperty("--part", `${(100 * (now - knob.low)) / (knob.high - knob.low || 1)}%`);
    },
  };
}

/**
 * Many knobs of one kind, such as units in use at each step: columns that are drawn with the pointer.
 * @param {Store} store
 * @param {PlacedKnob[]} members
 */
function makeProfile(store, members) {
  /** @type {ProfileBar[]} */
  const bars = members.map(({ knob, index }) => {
    const fill = h("span", { class: "dx-fill" });
    const element = h("div", {
      class: "dx-column", role: "slider", tabindex: "0", "aria-label": knob.name,
      "aria-orientation": "vertical", "aria-valuemin": knob.low, "aria-valuemax": knob.high,
      onkeydown: (event) => profileKey(store, members, bars, index, event),
    }, fill);
    return { element, fill, knob, index };
  });
  const track = h("div", { class: "dx-profile" }, ...bars.map((bar) => bar.element));
  const say = h("output", { class: "dx-value" });
  profileDrag(store, track, bars);
  const element = h("div", { class: "dx-profile-row" }, h("span", { class: "dx-label" }, profileName(members)), track, say);
  return {
    element,
    update() {
      let sum = 0;
      for (const { element: bar, fill, knob, index } of bars) {
        const now = store.values[index];
        sum += now;
        fill.style.height = `${(100 * (now - knob.low)) / (knob.high - knob.low || 1)}%`;
        setAttributes(bar, { "aria-valuenow": now, "aria-valuetext": withUnit(now, knob.unit) });
      }
      setText(say, `${number(sum / bars.length)} ${members[0].knob.unit} on average`);
    },
  };
}

/** @param {PlacedKnob[]} members */
function profileName(members) {
  const [first, last] = [members[0].knob.name, members[members.length - 1].knob.name];
  const stem = first.replace(/\s*\d+$/, "");
  return last.startsWith(stem) ? `${stem} ${first.slice(stem.length).trim()} to ${last.slice(stem.length).trim()}` : first;
}

/**
 * @param {Store} store
 * @param {PlacedKnob[]} members
 * @param {ProfileBar[]} bars
 * @param {number} index
 * @param {KeyboardEvent} event
 */
function profileKey(store, members, bars, index, event) {
  const at = members.findIndex((item) => item.index === index);
  const beside = /** @type {Record<string, number>} */ ({ ArrowLeft: at - 1, ArrowRight: at + 1 })[event.key];
  const value = beside === undefined ? keyed(members[at].knob, store.values[index], event.key) : null;
  if (beside === undefined && value === null) return;
  event.preventDefault();
  event.stopPropagation();
  if (beside !== undefined) bars[beside]?.element.focus();
  else store.propose([[index, value]], true);
}

/**
 * @param {Store} store
 * @param {HTMLElement} track
 * @param {ProfileBar[]} bars
 */
function profileDrag(store, track, bars) {
  let held = false;
  /**
   * @param {PointerEvent} event
   * @param {boolean} settled
   */
  const apply = (event, settled) => {
    const box = track.getBoundingClientRect();
    const at = Math.floor(((event.clientX - box.left) / box.width) * bars.length);
    const bar = bars[Math.min(Math.max(at, 0), bars.length - 1)];
    const part = 1 - (event.clientY - box.top) / box.height;
    store.propose([[bar.index, bar.knob.low + part * (bar.knob.high - bar.knob.low)]], settled);
  };
  track.addEventListener("pointerdown", (event) => {
    held = true;
    track.setPointerCapture(event.pointerId);
    apply(event, false);
  });
  track.addEventListener("pointermove", (event) => held && apply(event, false));
  track.addEventListener("pointerup", (event) => {
    if (held) apply(event, true);
    held = false;
  });
  track.addEventListener("pointercancel", () => {
    held = false;
    store.propose([], true);
  });
}
