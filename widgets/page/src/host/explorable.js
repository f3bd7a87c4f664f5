// An explorable: the panels in a file of their own, with the page as its own kernel. `startExplorable` is
// called once with what export.py wrote: {hub, panels, states, presets, ask}; bytes are {__bytes__: base64}.

import { targetMenu } from "../network/network.js";
import { routedPicture } from "../network/routed.js";
import { mountPanel } from "../panel/panel.js";
import { Store } from "../session/store.js";
import { watchTheme } from "../shared/dom.js";
import { PageModel, revive } from "./page_model.js";
import { snap } from "../shared/knob_values.js";
import { unfolded } from "../shared/long_graph.js";

/**
 * The session's model as the page's data has it; what came as bytes because it is long is lists again.
 * @param {{hub: Record<string, unknown>}} data
 */
function hubOf(data) {
  const hub = revive(data.hub);
  if (hub.network.graph) hub.network.graph = unfolded(hub.network.graph);
  return hub;
}

class Explorable {
  /** @param {any} data */
  constructor(data) {
    this.data = data;
    /** @type {any[]} */
    this.past = [];
    /** @type {any[]} */
    this.future = [];
    /** @type {PageModel & {dnnexplainStore?: Store}} */
    this.hub = new PageModel(hubOf(data), (changes) => this.onHub(changes));
    this.panels = Object.fromEntries(Object.entries(data.panels).map(([name, state]) => [name, new PageModel(revive(state), (changes) => this.onPanel(name, changes))]));
    this.store = new Store(this.hub);
    this.hub.dnnexplainStore = this.store;
    this.store.listen((/** @type {string} */ what) => what === "live" && this.follow());
    this.show(this.linked() || data.start);
  }

  /**
   * Shows a state {values, ground: [[cell, level]] or null, preset}.
   * @param {any} state
   */
  show(state) {
    const { store } = this;
    this.preset = state.preset ?? null;
    this.hub.state.ground = state.ground ? { cells: new DataView(this.paintGround(state.ground).buffer) } : {};
    store.base = null;
    store.from = Float64Array.from(state.values);
    store.kernelStep.ask = this.data.ask;
    store.kernelStep.unit = this.data.ask.unit;
    store.answerHere(store.from);
    store.emit("live");
    this.keep();
  }

  /** @param {any} pairs */
  paintGround(pairs) {
    const cells = new Float32Array(sizeOfPicture(this.store.scene));
    for (const [cell, level] of pairs) cells[cell] = level;
    this.ground = pairs;
    return cells;
  }

  get state() {
    return { values: Array.from(this.store.values), ground: this.hub.state.ground.cells ? this.ground : null, preset: this.preset };
  }

  /**
   * Asks something else about the present state.
   * @param {any} changes
   */
  ask(changes) {
    Object.assign(this.data.ask, changes);
    this.show(this.state);
  }

  // --- what the panels say ---

  /** @param {any} given */
  onHub({ wish, travel }) {
    if (wish?.settled) queueMicrotask(() => this.noteStep(wish.from));
    const before = this.travelled || {};
    for (const way of ["undo", "redo"]) for (let at = before[way] || 0; at < (travel?.[way] || 0); at += 1) this.travel(way);
    if (travel) this.travelled = travel;
  }

  /** @param {any} from */
  noteStep(from) {
    if (from.every((/** @type {number} */ value, /** @type {number} */ at) => value === this.store.values[at])) return;
    this.past.push({ ...this.state, values: from });
    /** @type {any[]} */
    this.future = [];
    this.follow();
    this.keep();
  }

  /** @param {any} way */
  travel(way) {
    const [back, forth] = way === "undo" ? [this.past, this.future] : [this.future, this.past];
    if (!back.length) return;
    forth.push(this.state);
    this.show(back.pop());
  }

  /** @param {any} state */
  go(state) {
    this.past.push(this.state);
    /** @type {any[]} */
    this.future = [];
    this.show(state);
  }

  /**
   * @param {string} name
   * @param {any} given
   */
  onPanel(name, { answers, presses }) {
    const model = this.panels[name];
    if (name === "editor" && presses) this.press(presses);
    if (name === "editor" && answers?.preset) {
      const places = this.data.presets[Number(answers.preset)].places;
      model.take({ answers: { ...answers, preset: "" } });
      this.go(this.place(places[Math.floor(Math.random() * places.length)]));
    }
    if (name === "saliency" && answers) this.ask({ target: answers.target, method: answers.method ?? this.data.ask.method, baseline: answers.baseline ?? this.data.ask.baseline });
    if (name === "neurons" && answers) this.ask({ layer: answers.layer || this.data.ask.layer, sweep: answers.sweep, unit: answers.unit ?? this.data.ask.unit });
  }

  /** @param {number} at */
  place(at) {
    return { ...this.data.states[at], preset: at };
  }

  /** @param {any} presses */
  press(presses) {
    const pressed = Object.keys(presses).find((name) => presses[name] !== (this.pressed?.[name] || 0));
    this.pressed = { ...presses };
    if (pressed === "empty") this.go({ values: this.store.scene.knobs.map((/** @type {Knob} */ knob) => knob.low), ground: null });
    else if (pressed) this.travel(pressed);
  }

  // --- what follows from a state ---

  /** Controls that depend on the state: the targets in words, and where undo can go. */
  follow() {
    const { scene, live } = this.store;
    const { editor, saliency } = this.panels;
    const { graph } = this.hub.get("network");
    if (graph) {
      const { sentence, graph: drawn } = routedPicture(graph, this.store.values, live.outputs);
      editor?.take({ figure: { graph: drawn }, sentence });
    }
    if (saliency && (live.action !== undefined || scene.output.kind !== "choice")) {
      const options = targetMenu(scene.output, live, graph);
      const { target, method, baseline } = this.data.ask;
      if (!options.some(([name]) => name === target)) options.push([target, target]);
      const [select, ...others] = saliency.get("controls").filter((/** @type {any} */ control) => control.name !== "baseline");
      const known = method === "saliency" ? [] : this.hub.get("network").baselines.map((/** @type {any} */ ground) => ground.name);
      const from = known.length ? [{ kind: "select", name: "baseline", label: "counted from", options: known.map((/** @type {string} */ name, /** @type {number} */ at) => (at ? [name, name] : ["default", `${name} (default)`])) }] : [];
      saliency.take({ controls: [{ ...select, options }, ...others, ...from], answers: { target, method, baseline } });
    }
    /** @type {Record<string, boolean>} */
    const disabled = { undo: !this.past.length, redo: !this.future.length };
    editor?.take({ controls: editor.get("controls").map((/** @type {any} */ control) => (control.name in disabled ? { ...control, disabled: disabled[control.name] } : control)) });
  }

  /** The address says what is shown, so that a copied link opens it again: knobs that differ from a known state. */
  keep() {
    const from = this.preset === null ? this.store.scene.knobs.map((/** @type {Knob} */ knob) => knob.low) : this.data.states[this.preset].values;
    const set = Array.from(this.store.values).flatMap((value, at) => (value === from[at] ? [] : [`${at}:${value}`]));
    const given = [...(this.preset === null ? [] : [`from=${this.preset}`]), ...(set.length ? [`set=${set.join(",")}`] : [])];
    history.replaceState(null, "", given.length ? `#${given.join("&")}` : location.pathname + location.search);
  }

  /** The state that the address names, or null where it names none. */
  linked() {
    const given = new URLSearchParams(location.hash.slice(1));
    if (!given.has("from") && !given.has("set")) return null;
    const known = given.has("from") ? this.data.states[Number(given.get("from"))] : { values: this.store.scene.knobs.map((/** @type {Knob} */ knob) => knob.low), ground: null };
    if (!known) return null;
    const values = [...known.values];
    for (const pair of (given.get("set") || "").split(",")) {
      const [at, value] = pair.split(":").map(Number);
      const knob = this.store.scene.knobs[at];
      if (knob && Number.isFinite(value)) values[at] = snap(knob, value);
    }
    return { values, ground: known.ground, preset: given.has("from") ? Number(given.get("from")) : null };
  }
}

/** @param {Scene} scene */
function sizeOfPicture({ picture }) {
  return picture ? picture.rows * picture.columns : 0;
}

/**
 * Mounts the panels into the elements of their names, and follows the reader's wish for light or dark.
 * @param {any} data
 * @param {any} makers
 */
export function startExplorable(data, makers) {
  const page = new Explorable({ ...data, start: { ...data.states[0], preset: 0 } });
  const choose = /** @type {HTMLSelectElement} */ (document.getElementById("theme"));
  const showTheme = () => {
    document.documentElement.dataset.theme = page.store.theme;
  };
  choose.addEventListener("change", () => page.hub.take({ theme: choose.value }));
  page.hub.on("change:theme", showTheme);
  watchTheme(showTheme);
  for (const [name, model] of Object.entries(page.panels)) mountPanel({ model, el: document.getElementById(name), hub: page.hub }, makers);
  window.addEventListener("hashchange", () => {
    const state = page.linked();
    if (state) page.go(state);
  });
  window.explorable = page;
}
