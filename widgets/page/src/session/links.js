// A link to the dashboard in a notebook. The page belongs to Lab, which takes query and fragment off its
// address as it opens; the browser still knows the address that was asked for (its navigation entry).

import { isApp } from "../shared/dom.js";


const OF = "dnnexplain"; // the fragment's first part names the system: #dnnexplain=deeprm&section=…&state=…

/** [store, stamp]: the dashboards that took the link, and their step at that moment. Of the page: each session has a module of its own. */
function whoTook() {
  window.dnnexplainTook ??= [];
  return window.dnnexplainTook;
}

/**
 * The fragment of the link that this notebook's page was opened with, if it is about the system; or "".
 * An output kept from last time may take it, and the cell that is run then: it holds until the user changes something.
 * @param {any} system
 */
export function notebookLink(system) {
  if (whoTook().some(([store, stamp]) => store.stamp > stamp)) return "";
  const address = performance.getEntriesByType("navigation")[0]?.name || "";
  const fragment = [location.href, address].map((url) => url.split("#")[1] || "").find((text) => text.startsWith(`${OF}=`));
  return fragment && new URLSearchParams(fragment).get(OF) === system ? fragment : "";
}

/**
 * A dashboard has taken the link.
 * @param {Store} store
 */
export function linkTaken(store) {
  whoTook().push([store, store.stamp]);
}

/** Whether the page's address is the notebook's: in Jupyter's own pages, not in an editor's web view. */
function isNotebookPage() {
  return document.getElementById("jupyter-config-data") !== null && window.top === window && location.protocol.startsWith("http");
}

/**
 * What "Copy link" copies here: an address; where the page has none of its own, a line of Python.
 * @param {any} link
 * @param {any} system
 */
export function copiedLink(link, system) {
  if (isApp()) return `${location.href.split("#")[0]}#${link}`;
  const full = `${OF}=${encodeURIComponent(system)}&${link}`;
  if (!isNotebookPage()) return `board.open_link(${JSON.stringify(full)})`;
  const path = location.pathname.replace(/\/workspaces\/[^/]+/, ""); // a workspace is this browser's own
  return `${location.origin}${path}#${full}`; // no query: it may hold a token
}

export function linkHint() {
  if (isApp()) return "A link that opens this page as it is now";
  if (isNotebookPage()) return "A link to this notebook: when its cell is run, the dashboard opens as it is now";
  return "A line of Python that brings the dashboard, here named board, to what it shows now";
}
