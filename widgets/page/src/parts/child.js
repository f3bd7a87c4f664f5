// A panel inside a panel, drawn by the host.

import { h } from "../shared/dom.js";

/**
 * Another Jupyter widget as a picture, e.g. a bqplot figure.
 * @param {Store} store
 * @param {PartSpec} part
 * @param {PanelModel} model
 */
export function makeChild(store, part, model) {
  const element = h("div", { class: "dx-child" });
  /** @type {any} */
  let view = null;
  const show = async () => {
    const [id, manager] = [model.get("child"), model.widget_manager];
    if (!id || !manager) return;
    view = await manager.create_view(await manager.get_model(id));
    element.replaceChildren(view.el);
    view.processLuminoMessage?.({ type: "after-attach" });
  };
  model.on("change:child", show);
  show();
  return { element, update() {}, stop: () => view?.remove() };
}
