// A slider over the decisions of a run, with a mark where two runs disagree.

import { answer } from "../session/answers.js";
import { h, setAttributes, setText } from "../shared/dom.js";
import { makePlayer } from "./player.js";

/**
 * A slider over the decisions, with a mark where the two disagree.
 * @param {PanelModel} model
 */
export function makeScrubber(model) {
  const marks = h("div", { class: "dx-marks", "aria-hidden": "true" });
  const input = h("input", {
    type: "range", min: "0", step: "1", "aria-label": "Decision",
    oninput: (event) => answer(model, "decision", event.target.valueAsNumber),
    onkeydown: (event) => event.stopPropagation(),
  });
  const say = h("output", { class: "dx-value" });
  /** @param {any} way */
  const jump = (way) => () => {
    const now = model.get("answers").decision || 0;
    const found = model.get("figure").marks.filter((/** @type {any} */ mark) => (way > 0 ? mark > now : mark < now));
    if (found.length) answer(model, "decision", way > 0 ? found[0] : found[found.length - 1]);
  };
  const player = makePlayer(model);
  const buttons = h("div", { class: "dx-controls" }, player.element,
    h("button", { type: "button", class: "dx-button", onclick: jump(-1) }, "Previous disagreement"),
    h("button", { type: "button", class: "dx-button", onclick: jump(1) }, "Next disagreement"));
  const element = h("div", { class: "dx-scrub" }, h("div", { class: "dx-scrub-line" }, marks, input), say, buttons);
  /** @type {any} */
  let drawn = null;
  const update = () => {
    const figure = model.get("figure");
    element.hidden = !figure.runs;
    if (!figure.runs) return;
    const count = figure.times.length;
    input.max = String(count - 1);
    const at = Math.min(model.get("answers").decision || 0, count - 1);
    input.value = String(at);
    const text = `decision ${at + 1} of ${count}`;
    const differs = figure.marks.includes(at) ? ", the two disagree" : "";
    setText(say, text + differs);
    setAttributes(input, { "aria-valuetext": text + differs });
    input.style.setProperty("--part", `${(100 * at) / Math.max(1, count - 1)}%`);
    if (drawn === figure) return;
    drawn = figure;
    marks.replaceChildren(...figure.marks.map((/** @type {any} */ mark) => h("span", { style: `left:${(100 * mark) / Math.max(1, count - 1)}%` })));
    for (const button of buttons.querySelectorAll("button:not(.dx-play)")) /** @type {HTMLButtonElement} */ (button).disabled = !figure.marks.length;
  };
  return { element, update };
}
