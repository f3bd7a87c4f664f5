// A state that is not the session's: its picture without handles.
// figure.state: {picture: bytes, words} or {words} for a system without a picture.

import { bytes } from "../shared/bytes.js";
import { h, setAttributes } from "../shared/dom.js";
import { arrange } from "./geometry.js";
import { paintPicture } from "./paint.js";

/**
 * @param {Store} store
 * @param {PartSpec} part
 * @param {PanelModel} model
 */
export function makeStatePicture(store, part, model) {
  const canvas = h("canvas", { role: "img", class: "dx-canvas" });
  const element = h("div", { class: "dx-other-state" }, canvas);
  const scratch = document.createElement("canvas");
  let width = 0;
  const update = () => {
    const { state } = model.get("figure");
    const { picture } = store.scene;
    element.hidden = !state || !state.picture || !picture;
    if (element.hidden || width < 40) return;
    const ratio = window.devicePixelRatio || 1;
    const layout = arrange(picture.panes, picture.rows, width, ratio);
    canvas.width = Math.round(layout.width * ratio);
    canvas.height = Math.round(layout.height * ratio);
    canvas.style.width = `${layout.width}px`;
    canvas.style.height = `${layout.height}px`;
    const live = { ...store.live, picture: bytes(state.picture, Uint8Array), overlay: new Int8Array(0) };
    paintPicture(canvas, store.scene, live, layout, { theme: store.theme, ratio, overlay: false, scratch, selected: null });
    setAttributes(canvas, { "aria-label": state.words });
  };
  const resize = new ResizeObserver(([entry]) => {
    width = Math.floor(entry.contentRect.width);
    update();
  });
  resize.observe(element);
  model.on("change:figure", () => {
    width = width || element.clientWidth;
    update();
  });
  return { element, update: (/** @type {string} */ what) => what === "theme" && update(), stop: () => resize.disconnect() };
}
