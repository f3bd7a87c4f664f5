// A tree as rules to be read from top to bottom; thresholds and actions can be changed, states opened.
// figure.rules: {lines: [{lead, depth, node?, text?, threshold?, unit?, name?, whole?, after?, changed?, first, leaf?}], actions, editable}
// lit: {path: [node], now: {node: "5 steps"}, said, otherwise}: what the present state passes, and whether the network
// decides otherwise in it. A change goes to
// answers.threshold [node, value, count] or answers.action [leaf, action, count], a click to answers.leaf.

import { firstOf, focusedIn, h, setText } from "../shared/dom.js";
import { answer } from "../session/answers.js";
import { unitOf, withUnit } from "../shared/numbers.js";

/**
 * @param {Store} store
 * @param {PartSpec} part
 * @param {PanelModel} model
 */
export function makeTree(store, part, model) {
  const list = h("ol", { class: "dx-rules", "aria-label": "Rules" });
  /** @type {any} */
  let drawn = null;
  /** @type {any[]} */
  let rows = [];
  let count = 0;
  /**
   * @param {string} name
   * @param {...any} values
   */
  const tell = (name, ...values) => {
    count += 1;
    answer(model, name, [...values, count]);
  };
  const said = h("p", { class: "dx-rules-said", "aria-live": "polite" });
  const element = h("div", {}, said, list);
  const light = () => {
    const lit = model.get("lit") || {};
    rows.forEach((row) => row.light(lit));
    setText(said, lit.said || "");
    said.hidden = !lit.said;
    element.classList.toggle("dx-otherwise", Boolean(lit.otherwise));
  };
  /** @param {string} what */
  const update = (what) => {
    if (what === "live" || what === "local") return;
    const { rules } = model.get("figure");
    element.hidden = !rules;
    if (!rules || rules === drawn) return;
    drawn = rules;
    const held = focusedIn(list)?.dataset.at ?? null;
    rows = rules.lines.map((/** @type {any} */ line) => ruleRow(line, rules, tell));
    list.replaceChildren(...rows.map((row) => row.element));
    if (held) firstOf(list, `[data-at="${held}"]`)?.focus();
    light();
  };
  model.on("change:figure", () => update("own"));
  model.on("change:lit", light);
  return { element, update, stop() {} };
}

/**
 * @param {any} line
 * @param {any} rules
 * @param {any} tell
 */
function ruleRow(line, rules, tell) {
  const now = h("span", { class: "dx-now-value" });
  const words = h("span", { class: "dx-condition" }, h("b", {}, line.lead), ...(line.text ? [" ", ...ruleCondition(line, rules, tell)] : []), " ", now);
  const leaf = line.leaf ? ruleLeaf(line.leaf, rules, tell) : null;
  const element = h("li", { class: "dx-rule", "aria-level": String(line.depth + 1) }, words, leaf);
  element.style.setProperty("--depth", line.depth);
  return {
    element,
    light(/** @type {any} */ { path = [], now: values = {} }) {
      const onPath = line.node === undefined ? path.includes(line.first) : path.includes(line.node);
      const taken = path.includes(line.first);
      element.classList.toggle("dx-passed", onPath);
      element.classList.toggle("dx-taken", taken);
      const ends = taken && Boolean(line.leaf);
      if (ends) element.setAttribute("aria-current", "true");
      else element.removeAttribute("aria-current");
      setText(now, onPath && line.node !== undefined && values[line.node] !== undefined ? `now ${values[line.node]}` : "");
    },
  };
}

/**
 * A threshold as it fits its field: one that was learned to four digits, one that was written as it was written; of
 * whole numbers the last one that is meant.
 * @param {any} line
 */
function shownThreshold({ threshold, changed, whole }) {
  if (whole) return String(Math.floor(threshold) + (whole === "at least" ? 1 : 0));
  return String(changed ? threshold : Number(threshold.toPrecision(Math.abs(threshold) < 1000 ? 4 : 7)));
}

/**
 * What was written, as a threshold: of whole numbers half way to the next one.
 * @param {{whole?: string}} line
 * @param {number} value
 */
function asThreshold({ whole }, value) {
  if (!whole) return value;
  return whole === "at least" ? Math.ceil(value) - 0.5 : Math.floor(value) + 0.5;
}

/**
 * @param {any} line
 * @param {any} rules
 * @param {any} tell
 */
function ruleCondition(line, rules, tell) {
  if (line.threshold === undefined) return [line.text];
  if (!rules.editable) return [`${line.text} ${withUnit(line.whole ? Number(shownThreshold(line)) : line.threshold, line.unit)}${line.after || ""}`];
  const input = h("input", {
    type: "number", step: line.whole ? 1 : "any", value: shownThreshold(line), title: line.changed ? null : String(line.threshold), class: line.changed ? "dx-changed" : "", "data-at": `t${line.node}`,
    "aria-label": `Threshold of ${line.name}${line.unit ? `, ${line.unit}` : ""}`,
    onchange: (event) => {
      const value = asThreshold(line, event.target.valueAsNumber);
      if (Number.isFinite(value) && value !== line.threshold) tell("threshold", line.node, value);
      else event.target.value = shownThreshold(line);
    },
  });
  return [`${line.text} `, input, `${line.unit ? ` ${unitOf(shownThreshold(line), line.unit)}` : ""}${line.after || ""}`];
}

/**
 * @param {any} leaf
 * @param {any} rules
 * @param {any} tell
 */
function ruleLeaf(leaf, rules, tell) {
  const states = h("button", {
    type: "button", class: "dx-plain", "data-at": `l${leaf.node}`, disabled: !leaf.count,
    title: leaf.count ? "Open these states in the editor, one after the other" : "The network met no such state",
    "aria-label": `Open the ${leaf.count} states of this rule: ${leaf.text}`, onclick: () => tell("leaf", leaf.node),
  }, `${leaf.share} of states`);
  const note = leaf.note ? h("span", { class: "dx-quiet" }, leaf.note) : null;
  return h("span", { class: `dx-leaf ${leaf.mark ? "dx-marked" : ""}` }, h("span", { class: "dx-to" }, h("span", { "aria-hidden": "true" }, "→"), ruleAction(leaf, rules, tell)), states, note);
}

/**
 * What a rule does: its words, which may take several lines, with a native menu laid over them.
 * @param {any} leaf
 * @param {any} rules
 * @param {any} tell
 */
function ruleAction(leaf, rules, tell) {
  if (!rules.editable) return h("span", { class: "dx-does" }, leaf.text);
  const options = rules.actions.map((/** @type {string} */ name, /** @type {number} */ index) => h("option", { value: String(index) }, name));
  const select = h("select", {
    "data-at": `a${leaf.node}`, "aria-label": "What this rule does", onchange: (event) => tell("action", leaf.node, Number(event.target.value)),
  }, ...options);
  select.value = String(leaf.action);
  return h("span", { class: `dx-choice ${leaf.changed ? "dx-changed" : ""}` }, h("span", { "aria-hidden": "true" }, leaf.text), h("span", { class: "dx-quiet", "aria-hidden": "true" }, " ▾"), select);
}
