// The white box: the neurons that moved the choice most, each with what feeds it; the column adds up.
// figure.account: {note} or {rows: [{neuron, activation, weight, effect, drivers: [{name, colour, value}],
// others, bias}], others: {count, on, effect}, offset, total, pro, contra, sentences}

import { allOf, firstOf, focusedIn, h, objectColour, setText } from "../shared/dom.js";
import { answer } from "../session/answers.js";
import { number, signedFigure } from "../shared/numbers.js";

/**
 * @param {Store} store
 * @param {PartSpec} part
 * @param {PanelModel} model
 */
export function makeAccount(store, part, model) {
  const note = h("p", { class: "dx-about" });
  const table = h("table", { class: "dx-account" });
  const list = h("ul", { class: "dx-misfits" });
  const words = h("details", { class: "dx-details" }, h("summary", {}, "Neuron by neuron, in words"), list);
  const element = h("div", {}, note, table, words);
  /** @type {any} */
  let drawn = null;
  const update = () => {
    const { account } = model.get("figure");
    if (!account) return;
    if (account !== drawn) {
      drawn = account;
      setText(note, account.note || "");
      note.hidden = !account.note;
      table.hidden = words.hidden = Boolean(account.note);
      if (!account.note) drawAccount(table, list, account, model);
    }
    for (const button of allOf(table, ".dx-pick")) button.setAttribute("aria-pressed", String(button.dataset.at === String(store.live.unit)));
  };
  model.on("change:figure", update);
  return { element, update, stop() {} };
}

/**
 * @param {any} table
 * @param {any} list
 * @param {any} account
 * @param {PanelModel} model
 */
function drawAccount(table, list, account, model) {
  const focused = focusedIn(table)?.dataset.at ?? null;
  const target = account.contra ? `${account.pro} minus ${account.contra}` : account.pro;
  const sizes = [account.total, account.others.effect, account.offset, ...account.rows.map((/** @type {any} */ row) => row.effect)];
  const largest = Math.max(1e-30, ...sizes.map(Math.abs));
  const rows = account.rows.map((/** @type {any} */ row) => {
    const pick = h("button", {
      type: "button", class: "dx-plain dx-pick", "data-at": String(row.neuron), title: "Show this neuron's curves",
      onclick: () => answer(model, "unit", row.neuron),
    }, `Neuron ${row.neuron}`);
    return accountRow(pick, feeds(row), row.effect, largest);
  });
  const { others } = account;
  if (others.count) rows.push(accountRow(`${others.count} others`, others.on ? `${others.on} of them on` : "all off", others.effect, largest));
  rows.push(accountRow("Output’s bias", "", account.offset, largest));
  rows.push(accountRow(`= ${target}`, "", account.total, largest, "dx-total"));
  const heads = ["", "What feeds it", `Against ${account.contra || "it"} | for ${account.pro}`, "Adds"].map((text) => h("th", { scope: "col" }, text));
  table.replaceChildren(h("caption", { class: "dx-hidden" }, `What each neuron adds to ${target}`), h("thead", {}, h("tr", {}, ...heads)), h("tbody", {}, ...rows));
  list.replaceChildren(...account.sentences.map((/** @type {string} */ text) => h("li", {}, text)));
  if (focused) firstOf(table, `[data-at="${focused}"]`)?.focus();
}

/**
 * "job 3 cpu +16.7, others +3.1, bias -0.2 -> 41 x 0.665"
 * @param {any} row
 */
function feeds(row) {
  const chips = row.drivers.map((/** @type {any} */ driver) => h("span", { class: "dx-feed" },
    h("span", { class: "dx-dot", style: `background:${objectColour(driver.colour)}` }), `${driver.name} ${signedFigure(driver.value)}`));
  if (row.others !== null) chips.push(h("span", { class: "dx-feed dx-quiet" }, `other groups ${signedFigure(row.others)}`));
  chips.push(h("span", { class: "dx-feed dx-quiet" }, `bias ${signedFigure(row.bias)}`));
  const result = h("span", { class: "dx-feed dx-quiet" }, `= ${number(row.activation)}, × weight ${signedFigure(row.weight)}`);
  return h("span", { class: "dx-feeds" }, ...chips, result);
}

/**
 * @param {string | Node} label
 * @param {any} feed
 * @param {any} effect
 * @param {any} largest
 * @param {string} [kind]
 */
function accountRow(label, feed, effect, largest, kind = "") {
  const share = `${(100 * Math.abs(effect)) / largest}%`;
  /**
   * @param {"positive" | "negative"} side
   * @param {any} on
   */
  const fill = (side, on) => h("span", { class: `dx-fill dx-${side}`, style: `width:${on ? share : "0"}` });
  const rail = h("span", { class: "dx-rail dx-split" },
    h("span", { class: "dx-half dx-left" }, fill("negative", effect < 0)), h("span", { class: "dx-half" }, fill("positive", effect > 0)));
  return h("tr", { class: kind || "" }, h("th", { scope: "row" }, label), h("td", { class: "dx-feed-cell" }, feed), h("td", { class: "dx-track" }, rail), h("td", { class: "dx-number" }, signedFigure(effect)));
}
