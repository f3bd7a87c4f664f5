// Draws the picture: cells as one small image scaled up per pane, then grid, outlines and titles.

import { INK, mix, objectColour, rgb } from "../shared/dom.js";

/**
 * Colours of all cells as an image of rows x columns.
 * @param {Scene} scene
 * @param {Step} live
 * @param {any} options
 */
function colourCells(scene, live, options) {
  const { rows, columns, panes } = scene.picture;
  const ink = INK[options.theme];
  const image = new ImageData(columns, rows);
  const tint = paneTints(panes, columns, ink);
  const overlay = options.overlay && live.overlay.length === rows * columns;
  for (let cell = 0; cell < rows * columns; cell += 1) {
    const level = live.picture[cell] / 255;
    let colour;
    if (overlay) {
      const value = live.overlay[cell] / 127;
      colour = mix(ink.zero, value > 0 ? ink.positive : ink.negative, Math.abs(value));
    } else {
      colour = mix(ink.zero, tint[cell % columns], level);
    }
    image.data.set([colour[0], colour[1], colour[2], 255], cell * 4);
  }
  return image;
}

/**
 * @param {Pane[]} panes
 * @param {number} columns
 * @param {any} ink
 */
function paneTints(panes, columns, ink) {
  const tint = Array.from({ length: columns }, () => ink.filled);
  for (const pane of panes) {
    const colour = pane.colour === null ? ink.filled : rgb(objectColour(pane.colour));
    for (let column = pane.first; column < pane.first + pane.width; column += 1) tint[column] = colour;
  }
  return tint;
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {Scene} scene
 * @param {Step} live
 * @param {Layout} layout
 * @param {any} options
 */
export function paintPicture(canvas, scene, live, layout, options) {
  const ratio = options.ratio;
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const { rows, columns, panes } = scene.picture;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  const titled = keepsTitles(canvas, layout, panes, options);
  if (!titled) context.clearRect(0, 0, layout.width, layout.height);
  if (live.picture.length !== rows * columns) return;
  const source = options.scratch;
  source.width = columns;
  source.height = rows;
  source.getContext("2d").putImageData(colourCells(scene, live, options), 0, 0);
  context.imageSmoothingEnabled = false;
  panes.forEach((pane, index) => {
    const place = layout.places[index];
    if (titled) context.clearRect(place.x - 1, place.y - 1, place.w + 2, place.h + 2);
    context.drawImage(source, pane.first, 0, pane.width, rows, place.x, place.y, place.w, place.h);
    paintGrid(context, pane, place, rows, layout, options);
    if (options.overlay) paintOutline(context, pane, place, scene, live, layout, options);
    if (!titled) paintTitle(context, pane, place, { ...options, short: shortTitle(pane, panes) });
  });
}

/**
 * Whether a canvas has the right titles already: text is the dear part, a font makes the browser restyle the page.
 * @param {HTMLCanvasElement} canvas
 * @param {Layout} layout
 * @param {Pane[]} panes
 * @param {any} given
 */
function keepsTitles(canvas, layout, panes, { theme, selected }) {
  const before = canvas.dnnexplainTitles;
  canvas.dnnexplainTitles = { layout, panes, theme, selected };
  return before !== undefined && before.layout === layout && before.panes === panes && before.theme === theme && before.selected === selected;
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Pane} pane
 * @param {any} place
 * @param {number} rows
 * @param {any} given
 * @param {any} options
 */
function paintGrid(context, pane, place, rows, { cell, step }, options) {
  const ink = INK[options.theme];
  context.beginPath();
  for (let column = 1; column < pane.width; column += 1) {
    context.moveTo(place.x + column * cell, place.y);
    context.lineTo(place.x + column * cell, place.y + place.h);
  }
  for (let row = 1; row < rows; row += 1) {
    context.moveTo(place.x, place.y + row * step);
    context.lineTo(place.x + place.w, place.y + row * step);
  }
  context.lineWidth = 1 / options.ratio;
  context.strokeStyle = ink.grid;
  context.stroke();
  context.strokeStyle = options.selected && pane.group === options.selected ? ink.text : ink.frame;
  context.strokeRect(place.x, place.y, place.w, place.h);
}

/**
 * Under an overlay, occupied cells show by their outline in the object's colour.
 * @param {CanvasRenderingContext2D} context
 * @param {Pane} pane
 * @param {any} place
 * @param {Scene} scene
 * @param {Step} live
 * @param {any} given
 * @param {any} options
 */
function paintOutline(context, pane, place, scene, live, { cell, step }, options) {
  const { rows, columns } = scene.picture;
  /**
   * @param {any} row
   * @param {any} column
   */
  const filled = (row, column) =>
    row >= 0 && row < rows && column >= 0 && column < pane.width && live.picture[row * columns + pane.first + column] > 0;
  context.beginPath();
  for (let row = 0; row <= rows; row += 1) {
    for (let column = 0; column <= pane.width; column += 1) {
      const here = filled(row, column);
      const x = place.x + column * cell;
      const y = place.y + row * step;
      if (here !== filled(row, column - 1)) {
        context.moveTo(x, y);
        context.lineTo(x, y + step);
      }
      if (here !== filled(row - 1, column)) {
        context.moveTo(x, y);
        context.lineTo(x + cell, y);
      }
    }
  }
  context.lineWidth = 1.5;
  context.strokeStyle = pane.colour === null ? INK[options.theme].text : objectColour(pane.colour);
  context.stroke();
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Pane} pane
 * @param {any} place
 * @param {any} options
 */
function paintTitle(context, pane, place, options) {
  const ink = INK[options.theme];
  const bold = options.selected && pane.group === options.selected;
  /**
   * @param {any} weight
   * @param {any} size
   */
  const font = (weight, size) => `${weight} ${size}px system-ui, "Segoe UI", Roboto, sans-serif`;
  context.font = font(bold ? 600 : 400, 11);
  context.fillStyle = bold ? ink.text : ink.soft;
  context.textBaseline = "alphabetic";
  let left = place.x;
  if (pane.colour !== null) {
    context.fillStyle = objectColour(pane.colour);
    context.fillRect(left, place.y - 12, 7, 7);
    context.fillStyle = bold ? ink.text : ink.soft;
    left += 11;
  }
  const room = place.x + place.title - left;
  let { title } = pane;
  if (context.measureText(title).width > room) context.font = font(400, 10); // before anything of it is cut off
  if (context.measureText(title).width > room) title = options.short;
  context.fillText(shorten(context, title, room), left, place.y - 5);
}

/**
 * The title without the words that it shares with the pane above it, "memory" below "Job 1 CPU".
 * @param {Pane} pane
 * @param {Pane[]} panes
 */
export function shortTitle(pane, panes) {
  const above = panes.find((other) => other.column === pane.column && other.row === pane.row - 1);
  if (above === undefined) return pane.title;
  const words = pane.title.split(" ");
  const others = above.title.split(" ");
  let shared = 0;
  while (shared < words.length - 1 && words[shared] === others[shared]) shared += 1;
  return words.slice(shared).join(" ");
}

/**
 * The text if it fits, else its end cut off with an ellipsis, else nothing.
 * @param {CanvasRenderingContext2D} context
 * @param {string} text
 * @param {number} width
 */
export function shorten(context, text, width) {
  if (context.measureText(text).width <= width) return text;
  for (let length = text.length - 1; length > 2; length -= 1) {
    const cut = `${text.slice(0, length).trimEnd()}…`;
    if (context.measureText(cut).width <= width) return cut;
  }
  return "";
}
