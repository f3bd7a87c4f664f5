// Bars: what the network would do, with the rules beside it; and how much each group counts.

import { h, objectColour, setText, stretch } from "../shared/dom.js";
import { chance, signedFigure, withUnit } from "../shared/numbers.js";
import { taken } from "../shared/taken.js";
import { steadyScale } from "./scales.js";

/** @param {Store} store */
export function makeProbabilities(store) {
  const element = h("table", { class: "dx-bars dx-outputs" });
  /** @type {any} */
  const view = { rows: [], names: "", scale: steadyScale() };
  /** @param {string} what */
  const update = (what) => {
    if (what === "local") return; // only the kernel's answer changes a probability
    const { scene, live } = store;
    const names = JSON.stringify(scene.output);
    if (names !== view.names) {
      view.names = names;
      view.rows = scene.output.names.map((/** @type {string} */ name, /** @type {number} */ index) => outputRow(scene, name, index));
      const caption = h("caption", { class: "dx-hidden" }, scene.output.kind === "choice" ? "Probability of each action" : "Outputs");
      element.replaceChildren(caption, ...view.rows.map((/** @type {any} */ row) => row.element));
    }
    const chances = scene.output.kind !== "values";
    const numbers = chances ? live.probabilities : Array.from(live.outputs, (value, at) => taken(scene.output, value, at));
    const largest = chances ? 1 : scene.output.most || view.scale(Math.max(1e-12, ...Array.from(numbers, (value) => Math.abs(value))));
    view.rows.forEach((/** @type {any} */ row, /** @type {number} */ index) => row.update(numbers[index], largest, live, index));
  };
  return { element, update, stop() {} };
}

/**
 * @param {Scene} scene
 * @param {string} name
 * @param {number} index
 */
function outputRow(scene, name, index) {
  const fill = h("span", { class: "dx-fill" });
  fill.style.background = objectColour(scene.outputColours[index]);
  const value = h("td", { class: "dx-number" });
  const tags = h("td", { class: "dx-tags" });
  const head = h("th", { scope: "row" }, name);
  const element = h("tr", {}, head, h("td", { class: "dx-track" }, h("span", { class: "dx-rail" }, fill)), value, tags);
  /** @type {any} */
  let shown = null;
  return {
    element,
    update(/** @type {any} */ number_, /** @type {any} */ largest, /** @type {Step} */ live, /** @type {number} */ at) {
      if (number_ === undefined) return;
      stretch(fill, "X", Math.abs(number_) / largest);
      const allowed = !live.valid.length || live.valid[at];
      setText(value, allowed ? percent(scene, number_) : "not possible");
      element.classList.toggle("dx-off", !allowed);
      element.classList.toggle("dx-best", live.action === at);
      const rules = Object.keys(live.rules).filter((rule) => live.rules[rule] === at);
      const text = rules.join("|");
      if (text === shown) return;
      shown = text;
      tags.replaceChildren(...rules.map((rule) => h("span", { class: "dx-tag" }, rule)));
    },
  };
}

/**
 * @param {Scene} scene
 * @param {number} value
 */
export function percent(scene, value) {
  return scene.output.kind === "choice" ? chance(value) : withUnit(value, scene.output.unit);
}

/**
 * Positive and negative parts of an attribution per group, from a common zero line.
 * @param {Store} store
 */
export function makeGroups(store) {
  const element = h("table", { class: "dx-bars dx-groups" });
  let names = "";
  /** @type {any[]} */
  let rows = [];
  const scale = steadyScale();
  /** @param {string} what */
  const update = (what) => {
    if (what === "local") return;
    const { scene, live } = store;
    const shape = JSON.stringify(scene.groups);
    if (shape !== names) {
      names = shape;
      const many = scene.groups.length > MOST_GROUPS;
      element.classList.toggle("dx-many-groups", many);
      rows = (many ? Array.from({ length: NAMED_GROUPS + 1 }, (_, at) => ({ name: "", colour: null, rest: at === NAMED_GROUPS })) : scene.groups).map((/** @type {any} */ group) => groupRow(group));
      const caption = h("caption", { class: "dx-hidden" }, "Attribution per group: bars of its positive and its negative part, and their sum");
      element.replaceChildren(caption, ...rows.map((row) => row.element));
    }
    element.classList.toggle("dx-waiting", !live.groups.length); // a slow map follows the rest of its step
    const sums = rows.length < scene.groups.length ? largestGroups(scene, live.groups, rows) : live.groups;
    if (!sums.length) return;
    const drawn = rows.length < scene.groups.length ? Array.from(sums).slice(0, 2 * NAMED_GROUPS) : Array.from(sums);
    const largest = scale(Math.max(1e-30, ...drawn.map(Math.abs)));
    rows.forEach((row, index) => row.update(sums[2 * index], sums[2 * index + 1], largest));
  };
  return { element, update, stop() {} };
}

const MOST_GROUPS = 30; // more are not read: then the largest are named, and the rest is one sum
const NAMED_GROUPS = 11;

/**
 * Sums of the groups that count most, in their order, and of all others together; names the rows.
 * @param {Scene} scene
 * @param {any} groups
 * @param {any[]} rows
 */
function largestGroups(scene, groups, rows) {
  /** @param {number} index */
  const size = (index) => groups[2 * index] - groups[2 * index + 1];
  const order = scene.groups.map((_, index) => index).sort((a, b) => size(b) - size(a));
  const shown = order.slice(0, NAMED_GROUPS);
  const rest = [0, 0];
  for (const index of order.slice(NAMED_GROUPS)) {
    rest[0] += groups[2 * index];
    rest[1] += groups[2 * index + 1];
  }
  shown.forEach((index, at) => rows[at].rename(scene.groups[index].name));
  rows[NAMED_GROUPS].rename(`${(order.length - NAMED_GROUPS).toLocaleString("en-US")} others together`);
  return groups.length ? [...shown.flatMap((index) => [groups[2 * index], groups[2 * index + 1]]), ...rest] : [];
}

/**
 * A group's bar; the sum of many others has no bar: on the scale of single groups it would be the longest.
 * @param {any} group
 */
export function groupRow(group) {
  const negative = h("span", { class: "dx-fill dx-negative" });
  const positive = h("span", { class: "dx-fill dx-positive" });
  const value = h("td", { class: "dx-number" });
  const rail = h("span", { class: "dx-rail dx-split" }, h("span", { class: "dx-half dx-left" }, negative), h("span", { class: "dx-half" }, positive));
  const dot = group.colour === null ? null : h("span", { class: "dx-dot", style: `background:${objectColour(group.colour)}` });
  const name = h("span", {}, group.name);
  const element = h("tr", {}, h("th", { scope: "row" }, dot, name), h("td", { class: "dx-track" }, group.rest ? null : rail), value);
  return {
    element,
    rename: (/** @type {string} */ text) => setText(name, text),
    update(/** @type {any} */ up, /** @type {any} */ down, /** @type {any} */ largest) {
      if (up === undefined) return;
      stretch(positive, "X", up / largest);
      stretch(negative, "X", Math.abs(down) / largest);
      setText(value, signedFigure(up + down));
      element.title = up && down ? `${signedFigure(up)} for, ${signedFigure(down)} against` : "";
    },
  };
}
