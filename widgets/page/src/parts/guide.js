// The way in: figure is {key, lead, read: [..], steps: [{say, done, learnt}]}. Shown until it is closed, once per
// system and browser; the page's head has a button that brings it back.

import { press } from "../session/answers.js";
import { guideClosed, keepGuide } from "../session/guide_state.js";
import { h, setText } from "../shared/dom.js";

/**
 * @param {Store} store
 * @param {PartSpec} part
 * @param {PanelModel} model
 */
export function makeGuide(store, part, model) {
  const lead = h("p", { class: "dx-guide-lead" });
  const read = h("ul", { class: "dx-guide-read" });
  const steps = h("ol", { class: "dx-guide-steps" });
  const skip = h("button", { type: "button", class: "dx-button", onclick: () => press(model, "next") }, "Leave this step out");
  const again = h("button", { type: "button", class: "dx-button", onclick: () => press(model, "again") }, "Begin again");
  const close = h("button", { type: "button", class: "dx-button dx-strong", onclick: () => show(false) }, "Close the guide");
  const element = h("div", { class: "dx-guide" },
    h("div", { class: "dx-guide-about" }, lead, h("details", {}, h("summary", {}, "How to read this page"), read)),
    h("div", { class: "dx-guide-try" }, h("strong", {}, "Try this"), steps, h("div", { class: "dx-guide-buttons" }, skip, again, close)));
  const host = () => element.closest("[data-panel], .dx-host") || element;
  const show = (/** @type {boolean} */ open) => {
    keepGuide(model.get("figure").key, !open);
    store.guide = open;
    update();
    store.emit("guide");
  };
  const update = () => {
    const { key, lead: words, read: rules = [], steps: all = [] } = model.get("figure");
    store.guide ??= !guideClosed(key);
    if (store.guideKey !== key) {
      store.guideKey = key;
      setTimeout(() => store.emit("guide"));
    }
    host().toggleAttribute("data-closed", !store.guide);
    setText(lead, words || "");
    read.replaceChildren(...rules.map((/** @type {string} */ text) => h("li", {}, text)));
    const now = all.findIndex((/** @type {any} */ step) => !step.done);
    steps.replaceChildren(...all.map((/** @type {any} */ step, /** @type {number} */ at) => h("li", {
      class: step.done ? "dx-done" : at === now ? "dx-now-step" : "", "aria-current": at === now ? "step" : undefined,
    }, h("span", {}, step.say), step.learnt ? h("span", { class: "dx-learnt", role: "status" }, step.learnt) : null)));
    skip.hidden = now < 0;
    again.hidden = now === 0;
  };
  model.on("change:figure", update);
  return { element, update: (/** @type {string} */ what) => (["scene", "guide", "own"].includes(what) ? update() : null), stop() {} };
}
