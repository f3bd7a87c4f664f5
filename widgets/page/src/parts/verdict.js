// The verdict: figure.items is [{key, label, value, note, level, words, opens}]; each opens the panel that shows it.

import { press } from "../session/answers.js";
import { h } from "../shared/dom.js";
import { showOverflow } from "../shared/overflow.js";

/** @type {Record<string, string>} */
const LEVELS = { good: "Good: ", bad: "Mind: ", fair: "Even: " };

/**
 * @param {Store} store
 * @param {PartSpec} part
 * @param {PanelModel} model
 */
export function makeVerdict(store, part, model) {
  const list = h("ul", { class: "dx-standing" });
  const words = h("p", { class: "dx-standing-words", role: "status" });
  words.hidden = true;
  const run = h("button", { type: "button", class: "dx-button", onclick: () => press(model, "run") }, "Work it out");
  const report = h("button", { type: "button", class: "dx-plain", onclick: () => press(model, "report") }, "Report");
  const element = h("div", { class: "dx-standing-box" }, h("div", { class: "dx-standing-line" }, list, run, report), words);
  let open = "";
  const update = () => {
    const { items = [], run: ready, report: known } = model.get("figure");
    list.replaceChildren(...items.map((/** @type {any} */ item) => verdictItem(model, item, open, (/** @type {string} */ key) => {
      open = open === key ? "" : key;
      update();
    })));
    const shown = items.find((/** @type {any} */ item) => item.key === open);
    words.hidden = !shown;
    if (shown) words.replaceChildren(shown.words, ...(shown.opens ? [" ", h("button", { type: "button", class: "dx-link-button", onclick: () => press(model, `open ${shown.opens}`) }, "Show me")] : []));
    run.hidden = !ready || Boolean(model.get("busy").text);
    report.hidden = !known;
  };
  model.on("change:figure", update);
  model.on("change:busy", update);
  return { element, update: (/** @type {string} */ what) => (what === "scene" || what === "own" ? update() : null), stop: showOverflow(list) };
}

/**
 * @param {PanelModel} model
 * @param {any} item
 * @param {string} open
 * @param {any} toggle
 */
function verdictItem(model, item, open, toggle) {
  const face = [
    h("span", { class: "dx-standing-label" }, item.label),
    h("strong", {}, h("span", { class: "dx-light", "aria-hidden": "true" }), h("span", { class: "dx-hidden" }, LEVELS[item.level] || ""), item.value),
    h("small", {}, item.note || ""),
  ];
  return h("li", {}, h("button", {
    type: "button", class: "dx-standing-item", "data-level": item.level, "aria-expanded": String(item.key === open), title: item.words,
    onclick: () => toggle(item.key),
  }, ...face));
}
