// Two values per row on one rail, from an open ring to a full dot: before and after, control and fact.
// figure.changes: [{caption, low, high, ends: [text, text], marks: [text, text], rows: [{label, colour?, from, to, range?, text, hint?}]}]

import { h, objectColour } from "../shared/dom.js";

/**
 * @param {Store} store
 * @param {PartSpec} part
 * @param {PanelModel} model
 */
export function makeChanges(store, part, model) {
  const element = h("div", { class: "dx-changes-box" });
  /** @type {any} */
  let drawn = null;
  const update = () => {
    const { changes } = model.get("figure");
    element.hidden = !changes || !changes.length;
    if (!changes || changes === drawn) return;
    drawn = changes;
    element.replaceChildren(...changes.flatMap(changeTable));
  };
  model.on("change:figure", update);
  return { element, update, stop() {} };
}

/** @param {any} figure */
export function changeTable(figure) {
  const legend = h("div", { class: "dx-legend" },
    h("span", { class: "dx-ring", "aria-hidden": "true" }), h("span", {}, figure.marks[0]), h("span", { class: "dx-full", "aria-hidden": "true" }), h("span", {}, figure.marks[1]),
    h("span", { class: "dx-ends" }, `from ${figure.ends[0]} to ${figure.ends[1]}`));
  const rows = figure.rows.map((/** @type {any} */ row) => changeRow(row, figure));
  return [h("table", { class: "dx-bars dx-changes" }, h("caption", { class: "dx-hidden" }, figure.caption), ...rows), legend];
}

/**
 * @param {any} row
 * @param {any} figure
 */
function changeRow(row, figure) {
  /** @param {number} value */
  const at = (value) => `${(100 * Math.min(1, Math.max(0, (value - figure.low) / (figure.high - figure.low || 1)))).toFixed(2)}%`;
  const colour = row.colour === undefined ? "var(--dx-accent)" : objectColour(row.colour);
  const rail = h("span", { class: "dx-way", style: `--mark:${colour}` });
  if (Number.isFinite(row.from) && Number.isFinite(row.to)) {
    const [left, right] = [Math.min(row.from, row.to), Math.max(row.from, row.to)];
    rail.append(h("span", { class: "dx-between", style: `left:${at(left)};width:calc(${at(right)} - ${at(left)})` }));
  }
  if (row.range) rail.append(h("span", { class: "dx-whisker", style: `left:${at(row.range[0])};width:calc(${at(row.range[1])} - ${at(row.range[0])})` }));
  if (Number.isFinite(row.from)) rail.append(h("span", { class: "dx-ring", style: `left:${at(row.from)}` }));
  if (Number.isFinite(row.to)) rail.append(h("span", { class: "dx-full", style: `left:${at(row.to)}` }));
  return h("tr", { title: row.hint }, h("th", { scope: "row" }, row.label), h("td", { class: "dx-track" }, rail), h("td", { class: "dx-number" }, row.text));
}
