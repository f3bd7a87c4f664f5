// Panels of a lesson in the site: the notebook's widgets as they were when it was run, drawn by the panels' own code.
// There is no kernel. What the page can find by itself (probabilities, gradient map, neurons) follows a drag all
// the same; the other panels stay as they were, and say so.
// It is built as a plain script, no module: a site that is opened from disk may load it.

import { PageModel } from "../host/page_model.js";
import { allOf } from "../shared/dom.js";

const VIEW = "application/vnd.jupyter.widget-view+json";
const STATE = "application/vnd.jupyter.widget-state+json";
const HERE = new Set(["picture", "knobs", "probabilities", "groups", "units", "curves"]); // parts that need no kernel
const ASKED = ["target", "layer", "sweep", "unit"];

/**
 * A model's state with its bytes in their places.
 * @param {any} given
 */
function stateOf({ state, buffers }) {
  for (const { data, path } of buffers || []) {
    const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
    path.slice(0, -1).reduce((/** @type {any} */ inner, /** @type {string} */ name) => inner[name], state)[path.at(-1)] = new DataView(bytes.buffer);
  }
  return state;
}

class Lesson {
  /** @param {any} saved */
  constructor(saved) {
    this.saved = saved;
    /** @type {Record<string, any>} */
    this.models = {};
    /** @type {Record<string, Promise<any>>} */
    this.codes = {};
  }

  /** @param {string} id */
  model(id) {
    this.models[id] ??= new PageModel(stateOf(this.saved[id]), (changes) => this.onChange(id, changes));
    return this.models[id];
  }

  /**
   * A question that the page can answer by itself: another neuron, another target.
   * @param {string} id
   * @param {any} given
   */
  onChange(id, { answers }) {
    const { hub, store } = this.models[id];
    if (!answers || !store) return;
    const choices = Object.fromEntries(ASKED.filter((name) => answers[name] !== undefined && answers[name] !== "").map((name) => [name, answers[name]]));
    store.kernelStep.ask = { ...store.kernelStep.ask, ...choices };
    store.kernelStep.unit = choices.unit ?? store.kernelStep.unit;
    store.from ??= Float64Array.from(store.values);
    if (store.answerHere(Float64Array.from(store.values))) store.emit("live");
    return hub;
  }

  /** @param {string} hub */
  code(hub) {
    this.codes[hub] ??= import(URL.createObjectURL(new Blob([this.model(hub).get("code")], { type: "text/javascript" })));
    return this.codes[hub];
  }

  /**
   * Draws a widget, and what is inside it.
   * @param {string} id
   * @param {any} place
   */
  async draw(id, place) {
    const model = this.model(id);
    const state = model.state;
    if (state.hub) return this.drawPanel(model, place);
    if (/ButtonModel|TextModel/.test(state._model_name || this.saved[id].model_name)) return;
    const box = document.createElement("div");
    box.className = ["widget-box", ...(state._dom_classes || [])].join(" ");
    if (typeof state.value === "string") box.innerHTML = state.value;
    place.append(box);
    for (const child of state.children || []) await this.draw(child.replace("IPY_MODEL_", ""), box);
  }

  /**
   * @param {PanelModel} model
   * @param {any} place
   */
  async drawPanel(model, place) {
    const hub = this.model(model.get("hub"));
    const { mount } = await this.code(model.get("hub"));
    const el = document.createElement("div");
    el.className = (model.get("_dom_classes") || []).join(" ");
    place.append(el);
    mount({ model, el, hub });
    Object.assign(model, { hub, store: hub.dnnexplainStore });
    const answers = model.get("parts").length && model.get("parts").every((/** @type {any} */ { part }) => HERE.has(part)) && hub.dnnexplainStore.network;
    el.dataset.lesson = answers ? "live" : "saved";
    for (const controls of allOf(el, ".dx-controls")) controls.inert = true;
  }
}

/** Panels follow the site's light or dark. */
function followTheme() {
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const set = () => {
    const wish = document.body.dataset.theme;
    document.body.dataset.jpThemeLight = String(!(wish === "dark" || (wish !== "light" && dark.matches)));
  };
  set();
  new MutationObserver(set).observe(document.body, { attributes: true, attributeFilter: ["data-theme"] });
  dark.addEventListener("change", set);
}

async function start() {
  const script = document.querySelector(`script[type="${STATE}"]`);
  if (!script) return;
  followTheme();
  const lesson = new Lesson(JSON.parse(script.textContent).state);
  for (const view of document.querySelectorAll(`script[type="${VIEW}"]`)) {
    const place = document.createElement("div");
    place.className = "lesson-widget";
    view.after(place);
    const id = JSON.parse(view.textContent).model_id;
    await lesson.draw(id, place);
    const note = document.createElement("p");
    note.className = "lesson-note";
    if (place.querySelector('[data-lesson="saved"]')) note.textContent = "As it was when the lesson was run. Where the lesson runs (make lab), its controls answer.";
    else if (place.querySelector(".dx-picture, canvas") && place.querySelector('[data-lesson="live"]')) note.textContent = "This page evaluates the network by itself: try it.";
    else if (!place.querySelector(".dx")) note.textContent = "Answers are checked where the lesson runs (make lab).";
    if (note.textContent) place.append(note);
  }
}

start();
