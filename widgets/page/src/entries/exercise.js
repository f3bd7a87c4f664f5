// What a browser remembers of an exercise in a lesson: the answer that was right. It is told when the lesson is opened
// again, on this computer; the kernel does not hear of it.

/** @param {string} question */
const keyOf = (question) => `dnnexplain exercise: ${question}`;

/** @param {string} question */
function remembered(question) {
  try {
    return localStorage.getItem(keyOf(question));
  } catch {
    return null; // storage that a browser refuses
  }
}

/**
 * @param {string} question
 * @param {string} answer
 */
function remember(question, answer) {
  try {
    localStorage.setItem(keyOf(question), answer);
  } catch {
    // then it is forgotten when the page is left
  }
}

export default {
  /** @param {{model: PanelModel, el: HTMLElement}} given */
  render({ model, el }) {
    const question = model.get("question");
    const before = remembered(question);
    el.className = "exercise-before";
    el.style.color = "light-dark(#2b7a3d, #6cc27d)";
    if (before !== null && !model.get("answer")) el.textContent = `✓ Answered before: ${before}`;
    const note = () => {
      if (model.get("answer")) remember(question, model.get("answer"));
      el.textContent = ""; // the verdict stands beside the field
    };
    model.on("change:answer", note);
    if (model.get("answer")) note();
    return () => model.off?.("change:answer", note);
  },
};
