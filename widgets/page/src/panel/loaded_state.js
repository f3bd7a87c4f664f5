// A state that another panel loads into the editor: the page goes there, says what was opened, and leads back.

import { firstOf, h, isCalm, setText } from "../shared/dom.js";

const STAYS = 1600; // ms that the editor is outlined

/**
 * Whether a panel's parts edit the state.
 * @param {any} specs
 */
export function isEditor(specs) {
  return specs.some((/** @type {PartSpec} */ spec) => spec.part === "knobs" || (spec.part === "graph" && spec.edit));
}

/**
 * Remembers which control was used last: from there a state is opened, and there "Back" leads.
 * @param {HTMLElement} element
 * @param {Store} store
 */
export function rememberUse(element, store) {
  /** @param {any} keys */
  const note = (keys) => (/** @type {any} */ event) => {
    if (event.target.closest?.(".dx-opened-note")) return;
    store.used = { panel: element, at: event.target, keys };
  };
  element.addEventListener("pointerdown", note(false), true);
  element.addEventListener("keydown", note(true), true);
}

/**
 * The line in the editor that says what was opened; the model of the session counts in `loaded_state`.
 * @param {Store} store
 * @param {HTMLElement} element
 */
export function makeLoadedNote(store, element) {
  const words = h("span", { role: "status" });
  const back = h("button", { type: "button", class: "dx-button" }, "Back");
  const note = h("p", { class: "dx-opened-note" }, words, back);
  back.hidden = true;
  let count = (store.model.get("loaded_state") || {}).count || 0;
  /** @type {any} */
  let values = null; // of the state that was opened
  const onLoaded = () => {
    const loaded = store.model.get("loaded_state");
    if (!loaded || !(loaded.count > count)) return;
    count = loaded.count;
    values = Array.from(store.values);
    const from = store.used && store.used.panel !== element && store.used.panel.isConnected ? store.used : null;
    const decision = store.live.words.decision || "";
    setText(words, "");
    setTimeout(() => setText(words, `Opened in the editor: ${loaded.what}. ${decision}`.trim())); // the same words twice are said twice
    back.hidden = !from;
    back.onclick = () => leadBack(from, note);
    note.classList.add("dx-shown");
    bringIntoView(element);
    flash(element);
    if (from?.keys) back.focus({ preventScroll: true });
  };
  store.model.on("change:loaded_state", onLoaded);
  return {
    element: note,
    update() {
      if (values === null || values.every((/** @type {number} */ value, /** @type {number} */ at) => value === store.values[at])) return;
      values = null; // what is shown now is the user's own
      if (note.contains(/** @type {Document} */ (note.getRootNode()).activeElement)) firstOf(element, "input, [tabindex='0']")?.focus({ preventScroll: true });
      note.classList.remove("dx-shown");
      back.hidden = true;
      setText(words, "");
    },
  };
}

/**
 * Brings a panel into sight when the session asks for it by name; one that is made for it comes at once.
 * @param {any} hub
 * @param {PanelModel} model
 * @param {HTMLElement} element
 */
export function comeWhenAsked(hub, model, element) {
  const come = () => {
    const { count = 0, panel } = hub.get("goto") || {};
    if (panel !== model.get("kind") || count <= (hub.dnnexplainWent || 0)) return;
    hub.dnnexplainWent = count;
    setTimeout(() => {
      bringIntoView(element);
      flash(element);
    }, 60); // after the page has put it in its place
  };
  hub.on("change:goto", come);
  come();
  return () => hub.off?.("change:goto", come);
}

/**
 * Scrolls unless the top of the element is in sight already.
 * @param {HTMLElement} element
 */
function bringIntoView(element) {
  const box = element.getBoundingClientRect();
  if (box.top >= 0 && box.top < innerHeight / 3) return;
  element.scrollIntoView({ block: "start", behavior: isCalm() ? "auto" : "smooth" });
}

/** @param {HTMLElement} element */
function flash(element) {
  element.classList.remove("dx-opened");
  void element.offsetWidth; // begins anew
  element.classList.add("dx-opened");
  clearTimeout(element.dnnexplainFlash);
  element.dnnexplainFlash = setTimeout(() => element.classList.remove("dx-opened"), STAYS);
}

/**
 * To the control from which the state was opened, or, if it is gone, to its panel.
 * @param {any} from
 * @param {any} note
 */
function leadBack(from, note) {
  const at = from.at.isConnected ? from.at : from.panel;
  at.scrollIntoView({ block: "center", behavior: isCalm() ? "auto" : "smooth" });
  if (from.at.isConnected && from.keys) from.at.focus({ preventScroll: true });
  else note.querySelector("button").blur();
}
