// Plays an episode: time runs at a speed that one chooses, and the decision of each moment is shown.

import { answer } from "../session/answers.js";
import { h, isCalm, setText } from "../shared/dom.js";

const WHOLE = 30; // seconds that an episode takes at speed 1
const TICK = 120; // ms between two looks at the clock: as often as words can be read to change
const CALM = 1000; // ms for each decision where less motion is wished for
const SPEEDS = [0.5, 1, 2, 4, 8];

/**
 * The last decision at or before a time; times rise.
 * @param {number[]} times
 * @param {number} time
 */
export function decisionAt(times, time) {
  let low = 0;
  let high = times.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (times[middle] <= time) low = middle;
    else high = middle - 1;
  }
  return low;
}

/**
 * Play and pause, and the speed; `model` has the figure's times and the decision among its answers.
 * @param {PanelModel} model
 */
export function makePlayer(model) {
  const button = h("button", { type: "button", class: "dx-button dx-play", onclick: () => (timer === null ? play() : pause()) });
  const speed = h("select", { "aria-label": "Speed" }, ...SPEEDS.map((value) => h("option", { value: String(value) }, `${value}×`)));
  speed.value = "1";
  const element = h("span", { class: "dx-player" }, button, speed);
  /** @type {any} */
  let timer = null;
  let time = 0;
  const now = () => model.get("answers").decision || 0;
  const show = () => {
    setText(button, timer === null ? "▶ Play" : "❚❚ Pause");
    button.setAttribute("aria-pressed", String(timer !== null));
  };
  const pause = () => {
    clearInterval(timer);
    timer = null;
    show();
  };
  const step = () => {
    const { times } = model.get("figure");
    if (!times?.length || !button.isConnected) {
      pause();
      return;
    }
    const at = now();
    if (Math.abs(decisionAt(times, time) - at) > 1) time = times[at]; // somebody sought another moment
    const span = times[times.length - 1] - times[0] || 1;
    time += (span * Number(speed.value) * TICK) / (1000 * WHOLE);
    const next = isCalm() ? Math.min(at + 1, times.length - 1) : decisionAt(times, time);
    if (next !== at) answer(model, "decision", next);
    if (next >= times.length - 1) pause();
  };
  const play = () => {
    const { times } = model.get("figure");
    if (!times?.length) return;
    if (now() >= times.length - 1) answer(model, "decision", 0);
    time = times[now()];
    timer = setInterval(step, isCalm() ? CALM : TICK);
    show();
  };
  model.on("change:figure", pause);
  show();
  return { element, stop: pause };
}
