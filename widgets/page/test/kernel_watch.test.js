// Whether a program stands behind the page.

import assert from "node:assert/strict";
import { test } from "node:test";

import { watchKernel } from "../src/session/kernel_watch.js";

/** A page that is no app's. */
globalThis.document ??= { documentElement: { hasAttribute: () => false } };

function watched(layout) {
  const told = [];
  const store = { gone: "", emit: (what) => told.push([what, store.gone]) };
  watchKernel({ get: (name) => (name === "layout" ? layout : undefined), on() {} }, store);
  return { told, store };
}

test("widgets that were saved with a notebook say that nothing stands behind them", () => {
  const { told } = watched({ comm_live: false, on() {} });
  assert.deepEqual(told, [["gone", "unconnected"]]);
});

test("a link that is cut is told once", () => {
  const calls = {};
  const layout = { comm_live: true, on: (name, call) => { calls[name] = call; } };
  const { told } = watched(layout);
  assert.deepEqual(told, []);
  calls.comm_live_update();
  assert.deepEqual(told, []);
  layout.comm_live = false;
  calls.comm_live_update();
  calls.comm_live_update();
  assert.deepEqual(told, [["gone", "stopped"]]);
});

test("a page without Jupyter has no link that could be cut", () => {
  assert.deepEqual(watched(undefined).told, []);
  assert.deepEqual(watched("IPY_MODEL_x").told, []);
});
