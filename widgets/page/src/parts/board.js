// Small multiples of verdicts: a tile for each scenario, its gap and interval on an axis that all share.
// figure.board: {counts: [[verdict, number, words]], groups: [{label, tiles: [{at, name, verdict, gap, low, high, text, hint}]}], span, ends: [text, text]}
// verdict is "better", "within", "worse" or "unsafe"; low and high are null where there is no interval.
// The chosen tile's `at` goes to answers.chosen.

import { firstOf, focusedIn, h, s } from "../shared/dom.js";
import { answer } from "../session/answers.js";

const MARK = { width: 132, height: 18, edge: 7 };

/**
 * @param {Store} store
 * @param {PartSpec} part
 * @param {PanelModel} model
 */
export function makeBoard(store, part, model) {
  const counts = h("ul", { class: "dx-board-counts" });
  const groups = h("div", { class: "dx-board-groups" });
  const element = h("div", { class: "dx-board" }, counts, groups);
  /** @type {any} */
  let drawn = null;
  const update = () => {
    const { board } = model.get("figure");
    element.hidden = !board || !board.groups.length;
    if (element.hidden) return;
    if (board !== drawn) {
      drawn = board;
      drawBoard(counts, groups, board, model);
    }
    const { chosen } = model.get("answers");
    for (const tile of groups.querySelectorAll("button")) tile.setAttribute("aria-pressed", String(tile.dataset.at === String(chosen)));
  };
  model.on("change:figure", update);
  model.on("change:answers", update);
  return { element, update, stop() {} };
}

/**
 * @param {any} counts
 * @param {any} groups
 * @param {any} board
 * @param {PanelModel} model
 */
function drawBoard(counts, groups, board, model) {
  const focused = focusedIn(groups)?.dataset.at ?? null;
  counts.replaceChildren(...board.counts.map((/** @type {any} */ [verdict, count, words]) => h("li", { class: `dx-is-${verdict}` }, h("b", {}, String(count)), ` ${words}`)));
  groups.replaceChildren(...board.groups.map((/** @type {any} */ group) => h("section", {},
    h("h4", {}, group.label, h("small", {}, `${board.ends[0]} to ${board.ends[1]}`)),
    h("div", { class: "dx-tiles" }, ...group.tiles.map((/** @type {any} */ tile) => tileOf(tile, board.span, model))))));
  if (focused !== null) firstOf(groups, `[data-at="${focused}"]`)?.focus();
}

/**
 * @param {any} tile
 * @param {any} span
 * @param {PanelModel} model
 */
function tileOf(tile, span, model) {
  return h("button", { type: "button", class: `dx-tile dx-is-${tile.verdict}`, "data-at": String(tile.at), title: tile.hint, onclick: () => answer(model, "chosen", tile.at) },
    h("span", { class: "dx-tile-name" }, tile.name),
    gapMark(tile, span),
    h("span", { class: "dx-tile-text" }, tile.text));
}

/**
 * Where a share lies on the axis from -span to +span, px.
 * @param {number} value
 * @param {any} span
 */
export function placeOnAxis(value, span) {
  const half = MARK.width / 2 - MARK.edge;
  return MARK.width / 2 + (half * Math.max(-span, Math.min(span, value))) / span;
}

/**
 * @param {any} tile
 * @param {any} span
 */
function gapMark(tile, span) {
  const middle = MARK.height / 2;
  const x = placeOnAxis(tile.gap, span);
  const line = tile.low === null ? [] : [s("line", { class: "dx-reach-line", x1: placeOnAxis(tile.low, span), x2: placeOnAxis(tile.high, span), y1: middle, y2: middle })];
  const side = Math.sign(tile.gap) * 5;
  const dot = Math.abs(tile.gap) > span
    ? s("path", { d: `M${x - side} ${middle - 5} L${x + side} ${middle} L${x - side} ${middle + 5} Z` })
    : s("circle", { cx: x, cy: middle, r: 3.6 });
  return s("svg", { width: MARK.width, height: MARK.height, viewBox: `0 0 ${MARK.width} ${MARK.height}`, "aria-hidden": "true" },
    s("line", { class: "dx-axis-line", x1: MARK.width / 2, x2: MARK.width / 2, y1: 0, y2: MARK.height }), ...line, dot);
}
