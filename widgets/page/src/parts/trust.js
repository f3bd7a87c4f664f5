// Methods side by side: each one's bars, what it says, and how far to trust it.
// figure.trust: {about, refused: [{title, why}], cards: [{title, about, measure, level, verdict, reason, sentence, rows, figures}]}
// figure.misfits: [{title, why}]: methods that cannot be chosen.

import { freshId, h, setText } from "../shared/dom.js";
import { groupRow } from "./bars.js";
import { signedFigure } from "../shared/numbers.js";

/** @type {Record<string, string>} */
const MEASURES = { share: "shares of the difference", slope: "slopes, per unit of the input", score: "scores of its own" };

/**
 * @param {Store} store
 * @param {PartSpec} part
 * @param {PanelModel} model
 */
export function makeTrust(store, part, model) {
  const about = h("p", { class: "dx-about" });
  const refused = h("div", {});
  const cards = h("div", { class: "dx-cards" });
  const element = h("div", {}, about, cards, refused);
  /** @type {any} */
  let drawn = null;
  const update = () => {
    const { trust } = model.get("figure");
    element.hidden = !trust;
    if (!trust) return;
    setText(about, trust.about);
    if (drawn === JSON.stringify(trust.cards)) return;
    drawn = JSON.stringify(trust.cards);
    cards.replaceChildren(...trust.cards.map(trustCard));
    refused.replaceChildren(...trust.refused.map((/** @type {any} */ network) => h("p", { class: "dx-about" }, `${network.title} was not used. ${network.why}`)));
  };
  model.on("change:figure", update);
  return { element, update, stop() {} };
}

/** @param {any} card */
function trustCard(card) {
  const title = h("h4", { class: "dx-card-title", id: freshId("card"), title: card.about }, card.title, h("small", {}, MEASURES[card.measure] || ""));
  const verdict = h("p", { class: "dx-verdict", "data-level": card.level }, levelWord(card.level), h("span", {}, card.verdict));
  const why = h("p", { class: "dx-why" }, card.level === "green" ? "" : card.reason);
  why.hidden = card.level === "green";
  const figures = h("dl", { class: "dx-figures" }, ...card.figures.flatMap((/** @type {any} */ figure) => [
    h("dt", {}, levelWord(figure.level), `${figure.title}: ${figure.value}`, h("small", { class: "dx-judges" }, figure.votes ? `judges ${figure.judges}` : `about ${figure.judges}; no vote`)),
    h("dd", {}, `${figure.sentence} (${figure.limits.charAt(0).toUpperCase()}${figure.limits.slice(1)}.)`),
  ]));
  const details = h("details", { class: "dx-details" }, h("summary", {}, "The figures behind this"), figures);
  return h("section", { class: "dx-card", "aria-labelledby": title.id }, title, verdict, why, signedBars(card.rows), h("p", { class: "dx-card-words" }, card.sentence), details);
}

/**
 * A colour as a word: nobody has to see the colour to know it.
 * @param {any} level
 */
function levelWord(level) {
  const word = level === "grey" ? "Not measured" : level.charAt(0).toUpperCase() + level.slice(1);
  return h("strong", { class: "dx-level", "data-level": level }, word);
}

/**
 * Positive and negative parts from a common zero line; rows: [{name, colour, up, down, rest}].
 * @param {any[]} rows
 */
function signedBars(rows) {
  const largest = Math.max(1e-30, ...rows.filter((row) => !row.rest).map((row) => Math.max(row.up, -row.down)));
  const body = rows.map((row) => {
    const drawn = groupRow(row);
    drawn.update(row.up, row.down, largest);
    if (!row.up || !row.down) setText(/** @type {Node} */ (drawn.element.lastChild), signedFigure(row.up || row.down));
    return drawn.element;
  });
  return h("table", { class: "dx-bars dx-narrow" }, h("caption", { class: "dx-hidden" }, "Sum of positive and of negative attribution per group"), ...body);
}

/**
 * @param {Store} store
 * @param {PartSpec} part
 * @param {PanelModel} model
 */
export function makeMisfits(store, part, model) {
  return folded(
    model,
    () => (model.get("figure").misfits || []).map((/** @type {{ why: string }} */ misfit) => misfit.why),
    (count) => (count === 1 ? "1 method does not fit here" : `${count} methods do not fit here`),
  );
}

/**
 * What an answer takes for granted: figure.notes, a sentence each.
 * @param {Store} store
 * @param {PartSpec} part
 * @param {PanelModel} model
 */
export function makeNotes(store, part, model) {
  return folded(model, () => model.get("figure").notes || [], () => "What this takes for granted");
}

/**
 * Sentences in a list that opens below a line.
 * @param {PanelModel} model
 * @param {() => string[]} sentences
 * @param {(count: number) => string} line
 */
function folded(model, sentences, line) {
  const list = h("ul", { class: "dx-misfits" });
  const summary = h("summary", {});
  const element = h("details", { class: "dx-details" }, summary, list);
  let drawn = "";
  const update = () => {
    const given = sentences();
    element.hidden = !given.length;
    const shape = JSON.stringify(given);
    if (shape === drawn) return;
    drawn = shape;
    setText(summary, line(given.length));
    list.replaceChildren(...given.map((sentence) => h("li", {}, sentence)));
  };
  model.on("change:figure", update);
  return { element, update, stop() {} };
}
