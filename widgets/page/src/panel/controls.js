// A panel's controls from a list of plain descriptions. Native elements: reachable and named for
// keyboard and screen reader. What is chosen goes to `answers` {name: value}; a button adds to `presses`.

import { allOf, firstOf, focusedIn, h } from "../shared/dom.js";
import { number } from "../shared/numbers.js";
import { answer, press } from "../session/answers.js";

/**
 * spec: {kind, name, label, options?, low?, high?, step?, disabled?, hint?, more?}: those with `more` wait behind "More".
 * @param {PanelModel} model
 */
export function makeControls(model) {
  const element = h("div", { class: "dx-controls" });
  const more = makeMore();
  let drawn = "";
  const update = () => {
    const specs = controlsOf(model);
    const answers = model.get("answers");
    const shape = JSON.stringify(specs);
    if (shape !== drawn) {
      const focused = focusedIn(element)?.dataset.name ?? null;
      drawn = shape;
      const [first, rest] = [false, true].map((behind) => specs.filter((/** @type {PartSpec} */ spec) => Boolean(spec.more) === behind));
      const made = (/** @type {PartSpec[]} */ those) => those.map((spec) => makeControl(model, spec));
      element.replaceChildren(...made(first), ...more.holding(made(rest)));
      element.toggleAttribute("data-methods", specs.some((/** @type {PartSpec} */ spec) => !spec.more && (spec.name || "").startsWith("method ")));
      if (focused) firstOf(element, `[data-name="${focused}"]`)?.focus();
    }
    for (const input of allOf(element, "[data-name]")) showAnswer(input, answers[input.dataset.name ?? ""]);
    element.hidden = !specs.length;
  };
  return { element, update };
}

/**
 * The controls as they were last sent, with what changed since.
 * @param {PanelModel} model
 * @returns {PartSpec[]}
 */
function controlsOf(model) {
  const turned = model.get("turned") || {};
  return model.get("controls").map((/** @type {PartSpec} */ spec, /** @type {number} */ place) => ({ ...spec, ...turned[place] }));
}

/**
 * The options of a control as [value, text]; one that is called by its value is sent as that alone.
 * @param {PartSpec} spec
 * @returns {HTMLElement[]}
 */
function optionsOf(spec) {
  const pairs = spec.options.map((/** @type {any} */ option) => (typeof option === "string" ? [option, option] : option));
  return pairs.map((/** @type {string[]} */ [value, text]) => h("option", { value: String(value) }, text));
}

/** "More": what a first answer does not need; it stays open or closed when the controls change. */
function makeMore() {
  const list = h("div", { class: "dx-more-list" });
  const element = h("details", { class: "dx-more" }, h("summary", { class: "dx-button" }, "More"), list);
  element.addEventListener("focusout", (event) => {
    const next = /** @type {Node | null} */ (event.relatedTarget);
    if (next && !element.contains(next) && element.closest(".dx-masthead")) element.open = false; // there it lies over the page
  });
  element.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !element.open) return;
    element.open = false;
    firstOf(element, "summary")?.focus();
  });
  return {
    /** @param {HTMLElement[]} controls */
    holding(controls) {
      list.replaceChildren(...controls);
      return controls.length ? [element] : [];
    },
  };
}

/**
 * @param {any} input
 * @param {any} value
 */
function showAnswer(input, value) {
  if (value === undefined || value === null || input.type === "file" || input.tagName === "BUTTON") return;
  if (input.type === "checkbox") input.checked = value;
  else if (input.value !== String(value) && document.activeElement !== input) input.value = value;
  else if (input.tagName === "SELECT") input.value = value;
}

/**
 * @param {PanelModel} model
 * @param {PartSpec} spec
 */
function makeControl(model, spec) {
  if (spec.kind === "button") {
    return h("button", {
      type: "button", class: `dx-button ${spec.strong ? "dx-strong" : ""}`, disabled: Boolean(spec.disabled),
      title: spec.hint, "data-name": spec.name, onclick: () => press(model, spec.name),
    }, spec.label);
  }
  const input = makeInput(model, spec);
  input.dataset.name = spec.name;
  if (spec.hint) input.title = spec.hint;
  if (spec.disabled) input.disabled = true;
  if (spec.kind === "file") return makeFile(spec, input);
  const unit = spec.unit ? h("span", { class: "dx-unit" }, spec.unit) : null;
  if (spec.kind === "check") return h("label", { class: `dx-field dx-check ${spec.disabled ? "dx-off" : ""}` }, input, h("span", {}, spec.label));
  const words = input.type === "text" ? "dx-words" : "";
  return h("label", { class: `dx-field ${words}` }, h("span", { class: "dx-label" }, spec.label), h("span", { class: "dx-pair" }, input, suggestions(spec, input), unit));
}

let lists = 0;

/**
 * What a field that takes one of many names suggests, while it is typed; nothing for other controls.
 * @param {PartSpec} spec
 * @param {HTMLElement} input
 */
function suggestions(spec, input) {
  if (spec.kind !== "text" || !spec.options) return null;
  lists += 1;
  input.setAttribute("list", `dx-names-${lists}`);
  return h("datalist", { id: `dx-names-${lists}` }, ...optionsOf(spec));
}

/**
 * A file control that looks like the other buttons; the native input stays, for keyboard and screen reader.
 * @param {PartSpec} spec
 * @param {HTMLElement} input
 */
function makeFile(spec, input) {
  input.classList.add("dx-hidden");
  return h("label", { class: "dx-button dx-file", title: spec.hint }, spec.label, input);
}

/**
 * @param {PanelModel} model
 * @param {PartSpec} spec
 */
function makeInput(model, spec) {
  if (spec.kind === "select") {
    return h("select", { onchange: (event) => answer(model, spec.name, event.target.value) }, ...optionsOf(spec));
  }
  if (spec.kind === "check") {
    return h("input", { type: "checkbox", onchange: (event) => answer(model, spec.name, event.target.checked) });
  }
  if (spec.kind === "file") {
    return h("input", { type: "file", accept: spec.accept, onchange: (event) => sendFile(model, spec.name, event.target) });
  }
  if (spec.kind === "number") {
    const limits = { type: "number", min: String(spec.low), max: String(spec.high), step: String(spec.step || "any") };
    /** @param {any} event */
    const change = (event) => {
      const value = event.target.valueAsNumber;
      if (!Number.isFinite(value)) return;
      const fits = value >= spec.low && value <= spec.high;
      refuse(event.target, fits ? "" : `${number(spec.low)} to ${number(spec.high)}, not ${event.target.value}`);
      if (fits) answer(model, spec.name, value);
    };
    return h("input", { ...limits, onchange: change, oninput: (/** @type {any} */ event) => refuse(event.target, "") });
  }
  return h("input", { type: "text", placeholder: spec.placeholder, onchange: (event) => answer(model, spec.name, event.target.value) });
}

/**
 * Says at a control why its value is not taken; an empty reason: it is.
 * @param {HTMLInputElement} input
 * @param {string} reason
 */
function refuse(input, reason) {
  input.setCustomValidity(reason);
  input.toggleAttribute("aria-invalid", Boolean(reason));
  if (reason) {
    input.setAttribute("aria-invalid", "true");
    input.reportValidity();
  }
}

const MOST_BYTES = 60e6; // of a file: the server ends a connection that sends a message above 64 MiB

/**
 * @param {PanelModel} model
 * @param {string} name
 * @param {HTMLInputElement} input
 */
export async function sendFile(model, name, input) {
  const file = input.files?.[0];
  if (!file) return;
  if (file.size > MOST_BYTES) {
    model.set("error", `${file.name} has ${Math.ceil(file.size / 1e6)} MB; a page takes files of up to ${MOST_BYTES / 1e6} MB. Give the file to Python instead: dnnexplain.policies.load_any(path, system).`);
    input.value = "";
    return;
  }
  if (model.get("error")) model.set("error", "");
  model.set("upload", { name, file: file.name, content: new DataView(await file.arrayBuffer()) });
  model.save_changes();
  input.value = "";
}
