// Tabs: figure.tabs is [[key, label]]; the open one is answers.section. Arrow keys move between them.

import { h } from "../shared/dom.js";
import { answer } from "../session/answers.js";

/**
 * @param {Store} store
 * @param {PartSpec} part
 * @param {PanelModel} model
 */
export function makeTabs(store, part, model) {
  const element = h("div", { class: "dx-tabs dx-sections", role: "tablist", "aria-label": "Sections" });
  /** @type {any} */
  let drawn = null;
  const update = () => {
    const { tabs } = model.get("figure");
    if (tabs !== drawn) {
      drawn = tabs;
      element.replaceChildren(...(tabs || []).map((/** @type {any} */ [key, label]) => tabButton(model, key, label)));
    }
    for (const button of element.querySelectorAll("button")) {
      const open = button.dataset.key === model.get("answers").section;
      button.setAttribute("aria-selected", String(open));
      button.tabIndex = open ? 0 : -1;
    }
  };
  element.addEventListener("keydown", (event) => moveAmongTabs(event, element));
  model.on("change:figure", update);
  model.on("change:answers", update);
  return { element, update, stop() {} };
}

/**
 * @param {PanelModel} model
 * @param {string} key
 * @param {string} label
 */
function tabButton(model, key, label) {
  return h("button", { type: "button", role: "tab", class: "dx-tab", "data-key": key, onclick: () => answer(model, "section", key) }, label);
}

/**
 * @param {any} event
 * @param {any} list
 */
function moveAmongTabs(event, list) {
  const step = /** @type {Record<string, any>} */ ({ ArrowRight: 1, ArrowLeft: -1 })[event.key];
  if (!step) return;
  const all = [...list.children];
  const next = all[(all.indexOf(event.target) + step + all.length) % all.length];
  next.focus();
  next.click();
  event.preventDefault();
}
