// A panel: the question, the controls, the picture, a sentence that reads it, the badge, the error area.

import { makeNotice, watchKernel } from "../session/kernel_watch.js";
import { listenForTravel } from "../session/page_link.js";
import { Store } from "../session/store.js";
import { freshId, h, setText, watchTheme } from "../shared/dom.js";
import { shortTime } from "../shared/numbers.js";
import { makeComparison } from "./comparison.js";
import { makeControls } from "./controls.js";
import { makeHero } from "./hero.js";
import { makeSaveMenu } from "./files.js";
import { comeWhenAsked, isEditor, makeLoadedNote, rememberUse } from "./loaded_state.js";
import { hideStills } from "./stills.js";
import { makeTerms } from "./terms.js";
import { press } from "../session/answers.js";

/**
 * Draws a panel into el. `hub` is the session's model, `model` the panel's own; `makers` makes a part by its name.
 * @param {any} given
 * @param {any} makers
 */
export function mountPanel({ model, el, hub }, makers) {
  addStyle(hub, el);
  hideStills(model.get("hub"));
  hub.dnnexplainStore ??= new Store(hub);
  const store = hub.dnnexplainStore;
  const gate = makeGate();
  const gated = gatedModel(model, gate);
  const specs = model.get("parts");
  const parts = specs.map((/** @type {PartSpec} */ spec) => makers[spec.part](store, spec, gated));
  const shell = makeShell(model, store, specs, parts);
  listenForTravel(shell.element, store);
  el.classList.add("dx-host");
  shell.element.dataset.kind = model.get("kind") || "";
  const stopGoing = comeWhenAsked(hub, model, shell.element);
  el.append(shell.element);
  const stopTheme = watchTheme(() => {
    showTheme(shell.element, store.theme);
    parts.forEach((/** @type {PartSpec} */ part) => part.update("theme"));
  });
  const terms = makeTerms(shell.element, hub.get("glossary") || {});
  /** @param {string} what */
  const refresh = (what) => {
    terms.later();
    if (what === "theme") showTheme(shell.element, store.theme);
    shell.update(what);
    for (const part of parts) part.update(what);
  };
  const calls = Object.fromEntries(["scene", "live", "local", "theme", "gone", "guide"].map((what) => [what, () => refresh(what)]));
  const stopListening = store.listen((/** @type {string} */ what) => gate.run(calls[what]));
  const own = ["question", "controls", "turned", "answers", "sentence", "hero", "badge", "error", "busy", "code", "comparison", "outdated", "stopped"];
  for (const name of own) model.on(`change:${name}`, () => {
    shell.update("own");
    terms.later();
  });
  refresh("scene");
  watchKernel(model, store);
  gate.watch(shell.element);
  const stopWidth = joinPage(shell.element, store);
  return () => {
    stopListening();
    stopGoing();
    stopWidth();
    gate.stop();
    terms.stop();
    stopTheme();
    parts.forEach((/** @type {PartSpec} */ part) => part.stop());
  };
}

const WIDE = 960; // px from which a page has two columns

/**
 * Marks a panel, the page around it and our own app's document with the theme.
 *
 * Marks, not `:has()`: with that, each frame of a drag would style the whole page anew.
 * @param {HTMLElement} element
 * @param {string} theme
 */
function showTheme(element, theme) {
  const root = document.documentElement;
  const page = /** @type {HTMLElement | null} */ (element.closest(".dx-page"));
  for (const part of page ? [element, page] : [element]) if (part.dataset.theme !== theme) part.dataset.theme = theme;
  if (root.hasAttribute("data-dnnexplain-app") && root.dataset.dnnexplainTheme !== theme) root.dataset.dnnexplainTheme = theme;
}

/**
 * Marks the page around a panel: its theme, and whether it is wide, once the panel is in it.
 * @param {HTMLElement} element
 * @param {Store} store
 */
function joinPage(element, store) {
  const observer = new ResizeObserver(() => {
    const page = /** @type {HTMLElement | null} */ (element.closest(".dx-page"));
    if (!page) return;
    observer.disconnect();
    showTheme(element, store.theme);
    if (element.querySelector(".dx-topology")) element.closest(".dx-columns")?.toggleAttribute("data-map", true);
    if (page.dnnexplainWidth) return;
    page.dnnexplainWidth = new ResizeObserver(() => page.toggleAttribute("data-wide", page.clientWidth >= WIDE));
    page.dnnexplainWidth.observe(page);
    page.toggleAttribute("data-wide", page.clientWidth >= WIDE);
  });
  observer.observe(element);
  return () => observer.disconnect();
}

const REST = 150; // ms without a change after which panels out of sight catch up

/** Lets what is in sight draw at once; what is not draws when it comes into sight, or when all is at rest. */
function makeGate() {
  const waiting = new Set();
  let seen = true;
  /** @type {any} */
  let timer = null;
  const flush = () => {
    clearTimeout(timer);
    const calls = [...waiting];
    waiting.clear();
    for (const call of calls) call();
  };
  const observer = new IntersectionObserver((entries) => {
    seen = entries[entries.length - 1].isIntersecting;
    if (seen) flush();
  }, { rootMargin: "60px" });
  return {
    run(/** @type {any} */ call) {
      if (seen) {
        call();
        return;
      }
      waiting.add(call);
      clearTimeout(timer);
      timer = setTimeout(flush, REST);
    },
    watch: (/** @type {HTMLElement} */ element) => observer.observe(element),
    stop() {
      observer.disconnect();
      clearTimeout(timer);
    },
  };
}

/**
 * The panel's model as its parts see it: changes reach them through the gate.
 * @param {PanelModel} model
 * @param {any} gate
 */
function gatedModel(model, gate) {
  return {
    get: (/** @type {string} */ name) => model.get(name),
    set: (/** @type {string} */ name, /** @type {number} */ value) => model.set(name, value),
    save_changes: () => model.save_changes(),
    on: (/** @type {any} */ event, /** @type {any} */ call) => model.on(event, () => gate.run(call)),
    widget_manager: model.widget_manager,
  };
}

/**
 * The style sheet, once per document or shadow root.
 * @param {Hub} hub
 * @param {HTMLElement} el
 */
function addStyle(hub, el) {
  const own = el.getRootNode();
  const root = own instanceof ShadowRoot ? own : document.head;
  if (root.querySelector("style[data-dnnexplain]")) return;
  const style = h("style", { "data-dnnexplain": "" });
  style.textContent = hub.get("style");
  root.append(style);
}

/**
 * The classes of a panel: what it draws is among them, for style sheets.
 * @param {PartSpec[]} specs
 */
function shellClass(specs) {
  const head = specs.some((spec) => spec.part === "page-link") ? ["dx-masthead"] : [];
  return ["dx", ...head, ...specs.map((spec) => `dx-with-${spec.part}`)].join(" ");
}

/**
 * @param {PanelModel} model
 * @param {Store} store
 * @param {any} specs
 * @param {any} parts
 */
function makeShell(model, store, specs, parts) {
  const title = h("h3", { class: "dx-question", id: freshId("question") });
  const controls = makeControls(model);
  const sentence = h("p", { class: "dx-sentence" });
  const promise = h("p", { class: "dx-promise" });
  const hero = makeHero(model);
  const badge = makeBadge();
  const busy = makeBusy(model);
  const outdated = makeOutdated(model);
  const stopped = h("p", { class: "dx-about dx-stopped", role: "status" });
  const error = h("p", { class: "dx-error", role: "alert" });
  const code = makeCode(model);
  const comparison = makeComparison(model);
  const body = h("div", { class: "dx-body" }, ...parts.map((/** @type {PartSpec} */ part) => part.element));
  const element = h("section", { class: shellClass(specs), "aria-labelledby": title.id });
  rememberUse(element, store);
  const loadedNote = isEditor(specs) ? makeLoadedNote(store, element) : null;
  const save = makeSaveMenu(model, store, specs, parts, { element, body, sentence });
  const full = makeFullScreen(element);
  const first = !store.noticed; // the page says once that its kernel is gone
  store.noticed = true;
  const notice = first ? makeNotice(store) : null;
  element.append(...(notice ? [notice.element] : []), h("header", { class: "dx-head" }, title, save.element, code.button, full.button), ...(loadedNote ? [loadedNote.element] : []), controls.element, outdated.element, promise, hero.element, ...inOrder(model, body, sentence), busy.element, stopped, badge.element, comparison.element, error, code.element);
  return {
    element,
    update(/** @type {string} */ what) {
      notice?.update();
      if (what === "live" || what === "local") loadedNote?.update();
      if (what === "gone") element.classList.toggle("dx-unanswered", Boolean(store.gone));
      const says = model.get("says");
      const words = model.get("sentence") || store.live.words[/** @type {keyof Words} */ (says)] || "";
      setText(sentence, words);
      hero.update(store);
      const failure = model.get("error") || store.live.failures[says] || store.live.failures.all || "";
      setText(error, failure);
      setText(promise, words || failure || model.get("busy").text ? "" : model.get("promise") || "");
      if (what === "live" || what === "local") return;
      setText(title, model.get("question"));
      title.hidden = !model.get("question");
      controls.update();
      badge.update(model.get("badge"));
      busy.update();
      setText(stopped, model.get("stopped") || "");
      outdated.update();
      element.classList.toggle("dx-outdated", Boolean(model.get("outdated").text));
      code.update();
      save.update();
      full.button.hidden = save.element.hidden || !document.fullscreenEnabled;
      comparison.update();
    },
  };
}

/**
 * An answer is read before its picture is; what follows each step of a drag stands below, where its length moves nothing.
 * @param {PanelModel} model
 * @param {HTMLElement} body
 * @param {HTMLElement} sentence
 */
function inOrder(model, body, sentence) {
  return model.get("says") ? [body, sentence] : [sentence, body];
}

function makeBadge() {
  const light = h("span", { class: "dx-light", "aria-hidden": "true" });
  const text = h("span", {});
  const figures = h("dl", { class: "dx-figures" });
  const element = h("details", { class: "dx-badge" }, h("summary", {}, light, text), figures);
  return {
    element,
    update(/** @type {any} */ badge) {
      element.hidden = !badge.text;
      if (!badge.text) return;
      element.dataset.level = badge.level;
      setText(text, badge.text);
      figures.replaceChildren(...(badge.figures || []).flatMap((/** @type {any} */ figure) => [h("dt", {}, `${figure.name}: ${figure.value}`), h("dd", {}, figure.meaning)]));
    },
  };
}

/** @param {PanelModel} model */
function makeBusy(model) {
  const text = h("span", {});
  const left = makeTimeLeft();
  const bar = h("progress", { max: 1, "aria-label": "Progress" });
  const cancel = h("button", { type: "button", class: "dx-button", onclick: () => press(model, "cancel") }, "Cancel");
  const element = h("div", { class: "dx-busy", role: "status" }, text, bar, left.element, cancel);
  return {
    element,
    update() {
      const busy = model.get("busy");
      element.hidden = !busy.text;
      left.update(busy);
      if (!busy.text) return;
      setText(text, busy.text);
      setText(cancel, busy.cancel || "Cancel");
      if (busy.fraction === null || busy.fraction === undefined) bar.removeAttribute("value");
      else bar.value = busy.fraction;
    },
  };
}

const SURE = 0.04; // the part done from which the time left can be told
const SOON = 1500; // ms of work before it is told
const LATE = 2000; // ms, beside twice what was told, after which it is not told any more

/** About how much longer work will take, from the part that is done; not read aloud at each change. */
function makeTimeLeft() {
  const element = h("span", { class: "dx-left-over", "aria-hidden": "true" });
  let began = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let late;
  return {
    element,
    update(/** @type {any} */ { text, fraction }) {
      if (!text) began = 0;
      else began ||= Date.now();
      const spent = Date.now() - began;
      const known = Boolean(text) && fraction > SURE && fraction < 1 && spent > SOON;
      const left = known ? (spent * (1 - fraction)) / fraction : 0;
      clearTimeout(late);
      setText(element, known ? `about ${shortTime(left / 1000)} left` : "");
      if (known) late = setTimeout(() => setText(element, ""), 2 * left + LATE); // a step that takes longer than all before
    },
  };
}

/** A button that gives a panel the whole screen, and takes it back.
 *
 * @param {HTMLElement} element
 */
function makeFullScreen(element) {
  const button = h("button", {
    type: "button", class: "dx-plain dx-full-button", title: "Full screen", "aria-label": "Full screen",
    onclick: () => (document.fullscreenElement ? document.exitFullscreen() : element.requestFullscreen()),
  });
  return { button };
}

/**
 * The one note above an answer to an earlier question, which is dimmed; the button asks the present one.
 * @param {PanelModel} model
 */
function makeOutdated(model) {
  const text = h("span", {});
  const again = h("button", { type: "button", class: "dx-button", onclick: () => press(model, model.get("outdated").again) });
  const element = h("p", { class: "dx-stale", role: "status" }, text, again);
  return {
    element,
    update() {
      const outdated = model.get("outdated");
      element.hidden = !outdated.text;
      setText(text, outdated.text || "");
      again.hidden = !outdated.again;
      again.disabled = Boolean(model.get("busy").text);
      setText(again, outdated.label || "");
    },
  };
}

/**
 * "Copy as Python": the kernel writes the code, the page copies it and shows it.
 * @param {PanelModel} model
 */
function makeCode(model) {
  const text = h("pre", { class: "dx-code", tabindex: "0", "aria-label": "This panel as Python" });
  const element = h("div", { class: "dx-code-box" }, text, h("button", { type: "button", class: "dx-button", onclick: () => { element.hidden = true; } }, "Close"));
  element.hidden = true;
  let pending = false;
  const button = h("button", {
    type: "button", class: "dx-plain", title: "Copy this panel as Python", "aria-label": "Copy this panel as Python",
    onclick: () => {
      pending = true;
      press(model, "copy");
    },
  }, "Python");
  model.on("change:code", async () => {
    if (!pending) return;
    pending = false;
    element.hidden = false;
    try {
      await navigator.clipboard.writeText(model.get("code").text);
      setText(button, "Copied");
      setTimeout(() => setText(button, "Python"), 1500);
    } catch {
      text.focus(); // no permission: the code is shown, to be copied by hand
    }
  });
  return {
    element, button,
    update() {
      setText(text, model.get("code").text || "");
      button.hidden = !model.get("copyable");
    },
  };
}
