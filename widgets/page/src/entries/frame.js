// What every panel runs: it takes the session's model and the drawing code that the model carries, once
// per page, and hands over.
/** @param {Hub} hub */
async function codeOf(hub) {
  hub.dnnexplainCode ??= (async () => {
    const url = URL.createObjectURL(new Blob([hub.get("code")], { type: "text/javascript" }));
    try {
      return await import(url);
    } finally {
      URL.revokeObjectURL(url);
    }
  })();
  return hub.dnnexplainCode;
}

export default {
  async render(/** @type {any} */ { model, el }) {
    const hub = await model.widget_manager.get_model(model.get("hub"));
    const { mount } = await codeOf(hub);
    return mount({ model, el, hub });
  },
};
