// "Compare with a saved result": what the panel's model says in `comparison` {file, sentence, changes}.

import { changeTable } from "../parts/changes.js";
import { h, setAttributes, setText } from "../shared/dom.js";
import { sendFile } from "./controls.js";
import { press } from "../session/answers.js";

/** @param {PanelModel} model */
export function makeComparison(model) {
  const title = h("h4", { class: "dx-compared-title" });
  const close = h("button", { type: "button", class: "dx-plain", onclick: () => press(model, "uncompare") }, "Close");
  const sentence = h("p", { class: "dx-compared-words", role: "status" });
  const tables = h("div", { class: "dx-compared-tables" });
  const element = h("div", { class: "dx-compared", role: "group" }, h("div", { class: "dx-compared-head" }, title, close), tables, sentence);
  /** @type {any} */
  let drawn = null;
  return {
    element,
    update() {
      const result = model.get("comparison") || {};
      element.hidden = !result.sentence;
      if (result === drawn || element.hidden) return;
      drawn = result;
      setText(title, `Saved in ${result.file}, and now`);
      setAttributes(element, { "aria-label": title.textContent });
      setText(sentence, result.sentence);
      tables.replaceChildren(...result.changes.flatMap(changeTable));
    },
  };
}

/**
 * An item of the "Save" menu that asks for a file; the native input stays behind it.
 * @param {PanelModel} model
 * @param {string} name
 * @param {string} label
 */
export function makeFileItem(model, name, label) {
  /** @type {HTMLInputElement} */
  const input = h("input", { type: "file", accept: ".json", "data-name": name, tabindex: "-1", "aria-hidden": "true", "aria-label": label, onchange: () => sendFile(model, name, input) });
  input.hidden = true;
  return input;
}
