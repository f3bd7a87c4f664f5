// Where the panes of a picture lie at a given width. Pure functions: no document, no state.

const TITLE = 18; // height of a pane's title, px
const WIDEST_CELL = 10;
const TALL_CELL = 6.5; // whatever the width: a screen shows picture and sliders at once, a row can be grasped
const TALL_ON_PHONE = 6.5;
const LEAST_CELL = 4.5;
const LEAST_BLOCK = 58; // room for the title of a narrow pane, px
const SPARE = 48; // more of it for the last pane of a line, where the page has it, px

/**
 * Columns of panes (CPU above memory) as blocks, from left to right.
 * @param {Pane[]} panes
 */
function blocksOf(panes) {
  const columns = [...new Set(panes.map((pane) => pane.column))].sort((a, b) => a - b);
  return columns.map((column) => {
    const members = panes.map((pane, index) => ({ pane, index })).filter((item) => item.pane.column === column);
    return { members, cells: Math.max(...members.map((item) => item.pane.width)) };
  });
}

/**
 * Splits blocks into the fewest lines whose cells are at least LEAST_CELL wide, evenly filled.
 * @param {any} blocks
 * @param {number} width
 * @param {number} gap
 */
export function breakLines(blocks, width, gap) {
  for (let lines = 1; lines < blocks.length; lines += 1) {
    const rows = splitEvenly(blocks, lines);
    if (Math.min(...rows.map((row) => cellSize(row, width, gap))) >= LEAST_CELL) return rows;
  }
  return blocks.map((/** @type {any} */ block) => [block]);
}

/**
 * @param {any} blocks
 * @param {any} lines
 */
function splitEvenly(blocks, lines) {
  const total = blocks.reduce((/** @type {number} */ sum, /** @type {any} */ block) => sum + block.cells + 1, 0);
  /** @type {any[][]} */
  const rows = Array.from({ length: lines }, () => []);
  let before = 0;
  for (const block of blocks) {
    const middle = before + (block.cells + 1) / 2;
    rows[Math.min(lines - 1, Math.floor((middle / total) * lines))].push(block);
    before += block.cells + 1;
  }
  return rows.filter((row) => row.length);
}

/**
 * The width of a cell if a row of blocks fills the width; narrow blocks keep room for their title.
 * @param {any} row
 * @param {number} width
 * @param {number} gap
 * @param {number} larger
 */
function cellSize(row, width, gap, larger = 1) {
  const narrow = row.filter((/** @type {any} */ block) => block.cells * LEAST_CELL < LEAST_BLOCK && block.cells < 6);
  const cells = row.filter((/** @type {any} */ block) => !narrow.includes(block)).reduce((/** @type {number} */ sum, /** @type {any} */ block) => sum + block.cells, 0);
  const room = width - gap * (row.length - 1) - 2 - narrow.length * LEAST_BLOCK;
  return Math.min(WIDEST_CELL * larger, cells ? room / cells : LEAST_BLOCK / Math.max(...row.map((/** @type {any} */ block) => block.cells)));
}

/**
 * Places every pane.
 * Returns {cell, step, width, height, places} in CSS px: a cell's width and height, and
 * places[i] = {x, y, w, h} of pane i without its title.
 * @param {Pane[]} panes
 * @param {number} rows
 * @param {number} width
 * @param {number} ratio
 * @param {number} larger how many times the largest cells of an ordinary page may be exceeded
 */
export function arrange(panes, rows, width, ratio, larger = 1) {
  const gap = width < 520 ? 8 : 14;
  const blocks = blocksOf(panes);
  const lines = breakLines(blocks, width, gap);
  const raw = Math.min(...lines.map((/** @type {any} */ line) => cellSize(line, width, gap, larger)));
  const cell = Math.max(1, Math.floor(raw * ratio) / ratio);
  const step = Math.max(1, Math.floor((width < 520 ? TALL_ON_PHONE : TALL_CELL) * larger * ratio) / ratio);
  const tall = rows * step + TITLE + 8;
  const depth = 1 + Math.max(...panes.map((pane) => pane.row));
  /** @type {any[]} */
  const places = [];
  let top = 0;
  let right = 0;
  for (const line of lines) {
    let left = 1;
    for (const block of line) {
      for (const { pane, index } of block.members) {
        places[index] = { x: left, y: top + TITLE + pane.row * tall, w: pane.width * cell, h: rows * step };
      }
      left += Math.max(block.cells * cell, block.cells < 6 ? LEAST_BLOCK : 0) + gap;
    }
    right = Math.max(right, left - gap);
    top += depth * tall;
  }
  right += Math.max(0, Math.min(width - 2 - right, SPARE));
  for (const line of lines) shareTitles(line, places, gap, right);
  return { cell, step, width: right + 1, height: top - 6, places };
}

/**
 * How far each pane's title may run: to the next block, or to the end of the line.
 * @param {any} line
 * @param {any} places
 * @param {number} gap
 * @param {any} right
 */
function shareTitles(line, places, gap, right) {
  line.forEach((/** @type {any} */ block, /** @type {number} */ at) => {
    const next = line[at + 1];
    const end = next ? places[next.members[0].index].x - gap / 2 : right;
    for (const { index } of block.members) places[index].title = end - places[index].x;
  });
}

/**
 * The pane and cell under a point, or null.
 * @param {Pane[]} panes
 * @param {Layout} layout
 * @param {number} rows
 * @param {number} x
 * @param {number} y
 */
export function cellAt(panes, layout, rows, x, y) {
  for (let index = 0; index < panes.length; index += 1) {
    const place = layout.places[index];
    const column = Math.floor((x - place.x) / layout.cell);
    const row = Math.floor((y - place.y) / layout.step);
    if (column >= 0 && row >= 0 && column < panes[index].width && row < rows) return { index, row, column };
  }
  return null;
}

/**
 * Where the grip of a handle lies: the middle of the edge that it moves.
 * @param {any} place
 * @param {Layout} layout
 * @param {any} axis
 * @param {any} reach
 */
export function gripAt(place, layout, axis, reach) {
  const down = Math.min(reach.down * layout.step, place.h);
  const right = Math.min(reach.right * layout.cell, place.w);
  /**
   * @param {any} size
   * @param {any} whole
   */
  const aside = (size, whole) => (size ? size : Math.min(whole, 44)) / 2; // of an empty rectangle
  if (axis === "down") return { x: place.x + aside(right, place.w), y: place.y + down };
  return { x: place.x + right, y: place.y + aside(down, place.h) };
}
