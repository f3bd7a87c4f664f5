// Whether the guide is open: kept by the browser for each system, and changed by a button in the page's head.

import { h, setAttributes } from "../shared/dom.js";

/** @param {string} key */
function guideKey(key) {
  return `dnnexplain-guide-${key}`;
}

/**
 * Whether the guide of a system was closed before; a browser that keeps nothing shows it again.
 * @param {string} key
 */
export function guideClosed(key) {
  try {
    return localStorage.getItem(guideKey(key)) === "closed";
  } catch {
    return false;
  }
}

/**
 * @param {string} key
 * @param {boolean} closed
 */
export function keepGuide(key, closed) {
  try {
    localStorage.setItem(guideKey(key), closed ? "closed" : "open");
  } catch { /* a page without storage */ }
}

/**
 * The button in the page's head that shows or hides the guide, where the page has one.
 * @param {Store} store
 */
export function makeGuideButton(store) {
  const button = h("button", { type: "button", class: "dx-button", onclick: () => {
    store.guide = !store.guide;
    keepGuide(store.guideKey, !store.guide);
    store.emit("guide");
  } }, "Guide");
  return {
    element: button,
    update() {
      button.hidden = !store.guideKey;
      setAttributes(button, { "aria-pressed": String(Boolean(store.guide)) });
    },
  };
}
