// Where panes and cells lie.

import assert from "node:assert/strict";
import { test } from "node:test";

import { arrange, cellAt, gripAt } from "../src/parts/geometry.js";
import { shortTitle } from "../src/parts/paint.js";
import { roomFor } from "../src/parts/places.js";

const pane = (first, width, row, column) => ({ title: `${column}`, first, width, row, column, colour: null, note: "", handles: [], group: null });
const PANES = [pane(0, 10, 0, 0), pane(10, 10, 1, 0), pane(20, 10, 0, 1), pane(30, 10, 1, 1), pane(40, 3, 0, 2)];
const ROWS = 20;

for (const width of [340, 390, 520, 800, 1280]) {
  for (const ratio of [1, 2, 3]) {
    test(`panes stay apart and inside ${width} px, at ${ratio} device pixels each`, () => {
      const layout = arrange(PANES, ROWS, width, ratio);
      assert.ok(layout.width <= width, `${layout.width}`);
      layout.places.forEach((one, i) => {
        assert.ok(one.x >= 0 && one.x + one.w <= layout.width);
        assert.ok(one.y + one.h <= layout.height);
        assert.equal(Math.round(layout.cell * ratio), layout.cell * ratio); // cells lie on whole device pixels
        layout.places.slice(i + 1).forEach((other) => {
          const apart = one.x + one.w <= other.x || other.x + other.w <= one.x || one.y + one.h <= other.y || other.y + other.h <= one.y;
          assert.ok(apart);
        });
      });
    });
  }
}

test("a picture on the whole screen grows in both directions and stays inside", () => {
  const usual = arrange(PANES, ROWS, 1400, 1);
  const large = arrange(PANES, ROWS, 1400, 1, 2);
  assert.ok(large.cell > usual.cell && large.step === 2 * Math.floor(usual.step) + 1);
  assert.ok(large.width <= 1400);
});

test("every cell is found again from its middle", () => {
  const layout = arrange(PANES, ROWS, 800, 1);
  PANES.forEach((one, index) => {
    for (let row = 0; row < ROWS; row += 1) {
      for (let column = 0; column < one.width; column += 1) {
        const place = layout.places[index];
        const found = cellAt(PANES, layout, ROWS, place.x + (column + 0.5) * layout.cell, place.y + (row + 0.5) * layout.step);
        assert.deepEqual(found, { index, row, column });
      }
    }
  });
  assert.equal(cellAt(PANES, layout, ROWS, -1, -1), null);
});

test("a grip lies in the middle of the edge that it moves", () => {
  const layout = arrange(PANES, ROWS, 800, 1);
  const [place] = layout.places;
  assert.deepEqual(gripAt(place, layout, "down", { down: 4, right: 6 }), { x: place.x + 3 * layout.cell, y: place.y + 4 * layout.step });
  assert.deepEqual(gripAt(place, layout, "right", { down: 4, right: 6 }), { x: place.x + 6 * layout.cell, y: place.y + 2 * layout.step });
});

test("a title that has no room leaves out what the pane above says", () => {
  const titled = (title, row, column) => ({ ...pane(0, 10, row, column), title });
  const panes = [titled("Job 1 CPU", 0, 0), titled("Job 1 memory", 1, 0), titled("Backlog", 0, 1), titled("Last arrival", 1, 1), titled("Job 1 CPU", 2, 0)];
  assert.deepEqual(panes.map((one) => shortTitle(one, panes)), ["Job 1 CPU", "memory", "Backlog", "Last arrival", "CPU"]);
});

test("a label beside a link keeps off what is taken, and says how much it covers", () => {
  const at = { x0: 100, y0: 100, x1: 200, y1: 100, ux: 1, uy: 0 };
  const near = roomFor(at, 40, [], { width: 400 });
  assert.deepEqual([near.x, near.y, near.covers], [150, 117, 0]);
  const second = roomFor(at, 40, [near.box], { width: 400 });
  assert.equal(second.covers, 0);
  assert.ok(second.box[3] <= near.box[1] || second.box[1] >= near.box[3] || second.box[2] <= near.box[0] || second.box[0] >= near.box[2]);
  assert.ok(roomFor(at, 40, [[0, 0, 400, 400]], { width: 400 }).covers > 12);
});
