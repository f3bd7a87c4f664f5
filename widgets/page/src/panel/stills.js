// A notebook keeps a picture of each panel, for where widgets cannot be drawn (stills.py); here they are.

import { allOf } from "../shared/dom.js";

/**
 * Hides the pictures of the panels of a session, and the rows of a notebook's output that held them.
 * @param {string} hub
 */
export function hideStills(hub) {
  for (const still of allOf(document, `[data-dnnexplain-still="${CSS.escape(hub)}"]`)) {
    const row = /** @type {HTMLElement | null} */ (still.closest(".jp-OutputArea-child, .output_area"));
    (row ?? still).style.display = "none";
  }
}
