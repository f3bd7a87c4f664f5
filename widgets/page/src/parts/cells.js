// A table whose rows or cells can be chosen: results as they come, or a heat map.
// figure.cells: {caption, columns: [text], rows: [{label, cells: [{text, note?, hint?, shade?}]}], pick: "row" | "cell", legend?}
// What is chosen goes to answers.chosen, [row, column]; a shade runs from -1 (blue) to 1 (orange).

import { allOf, firstOf, focusedIn, h, setAttributes } from "../shared/dom.js";
import { showOverflow } from "../shared/overflow.js";
import { answer } from "../session/answers.js";

/**
 * @param {Store} store
 * @param {PartSpec} part
 * @param {PanelModel} model
 */
export function makeCells(store, part, model) {
  const table = h("table", { class: "dx-cells" });
  const legend = h("div", { class: "dx-legend" });
  const element = h("div", { class: "dx-cells-box" }, table, legend);
  /** @type {any} */
  let drawn = null;
  const update = () => {
    const { cells } = model.get("figure");
    element.hidden = !cells || !cells.rows.length;
    if (cells !== drawn) {
      drawn = cells;
      // A table without buttons may still be wider than a phone: then the keyboard must be able to scroll it.
      if (cells && !cells.pick) setAttributes(element, { tabindex: "0", role: "region", "aria-label": cells.caption || "Results" });
      if (!element.hidden) drawCells(table, legend, cells, model);
    }
    if (!element.hidden) markChosen(table, model.get("answers").chosen);
  };
  model.on("change:figure", update);
  model.on("change:answers", update);
  return { element, update, stop: showOverflow(element) };
}

export const LONG_LABEL = 40; // characters: on a phone such a label would stand a word a line
const LONG_HEAD = 16; // the same of a column's head
const LONG_TEXT = 18; // the same of a cell
const SHORT_TEXT = 10; // letters that stay on one line: "20 of 20"

/**
 * @param {any} table
 * @param {any} legend
 * @param {any} cells
 * @param {PanelModel} model
 */
function drawCells(table, legend, cells, model) {
  const focused = focusedIn(table)?.dataset.at ?? null;
  const heads = cells.columns.map((/** @type {string} */ name) => h("th", { scope: "col", class: name.length > LONG_HEAD ? "dx-long-head" : null }, name));
  const head = h("thead", {}, h("tr", {}, h("th", { scope: "col" }, cells.corner || ""), ...heads));
  const body = h("tbody", {}, ...cells.rows.map((/** @type {any} */ row, /** @type {number} */ index) => cellRow(row, index, cells.pick, model)));
  table.classList.toggle("dx-heat", cells.pick === "cell");
  table.classList.toggle("dx-long-labels", cells.rows.some((/** @type {{ label: string }} */ row) => String(row.label).length > LONG_LABEL));
  table.replaceChildren(h("caption", { class: "dx-hidden" }, cells.caption || "Results"), head, body);
  legend.hidden = !cells.legend;
  if (cells.legend) legend.replaceChildren(h("span", {}, cells.legend[0]), h("span", { class: "dx-ramp" }), ...cells.legend.slice(1).map((/** @type {string} */ text) => h("span", {}, text)));
  if (focused) firstOf(table, `[data-at="${focused}"]`)?.focus();
}

/**
 * @param {any} row
 * @param {number} index
 * @param {any} pick
 * @param {PanelModel} model
 */
function cellRow(row, index, pick, model) {
  /** @param {any} column */
  const choose = (column) => answer(model, "chosen", [index, column]);
  const label = pick === "row"
    ? h("button", { type: "button", class: "dx-plain dx-pick", "data-at": `${index},0`, onclick: () => choose(0) }, row.label)
    : row.label;
  const cells = row.cells.map((/** @type {any} */ cell, /** @type {any} */ column) => {
    const inside = [cell.text, cell.note ? h("small", {}, cell.note) : null];
    const content = pick === "cell" && cell.text
      ? [h("button", { type: "button", class: "dx-pick", "data-at": `${index},${column}`, title: cell.hint, onclick: () => choose(column) }, ...inside.filter(Boolean))]
      : inside.filter(Boolean);
    const element = h("td", { "data-at": pick === "cell" ? null : undefined }, ...content);
    if (cell.hint && pick === "row") element.title = cell.hint;
    const letters = String(cell.text || "").length;
    if (letters > LONG_TEXT) element.classList.add("dx-long-text");
    else if (letters <= SHORT_TEXT) element.classList.add("dx-short-text");
    if (typeof cell.shade === "number") element.style.background = shadeOf(cell.shade);
    return element;
  });
  // Whoever points beside the label means the row, too; keys and readers have the button.
  /** @param {Event} event */
  const point = (event) => { if (event.target instanceof Element && !event.target.closest("button")) choose(0); };
  const pointed = pick === "row" ? { class: "dx-picked-row", onclick: point } : {};
  return h("tr", pointed, h("th", { scope: "row" }, label), ...cells);
}

/** @param {any} shade */
function shadeOf(shade) {
  const side = shade > 0 ? "positive" : "negative";
  const share = Math.round(45 * Math.min(1, Math.abs(shade)));
  return `color-mix(in srgb, var(--dx-${side}) ${share}%, var(--dx-zero))`;
}

/**
 * @param {any} table
 * @param {any} chosen
 */
function markChosen(table, chosen) {
  const at = Array.isArray(chosen) ? chosen.join(",") : "";
  for (const button of allOf(table, ".dx-pick")) button.setAttribute("aria-pressed", String(button.dataset.at === at));
}
