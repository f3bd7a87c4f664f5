// What all panels of one session share in the page. The kernel writes `scene` (rarely) and `live` (once
// per step, one message); the page writes `wish`. A wish is whole, so that the newest may replace all
// older ones: ipywidgets keeps one message in flight and merges the rest.
// Where the kernel sent its network along, the page answers its own wish at once (see network/network.js),
// and shows that until the kernel's answer to the same wish is there.

import { pageNetwork } from "../network/network.js";
import { bytes } from "../shared/bytes.js";
import { themeOf } from "../shared/dom.js";
import { snap } from "../shared/knob_values.js";

const DRAG_PAUSE = 3000; // ms after which a drag that was never ended counts as over

/**
 * A step as the kernel sends it, its bytes as arrays.
 * @param {any} live
 * @returns {Step}
 */
function readStep(live) {
  return {
    stamp: live.stamp || 0,
    link: live.link || "",
    ask: live.ask || { parts: [] },
    values: bytes(live.values, Float64Array),
    picture: bytes(live.picture, Uint8Array),
    overlay: bytes(live.overlay, Int8Array),
    scale: live.scale || 0,
    overlayUnit: live.overlayUnit || "",
    outputs: bytes(live.outputs, Float32Array),
    probabilities: bytes(live.probabilities, Float32Array),
    valid: bytes(live.valid, Uint8Array),
    action: live.action,
    rules: live.rules || {},
    groups: bytes(live.groups, Float32Array),
    units: bytes(live.units, Float32Array),
    unitsOn: live.unitsOn || null,
    unit: live.unit || 0,
    curves: bytes(live.curves, Float32Array),
    swept: live.swept || [],
    words: live.words || {},
    failures: live.failures || {},
  };
}

export class Store {
  /** @param {Hub} model */
  constructor(model) {
    this.model = model;
    this.stamp = 0;
    /** @type {Set<(what: string) => void>} */
    this.listeners = new Set();
    /** @type {string | null} the group of knobs being edited */
    this.selected = null;
    /** @type {OwnStep | null} what the page found by itself, until the kernel has answered */
    this.pageStep = null;
    /** @type {Float64Array | null} the values that a drag builds on, while there is one */
    this.base = null;
    /** @type {Float64Array} the values that the drag began with */
    this.from = new Float64Array(0);
    this.proposed = 0; // when the drag's last change was, ms
    /** @type {PageNetwork | null} a network that failed in the page: the kernel answers for it */
    this.broken = null;
    this.link = "";
    /** @type {ArrayLike<number> | null} the values that the link holds; while a handle is dragged the kernel sends none */
    this.linked = null;
    /** @type {Step} the kernel's last step */
    this.kernelStep = readStep({});
    /** @type {Step} what is shown */
    this.live = this.kernelStep;
    /** @type {Float64Array} the knobs' values as shown, a drag's included */
    this.values = new Float64Array(0);
    this.gone = ""; // why the kernel is gone, if it is
    this.noticed = false; // a panel of the page says so
    this.watched = false;
    this.travels = false;
    this.unit = 0; // the neuron that was asked for last
    /** @type {{panel: Element, at: HTMLElement, keys: boolean} | null} the control that was used last */
    this.used = null;
    /** @type {(() => string) | null} the fragment for what is shown now */
    this.linkNow = null;
    /** @type {boolean | null} whether the guide is open; null until it is known */
    this.guide = null;
    this.guideKey = ""; // under which that is kept
    this.read();
    model.on("change:live", () => this.read());
    model.on("change:scene", () => this.emit("scene"));
    model.on("change:theme", () => this.emit("theme"));
  }

  get scene() {
    return this.model.get("scene");
  }

  get theme() {
    return themeOf(this.model.get("theme"));
  }

  read() {
    this.kernelStep = readStep(this.model.get("live") || {});
    if (this.kernelStep.link) {
      this.link = this.kernelStep.link;
      this.linked = this.kernelStep.values;
    }
    const before = this.pageStep;
    // An answer to an older question must not pull a dragged handle back.
    if (this.kernelStep.stamp >= this.stamp) {
      this.values = Float64Array.from(this.kernelStep.values);
      this.stamp = Math.max(this.stamp, this.kernelStep.stamp);
      this.pageStep = null;
    } else if (this.pageStep && this.network) {
      const known = JSON.stringify(this.pageStep.rules) === JSON.stringify(this.kernelStep.rules);
      if (known && this.pageStep.whole) return; // the page knows better already
      this.network.heed(this.pageStep, this.kernelStep.rules);
    }
    this.join();
    this.emit(this.pageStep === null && before && this.agrees(before) ? "local" : "live");
  }

  /**
   * Whether the kernel's answer would be drawn as the page's own already is: nothing to draw again.
   * @param {any} own
   */
  agrees(own) {
    const { kernelStep } = this;
    /** @param {keyof Step} name */
    const same = (name) => JSON.stringify(own[name]) === JSON.stringify(kernelStep[name]);
    const drawn = own.whole && own.unit === kernelStep.unit && own.values.every((/** @type {number} */ value, /** @type {number} */ at) => value === kernelStep.values[at]);
    /** @type {(keyof Step)[]} */
    const said = ["rules", "words", "failures", "swept"];
    return drawn && own.action === kernelStep.action && said.every(same);
  }

  /** What is shown: what the page found by itself over what the kernel said last. */
  join() {
    const { kernelStep } = this;
    /** @type {Partial<OwnStep>} */
    const own = this.pageStep ?? {};
    /** @param {"words" | "failures"} name */
    const both = (name) => ({ ...kernelStep[name], ...own[name] });
    this.live = { ...kernelStep, ...own, values: kernelStep.values, words: both("words"), failures: both("failures") };
    if (own.probabilities) this.live.probabilities = Float32Array.from(own.probabilities); // as the kernel sends them: or "1.000" flickers
  }

  /** The network that the page can evaluate by itself, or null. */
  get network() {
    return pageNetwork(this.model);
  }

  /**
   * Shows what the page itself finds for wanted values; false if it cannot.
   * @param {any} wanted
   */
  answerHere(wanted) {
    const { network } = this;
    if (!network || this.broken === network) return false;
    try {
      this.values = network.valid(wanted, this.from);
      this.pageStep = network.step(this.values, this.ground, { ...this.kernelStep.ask, unit: this.kernelStep.unit }, this.kernelStep.rules);
    } catch (error) {
      this.broken = network;
      console.warn("dnnexplain: the page leaves this network to the kernel.", error);
      return false;
    }
    this.join();
    return true;
  }

  /** The background that the state was read from, or null. */
  get ground() {
    const { cells } = this.model.get("ground") || {};
    return cells ? bytes(cells, Float32Array) : null;
  }

  /**
   * Sets knobs by index at once in the page, and asks the kernel for the rest. A drag builds on the
   * values that it began with: a job that is dragged to nothing and back has its other demand again.
   * @param {any} changes
   * @param {boolean} settled
   */
  propose(changes, settled) {
    const now = performance.now();
    if (!this.base || now - this.proposed > DRAG_PAUSE) {
      this.base = Float64Array.from(this.values);
      this.from = Float64Array.from(this.values);
    }
    this.proposed = now;
    for (const [index, value] of changes) this.base[index] = snap(this.scene.knobs[index], value);
    const wanted = Float64Array.from(this.base);
    this.values = wanted;
    if (settled) this.base = null;
    this.stamp += 1;
    this.model.set("wish", { stamp: this.stamp, values: Array.from(wanted), from: Array.from(this.from), settled });
    this.model.save_changes();
    this.emit(this.answerHere(wanted) ? "live" : "local");
  }

  /** @param {any} group */
  select(group) {
    if (this.selected === group) return;
    this.selected = group;
    this.emit("local");
  }

  /** @param {any} callback */
  listen(callback) {
    this.listeners.add(callback);
    return () => this.listeners.delete(callback);
  }

  /** @param {string} what */
  emit(what) {
    for (const callback of this.listeners) callback(what);
  }
}
