// Words of the glossary explain themselves where they stand: by hover, by focus, by a tap.

import { h, hideOverPage, setText, showOverPage } from "../shared/dom.js";

const PLACES = ".dx-sentence, .dx-label, .dx-guide-lead, .dx-guide-read li, .dx-standing-words";
const REST = 350; // ms without a change after which words are marked: a drag marks nothing

/**
 * Marks the terms of a panel once its words are at rest. `glossary` is term -> text.
 * @param {HTMLElement} element
 * @param {Record<string, string>} glossary
 */
export function makeTerms(element, glossary) {
  const pattern = patternOf(Object.keys(glossary));
  if (!pattern) return { later() {}, stop() {} };
  const known = Object.fromEntries(Object.entries(glossary).map(([term, text]) => [term.toLowerCase(), text]));
  /** @type {any} */
  let timer = null;
  const mark = () => {
    for (const place of element.querySelectorAll(PLACES)) if (place.checkVisibility?.() ?? true) markPlace(/** @type {HTMLElement} */ (place), pattern, known);
  };
  return {
    later() {
      clearTimeout(timer);
      timer = setTimeout(mark, REST);
    },
    stop: () => clearTimeout(timer),
  };
}

/**
 * Whole words; a plural is the same word.
 * @param {string[]} terms
 */
export function patternOf(terms) {
  if (!terms.length) return null;
  const longest = [...terms].sort((a, b) => b.length - a.length).map(formsOf);
  return new RegExp(`(?<![\\w-])(${longest.join("|")})s?(?![\\w-])`);
}

/**
 * A term in small or large letters; one that begins with a capital is a name, and meant as it stands: "the buffer holds" is not Hold.
 * @param {string} term
 */
function formsOf(term) {
  const literal = term.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return /^[A-Z]/.test(term) ? literal : literal.replace(/[a-z]/gi, (letter) => `[${letter.toLowerCase()}${letter.toUpperCase()}]`);
}

/**
 * Wraps the first of each term in a place; what is wrapped already is left alone.
 * @param {HTMLElement} place
 * @param {RegExp} pattern
 * @param {Record<string, string>} known
 */
function markPlace(place, pattern, known) {
  if (place.querySelector(".dx-term")) return;
  const seen = new Set();
  const walker = document.createTreeWalker(place, NodeFilter.SHOW_TEXT);
  const nodes = [];
  while (walker.nextNode()) nodes.push(walker.currentNode);
  for (const node of nodes) {
    if (node.parentElement?.closest("button, a, select, option, output")) continue;
    splitNode(node, pattern, known, seen);
  }
}

/**
 * @param {any} node
 * @param {RegExp} pattern
 * @param {Record<string, string>} known
 * @param {Set<string>} seen
 */
function splitNode(node, pattern, known, seen) {
  let rest = node;
  for (let match = pattern.exec(rest.data); match; match = pattern.exec(rest.data)) {
    const at = rest.splitText(match.index);
    rest = at.splitText(match[0].length);
    const key = match[1].toLowerCase();
    if (seen.has(key)) continue;
    seen.add(key);
    at.replaceWith(termOf(match[0], known[key]));
  }
}

/**
 * @param {string} word
 * @param {string} text
 */
function termOf(word, text) {
  const term = h("span", { class: "dx-term", tabindex: "0", role: "button", "aria-label": word, "aria-description": text }, word);
  const show = () => showTip(term, text);
  term.addEventListener("pointerenter", show);
  term.addEventListener("focus", show);
  term.addEventListener("pointerleave", hideTip);
  term.addEventListener("blur", hideTip);
  term.addEventListener("click", (event) => {
    event.preventDefault(); // not the control whose name it stands in
    show();
  });
  term.addEventListener("keydown", (event) => event.key === "Escape" && hideTip());
  return term;
}

/** @type {any} */
let tip = null;

/**
 * @param {HTMLElement} term
 * @param {string} text
 */
function showTip(term, text) {
  const panel = term.closest(".dx");
  if (tip?.parentElement !== panel) {
    tip?.remove();
    tip = h("div", { class: "dx-term-tip", role: "tooltip" });
    panel?.append(tip);
  }
  setText(tip, text);
  showOverPage(tip);
  const at = term.getBoundingClientRect();
  const wide = Math.min(320, innerWidth - 16);
  tip.style.cssText = `width:${wide}px;left:${Math.max(8, Math.min(at.left, innerWidth - wide - 8))}px;top:${at.bottom + 6}px`;
  const box = tip.getBoundingClientRect();
  if (box.bottom > innerHeight) tip.style.top = `${at.top - box.height - 6}px`;
}

function hideTip() {
  if (tip) hideOverPage(tip);
}
