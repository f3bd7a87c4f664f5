// Small helpers: elements, numbers, the host's theme.

import { SIGNED } from "./signed.js";
import { typeset, withMinus } from "./words.js";

/** Words of these elements are to be copied as they stand. */
const LITERAL = new Set(["code", "pre", "script", "style", "textarea"]);
/** Attributes that are read by people. */
const READ = new Set(["aria-label", "aria-valuetext", "title"]);

/**
 * Makes an element: h("p", {class: "x", onclick: f}, child, "text"). Its words are set for people, but for code.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Props | null} [props]
 * @param {...(Node | string | null | undefined)} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function h(tag, props, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "style") element.style.cssText = value;
    else if (name in element && typeof value !== "string") Reflect.set(element, name, value);
    else element.setAttribute(name, value === true ? "" : readable(name, value));
  }
  const shown = children.filter((child) => child !== null && child !== undefined);
  element.append(...(LITERAL.has(tag) ? shown : shown.map((child) => (typeof child === "string" ? typeset(child) : child))));
  return element;
}

/**
 * @param {string} name
 * @param {any} value
 */
function readable(name, value) {
  return typeof value === "string" && READ.has(name) ? withMinus(value) : value;
}

/**
 * All elements below one that a selector matches.
 * @param {ParentNode} root
 * @param {string} selector
 * @returns {NodeListOf<HTMLElement>}
 */
export function allOf(root, selector) {
  return root.querySelectorAll(selector);
}

/**
 * The first element below one that a selector matches.
 * @param {ParentNode} root
 * @param {string} selector
 * @returns {HTMLElement | null}
 */
export function firstOf(root, selector) {
  return root.querySelector(selector);
}

/**
 * The element inside another that has the focus.
 * @param {Node} element
 * @returns {HTMLElement | null}
 */
export function focusedIn(element) {
  const focused = /** @type {HTMLElement | null} */ (document.activeElement);
  return element.contains(focused) ? focused : null;
}

export const SVG = "http://www.w3.org/2000/svg";

/**
 * Makes an SVG element with attributes. Its words are set for people.
 * @template {keyof SVGElementTagNameMap} T
 * @param {T} tag
 * @param {Attributes} [attributes]
 * @param {...(Node | string)} children
 * @returns {SVGElementTagNameMap[T]}
 */
export function s(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes || {})) element.setAttribute(name, String(value));
  element.append(...children.map((child) => (typeof child === "string" ? typeset(child) : child)));
  return element;
}

/**
 * @param {Node} element
 * @param {string} text
 */
export function setText(element, text) {
  const shown = LITERAL.has(element.nodeName.toLowerCase()) ? text : typeset(text);
  const only = element.childNodes.length === 1 ? element.firstChild : null;
  if (only && only.nodeType === Node.TEXT_NODE) {
    if (only.nodeValue !== shown) only.nodeValue = shown; // what is drawn of it stays, and only its letters are laid out anew
  } else if (element.textContent !== shown) element.textContent = shown;
}

/**
 * @param {Element} element
 * @param {Record<string, any>} attributes
 */
export function setAttributes(element, attributes) {
  for (const [name, given] of Object.entries(attributes)) {
    const value = readable(name, given);
    if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value);
  }
}

/**
 * The length of a bar as a part of its rail: a transform, which costs no layout.
 * @param {HTMLElement} element
 * @param {"X" | "Y"} axis
 * @param {number} part
 */
export function stretch(element, axis, part) {
  const length = Math.round(1e4 * Math.min(1, part)) / 1e4;
  const before = stretched.get(element);
  if (before === length) return;
  if (before === undefined) element.classList.add("dx-stretch");
  stretched.set(element, length); // and not in the element: asking it hundreds of times a step is dear
  element.style.transform = `scale${axis}(${length})`;
}

/** @type {WeakMap<HTMLElement, number>} */
const stretched = new WeakMap();

let counter = 0;

/**
 * A fresh id for aria-labelledby and label-for.
 * @param {string} prefix
 */
export function freshId(prefix) {
  counter += 1;
  return `dx-${prefix}-${counter}`;
}

/**
 * "light" or "dark": the user's wish, else the host's theme, else the system's.
 * @param {any} wish
 */
export function themeOf(wish) {
  if (wish === "light" || wish === "dark") return wish;
  const app = isApp();
  const host = document.body.getAttribute("data-jp-theme-light");
  if (!app && host !== null) return host === "false" ? "dark" : "light";
  return window.matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

/**
 * Calls back at once and whenever the host's or the system's theme changes; returns a way to stop.
 * @param {any} callback
 */
export function watchTheme(callback) {
  const media = window.matchMedia("(prefers-color-scheme: dark)");
  const observer = new MutationObserver(callback);
  observer.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light"] });
  media.addEventListener("change", callback);
  callback();
  return () => {
    observer.disconnect();
    media.removeEventListener("change", callback);
  };
}

const PALETTE = [
  "#2a9d8f", "#dd9a1a", "#8a63d2", "#67a031", "#d1589b", "#a8713a", "#3aa5cf", "#7d8794", "#b9a516", "#6172e0",
];

/**
 * The colour of a domain object: the same in every panel.
 * @param {number | null | undefined} index
 */
export function objectColour(index) {
  return index === null || index === undefined || index < 0 ? "var(--dx-soft)" : PALETTE[index % PALETTE.length];
}

/**
 * @typedef {{card: Colour, zero: Colour, filled: Colour, positive: Colour, negative: Colour, grid: string, frame: string, text: string, soft: string}} Ink
 * @type {Record<string, Ink>}
 */
export const INK = {
  light: {
    card: [255, 255, 255], zero: [244, 245, 247], filled: [128, 138, 150], ...SIGNED.light,
    grid: "rgba(20,30,45,.07)", frame: "#cfd5dc", text: "#1d2530", soft: "#586270",
  },
  dark: {
    card: [27, 31, 38], zero: [36, 41, 50], filled: [125, 135, 148], ...SIGNED.dark,
    grid: "rgba(255,255,255,.06)", frame: "#434b57", text: "#e7eaee", soft: "#a3adb9",
  },
};

/** @param {string} hex */
export function rgb(hex) {
  return [1, 3, 5].map((start) => parseInt(hex.slice(start, start + 2), 16));
}

/**
 * @param {Colour} from
 * @param {Colour} to
 * @param {number} part
 */
export function mix(from, to, part) {
  return from.map((channel, index) => channel + (to[index] - channel) * part);
}

/**
 * Shows an element over the whole window, wherever it stands: Voila and JupyterLab scroll notebooks in boxes of their own
 * (`contain: strict`), to which a fixed position counts, so that it would scroll away with them.
 * @param {HTMLElement} element
 */
export function showOverPage(element) {
  element.hidden = false;
  if (!element.isConnected || typeof element.showPopover !== "function") return; // then it is fixed in its box
  element.setAttribute("popover", "manual");
  if (!element.matches(":popover-open")) element.showPopover();
}

/**
 * Hides what showOverPage showed.
 * @param {HTMLElement} element
 */
export function hideOverPage(element) {
  element.hidden = true;
  if (element.isConnected && element.hasAttribute("popover") && element.matches(":popover-open")) element.hidePopover();
}

/** Whether the page is our own app, not a notebook of the host. */
export function isApp() {
  return document.documentElement.hasAttribute("data-dnnexplain-app");
}

/** Whether the user wishes less motion. */
export function isCalm() {
  return window.matchMedia("(prefers-reduced-motion: reduce)").matches;
}
