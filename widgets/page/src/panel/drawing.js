// A panel's figure as one SVG: what stands in the page is walked through and drawn again as rectangles,
// paths, images and text, in the colours of the theme. It needs nothing from a part, so it works for all.

import { SVG, s } from "../shared/dom.js";

const LEFT_OUT = [
  ".dx-grip", ".dx-tip", ".dx-now", ".dx-hidden", ".dx-controls", ".dx-tabs", ".dx-knobs", ".dx-scrub", ".dx-reach",
  "input", "select", "textarea", "progress", "script", "style", "[hidden]", "[data-no-export]", "details:not([open])",
].join(",");
const MARGIN = 16;
const WORDS_WIDTH = 78; // characters of a line of the sentence below a narrow figure

/**
 * The figure of a panel as SVG text: its question, its parts, its sentence. Returns {text, width, height}.
 * @param {any} given
 */
export function drawFigure({ body, title, sentence, notes, card, ink }) {
  const box = body.getBoundingClientRect();
  const width = Math.max(240, Math.ceil(box.width));
  const lines = wrapWords(sentence, Math.max(30, Math.min(WORDS_WIDTH * 2, Math.floor(width / 7.2))));
  const heads = wrapWords(title, Math.max(24, Math.floor(width / 8.8)));
  const origin = (notes || []).filter((/** @type {string} */ note) => note !== sentence).flatMap((/** @type {string} */ note) => wrapWords(note, Math.max(34, Math.floor(width / 5.8))));
  const top = MARGIN + heads.length * 22 + 8;
  const tall = Math.ceil(lowestOf(body) - box.top);
  const height = top + tall + 14 + lines.length * 20 + (origin.length ? 6 : 0) + origin.length * 15 + MARGIN;
  const svg = s("svg", { xmlns: SVG, width: width + 2 * MARGIN, height, viewBox: `0 0 ${width + 2 * MARGIN} ${height}`, "font-family": 'system-ui, "Segoe UI", Roboto, sans-serif' });
  svg.append(s("title", {}, title), s("rect", { width: "100%", height: "100%", fill: card }));
  heads.forEach((line, at) => svg.append(s("text", { x: MARGIN, y: MARGIN + 15 + at * 22, "font-size": 16, "font-weight": 600, fill: ink }, line)));
  const group = s("g", { transform: `translate(${MARGIN - box.left} ${top - box.top})` });
  /** @type {any} */
  const view = { group, defs: s("defs"), count: 0 };
  for (const child of body.children) drawElement(view, child);
  svg.append(view.defs, group);
  lines.forEach((line, at) => svg.append(s("text", { x: MARGIN, y: top + tall + 28 + at * 20, "font-size": 14, fill: ink }, line)));
  origin.forEach((/** @type {string} */ line, /** @type {number} */ at) => svg.append(s("text", { x: MARGIN, y: top + tall + 34 + lines.length * 20 + at * 15, "font-size": 11, fill: ink, "fill-opacity": 0.75 }, line)));
  return { text: new XMLSerializer().serializeToString(svg), width: width + 2 * MARGIN, height };
}

/**
 * Where what is drawn of an element ends: tabs and sliders, which are left out, leave no gap below it.
 * @param {Element} element
 * @returns {number}
 */
function lowestOf(element) {
  const { top, bottom } = element.getBoundingClientRect();
  if (!element.querySelector(LEFT_OUT)) return bottom;
  const drawn = [...element.children].filter((child) => !child.matches(LEFT_OUT) && child.getBoundingClientRect().height);
  return Math.max(top, ...drawn.map(lowestOf));
}

/**
 * @param {string} text
 * @param {any} most
 */
function wrapWords(text, most) {
  /** @type {any[]} */
  const lines = [];
  for (const word of (text || "").split(/\s+/).filter(Boolean)) {
    const last = lines[lines.length - 1];
    if (last !== undefined && last.length + word.length < most) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

/**
 * @param {any} view
 * @param {Element | ChildNode} element
 */
function drawElement(view, element) {
  if (!(element instanceof Element) || element.matches(LEFT_OUT)) return;
  const style = getComputedStyle(element);
  if (style.display === "none" || style.visibility === "hidden" || style.opacity === "0") return;
  if (element instanceof SVGSVGElement) return void drawSvg(view, element);
  if (element instanceof HTMLCanvasElement) return void drawImage(view, element, element.dnnexplainFigure?.() || element.toDataURL("image/png"));
  if (element instanceof HTMLImageElement) return void drawImage(view, element, element.src);
  drawBox(view, /** @type {HTMLElement} */ (element), style);
  for (const child of element.childNodes) {
    if (child.nodeType === Node.TEXT_NODE) drawText(view, child, style);
    else drawElement(view, child);
  }
}

/**
 * @param {any} view
 * @param {HTMLElement} element
 * @param {string} href
 */
function drawImage(view, element, href) {
  const box = element.getBoundingClientRect();
  if (!box.width || !box.height || !href.startsWith("data:")) return;
  view.group.append(s("image", { x: box.left, y: box.top, width: box.width, height: box.height, href, preserveAspectRatio: "none" }));
}

const SEEN = ["fill", "stroke", "stroke-width", "stroke-dasharray", "stroke-linejoin", "stroke-linecap", "opacity", "fill-opacity", "stroke-opacity", "font-size", "font-weight", "font-family", "text-anchor", "dominant-baseline"];

/**
 * An SVG of the page's: a copy with the style sheet's values written into it.
 * @param {any} view
 * @param {SVGSVGElement} element
 */
function drawSvg(view, element) {
  const box = element.getBoundingClientRect();
  if (!box.width || !box.height) return;
  const copy = /** @type {SVGSVGElement} */ (element.cloneNode(true));
  const originals = [element, ...element.querySelectorAll("*")];
  [copy, ...copy.querySelectorAll("*")].forEach((node, at) => {
    const style = getComputedStyle(originals[at]);
    for (const name of SEEN) node.setAttribute(name, style.getPropertyValue(name));
    for (const name of ["style", "tabindex", "role", "aria-label"]) node.removeAttribute(name);
    if (style.display === "none" || originals[at].matches(LEFT_OUT)) node.setAttribute("display", "none");
  });
  for (const [name, value] of Object.entries({ x: box.left, y: box.top, width: box.width, height: box.height, overflow: "visible" })) copy.setAttribute(name, String(value));
  view.group.append(copy);
}

/** @param {string} colour */
function isSeen(colour) {
  return colour && colour !== "transparent" && !/, 0\)$/.test(colour) && !/\/ 0\)$/.test(colour);
}

/**
 * @param {any} view
 * @param {HTMLElement} element
 * @param {any} style
 */
function drawBox(view, element, style) {
  const box = element.getBoundingClientRect();
  if (box.width < 0.2 || box.height < 0.2) return;
  const fill = fillOf(view, style);
  const radius = Math.min(parseFloat(style.borderTopLeftRadius) || 0, box.width / 2, box.height / 2);
  if (fill) view.group.append(s("rect", { x: box.left, y: box.top, width: box.width, height: box.height, rx: radius, fill, opacity: style.opacity }));
  const sides = ["Top", "Right", "Bottom", "Left"].map((side) => ({
    wide: style[`border${side}Style`] === "none" ? 0 : parseFloat(style[`border${side}Width`]) || 0, colour: style[`border${side}Color`],
  }));
  if (sides.every((side) => side.wide > 0 && side.colour === sides[0].colour)) {
    const half = sides[0].wide / 2;
    view.group.append(s("rect", { x: box.left + half, y: box.top + half, width: box.width - 2 * half, height: box.height - 2 * half, rx: radius, fill: "none", stroke: sides[0].colour, "stroke-width": sides[0].wide }));
    return;
  }
  const lines = [[box.left, box.top, box.right, box.top], [box.right, box.top, box.right, box.bottom], [box.left, box.bottom, box.right, box.bottom], [box.left, box.top, box.left, box.bottom]];
  sides.forEach((side, at) => {
    if (!side.wide || !isSeen(side.colour)) return;
    const [x1, y1, x2, y2] = lines[at];
    view.group.append(s("line", { x1, y1, x2, y2, stroke: side.colour, "stroke-width": side.wide }));
  });
}

/**
 * A background: a colour, or a gradient from left to right with even stops; hatching becomes its colour.
 * @param {any} view
 * @param {any} style
 */
function fillOf(view, style) {
  const image = style.backgroundImage;
  if (image && image.includes("gradient(")) {
    const colours = image.match(/(rgba?|color)\([^)]*\)/g) || [];
    const solid = colours.filter(isSeen);
    if (!solid.length) return null;
    if (image.startsWith("repeating") || solid.length === 1) return solid[0];
    view.count += 1;
    const id = `ramp-${view.count}`;
    const stops = colours.map((/** @type {string} */ colour, /** @type {number} */ at) => s("stop", { offset: at / (colours.length - 1), "stop-color": colour }));
    view.defs.append(s("linearGradient", { id }, ...stops));
    return `url(#${id})`;
  }
  return isSeen(style.backgroundColor) ? style.backgroundColor : null;
}

/**
 * Text as it is broken into lines in the page: one SVG text per line.
 * @param {any} view
 * @param {any} node
 * @param {any} style
 */
function drawText(view, node, style) {
  const words = node.textContent;
  if (!words.trim()) return;
  const range = document.createRange();
  /** @type {any} */
  let line = null;
  const flush = () => {
    if (!line || !line.text.trim()) return;
    const size = parseFloat(style.fontSize);
    const y = line.box.top + line.box.height / 2 + size * 0.35;
    const text = s("text", { x: line.box.left, y, "font-size": size, "font-weight": style.fontWeight, fill: style.color, opacity: style.opacity }, line.text.replace(/\s+/g, " ").trimEnd());
    if (style.fontStyle !== "normal") text.setAttribute("font-style", style.fontStyle);
    view.group.append(text);
  };
  const pieces = words.match(/\S+|\s+/g) || [];
  let start = 0;
  for (const piece of pieces) {
    range.setStart(node, start);
    range.setEnd(node, start + piece.length);
    start += piece.length;
    const box = range.getClientRects()[0];
    if (!box || (!box.width && !line)) continue;
    if (line && Math.abs(box.top - line.box.top) < 3) line.text += piece;
    else if (piece.trim()) {
      flush();
      line = { text: piece, box };
    }
  }
  flush();
}

/**
 * SVG text as a PNG blob, drawn at a scale; no font or picture is fetched for it.
 * @param {any} given
 * @param {number} [scale]
 */
export async function pngOf({ text, width, height }, scale = 2) {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => {
    canvas.toBlob(resolve, "image/png");
  });
}
