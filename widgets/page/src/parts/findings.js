// What a test found, one under another: a title, a sentence, a small picture or table, and where it leads.
// figure.findings: [{title, words, lines?, table?, button?: {press, label}}]
// The forms are in figures.d.ts.
// A scenario's `at` goes to answers.chosen, as the board's.

import { firstOf, focusedIn, h, s } from "../shared/dom.js";
import { showOverflow } from "../shared/overflow.js";
import { answer, press } from "../session/answers.js";
import { LONG_LABEL } from "./cells.js";

const SIZE = { width: 232, height: 72, edge: 9, foot: 15 };

/**
 * @param {Store} store
 * @param {PartSpec} part
 * @param {PanelModel} model
 */
export function makeFindings(store, part, model) {
  const element = h("div", { class: "dx-findings" });
  /** @type {Finding[] | null} */
  let drawn = null;
  /** @type {(() => void)[]} */
  let stops = [];
  const stop = () => stops.forEach((end) => end());
  const update = () => {
    /** @type {Finding[]} */
    const findings = model.get("figure").findings || [];
    element.hidden = !findings.length;
    if (element.hidden || findings === drawn) return;
    drawn = findings;
    const focused = focusedIn(element)?.dataset.key;
    element.replaceChildren(...findings.map((finding, index) => findingOf(finding, index, model)));
    stop();
    stops = [...element.querySelectorAll(".dx-cells-box")].map((box) => showOverflow(/** @type {HTMLElement} */ (box)));
    if (focused) firstOf(element, `[data-key="${focused}"]`)?.focus();
  };
  model.on("change:figure", update);
  return { element, update, stop };
}

/**
 * @param {Finding} finding
 * @param {number} index
 * @param {PanelModel} model
 */
function findingOf(finding, index, model) {
  const { title, words, lines = [], table, button } = finding;
  return h("section", {},
    h("h4", {}, title),
    h("p", { class: "dx-finding-words" }, words),
    lines.length ? h("div", { class: "dx-shift-lines" }, ...lines.map((line, place) => lineOf(line, `${index}-${place}`, model))) : null,
    table ? tableOf(table, String(index), model) : null,
    button ? h("button", { type: "button", class: "dx-button", "data-key": `${index}-go`, onclick: () => press(model, button.press) }, button.label) : null);
}

/**
 * @param {ShiftLine} line
 * @param {string} key
 * @param {PanelModel} model
 */
function lineOf(line, key, model) {
  const opened = line.points.filter((point) => line.open.includes(point.at));
  return h("figure", { class: "dx-shift-line" },
    linePicture(line),
    h("figcaption", {},
      h("strong", {}, line.label),
      ...line.words.map((text) => h("span", {}, text)),
      h("span", { class: "dx-shift-open" }, ...opened.map((point) => h("button", {
        type: "button", class: `dx-button dx-is-${point.verdict}`, "data-key": `${key}-${point.at}`, title: `Worst case: ${point.name}, ${point.text}`, onclick: () => answer(model, "chosen", point.at),
      }, point.name)))));
}

/** @param {ShiftLine} line */
function linePicture(line) {
  const { width, height, edge, foot } = SIZE;
  const middle = (height - foot) / 2;
  /** @param {number} share */
  const x = (share) => edge + (width - 2 * edge) * share;
  /** @param {number} share */
  const y = (share) => middle - (middle - 6) * share;
  const path = line.points.map((point, place) => `${place ? "L" : "M"}${x(point.x).toFixed(1)} ${y(point.y).toFixed(1)}`).join("");
  const words = `${line.label}: ${line.points.map((point) => `${point.name} ${point.text}`).join("; ")}`;
  return s("svg", { class: "dx-shift-picture", width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": words },
    s("line", { class: "dx-axis-line", x1: 0, x2: width, y1: middle, y2: middle }),
    ...line.crossed.map((share) => s("line", { class: "dx-crossing", x1: x(share), x2: x(share), y1: 2, y2: height - foot })),
    s("path", { class: "dx-shift-path", d: path }),
    ...line.points.map((point) => s("g", { class: `dx-is-${point.verdict}` }, s("title", {}, `${point.name}: ${point.text}`), s("circle", { cx: x(point.x), cy: y(point.y), r: 4 }))),
    s("text", { x: 0, y: height - 3 }, line.ends[0]),
    s("text", { x: width, y: height - 3, "text-anchor": "end" }, line.ends[1]));
}

/**
 * @param {FindingTable} table
 * @param {string} key
 * @param {PanelModel} model
 */
function tableOf(table, key, model) {
  const rows = table.rows.map((row) => h("tr", {},
    h("th", { scope: "row" }, row.at === undefined ? row.label : h("button", { type: "button", class: "dx-plain dx-pick", "data-key": `${key}-${row.at}`, onclick: () => answer(model, "chosen", row.at) }, row.label)),
    ...row.cells.map((cell) => h("td", { class: cell.verdict ? `dx-is-${cell.verdict}` : null }, cell.text, cell.note ? h("small", {}, cell.note) : null))));
  return h("div", { class: "dx-cells-box", tabindex: "0", role: "region", "aria-label": table.caption },
    h("table", { class: `dx-cells${table.rows.some((row) => row.label.length > LONG_LABEL) ? " dx-long-labels" : ""}` },
      h("caption", { class: "dx-hidden" }, table.caption),
      h("thead", {}, h("tr", {}, ...table.heads.map((text) => h("th", { scope: "col" }, text)))),
      h("tbody", {}, ...rows)));
}
