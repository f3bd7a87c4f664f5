// The decision in one slim line that stays in sight: it shows once the decision's own panel, or the editor, is scrolled away.

import { h, hideOverPage, isCalm, objectColour, setText, showOverPage } from "../shared/dom.js";
import { percent } from "./bars.js";

const WATCHED = ["DecisionPanel", "SettingsPanel", "GraphPanel", "StateEditor"]; // the first of these that the page has

/** @param {Store} store */
export function makeStrip(store) {
  const dot = h("span", { class: "dx-dot" });
  const words = h("span", { class: "dx-strip-words" });
  const back = h("button", { type: "button", class: "dx-plain" }, "To the editor");
  const element = h("div", { class: "dx-decision-strip", role: "region", "aria-label": "The decision, in short" }, dot, words, back);
  element.hidden = true;
  /** @type {any} */
  let watched = null;
  let away = false;
  const place = () => {
    const page = /** @type {HTMLElement} */ (watched.closest(".dx-page")).getBoundingClientRect();
    if (page.bottom <= 0 || page.top >= innerHeight) return hideOverPage(element); // a lesson's own text, nothing of the dashboard
    showOverPage(element); // again where the notebook took it out and put it back
    const below = watched.getBoundingClientRect().top > innerHeight / 2;
    const top = Math.max(0, scrollerOf(element)?.getBoundingClientRect().top || 0);
    element.toggleAttribute("data-below", below);
    element.style.cssText = `${below ? "bottom:0" : `top:${top}px`};left:${page.left + 8}px;width:${page.width - 16}px`;
  };
  const seen = new IntersectionObserver((entries) => {
    const now = entries[entries.length - 1];
    away = !now.isIntersecting;
    if (away) place();
    else hideOverPage(element);
  }, { rootMargin: "-40px 0px 0px 0px", threshold: [0, 0.15] });
  const find = () => {
    const page = element.closest(".dx-page");
    const target = WATCHED.map((kind) => page?.querySelector(`[data-kind="${kind}"]`)).find(Boolean);
    if (!target || target === watched) return;
    if (watched) seen.unobserve(watched);
    watched = target;
    seen.observe(target);
    back.onclick = () => {
      const editor = page?.querySelector('[data-kind="StateEditor"], [data-kind="GraphPanel"]') || target;
      editor.scrollIntoView({ block: "start", behavior: isCalm() ? "auto" : "smooth" });
    };
  };
  const update = (/** @type {string} */ what) => {
    if (!watched) find();
    if (what === "local") return;
    const { live, scene } = store;
    const choice = scene.output.kind === "choice" && live.action !== undefined && live.action !== null;
    dot.hidden = !choice;
    if (choice) dot.style.background = objectColour(scene.outputColours[live.action]);
    setText(words, choice ? stripWords(scene, live) : (live.words.decision || "").split(/(?<=\.) /)[0]);
  };
  const onScroll = () => {
    if (away && watched?.isConnected) place();
  };
  window.addEventListener("scroll", onScroll, { capture: true, passive: true });
  return {
    element, update,
    stop() {
      seen.disconnect();
      window.removeEventListener("scroll", onScroll, { capture: true });
    },
  };
}

/**
 * What scrolls around an element, if not the document: a notebook's own area.
 * @param {HTMLElement} element
 */
function scrollerOf(element) {
  for (let at = element.parentElement; at && at !== document.body; at = at.parentElement) {
    if (/auto|scroll/.test(getComputedStyle(at).overflowY) && at.scrollHeight > at.clientHeight) return at;
  }
  return null;
}

/**
 * "job 2 0.763; next job 1 0.237; SJF, FCFS: job 1".
 * @param {Scene} scene
 * @param {any} live
 */
function stripWords(scene, live) {
  const { names } = scene.output;
  const order = Array.from(live.probabilities, (value, at) => [value, at]).filter(([, at]) => at !== live.action && (!live.valid.length || live.valid[at])).sort((a, b) => b[0] - a[0]);
  const first = `${names[live.action]} ${percent(scene, live.probabilities[live.action])}`;
  const next = order.length ? `; next ${names[order[0][1]]} ${percent(scene, order[0][0])}` : "";
  /** @type {Record<string, string[]>} */
  const others = {};
  for (const [rule, at] of Object.entries(live.rules)) if (at !== live.action) (others[String(at)] ??= []).push(rule);
  const words = Object.entries(others).map(([at, rules]) => `${rules.join(", ")}: ${names[Number(at)]}`).join("; ");
  return `${first}${next}${words ? ` · ${words}` : ""}`;
}
