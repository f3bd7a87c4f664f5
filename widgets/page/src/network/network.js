// The network in the page: a state's picture, decision, map, neurons, curves and sentences, without the
// kernel. What it gives has the form of a step that the kernel sends (../store.js), to float32's rounding.

import { bytes } from "../shared/bytes.js";
import { meanGradient } from "./path.js";
import { contributionPhrase, curvePhrase, decisionPhrase, onPhrase, overlayPhrase, settingPhrase, slopePhrase } from "./phrases.js";
import { busiestTarget } from "./routed.js";
import { allowedOutputs, makeSketch, paintValues, repaint, tellState, validValues, withQuantities } from "./sketch.js";
import { makeStack, pullBack, runStack, unitReader } from "./stack.js";
import { classify, sweepStates } from "./sweeps.js";

export class PageNetwork {
  /**
   * described: from the kernel (inpage.py); scene: what the page knows of the system.
   * @param {SaidNetwork} described
   * @param {Scene} scene
   */
  constructor(described, scene) {
    this.described = described;
    this.scene = scene;
    this.sketch = makeSketch(described.painting, scene, described.shape);
    this.stack = makeStack(described);
    this.cellGroup = bytes(described.cellGroup, Int16Array);
  }

  /**
   * Valid values for what is wanted, coming from the values before.
   * @param {Numbers} wanted
   * @param {Numbers} before
   */
  valid(wanted, before) {
    return validValues(this.sketch, wanted, before);
  }

  /**
   * One step: what can be said of valid values. ask: {parts, target, method, layer, sweep, unit}; rules: what
   * hand-written rules would do, as far as the kernel said. What the page cannot compute is left out.
   * @param {Numbers} values
   * @param {Numbers | null} ground
   * @param {Ask} ask
   * @param {Record<string, number>} [rules]
   */
  step(values, ground, ask, rules = {}) {
    const picture = paintValues(this.sketch, values, ground);
    const outputs = runStack(this.stack, picture);
    const decision = this.decide(values, outputs[outputs.length - 1]);
    /** @type {OwnStep} */
    const answer = { values, picture: colourBytes(picture), words: this.described.told ? { state: tellState(this.sketch, values) } : {}, failures: {} };
    const shares = ask.method === SHARES && this.baseline(ask.baseline) !== undefined;
    answer.whole = ask.method === "saliency" || shares || !ask.parts.includes("saliency");
    if (ask.parts.includes("decision")) {
      Object.assign(answer, decision);
      this.heed(answer, rules);
    }
    if (ask.parts.includes("saliency") && (shares || ask.method === "saliency")) this.explain(answer, decision, { values, picture, outputs }, ask);
    if (ask.parts.includes("neurons")) this.probe(answer, values, ground, outputs, ask);
    return answer;
  }

  /**
   * Takes in what rules would do, as the kernel says by and by.
   * @param {OwnStep} answer
   * @param {Record<string, number>} rules
   */
  heed(answer, rules) {
    answer.rules = rules;
    if (this.scene.output.kind !== "choice") answer.words.decision = settingPhrase(this.scene.output, answer.taken ?? []);
    else if (answer.action !== undefined) answer.words.decision = decisionPhrase(this.scene.output, /** @type {import("./phrases.js").ToldDecision} */ (answer));
  }

  /**
   * @param {Numbers} values
   * @param {Numbers} raw
   */
  decide(values, raw) {
    const valid = this.described.masked ? allowedOutputs(this.sketch, values) : new Uint8Array(raw.length).fill(1);
    const reading = this.read(raw, valid);
    if (this.described.output.kind !== "choice") return reading;
    const action = Array.from(raw).reduce((best, value, at) => (valid[at] && (best < 0 || value > raw[best]) ? at : best), -1);
    return { ...reading, valid, action };
  }

  /**
   * What outputs mean, whichever of them is chosen.
   * @param {Numbers} raw
   * @param {Uint8Array} valid the outputs that a choice has
   * @returns {Decision}
   */
  read(raw, valid) {
    const { kind, low, high } = this.described.output;
    if (kind === "values") {
      const taken = Array.from(raw, (/** @type {number} */ value, /** @type {number} */ at) => Math.min(Math.max(value, low[at] ?? -Infinity), high[at] ?? Infinity));
      return { outputs: raw, valid: new Uint8Array(raw.length).fill(1), action: undefined, taken };
    }
    if (kind === "switches") {
      const chances = Float64Array.from(raw, (/** @type {number} */ value) => 1 / (1 + Math.exp(-value)));
      return { outputs: raw, valid: new Uint8Array(raw.length).fill(1), action: undefined, probabilities: chances, taken: Array.from(raw, (/** @type {number} */ value) => value > 0) };
    }
    return { outputs: raw, valid, action: undefined, probabilities: softmax(raw, valid) };
  }

  /**
   * @param {OwnStep} answer
   * @param {Decision} decision
   * @param {{values: Numbers, picture: Float32Array, outputs: Numbers[]}} ran
   * @param {Ask} ask
   */
  explain(answer, decision, { values, picture, outputs }, ask) {
    const { graph } = this.described;
    const target = graph && ask.target === "default" ? busiestTarget(graph, values, decision.outputs) : resolveTarget(this.scene.output, decision, ask.target);
    if ("failure" in target) {
      if (target.unknown && !this.described.alone) answer.whole = false; // the kernel may know it
      else answer.failures.saliency = target.failure;
      return;
    }
    const shared = ask.method === SHARES ? this.shares(target, decision, values, picture, ask) : null;
    const map = shared ? shared.map : pullBack(this.stack, picture, outputs, target.slope(decision, values));
    if (target.direct && !shared) this.addDirect(map, target.direct(decision, values));
    const groups = this.scene.groups.map(({ name }) => ({ name, up: 0, down: 0 }));
    let scale = 0;
    for (let cell = 0; cell < map.length; cell += 1) {
      const group = groups[this.cellGroup[cell]];
      if (map[cell] > 0) group.up += map[cell];
      else group.down += map[cell];
      scale = Math.max(scale, Math.abs(map[cell]));
    }
    Object.assign(answer, {
      map, scale, overlay: overlayBytes(map, scale),
      groups: Float32Array.from(groups.flatMap(({ up, down }) => [up, down])),
      overlayUnit: `${target.probability ? "probability" : target.unit ?? "logit"}${shared ? "" : ` per ${this.scene.picture ? "full cell" : "unit of the input"}`}`.trim(),
    });
    answer.words.saliency = shared ? contributionPhrase(groups, target.share ?? target, shared.explained, shared.baseline) : slopePhrase(groups, target.name);
    answer.words.overlay = overlayPhrase(groups, target.name, ask.method);
  }

  /**
   * What integrated gradients count from, by its name: {name, count, cells, own}; undefined where the page has none.
   * @param {string} [name]
   */
  baseline(name = "default") {
    const known = this.described.baselines ?? [];
    return name === "default" ? known[0] : known.find((baseline) => baseline.name === name);
  }

  /**
   * Integrated gradients: shares of what the target is here more than at the baseline (the mean over its references).
   * @param {Target} target
   * @param {Decision} decision
   * @param {Numbers} values
   * @param {Float32Array} picture
   * @param {Ask} ask
   */
  shares(target, decision, values, picture, ask) {
    const { name, count, cells, own } = /** @type {NonNullable<ReturnType<PageNetwork["baseline"]>>} */ (this.baseline(ask.baseline));
    const [references, kept] = [bytes(cells, Float32Array), bytes(own, Uint8Array)];
    const map = new Float64Array(picture.length);
    let explained = 0;
    for (let place = 0; place < count; place += 1) {
      const from = Float64Array.from(picture, (cell, at) => (kept[at] ? cell : references[place * picture.length + at]));
      const way = target.direct ? this.knobsApart(from, picture) : null;
      const gradient = meanGradient(this.stack, from, picture, (raw, at) => {
        const here = { ...this.read(raw, decision.valid), action: decision.action };
        const known = way ? Float64Array.from(values, (value, knob) => value + (at - 1) * way[knob]) : values;
        return { value: target.value(here, known), slope: target.slope(here, known), direct: way && target.direct ? target.direct(here, known) : null };
      }, way);
      if (gradient.direct) this.addDirect(gradient.cells, gradient.direct);
      for (let cell = 0; cell < map.length; cell += 1) map[cell] += (gradient.cells[cell] * (picture[cell] - from[cell])) / count;
      explained += gradient.explained / count;
    }
    return { map, explained, baseline: name };
  }

  /**
   * By how much each knob differs between two pictures, of knobs that are numbers in a cell.
   * @param {Numbers} from
   * @param {Numbers} to
   */
  knobsApart(from, to) {
    const slopes = new Float64Array(this.scene.knobs.length);
    for (const { kind, cells, knob, scale } of this.sketch.strokes) if (kind === "Number" && scale !== 0) slopes[knob] = (to[cells[0]] - from[cells[0]]) * scale;
    return slopes;
  }

  /**
   * What a target depends on beside the network: slopes by knob, at the cells that show them.
   * @param {Numbers} map
   * @param {Numbers} direct
   */
  addDirect(map, direct) {
    for (const { kind, cells, knob, scale } of this.sketch.strokes) {
      if (kind === "Number" && scale !== 0 && direct[knob] !== 0) for (const cell of cells) map[cell] += direct[knob] / scale;
    }
  }

  /**
   * @param {OwnStep} answer
   * @param {Numbers} values
   * @param {Numbers | null} ground
   * @param {Numbers[]} outputs
   * @param {Ask} ask
   */
  probe(answer, values, ground, outputs, ask) {
    const { readable, kinds } = this.described;
    const layer = readable.find((place) => place.name === ask.layer) || readable[0];
    const units = Array.from(outputs[layer.at]);
    const unit = (ask.unit ?? 0) < units.length ? (ask.unit ?? 0) : 0;
    Object.assign(answer, { units: Float64Array.from(units.slice(0, MOST_UNITS)), unitsOn: [units.filter((/** @type {number} */ value) => value > 0).length, units.length], unit });
    const places = kinds[ask.sweep] || this.scene.knobs.flatMap((knob, index) => (knob.name === ask.sweep ? [index] : []));
    const curves = places.map((place) => this.curve(place, values, ground, layer, unit));
    if (!curves.length) {
      answer.words.neurons = onPhrase(units);
      return;
    }
    const all = curves.flatMap((curve) => curve.values);
    const scale = Math.max(...all) - Math.min(...all);
    /** @param {Curve} curve */
    const spread = (curve) => Math.max(...curve.values) - Math.min(...curve.values);
    const top = curves.reduce((best, curve) => (spread(curve) > spread(best) ? curve : best));
    top.labels = classify(top.grid, top.values, scale, layer.rectified);
    answer.curves = Float64Array.from(all);
    answer.swept = curves.map(({ place, grid }) => [place, grid.length, grid[0], grid[grid.length - 1]]);
    answer.words.neurons = `${onPhrase(units)} ${curvePhrase(unit, top)}`;
    answer.words.axis = { family: ask.sweep, unit: curves[0].knob.unit };
  }

  /**
   * One unit's activation while a knob takes all its values.
   * @param {number} place
   * @param {Numbers} values
   * @param {Numbers | null} ground
   * @param {ReadableLayer} layer
   * @param {number} unit
   * @returns {Curve}
   */
  curve(place, values, ground, layer, unit) {
    const { grid, rows: swept, note } = sweepStates(this.sketch, place, values, ground, this.described.middles);
    const rows = swept.map((row) => withQuantities(this.sketch, row));
    const picture = paintValues(this.sketch, rows[0], ground);
    const read = unitReader(this.stack, layer.at, unit);
    const seen = rows.map((row, at) => {
      if (at) repaint(this.sketch, picture, rows[at - 1], row, ground);
      return read(picture);
    });
    return { place, knob: this.scene.knobs[place], grid, values: seen, note };
  }
}

const MOST_UNITS = 256; // as in messages.py
const SHARES = "integrated-gradients";

/**
 * Cells as bytes, rounded as numpy does; 255 is 1.
 * @param {Float32Array} picture
 */
function colourBytes(picture) {
  const moved = new Uint8ClampedArray(picture.length);
  for (let cell = 0; cell < picture.length; cell += 1) moved[cell] = Math.fround(255 * picture[cell]);
  return moved;
}

/**
 * A signed map as bytes of its largest size.
 * @param {Numbers} map
 * @param {number} scale
 */
function overlayBytes(map, scale) {
  const signs = new Int8Array(map.length);
  if (scale > 0) for (let cell = 0; cell < map.length; cell += 1) signs[cell] = Math.round((127 / scale) * map[cell]);
  return signs;
}

/**
 * @param {Numbers} raw
 * @param {Uint8Array} valid
 */
function softmax(raw, valid) {
  const highest = Array.from(raw).reduce((most, value, at) => (valid[at] ? Math.max(most, value) : most), -Infinity);
  const weights = Float64Array.from(raw, (value, at) => (valid[at] ? Math.exp(value - highest) : 0));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}

/**
 * The best output but the chosen one: among valid ones, or among all where no other is valid.
 * @param {Chosen} given
 */
function runnerUp({ outputs, valid, action }) {
  /** @param {(at: number) => unknown} allowed */
  const best = (allowed) => Array.from(outputs).reduce((leader, value, at) => (at !== action && allowed(at) && (leader < 0 || value > outputs[leader]) ? at : leader), -1);
  const top = best((/** @type {number} */ at) => valid[at]);
  return top < 0 ? best(() => true) : top;
}

/**
 * A number that is set, or a switch: {name, slope, unit}. Beyond a bound a number no longer moves.
 * @param {Scene["output"]} output
 * @param {number} index
 * @returns {Target}
 */
function settingTarget({ kind, names, unit }, index) {
  /** @param {number} at */
  const here = (at) => (at === index ? 1 : 0);
  if (kind === "switches") return { name: `${names[index]} on against off`, unit: "", pro: names[index], value: ({ outputs }) => outputs[index], slope: () => Float64Array.from(names, (_, at) => here(at)) };
  return { name: names[index], unit, value: ({ taken = [] }) => Number(taken[index]), slope: ({ outputs, taken = [] }) => Float64Array.from(names, (_, at) => (outputs[at] === taken[at] ? here(at) : 0)) };
}

/**
 * A target by its word, as targets.resolve: {name, slope(decision) -> gradient at the outputs} or {failure}.
 * @param {Scene["output"]} output
 * @param {Chosen} decision
 * @param {string} spec
 * @returns {Target | NoTarget}
 */
function resolveTarget(output, decision, spec) {
  const { names } = output;
  if (output.kind !== "choice") {
    const index = spec === "default" ? 0 : names.findIndex((_, at) => settingTarget(output, at).name === spec);
    return index < 0 ? { unknown: true, failure: `There is no target '${spec}' here.` } : settingTarget(output, index);
  }
  /**
   * @param {number} index
   * @param {number} against
   * @returns {Target}
   */
  const contrast = (index, against) => ({
    name: `${names[index]} minus ${names[against]}`,
    pro: names[index],
    contra: names[against],
    value: ({ outputs }) => outputs[index] - outputs[against],
    slope: () => Float64Array.from(names, (_, at) => (at === index ? 1 : at === against ? -1 : 0)),
  });
  /**
   * @param {number} index
   * @returns {Target}
   */
  const logit = (index) => ({ name: `logit of ${names[index]}`, pro: names[index], value: ({ outputs }) => outputs[index], slope: () => Float64Array.from(names, (_, at) => (at === index ? 1 : 0)) });
  const { valid } = decision;
  const action = /** @type {number} */ (decision.action); // of a choice
  if (spec === "default" && names.length < 2) return logit(0);
  if (spec === "default" || spec === "contrast") return contrast(action, runnerUp(decision));
  const [kind, name] = spec.split(" of ");
  const which = name === undefined ? action : names.indexOf(name);
  if (kind === "probability" && which >= 0) return valid[which] ? probabilityTarget(names, which) : { failure: notAllowed(names[which]) };
  if (kind === "logit" && which >= 0) return logit(which);
  const [first, second] = spec.split(" minus ").map((part) => names.indexOf(part));
  if (second === undefined ? first >= 0 : first >= 0 && second >= 0) return second === undefined ? logit(first) : contrast(first, second);
  return { unknown: true, failure: `There is no target '${spec}' here.` };
}

/**
 * @param {string[]} names
 * @param {number} which
 * @returns {Target}
 */
function probabilityTarget(names, which) {
  return {
    name: `probability of ${names[which]}`,
    probability: true,
    pro: names[which],
    value: ({ probabilities = [] }) => probabilities[which],
    slope: ({ probabilities = [] }) => Float64Array.from(probabilities, (share, at) => probabilities[which] * ((at === which ? 1 : 0) - share)),
  };
}

/** @param {string} name */
function notAllowed(name) {
  return `'${name}' is not allowed in this state, so its probability is 0 whatever the network says; explain its logit or a contrast.`;
}

/** @param {Target | NoTarget} target */
function nameOf(target) {
  return "name" in target ? target.name : "";
}

/**
 * The targets worth offering in a state, by name, the default first.
 * @param {Scene["output"]} output
 * @param {Chosen} decision
 * @param {FlowGraph | null} [graph] over whose paths traffic flows
 */
export function targetMenu(output, decision, graph) {
  const { names } = output;
  if (graph) return [["default", "utilisation of the busiest link"], ...names.map((_, at) => settingTarget(output, at).name).map((name) => [name, name])];
  if (output.kind !== "choice") return names.map((_, at) => [at ? settingTarget(output, at).name : "default", settingTarget(output, at).name]);
  const { valid } = decision;
  const action = /** @type {number} */ (decision.action);
  const others = names.filter((_, at) => at !== action);
  const best = nameOf(resolveTarget(output, decision, "default"));
  const chosen = `${names[action]} minus `;
  return [
    ["default", best.startsWith(chosen) ? `why not ${best.slice(chosen.length)}, the next best` : best],
    ...others.map((name) => `${chosen}${name}`).filter((name) => name !== best),
    ...names.map((name) => `logit of ${name}`),
    ...names.filter((_, at) => valid[at]).map((name) => `probability of ${name}`),
  ].map((entry) => (Array.isArray(entry) ? entry : [entry, entry]));
}

/**
 * The page's network for a session's model, made anew when the kernel sends another; null if it has none.
 * @param {Hub} model
 */
export function pageNetwork(model) {
  const described = model.get("network");
  if (!described || !described.layers) return null;
  if (model.dnnexplainNetwork?.described !== described) model.dnnexplainNetwork = new PageNetwork(described, model.get("scene"));
  return model.dnnexplainNetwork;
}
