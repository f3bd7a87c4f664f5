// Marks on a timeline: quantities of the present decision's state, to be dragged there. The decision follows at once.
// figure.grips: [{knobs: [index, the newest first], track, times: [per decision]}], figure.states: f64 [decisions, knobs],
// figure.did: [what was done, in words]

import { answer, press } from "../session/answers.js";
import { bytes } from "../shared/bytes.js";
import { h, setAttributes, setText } from "../shared/dom.js";
import { keyed } from "../shared/knob_values.js";
import { chance, withUnit } from "../shared/numbers.js";

const MOST_TOLD = 3;

/**
 * view: the timeline's; place(time): where a time stands, px.
 * @param {TimelineView} view
 * @param {(time: number) => number} place
 */
export function makeGrips(view, place) {
  const element = h("div", { class: "dx-track-grips" });
  const chip = h("div", { class: "dx-track-chip", "aria-hidden": "true" });
  const say = h("p", { class: "dx-sentence dx-track-says", "aria-live": "polite" });
  /** @type {any} held: {mark, pointer, shift, moved, y}; wanted: {decision, index, value, settled}, kept until the decision is open */
  const grips = { view, place, element, chip, say, marks: [], given: null, states: null, held: null, wanted: null, loaded: -1, asked: -1 };
  element.addEventListener("pointermove", (event) => {
    if (grips.held?.pointer !== event.pointerId) return;
    event.stopPropagation(); // the timeline tells of what is pointed at, not of what is dragged
    Object.assign(grips.held, { y: event.clientY, moved: true });
    drag(grips, grips.held, false);
  });
  for (const end of /** @type {("pointerup" | "pointercancel")[]} */ (["pointerup", "pointercancel"])) {
    element.addEventListener(end, (event) => {
      const { held } = grips;
      if (held?.pointer !== event.pointerId) return;
      grips.held = null;
      if (held.moved) drag(grips, held, true); // where it was last: a touch that was taken away has no place
    });
  }
  return { element, say, update: () => update(grips) };
}

/** The decision that the timeline stands at. @param {Grips} grips */
function decisionOf({ view }) {
  return Math.min(view.model.get("answers").decision || 0, view.figure.times.length - 1);
}

/** Whether the editor has that decision's state, dragged or not. @param {Grips} grips */
function isOpen(grips) {
  return grips.loaded === decisionOf(grips) && modelOf(grips).get("answers").opened === grips.loaded;
}

/**
 * Takes note that the kernel opened a decision: it says so, and its state, in either order.
 * @param {Grips} grips
 */
function notice(grips) {
  const { opened } = modelOf(grips).get("answers");
  if (grips.loaded !== opened) grips.loaded = -1;
  if (grips.loaded >= 0 || !(opened >= 0)) return;
  const { scene: { knobs }, values } = grips.view.store;
  const was = grips.states.subarray(opened * knobs.length, (opened + 1) * knobs.length);
  if (knobs.some((/** @type {Knob} */ knob, /** @type {number} */ index) => isOther(knob, values[index], was[index]))) return;
  grips.loaded = opened;
  grips.asked = -1;
}

/**
 * Whether a value is another than it was, up to rounding.
 * @param {Knob} knob
 * @param {number} now
 * @param {number} was
 */
function isOther({ low, high }, now, was) {
  return Math.abs(now - was) > 1e-4 * (high - low);
}

/** @param {Grips} grips */
function modelOf(grips) {
  return grips.view.model;
}

/** What the marks show. @param {Grips} grips */
function valuesOf(grips) {
  const count = grips.view.store.scene.knobs.length;
  const first = decisionOf(grips) * count;
  return isOpen(grips) ? grips.view.store.values : grips.states.subarray(first, first + count);
}

/** @param {Grips} grips */
function makeMarks(grips) {
  const { store, figure } = grips.view;
  Object.assign(grips, { given: figure, held: null, wanted: null, loaded: -1, asked: -1 });
  grips.states = bytes(figure.states, Float64Array);
  grips.marks = figure.grips.flatMap((set) => set.knobs.map((/** @type {number} */ index, /** @type {number} */ back) => {
    const knob = store.scene.knobs[index];
    const mark = { set, back, index, knob, element: h("div", {
      class: "dx-track-grip", role: "slider", tabindex: "0", "aria-label": knob.name, "aria-orientation": "vertical", "aria-valuemin": knob.low, "aria-valuemax": knob.high,
      onpointerdown: (event) => {
        event.stopPropagation();
        event.preventDefault();
        if (event.button === 0 && !grips.held) take(grips, event);
      },
      onkeydown: (event) => {
        const { wanted } = grips;
        const value = keyed(knob, wanted?.index === index ? wanted.value : valuesOf(grips)[index], event.key);
        if (value === null) return;
        event.preventDefault();
        event.stopPropagation();
        ask(grips, index, value, true);
      },
    }) };
    return mark;
  }));
  grips.element.replaceChildren(...grips.marks.map((mark) => mark.element), grips.chip);
}

/**
 * Takes hold of a mark where it is: it moves by as much as the pointer does, and not at all if that only clicks.
 * @param {Grips} grips
 * @param {PointerEvent} event
 */
function take(grips, event) {
  const mark = nearestMark(grips, event);
  const box = mark.element.getBoundingClientRect();
  grips.held = { mark, pointer: event.pointerId, shift: event.clientY - box.y - box.height / 2, moved: false, y: event.clientY };
  mark.element.focus();
  grips.element.setPointerCapture(event.pointerId);
  grips.view.tip.style.opacity = "0";
  grips.asked = -1; // a wish that got lost is not waited for
  open(grips);
}

/**
 * Of marks that overlap, the one whose middle is nearest to the pointer; the newest of equally near ones.
 * @param {Grips} grips
 * @param {PointerEvent} event
 */
function nearestMark({ marks }, event) {
  /** @param {Grip} mark */
  const apart = ({ element }) => {
    const box = element.getBoundingClientRect();
    return Math.hypot(event.clientX - box.x - box.width / 2, event.clientY - box.y - box.height / 2);
  };
  const shown = marks.filter((mark) => !mark.element.hidden);
  return shown.reduce((best, mark) => (apart(mark) < apart(best) ? mark : best));
}

/** Has the kernel load the decision's state into the editor, unless it is there. @param {Grips} grips */
function open(grips) {
  const decision = decisionOf(grips);
  if (isOpen(grips) || grips.asked === decision) return;
  grips.asked = decision;
  answer(modelOf(grips), "decision", decision);
  press(modelOf(grips), "hold");
}

/**
 * Asks for a value; while the decision is still being opened it is kept for then.
 * @param {Grips} grips
 * @param {number} index
 * @param {number} value
 * @param {boolean} settled
 */
function ask(grips, index, value, settled) {
  open(grips);
  grips.wanted = isOpen(grips) ? null : { decision: decisionOf(grips), index, value, settled };
  if (grips.wanted) update(grips);
  else grips.view.store.propose([[index, value]], settled);
}

/**
 * @param {Grips} grips
 * @param {HeldGrip} held
 * @param {boolean} settled
 */
function drag(grips, { mark: { set, index }, shift, y: pointed }, settled) {
  const { top, tall } = grips.view.lanes[0].rows[set.track];
  const y = pointed - shift - grips.view.stage.getBoundingClientRect().top;
  const part = Math.min(Math.max((top + tall - 1 - y) / (tall - 2), 0), 1);
  ask(grips, index, part * grips.view.figure.runs[0].tracks[set.track].capacity, settled);
}

/** @param {Grips} grips */
function update(grips) {
  const { figure, lanes, store } = grips.view;
  const shown = Boolean(figure && figure.grips && lanes);
  grips.element.hidden = !shown;
  grips.say.hidden = !shown;
  if (!shown) return;
  if (grips.given !== figure) makeMarks(grips);
  notice(grips);
  const decision = decisionOf(grips);
  if (grips.wanted && grips.wanted.decision !== decision) grips.wanted = null; // another moment was gone to meanwhile
  if (grips.wanted && isOpen(grips)) {
    const { index, value, settled } = grips.wanted;
    grips.wanted = null;
    store.propose([[index, value]], settled);
  }
  const values = valuesOf(grips);
  for (const mark of grips.marks) placeMark(grips, mark, decision, grips.wanted?.index === mark.index ? grips.wanted.value : values[mark.index]);
  placeChip(grips, decision);
  setText(grips.say, isOpen(grips) ? tell(grips, decision, values) : hint(grips));
}

/**
 * @param {Grips} grips
 * @param {Grip} mark
 * @param {number} decision
 * @param {number} value
 */
function placeMark(grips, { set, back, knob, element }, decision, value) {
  const at = decision - back;
  element.hidden = at < 0;
  if (at < 0) return;
  const { top, tall } = grips.view.lanes[0].rows[set.track];
  const part = Math.min(Math.max(value / grips.view.figure.runs[0].tracks[set.track].capacity, 0), 1);
  element.style.transform = `translate(${grips.place(set.times[at])}px, ${top + tall - 1 - part * (tall - 2)}px)`;
  setAttributes(element, { "aria-valuenow": value, "aria-valuetext": withUnit(value, knob.unit) });
}

/**
 * Beside the line of the present moment, what is chosen now: near to what is dragged.
 * @param {Grips} grips
 * @param {number} decision
 */
function placeChip({ view, place, chip, loaded }, decision) {
  const { store, figure, lanes, width } = view;
  const { live, scene: { output } } = store;
  chip.hidden = loaded !== decision || output.kind !== "choice" || live.action === undefined;
  if (chip.hidden) return;
  const name = output.names[live.action];
  setText(chip, `${name}, ${chance(live.probabilities[live.action])}`);
  chip.classList.toggle("dx-other", name !== figure.did[decision]);
  const x = place(figure.times[decision]);
  const right = x > width - chip.offsetWidth - 12;
  chip.style.transform = `translate(${right ? x - chip.offsetWidth - 8 : x + 8}px, ${lanes[0].rows[0].top + 3}px)`;
}

/**
 * What the network does now, and what it did in the run.
 * @param {Grips} grips
 * @param {number} decision
 * @param {Numbers} values
 */
function tell(grips, decision, values) {
  const { store, figure } = grips.view;
  const { knobs, output } = store.scene;
  const was = grips.states.subarray(decision * knobs.length, (decision + 1) * knobs.length);
  const moved = knobs.flatMap((/** @type {Knob} */ knob, /** @type {number} */ index) => (isOther(knob, values[index], was[index]) ? [`${knob.name} ${withUnit(values[index], knob.unit)} instead of ${withUnit(was[index], knob.unit)}`] : []));
  const { live } = store;
  const now = output.kind === "choice" ? (live.action === undefined ? "" : `${output.names[live.action]}, probability ${chance(live.probabilities[live.action])}`) : (live.words.decision || "").replace(/\.$/, "");
  if (!moved.length) return `Decision ${decision + 1} as it was: ${now}.`;
  const more = moved.length - MOST_TOLD;
  return `Decision ${decision + 1} with ${moved.slice(0, MOST_TOLD).join(", ")}${more > 0 ? ` and ${more} more` : ""}: ${now}. In the run: ${figure.did[decision]}.`;
}

/** @param {Grips} grips */
function hint({ view: { figure, store } }) {
  const names = [...new Set(figure.grips.map((set) => store.scene.knobs[set.knobs[0]].name.replace(/ \d+$/, "")))];
  return `Drag a round mark (${names.join(", ")}) to see what the network would have done: its decision follows.`;
}
