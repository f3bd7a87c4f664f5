// Where the panes of a picture lie at a given width. Pure functions: no document, no state.

const TITLE = 18; // height of a pane's title, px
const MAX_CELL = 10;
const MIN_CELL = 5;

/** Columns of panes (CPU above memory) as blocks, from left to right. */
function blocksOf(panes) {
  const columns = [...new Set(panes.map((pane) => pane.column))].sort((a, b) => a - b);
  return columns.map((column) => {
    const members = panes.map((pane, index) => ({ pane, index })).filter((item) => item.pane.column === column);
    return { members, cells: Math.max(...members.map((item) => item.pane.width)) };
  });
}

/** Splits blocks into the fewest lines whose cells are at least MIN_CELL wide, evenly filled. */
function breakLines(blocks, width, gap) {
  for (let lines = 1; lines < blocks.length; lines += 1) {
    const rows = splitEvenly(blocks, lines);
    if (Math.min(...rows.map((row) => cellSize(row, width, gap))) >= MIN_CELL) return rows;
  }
  return blocks.map((block) => [block]);
}

function splitEvenly(blocks, lines) {
  const total = blocks.reduce((sum, block) => sum + block.cells + 1, 0);
  const rows = Array.from({ length: lines }, () => []);
  let before = 0;
  for (const block of blocks) {
    const middle = before + (block.cells + 1) / 2;
    rows[Math.min(lines - 1, Math.floor((middle / total) * lines))].push(block);
    before += block.cells + 1;
  }
  return rows.filter((row) => row.length);
}

function cellSize(row, width, gap) {
  const cells = row.reduce((sum, block) => sum + block.cells, 0);
  return Math.min(MAX_CELL, (width - gap * (row.length - 1) - 2) / cells);
}

/**
 * Places every pane.
 * Returns {cell, width, height, places}: places[i] = {x, y, w, h} in CSS px for pane i, without title.
 */
function arrange(panes, rows, width, ratio) {
  const gap = width < 520 ? 8 : 14;
  const blocks = blocksOf(panes);
  const lines = breakLines(blocks, width, gap);
  const raw = Math.min(...lines.map((line) => cellSize(line, width, gap)));
  const cell = Math.max(1, Math.floor(raw * ratio) / ratio);
  const depth = 1 + Math.max(...panes.map((pane) => pane.row));
  const places = [];
  let top = 0;
  let right = 0;
  for (const line of lines) {
    let left = 1;
    for (const block of line) {
      for (const { pane, index } of block.members) {
        const y = top + TITLE + pane.row * (rows * cell + TITLE + 8);
        places[index] = { x: left, y, w: pane.width * cell, h: rows * cell };
      }
      left += block.cells * cell + gap;
    }
    right = Math.max(right, left - gap);
    top += depth * (rows * cell + TITLE + 8);
  }
  return { cell, width: right + 1, height: top - 6, places };
}

/** The pane and cell under a point, or null. */
function cellAt(panes, layout, rows, x, y) {
  for (let index = 0; index < panes.length; index += 1) {
    const place = layout.places[index];
    const column = Math.floor((x - place.x) / layout.cell);
    const row = Math.floor((y - place.y) / layout.cell);
    if (column >= 0 && row >= 0 && column < panes[index].width && row < rows) return { index, row, column };
  }
  return null;
}

/** Where the grip of a handle lies: the middle of the edge that it moves. */
function gripAt(pane, place, cell, handle, reach) {
  const down = Math.min(reach.down * cell, place.h);
  const right = Math.min(reach.right * cell, place.w);
  if (handle.axis === "down") return { x: place.x + (reach.right ? right / 2 : Math.min(place.w, 5 * cell) / 2), y: place.y + down };
  return { x: place.x + right, y: place.y + (reach.down ? down / 2 : Math.min(place.h, 5 * cell) / 2) };
}

/** Evenly spaced round numbers that cover an interval. */
function ticks(low, high, count) {
  const span = high - low || 1;
  const raw = span / Math.max(1, count);
  const base = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((factor) => factor * base).find((size) => size >= raw - 1e-12);
  const found = [];
  for (let value = Math.ceil(low / step - 1e-9) * step; value <= high + step * 1e-9; value += step) {
    found.push(Math.abs(value) < step * 1e-9 ? 0 : value);
  }
  return found;
}
