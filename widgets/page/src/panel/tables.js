// The data that a part draws as rows of a table, for CSV. A part may offer `table()` itself: [[heads], [row]…];
// the ones here are those of the first parts. What none of them knows becomes "where it stands, value".

import { bytes } from "../shared/bytes.js";
import { curvesOf } from "../parts/curves.js";

/** @type {Record<string, (store: Store, spec: PartSpec, figure: any) => unknown[][] | null | undefined>} */
const TABLES = {
  picture: (store, spec) => pictureRows(store, spec),
  probabilities: ({ scene, live }) => [
    ["output", "value", "unit", "possible", "chosen", "rules"],
    ...scene.output.names.map((/** @type {string} */ name, /** @type {number} */ at) => [
      name, (scene.output.kind === "choice" ? live.probabilities : live.outputs)[at], scene.output.kind === "choice" ? "probability" : scene.output.unit,
      live.valid.length ? Boolean(live.valid[at]) : true, live.action === at, Object.keys(live.rules).filter((rule) => live.rules[rule] === at).join(" "),
    ]),
  ],
  groups: ({ scene, live }) => [
    ["group", "positive", "negative"],
    ...scene.groups.map((/** @type {any} */ group, /** @type {number} */ at) => [group.name, live.groups[2 * at], live.groups[2 * at + 1]]),
  ],
  units: ({ live }) => [["neuron", "activation"], ...Array.from(live.units, (value, at) => [at, value])],
  curves: (store) => [
    ["neuron", "knob", "value", "unit", "activation"],
    ...curvesOf(store).flatMap(({ knob, values, low, high }) => Array.from(values, (value, at) => [
      store.live.unit, knob.name, low + (at * (high - low)) / Math.max(1, values.length - 1), knob.unit, value,
    ])),
  ],
  knobs: ({ scene, values }) => [
    ["knob", "value", "unit", "low", "high"],
    ...scene.knobs.map((/** @type {Knob} */ knob, /** @type {number} */ at) => [knob.name, values[at], knob.unit, knob.low, knob.high]),
  ],
  timeline: (_store, _spec, { runs }) => runs && [
    ["run", "object or curve", "lane", "from", "to", "low", "high"],
    ...runs.flatMap((/** @type {any} */ run) => run.bars.map((/** @type {any} */ [object, track, ...where]) => [run.name, objectName(run.objects[object], object), run.tracks[track].name, ...where])),
    ...runs.flatMap((/** @type {any} */ run) => run.curves.flatMap((/** @type {any} */ curve) => curveRows(run, curve))),
  ],
  cells: (_store, _spec, { cells }) => cells && [
    [cells.corner || "row", ...cells.columns],
    ...cells.rows.map((/** @type {any} */ row) => [row.label, ...row.cells.map((/** @type {any} */ cell) => cell.value ?? cell.text)]),
  ],
  trust: (_store, _spec, { trust }) => trust && [
    ["method", "verdict", "group", "positive", "negative"],
    ...trust.cards.flatMap((/** @type {any} */ card) => card.rows.map((/** @type {any} */ row) => [card.title, card.verdict, row.name, row.up, row.down])),
  ],
  misfits: () => null,
  account: (_store, _spec, { account }) => account && account.rows && [
    ["part", "activation", "weight", "adds"],
    ...account.rows.map((/** @type {any} */ row) => [`neuron ${row.neuron}`, row.activation, row.weight, row.effect]),
    [`${account.others.count} other neurons`, "", "", account.others.effect],
    ["bias of the output", "", "", account.offset],
    [account.contra ? `${account.pro} minus ${account.contra}` : account.pro, "", "", account.total],
  ],
  tabs: () => null,
  "page-link": () => null,
};

/** A curve as rows: from each time to the next, its value at both.
 *
 * @param {any} run
 * @param {any} curve
 */
function curveRows(run, curve) {
  const points = bytes(curve.points, Float32Array);
  const count = points.length / 2;
  return Array.from({ length: count - 1 }, (_, at) => [
    run.name, curve.name, run.tracks[curve.track].name, points[at], points[at + 1], points[count + at], points[count + at + (curve.steps ? 0 : 1)],
  ]);
}

/**
 * @param {any} object
 * @param {number} index
 */
function objectName(object, index) {
  return object.name || (object.words || "").split(/[:,]/)[0] || String(index);
}

/**
 * @param {any} given
 * @param {PartSpec} spec
 */
function pictureRows({ scene, live }, spec) {
  const { rows, columns, panes } = scene.picture;
  const overlay = spec.overlay && live.overlay.length === rows * columns;
  const heads = ["pane", "row", "column", "level", ...(overlay ? ["attribution"] : [])];
  const cells = [heads];
  for (const pane of panes) {
    for (let row = 0; row < rows; row += 1) {
      for (let column = 0; column < pane.width; column += 1) {
        const cell = row * columns + pane.first + column;
        const value = overlay ? [(live.overlay[cell] / 127) * live.scale] : [];
        cells.push([pane.title, row + 1, column + 1, live.picture[cell] / 255, ...value]);
      }
    }
  }
  return cells;
}

/**
 * All tables of a panel: [{name, rows}]. `specs` are its parts' descriptions, `parts` what was made of them.
 * @param {PanelModel} model
 * @param {Store} store
 * @param {any} specs
 * @param {any} parts
 */
export function tablesOf(model, store, specs, parts) {
  const figure = model.get("figure") || {};
  /** @type {any[]} */
  const lines = [];
  specs.forEach((/** @type {PartSpec} */ spec, /** @type {number} */ at) => {
    const own = parts[at].table ? parts[at].table?.() : TABLES[spec.part]?.(store, spec, figure);
    if (own && own.length > 1) lines.push({ name: spec.part, rows: own });
  });
  const known = specs.every((/** @type {PartSpec} */ spec, /** @type {number} */ at) => parts[at].table || spec.part in TABLES);
  if (!known && Object.keys(figure).length) {
    const rows = leaves(figure, []);
    if (rows.length) lines.push({ name: "figure", rows: [["where", "value"], ...rows] });
  }
  return lines;
}

/**
 * Every number, text and truth value inside plain data, each with the way to it: "trust/cards/0/title".
 * @param {any} value
 * @param {string[]} way
 * @returns {[string, any][]}
 */
function leaves(value, way) {
  if (value === null || value === undefined || value instanceof DataView) return [];
  if (typeof value !== "object") return [[way.join("/"), value]];
  return Object.entries(value).flatMap(([name, inner]) => leaves(inner, [...way, name]));
}

/** @param {number} value */
function csvField(value) {
  if (typeof value === "number") return String(value);
  const text = String(value ?? "");
  const safe = /^[=+@\t\r]/.test(text) ? `'${text}` : text; // a spreadsheet must not run it
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/**
 * Tables one below another, an empty line and the part's name between them where there are several.
 * @param {any} tables
 */
export function csvOf(tables) {
  /** @param {any} given */
  const asCsv = ({ rows }) => rows.map((/** @type {any} */ row) => row.map(csvField).join(",")).join("\r\n");
  if (tables.length === 1) return `${asCsv(tables[0])}\r\n`;
  return tables.map((/** @type {any} */ table) => `# ${table.name}\r\n${asCsv(table)}\r\n`).join("\r\n");
}
