// When the kernel is gone: the page says so, keeps what it shows, and offers to go on from there.

import { h, isApp, setText, showOverPage } from "../shared/dom.js";
import { AGAIN, linkOf } from "./page_link.js";

const ASK_EVERY = 4000; // ms between two questions whether the kernel is there, in the app
const GONE = new Set(["dead", "autorestarting", "restarting", "terminating"]);
const LOST = 3; // questions without any answer after which the server counts as gone

/**
 * Watches the kernel of a session once per page; `store.gone` says why it is gone, or "".
 * @param {PanelModel} model
 * @param {Store} store
 */
export function watchKernel(model, store) {
  if (store.watched) return;
  store.watched = true;
  /** @param {any} why */
  const end = (why) => {
    if (store.gone) return;
    store.gone = why;
    store.emit("gone");
  };
  const kernel = kernelOf(model);
  kernel?.statusChanged?.connect((_kernel, status) => GONE.has(status) && end("stopped"));
  kernel?.disposed?.connect?.(() => end("stopped"));
  if (isApp() && kernel) askServer(kernel, end, store);
  watchLink(model, end);
}

/**
 * A notebook that was saved with its widgets and is opened again shows them without any kernel; one that restarts cuts
 * the links of all. The panel's own model is not to be had here; its layout is, a model with a link of the same fate.
 * @param {PanelModel} model
 * @param {(why: string) => void} end
 */
function watchLink(model, end) {
  const layout = model.get("layout");
  if (typeof layout?.comm_live !== "boolean") return;
  if (!layout.comm_live) end("unconnected");
  layout.on?.("comm_live_update", () => layout.comm_live || end("stopped"));
}

/** @param {PanelModel} model */
function kernelOf(model) {
  const manager = model.widget_manager;
  try {
    return manager?.kernel || manager?.context?.sessionContext?.session?.kernel || null;
  } catch {
    return null;
  }
}

/**
 * In the app nothing else tells of a kernel that was ended for being idle, or of a server that stopped.
 * @param {PageKernel} kernel
 * @param {any} end
 * @param {Store} store
 */
function askServer(kernel, end, store) {
  const settings = kernel.serverSettings;
  const url = `${settings.baseUrl}api/kernels/${kernel.id}`;
  let silent = 0;
  const timer = setInterval(async () => {
    if (store.gone) return void clearInterval(timer);
    try {
      const answered = await fetch(url, { cache: "no-store", credentials: "same-origin" });
      silent = 0;
      if (answered.status === 404) end("ended");
    } catch {
      silent += 1;
      if (silent >= LOST) end("unreachable");
    }
  }, ASK_EVERY);
  window.addEventListener("pagehide", () => clearInterval(timer));
}

/** @type {Record<string, string>} */
const WHY = {
  stopped: "The program behind this page has stopped (its Python process ended, perhaps because it needed more memory than it may take). What you see is kept, but it no longer answers.",
  ended: "The program behind this page was ended, for instance because the page was not used for a while. What you see is kept, but it no longer answers.",
  unconnected: "Not connected: this was saved with the notebook, and no program stands behind it. Run the cell that made it: what you see then answers.",
  unreachable: "The server behind this page does not answer. What you see is kept; it may be out of reach for a moment, or stopped.",
};

/**
 * The notice, on the first panel of the page.
 * @param {Store} store
 */
export function makeNotice(store) {
  const words = h("p", { class: "dx-gone-words" });
  const done = h("p", { class: "dx-gone-words", role: "status" });
  const again = h("button", { type: "button", class: "dx-button dx-strong", onclick: () => startAgain(store, done) }, "Start again with this state");
  const element = h("div", { class: "dx-gone", role: "alert" });
  element.hidden = true;
  return {
    element,
    update() {
      if (!store.gone || !element.hidden) return;
      setText(words, WHY[store.gone]);
      element.replaceChildren(words, again, done);
      showOverPage(element);
    },
  };
}

/** Whether the server is there: what it says does not matter, but a proxy's word that it is not does. */
async function serverAnswers() {
  const { baseUrl = "/" } = JSON.parse(document.getElementById("jupyter-config-data")?.textContent || "{}");
  try {
    return (await fetch(`${baseUrl}api/kernels`, { cache: "no-store", credentials: "same-origin" })).status < 500;
  } catch {
    return false;
  }
}

const STILL_AWAY = "The server does not answer yet, so what you see stays. Press again when it is back; the address above holds the state, too.";

/**
 * The app loads its page anew, with the state in the address; a notebook's page keeps it for the next run of the cell.
 * A server that does not answer would leave a browser's error where the page is: then it stays.
 * @param {Store} store
 * @param {HTMLElement} done
 */
async function startAgain(store, done) {
  const link = store.linkNow ? store.linkNow() : linkOf(store, "");
  if (!isApp()) {
    sessionStorage.setItem(AGAIN, link);
    setText(done, "Kept. Run the notebook’s cells again: the dashboard opens with this state.");
    return;
  }
  history.replaceState(history.state, "", `#${link}`);
  if (await serverAnswers()) location.reload();
  else setText(done, STILL_AWAY);
}
