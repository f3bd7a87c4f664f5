// The one figure of a panel that is drawn large: what one sees before one reads.
// From the kernel: model.get("hero"), {value, words}. Of what follows each step of a drag the page finds it itself.

import { h, setText } from "../shared/dom.js";
import { chance, number, withUnit } from "../shared/numbers.js";
import { taken } from "../shared/taken.js";

/**
 * By what a panel says of each step: the figure and its words, or nothing.
 * @type {Record<string, (scene: Scene, live: Step) => [string, string] | null>}
 */
const LIVE = { decision, saliency, neurons };

/** @param {PanelModel} model */
export function makeHero(model) {
  const value = h("strong", {});
  const words = h("span", {});
  const element = h("p", { class: "dx-hero" }, value, words);
  return {
    element,
    /** @param {Store} store */
    update(store) {
      const own = model.get("hero") || {};
      const [figure, said] = own.value ? [own.value, own.words] : LIVE[model.get("says")]?.(store.scene, store.live) ?? ["", ""];
      element.hidden = !figure;
      setText(value, figure);
      setText(words, said);
    },
  };
}

/**
 * @param {Scene} scene
 * @param {Step} live
 * @returns {[string, string] | null}
 */
function decision({ output }, live) {
  if (output.kind === "choice") {
    const share = live.probabilities[live.action];
    return share === undefined ? null : [output.names[live.action], `with probability ${chance(share)}`];
  }
  if (output.kind === "values" && live.outputs.length === 1) return [withUnit(taken(output, live.outputs[0], 0), output.unit || ""), output.names[0]];
  return null;
}

/**
 * @param {Scene} scene
 * @param {Step} live
 * @returns {[string, string] | null}
 */
function saliency({ groups }, live) {
  if (live.groups.length !== 2 * groups.length) return null;
  const sums = groups.map((_, at) => live.groups[2 * at] + live.groups[2 * at + 1]);
  const most = sums.reduce((best, sum, at) => (Math.abs(sum) > Math.abs(sums[best]) ? at : best), 0);
  return sums[most] ? [`${sums[most] > 0 ? "+" : ""}${number(sums[most])}`, `${groups[most].name}, which counts most`] : null;
}

/**
 * @param {Scene} _scene
 * @param {Step} live
 * @returns {[string, string] | null}
 */
function neurons(_scene, { units, unitsOn }) {
  if (!units.length || units.some((value) => value < 0)) return null;
  const [on, all] = unitsOn ?? [Array.from(units).filter((value) => value > 0).length, units.length];
  return [`${on.toLocaleString("en-US")} of ${all.toLocaleString("en-US")}`, "neurons are on"];
}
