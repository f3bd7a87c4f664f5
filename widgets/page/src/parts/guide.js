// The way in: page is {key, lead, read: [..]}, figure {steps: [{say, done, learnt}]}. Shown until it is closed, once per
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
  const count = h("span", { class: "dx-guide-count" });
  const skip = h("button", { type: "button", class: "dx-plain", onclick: () => press(model, "next") }, "Leave this step out");
  const again = h("button", { type: "button", class: "dx-plain", onclick: () => press(model, "again") }, "Begin again");
  const close = h("button", { type: "button", class: "dx-plain", "aria-label": "Close the guide", onclick: () => show(false) }, "Close");
  const head = h("div", { class: "dx-guide-head" }, h("strong", {}, "Try this"), count, skip, again, close);
  const element = h("div", { class: "dx-guide" },
    h("div", { class: "dx-guide-about" }, lead, h("details", {}, h("summary", {}, "How to read this page"), read)),
    h("div", { class: "dx-guide-try" }, head, steps));
  const host = () => element.closest("[data-panel], .dx-host") || element;
  const show = (/** @type {boolean} */ open) => {
    keepGuide(model.get("page").key, !open);
    store.guide = open;
    update();
    store.emit("guide");
  };
  const update = () => {
    const { key, lead: words, read: rules = [] } = model.get("page");
    const { steps: all = [] } = model.get("figure");
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
      class: step.learnt ? "dx-done" : step.done ? "dx-left-out" : at === now ? "dx-now-step" : "", "aria-current": at === now ? "step" : undefined,
    }, step.learnt ? h("span", { class: "dx-hidden" }, step.say) : h("span", {}, step.say), step.learnt ? h("span", { class: "dx-learnt", role: "status" }, step.learnt) : null)));
    setText(count, now < 0 ? "done" : `${now + 1} of ${all.length}`);
    skip.hidden = now < 0;
    again.hidden = now === 0;
  };
  for (const name of ["page", "figure"]) model.on(`change:${name}`, update);
  return { element, update: (/** @type {string} */ what) => (["scene", "guide", "own"].includes(what) ? update() : null), stop() {} };
}
