// What a panel is told by its reader: an answer {name: value}, or one more press of a button.

/**
 * @param {PanelModel} model
 * @param {string} name
 * @param {any} value
 */
export function answer(model, name, value) {
  model.set("answers", { ...model.get("answers"), [name]: value });
  model.save_changes();
}

/**
 * @param {PanelModel} model
 * @param {string} name
 */
export function press(model, name) {
  const presses = model.get("presses");
  model.set("presses", { ...presses, [name]: (presses[name] || 0) + 1 });
  model.save_changes();
}
