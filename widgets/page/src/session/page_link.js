// The link of the page: the URL's fragment says what is shown, and a page that opens with one shows it.
// The address is kept up to date only where the page is ours (the app); in a notebook see links.js.

import { h, isApp, setText } from "../shared/dom.js";
import { copiedLink, linkHint, linkTaken, notebookLink } from "./links.js";
import { answer } from "./answers.js";
import { makeGuideButton } from "./guide_state.js";

const QUIET = 400; // ms without a change after which the address is brought up to date
const LONGEST_ADDRESS = 8000; // characters of a fragment: the browser takes a second for each change of 25,000
export const AGAIN = "dnnexplain-again"; // where a notebook's page keeps the state of a kernel that stopped

/**
 * The fragment for what is shown now; knobs that are not as the kernel's last link has them stand beside its state.
 * @param {Store} store
 * @param {any} section
 */
export function linkOf(store, section) {
  /** @type {any[]} */
  const given = [];
  if (section) given.push(["section", section]);
  const theme = store.model.get("theme");
  if (theme && theme !== "auto") given.push(["theme", theme]);
  if (store.link) given.push(["state", store.link]);
  const held = store.linked ?? store.live.values;
  const ahead = Array.from(store.values).flatMap((value, at) => (value === held[at] ? [] : [`${at}:${value}`]));
  if (ahead.length && store.link) given.push(["set", ahead.join(",")]);
  return given.map(([name, value]) => `${name}=${encodeURIComponent(value).replaceAll("%3A", ":").replaceAll("%2C", ",")}`).join("&");
}

/**
 * What the page's address is to be: none where the link is too long to be kept in it after every change. It can be copied.
 * @param {string} link
 */
export function addressOf(link) {
  return link.length > LONGEST_ADDRESS ? "" : link;
}

/**
 * @param {Store} store
 * @param {PartSpec} part
 * @param {PanelModel} model
 */
export function makePageLink(store, part, model) {
  let waits = false; // until the kernel has taken the link that the page was opened with
  /** @type {any} */
  let timer = null;
  let own = "";
  const link = () => linkOf(store, model.get("figure").section);
  const write = () => {
    const full = link();
    own = addressOf(full);
    if (isApp() && !waits && full && location.hash.slice(1) !== own) {
      history.replaceState(history.state, "", own ? `#${own}` : location.pathname + location.search);
    }
  };
  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(write, QUIET);
  };
  /** @param {string} text */
  const follow = (text) => {
    if (!/(^|&)(state|section|theme)=/.test(text)) return;
    waits = true;
    answer(model, "link", text);
  };
  const onHash = () => {
    const text = location.hash.slice(1);
    if (text !== own) follow(text);
  };
  let restored = model.get("figure").restored;
  const onFigure = () => {
    if (model.get("figure").restored !== restored) {
      restored = model.get("figure").restored;
      if (waits && !isApp()) linkTaken(store);
      waits = false;
      model.set("answers", { ...model.get("answers"), link: "" });
      model.save_changes();
    }
    later();
  };
  model.on("change:figure", onFigure);
  if (isApp()) {
    follow(location.hash.slice(1));
    window.addEventListener("hashchange", onHash);
  } else if (sessionStorage.getItem(AGAIN)) {
    const text = sessionStorage.getItem(AGAIN) ?? "";
    sessionStorage.removeItem(AGAIN);
    follow(text);
  } else {
    follow(notebookLink(store.scene.system));
  }
  store.linkNow = link;
  const guide = makeGuideButton(store);
  const element = h("div", { class: "dx-page-link" }, makeCopyLink(() => copiedLink(link(), store.scene.system)), guide.element);
  return {
    element,
    update(/** @type {string} */ what) {
      guide.update();
      if (what === "live" || what === "local" || what === "theme") later();
    },
    stop() {
      clearTimeout(timer);
      window.removeEventListener("hashchange", onHash);
    },
  };
}

/**
 * "Copy link": into the clipboard, or shown to be copied by hand where that is not allowed.
 * @param {any} copied
 */
function makeCopyLink(copied) {
  const shown = h("input", { type: "text", class: "dx-link", readonly: "", "aria-label": "Link to what is shown" });
  shown.hidden = true;
  const button = h("button", {
    type: "button", class: "dx-button", title: linkHint(),
    onclick: async () => {
      const url = copied();
      if (isApp()) history.replaceState(history.state, "", url);
      try {
        await navigator.clipboard.writeText(url);
        setText(button, "Copied");
        setTimeout(() => setText(button, "Copy link"), 1500);
      } catch {
        shown.value = url;
        shown.hidden = false;
        shown.focus();
        shown.select();
      }
    },
  }, "Copy link");
  return h("span", { class: "dx-pair" }, button, shown);
}

const TYPED = 'input:not([type="range"]):not([type="checkbox"]):not([type="file"]), textarea, [contenteditable="true"], .cm-editor';

/**
 * Undo (Ctrl+Z) and redo (Ctrl+Shift+Z, Ctrl+Y); on a Mac with Command.
 * @param {any} event
 */
function travelOf(event) {
  if (!(event.ctrlKey || event.metaKey) || event.altKey) return null;
  const key = event.key.toLowerCase();
  if (key === "z") return event.shiftKey ? "redo" : "undo";
  return key === "y" && !event.shiftKey ? "redo" : null;
}

/**
 * @param {any} event
 * @param {Store} store
 */
function onTravelKey(event, store) {
  const way = travelOf(event);
  if (!way || event.target.closest?.(TYPED)) return;
  event.preventDefault();
  event.stopPropagation();
  const before = store.model.get("travel") || {};
  store.model.set("travel", { ...before, [way]: (before[way] || 0) + 1 });
  store.model.save_changes();
}

/**
 * Keys of a panel; in the app also those pressed while nothing of ours has the focus.
 * @param {HTMLElement} element
 * @param {Store} store
 */
export function listenForTravel(element, store) {
  /** @param {any} event */
  const own = (event) => onTravelKey(event, store);
  element.addEventListener("keydown", own);
  if (isApp() && !store.travels) {
    store.travels = true;
    document.addEventListener("keydown", own);
  }
}
