// Neuron by object: each cell is a neuron's activation against one knob, with its thresholds.
// figure.thresholds: {corner, knobs: [{name, label, colour}], counts: [n per knob], neurons: [number],
// activation: bytes f32 [neurons x sum(counts)], cells: [[{text, words, marks: [0..1]}]], chosen: [row, column] or null}
// What is chosen goes to answers.cell, [neuron, knob]; the arrow keys go from cell to cell.

import { bytes } from "../shared/bytes.js";
import { h, objectColour, s, setAttributes, setText } from "../shared/dom.js";
import { showOverflow } from "../shared/overflow.js";
import { answer } from "../session/answers.js";

const STRIP = { width: 100, height: 24 };

/**
 * @param {Store} store
 * @param {PartSpec} part
 * @param {PanelModel} model
 */
export function makeThresholds(store, part, model) {
  const table = h("table", { class: "dx-strips" });
  const element = h("div", { class: "dx-cells-box" }, table);
  let shape = "";
  /** @type {any} */
  let drawn = null;
  /** @type {any[]} */
  let cells = [];
  table.addEventListener("keydown", (event) => stepCell(table, event));
  const update = () => {
    const { thresholds } = model.get("figure");
    element.hidden = !thresholds;
    if (!thresholds || thresholds === drawn) return;
    drawn = thresholds;
    const now = JSON.stringify([thresholds.knobs, thresholds.counts, thresholds.neurons]);
    if (now !== shape) {
      shape = now;
      cells = drawStrips(table, thresholds, model);
    }
    fillStrips(cells, thresholds);
  };
  model.on("change:figure", update);
  return { element, update, stop: showOverflow(element) };
}

/**
 * @param {any} table
 * @param {any} figure
 * @param {PanelModel} model
 */
function drawStrips(table, figure, model) {
  const heads = figure.knobs.map((/** @type {any} */ knob) => h("th", { scope: "col", title: knob.name }, h("span", { class: "dx-dot", style: `background:${objectColour(knob.colour)}` }), knob.label));
  /** @type {any[]} */
  const cells = [];
  const rows = figure.neurons.map((/** @type {any} */ neuron, /** @type {any} */ row) => {
    const line = figure.knobs.map((/** @type {any} */ knob, /** @type {any} */ column) => {
      const cell = stripCell(knob, () => answer(model, "cell", [neuron, column]));
      cell.button.dataset.at = `${row},${column}`;
      cells.push(cell);
      return h("td", {}, cell.button);
    });
    return h("tr", {}, h("th", { scope: "row" }, String(neuron)), ...line);
  });
  table.replaceChildren(
    h("caption", { class: "dx-hidden" }, "Activation of each neuron against each knob, with thresholds"),
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, figure.corner), ...heads)), h("tbody", {}, ...rows));
  return cells;
}

/**
 * @param {any} knob
 * @param {any} choose
 */
function stripCell(knob, choose) {
  const area = s("path", { class: "dx-area", fill: objectColour(knob.colour) });
  const marks = s("path", { class: "dx-threshold-mark" });
  const svg = s("svg", { viewBox: `0 0 ${STRIP.width} ${STRIP.height}`, preserveAspectRatio: "none", class: "dx-strip", "aria-hidden": "true" }, area, marks);
  const text = h("small", {});
  return { button: h("button", { type: "button", class: "dx-strip-button", onclick: choose }, svg, text), area, marks, text };
}

/**
 * @param {any} cells
 * @param {any} figure
 */
function fillStrips(cells, figure) {
  const values = bytes(figure.activation, Float32Array);
  const wide = figure.counts.reduce((/** @type {number} */ sum, /** @type {number} */ count) => sum + count, 0);
  const across = figure.counts.length;
  figure.neurons.forEach((/** @type {any} */ _, /** @type {any} */ row) => {
    const own = values.subarray(row * wide, (row + 1) * wide);
    const low = Math.min(0, ...own);
    const high = Math.max(1e-30, ...own);
    let start = 0;
    figure.counts.forEach((/** @type {number} */ count, /** @type {any} */ column) => {
      const cell = cells[row * across + column];
      const { text, words, marks } = figure.cells[row][column];
      setAttributes(cell.area, { d: stripPath(own.subarray(start, start + count), low, high) });
      setAttributes(cell.marks, { d: marks.map((/** @type {number} */ at) => `M${(at * STRIP.width).toFixed(1)} 0V${STRIP.height}`).join("") });
      setText(cell.text, text);
      const chosen = Boolean(figure.chosen) && figure.chosen[0] === row && figure.chosen[1] === column;
      setAttributes(cell.button, { title: words, "aria-label": words, "aria-pressed": String(chosen), tabindex: (figure.chosen ? chosen : row + column === 0) ? "0" : "-1" });
      start += count;
    });
  });
}

/**
 * The activation as a filled outline above its zero line.
 * @param {any} values
 * @param {number} low
 * @param {number} high
 */
function stripPath(values, low, high) {
  /** @param {number} value */
  const y = (value) => (STRIP.height - 1 - ((value - low) / (high - low)) * (STRIP.height - 3)).toFixed(1);
  /** @param {number} at */
  const x = (at) => ((at * STRIP.width) / Math.max(1, values.length - 1)).toFixed(1);
  const line = Array.from(values, (value, at) => `L${x(at)} ${y(value)}`).join("");
  return `M0 ${y(0)}${line}L${STRIP.width} ${y(0)}Z`;
}

/**
 * @param {any} table
 * @param {any} event
 */
function stepCell(table, event) {
  const step = /** @type {Record<string, any>} */ ({ ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] })[event.key];
  const at = /** @type {HTMLElement | null} */ (document.activeElement)?.dataset.at;
  if (!step || !at) return;
  const [row, column] = at.split(",").map(Number);
  const next = table.querySelector(`[data-at="${row + step[0]},${column + step[1]}"]`);
  if (!next) return;
  event.preventDefault();
  event.stopPropagation();
  next.focus();
}
