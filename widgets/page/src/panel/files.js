// "Save": the panel's figure as PNG and SVG, its data as CSV, the explainer's result as JSON.

import { h } from "../shared/dom.js";
import { makeFileItem } from "./comparison.js";
import { drawFigure, pngOf } from "./drawing.js";
import { csvOf, tablesOf } from "./tables.js";
import { press } from "../session/answers.js";

/**
 * Hands a text or a blob to the browser as a file of the user's own.
 * @param {string} name
 * @param {any} content
 * @param {string} [type]
 */
function saveAs(name, content, type = "") {
  const blob = content instanceof Blob ? content : new Blob([content], { type });
  const url = URL.createObjectURL(blob);
  const link = h("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

/**
 * What a picture says of its origin: the network and its weights, the state, the day, the version.
 * @param {Store} store
 */
function originOf(store) {
  const { network, weights, version } = store.model.get("about") || {};
  const day = new Date().toISOString().slice(0, 10);
  const named = [store.scene.system, network, weights ? `weights ${weights}` : "", day, `dnnexplain ${version || ""}`.trim()];
  return [named.filter(Boolean).join(" · "), store.live.words.state || ""].filter(Boolean);
}

/** @param {string} question */
function fileStem(question) {
  return `dnnexplain-${(question || "panel").toLowerCase().replaceAll(/[^a-z0-9]+/g, "-").replaceAll(/^-|-$/g, "").slice(0, 48)}`;
}

/**
 * The menu of a panel. `shell` is {element, body, sentence}; returns {element, update()}.
 * @param {PanelModel} model
 * @param {Store} store
 * @param {any} specs
 * @param {any} parts
 * @param {any} shell
 */
export function makeSaveMenu(model, store, specs, parts, shell) {
  const figure = () => {
    const style = getComputedStyle(shell.element);
    const colours = { card: style.getPropertyValue("--dx-card").trim(), ink: style.getPropertyValue("--dx-ink").trim() };
    return drawFigure({ body: shell.body, title: model.get("question"), sentence: shell.sentence.textContent, notes: originOf(store), ...colours });
  };
  const stem = () => fileStem(model.get("question"));
  const choices = [
    ["Picture, PNG", async () => saveAs(`${stem()}.png`, await pngOf(figure()))],
    ["Picture, SVG", () => saveAs(`${stem()}.svg`, figure().text, "image/svg+xml")],
    ["Data, CSV", () => saveAs(`${stem()}.csv`, csvOf(tablesOf(model, store, specs, parts)), "text/csv")],
    ["Result, JSON", () => press(model, "result")],
  ];
  const compare = makeFileItem(model, "compare", "Saved result to compare with");
  const open = makeFileItem(model, model.get("opens"), "Saved result to open");
  if (model.get("comparable")) choices.push(["Compare with a saved result…", () => compare.click()]);
  if (model.get("opens")) choices.push(["Open a saved result…", () => open.click()]);
  const menu = makeMenu("Save", "Save this panel’s figure or data, and what was saved before", choices);
  if (model.get("comparable")) menu.append(compare);
  if (model.get("opens")) menu.append(open);
  model.on("change:download", () => {
    const { name, text } = model.get("download");
    saveAs(name, text, "application/json");
  });
  return {
    element: menu,
    update() {
      const drawn = specs.some((/** @type {PartSpec} */ spec) => !["tabs", "page-link"].includes(spec.part));
      menu.hidden = !drawn || !model.get("question") || !model.get("copyable");
    },
  };
}

/**
 * A disclosure with buttons: native, so it is reachable and named; Escape and a click elsewhere close it.
 * @param {string} label
 * @param {string} hint
 * @param {any} choices
 */
function makeMenu(label, hint, choices) {
  const summary = h("summary", { class: "dx-plain", title: hint }, label);
  const menu = h("details", { class: "dx-menu" }, summary);
  /** @param {any} refocus */
  const close = (refocus) => {
    menu.open = false;
    if (refocus) summary.focus();
  };
  const buttons = choices.map((/** @type {any} */ [text, call]) => h("button", {
    type: "button", class: "dx-menu-item",
    onclick: async () => {
      close(true);
      await call();
    },
  }, text));
  menu.append(h("div", { class: "dx-menu-list" }, ...buttons));
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu.open) return;
    event.stopPropagation();
    close(true);
  });
  menu.addEventListener("focusout", (event) => {
    if (menu.open && event.relatedTarget && !menu.contains(/** @type {Node} */ (event.relatedTarget))) close(false);
  });
  /** @param {any} event */
  const outside = (event) => {
    if (!menu.contains(event.target)) close(false);
  };
  menu.addEventListener("toggle", () => document[menu.open ? "addEventListener" : "removeEventListener"]("pointerdown", outside));
  return menu;
}
