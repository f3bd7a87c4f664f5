// A slider over the time of a run, on the axis of the picture above it, with a mark where two runs disagree.

import { answer } from "../session/answers.js";
import { h, setAttributes, setText } from "../shared/dom.js";
import { decisionAt, makePlayer } from "./player.js";

/**
 * A slider over time, which rests on decisions (an arrow key goes to the next), with a mark where the two disagree.
 * @param {PanelModel} model
 */
export function makeScrubber(model) {
  const marks = h("div", { class: "dx-marks", "aria-hidden": "true" });
  const input = h("input", {
    type: "range", step: "any", "aria-label": "Decision",
    oninput: (event) => go(decisionAt(model.get("figure").times, event.target.valueAsNumber)),
    onkeydown: (event) => {
      event.stopPropagation();
      const last = model.get("figure").times.length - 1;
      const next = keyedDecision(event.key, model.get("answers").decision || 0, last);
      if (next === null) return;
      event.preventDefault();
      go(next);
    },
  });
  const go = (/** @type {number} */ decision) => {
    answer(model, "decision", decision);
    update();
  };
  const say = h("output", { class: "dx-value" });
  /** @param {any} way */
  const jump = (way) => () => {
    const now = model.get("answers").decision || 0;
    const beyond = model.get("figure").marks.filter((/** @type {any} */ mark) => (way > 0 ? mark > now : mark < now));
    if (beyond.length) answer(model, "decision", way > 0 ? beyond[0] : beyond[beyond.length - 1]);
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
    const { begin, end, times } = figure;
    const share = (/** @type {number} */ decision) => (100 * (times[decision] - begin)) / (end - begin || 1);
    setAttributes(input, { min: begin, max: end });
    const at = Math.min(model.get("answers").decision || 0, count - 1);
    input.value = String(times[at]);
    const text = `decision ${at + 1} of ${count}`;
    const differs = figure.marks.includes(at) ? ", the two disagree" : "";
    setText(say, text + differs);
    setAttributes(input, { "aria-valuetext": text + differs });
    input.style.setProperty("--part", `${share(at)}%`);
    if (drawn === figure) return;
    drawn = figure;
    marks.replaceChildren(...figure.marks.map((/** @type {any} */ mark) => h("span", { style: `left:${share(mark)}%` })));
    for (const button of buttons.querySelectorAll("button:not(.dx-play)")) /** @type {HTMLButtonElement} */ (button).disabled = !figure.marks.length;
  };
  return { element, update };
}

/**
 * The decision that a key of a slider leads to; null if it is another key.
 * @param {string} key
 * @param {number} now
 * @param {number} last
 */
export function keyedDecision(key, now, last) {
  /** @type {Record<string, number>} */
  const ways = { ArrowRight: now + 1, ArrowUp: now + 1, ArrowLeft: now - 1, ArrowDown: now - 1, PageUp: now + 10, PageDown: now - 10, Home: 0, End: last };
  return key in ways ? Math.min(Math.max(ways[key], 0), last) : null;
}
