// Sentences that read what the page computed, word for word as the kernel's (sentences.py, words.py,
// maps.py, thresholds.py). Pure functions.

import { chance, number, plainNumber, unitOf } from "../shared/numbers.js";
import { DEAD, FLAT, SATURATED } from "./sweeps.js";
import { capital, listed } from "../shared/words.js";

/** @param {string[]} names */
function enumerate(names) {
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names[names.length - 1]}`;
}

/**
 * "SJF agrees; Packer would pick job 2."
 * @param {Record<string, number>} rules
 * @param {(name: number) => string} act
 * @param {number} chosen
 */
function rulesPhrase(rules, act, chosen) {
  const agree = Object.keys(rules).filter((rule) => rules[rule] === chosen);
  const others = new Map();
  for (const [rule, action] of Object.entries(rules)) if (action !== chosen) others.set(action, [...(others.get(action) || []), rule]);
  const parts = agree.length ? [`${enumerate(agree)} agree${agree.length === 1 ? "s" : ""}`] : [];
  for (const [action, given] of others) parts.push(`${enumerate(given)} would ${act(action)}`);
  return parts.length ? `${parts.join("; ")}.` : "";
}

/**
 * @typedef {{probabilities: Numbers, valid: Uint8Array, action: number, rules: Record<string, number>}} ToldDecision
 */

/**
 * Which action, how likely, what comes next, and what rules would do.
 * @param {Scene["output"]} output
 * @param {ToldDecision} given
 */
export function decisionPhrase(output, { probabilities, valid, action, rules }) {
  const { names, verbs } = output;
  const act = (/** @type {number} */ index) => verbs?.[names[index]] ?? `pick ${names[index]}`;
  const others = names.map((_, index) => index).filter((index) => index !== action && valid[index]);
  const second = others.reduce((best, index) => (best === null || probabilities[index] > probabilities[best] ? index : best), /** @type {number | null} */ (null));
  const first = `The network ${acts(act(action))} with probability ${chance(probabilities[action])}`;
  const rest = second === null ? ", the only thing possible here." : `; ${names[second]} comes next with ${chance(probabilities[second])}.`;
  return `${first}${rest} ${rulesPhrase(rules, act, action)}`.trim();
}

/**
 * As Space.acts: "pick job 1" becomes "picks job 1".
 * @param {string} act
 */
function acts(act) {
  return act.replace(/^\S+/, (verb) => `${verb}${/(s|x|ch|sh)$/.test(verb) ? "es" : "s"}`);
}

/**
 * What is set, as Space.tell says it: "The network sets rate 0.42." or "The network sets head 1, head 3."
 * @param {Scene["output"]} output
 * @param {(number | boolean)[]} taken
 */
export function settingPhrase(output, taken) {
  const words = output.kind === "switches" ? switchesTold(output.names.filter((_, at) => taken[at]), output.names.length) : numbersTold(output, taken.map(Number));
  return `The network sets ${words}.`;
}

/**
 * @param {string[]} on
 * @param {number} all
 */
function switchesTold(on, all) {
  if (!on.length) return "none";
  if (on.length === all && all > 2) return "all";
  return on.length < 3 ? on.join(" and ") : on.join(", ");
}

/**
 * @param {Scene["output"]} output
 * @param {number[]} taken
 */
function numbersTold({ names, unit }, taken) {
  const shown = names.slice(0, MOST_TOLD).map((name, at) => `${name} ${plainNumber(taken[at])}${unit ? ` ${unit}` : ""}`);
  const more = names.length - shown.length;
  return shown.join(", ") + (more ? ` and ${more} more` : "");
}

const MOST_TOLD = 6;

/**
 * Groups with the largest net sums first, those without any left out. groups: [{name, up, down}].
 * @param {GroupSum[]} groups
 * @param {number} count
 */
function strongest(groups, count) {
  /** @param {GroupSum} group */
  const net = (group) => Math.abs(group.up + group.down);
  return [...groups].sort((a, b) => net(b) - net(a)).slice(0, count).filter((group) => net(group) > 0);
}

/**
 * @param {GroupSum[]} groups
 * @param {string} target
 */
export function slopePhrase(groups, target) {
  const [top] = strongest(groups, 1);
  if (!top) return `The map is zero everywhere: nothing here moves ${target}.`;
  const apart = top.up && top.down ? ` (${plainNumber(top.up, true)} and ${plainNumber(top.down)} apart)` : "";
  const whole = `slopes that sum to ${plainNumber(top.up + top.down, true)}${apart}`;
  const alike = groups.filter((group) => Math.abs(group.up + group.down) >= Math.abs(top.up + top.down) * (1 - 1e-3)).length;
  if (alike > 1) return `${alike} groups move ${target} alike and most, ${top.name} among them: ${whole}.`;
  return `${capital(top.name)} moves ${target} most: ${whole}.`;
}

/**
 * Which group has the largest share of what is explained; target: {name, pro, contra, unit}.
 * @param {GroupSum[]} groups
 * @param {{name: string, pro?: string, contra?: string, unit?: string}} target
 * @param {number} explained
 * @param {string} baseline
 */
export function contributionPhrase(groups, { name, pro = name, contra = "", unit = "" }, explained, baseline) {
  const [top] = strongest(groups, 1);
  if (!top) return `The map is zero everywhere: nothing here moves ${name}, counted from ${baseline}.`;
  const net = top.up + top.down;
  const total = groups.reduce((/** @type {number} */ sum, group) => sum + group.up + group.down, 0);
  const all = Math.abs(total - explained) <= 0.01 * Math.abs(explained) ? explained : total;
  const text = plainNumber(all);
  const whole = unit ? `${text} ${unitOf(text, unit)}` : text;
  const amount = net * all > 0 && net * all <= all * all ? `${plainNumber(net, true)} of ${whole}` : `${plainNumber(net, true)}; all together make ${whole}`;
  const sides = net < 0 ? `against ${pro}${contra ? ` and for ${contra}` : ""}` : `for ${pro}${contra ? ` and against ${contra}` : ""}`;
  return `${capital(top.name)} spoke most ${sides}: ${amount}.`;
}

/**
 * The map for those who cannot see it.
 * @param {GroupSum[]} groups
 * @param {string} target
 * @param {string} method
 */
export function overlayPhrase(groups, target, method) {
  const parts = strongest(groups, 4).map((group) => `${group.name} ${number(group.up)} for and ${number(-group.down)} against`);
  return `Map of what moves ${target} (${method}). ${capital(parts.length ? parts.join("; ") : "zero everywhere")}.`;
}

/**
 * curve: {knob, grid, values, labels, note}; the words of ThresholdCurve.sentence.
 * @param {number} neuron
 * @param {Curve} given
 */
export function curvePhrase(neuron, { knob, grid, values, labels = [], note }) {
  const who = `Neuron ${neuron}`;
  const [end, unit] = [values.length - 1, knob.unit ? ` ${knob.unit}` : ""];
  let text;
  if (labels.every((label) => label === DEAD)) {
    text = `${who} is off whatever the ${knob.name}.`;
  } else if (labels.every((label) => label === FLAT)) {
    const mean = values.reduce((sum, /** @type {number} */ value) => sum + value, 0) / values.length;
    text = `${who} does not react to the ${knob.name}: it stays near ${plainNumber(mean)}.`;
  } else {
    const steps = labels.flatMap((label, /** @type {number} */ at) => (at < end && label !== labels[at + 1] ? [stepPhrase(label, labels[at + 1], grid[at], grid[at + 1])] : []));
    const span = `As the ${knob.name} goes from ${plainNumber(grid[0])} to ${plainNumber(grid[end])}${unit}`;
    const move = `${who.toLowerCase()} moves from ${plainNumber(values[0])} to ${plainNumber(values[end])}`;
    text = `${span}, ${move}${steps.length ? `; it ${listed(steps)}` : " without a threshold"}.`;
  }
  return `${text} ${note}`.trim();
}

/**
 * @param {number} from
 * @param {number} to
 * @param {number} before
 * @param {number} after
 */
function stepPhrase(from, to, before, after) {
  if (from === DEAD) return `turns on above ${plainNumber(before)}`;
  if (to === DEAD) return `turns off above ${plainNumber(before)}`;
  if (to === SATURATED) return `stops changing from ${plainNumber(after)} on`;
  return `starts changing above ${plainNumber(before)}`;
}

/** @param {number[]} units */
export function onPhrase(units) {
  const on = units.filter((/** @type {number} */ value) => value > 0).length;
  return `${on.toLocaleString("en-US")} of ${units.length.toLocaleString("en-US")} neuron${units.length === 1 ? "" : "s"} ${on === 1 ? "is" : "are"} on.`;
}
