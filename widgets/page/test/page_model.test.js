// The model of a page without Jupyter behaves as Jupyter's does.

import assert from "node:assert/strict";
import { test } from "node:test";

import { PageModel, isSame, revive } from "../src/host/page_model.js";

test("a change is told once, and what is as before is not", () => {
  const model = new PageModel({ a: 1, list: [1, { b: 2 }] });
  let told = 0;
  model.on("change:a", () => { told += 1; });
  model.on("change:list", () => { told += 10; });
  model.set("a", 1);
  model.set("list", [1, { b: 2 }]);
  assert.equal(told, 0);
  model.set("a", 2);
  model.set("list", [1, { b: 3 }]);
  assert.equal(told, 11);
});

test("what was set is saved once", () => {
  const saved = [];
  const model = new PageModel({ a: 1, b: 1 }, (changes) => saved.push(changes));
  model.set("a", 2);
  model.set("b", 2);
  model.save_changes();
  model.save_changes();
  assert.deepEqual(saved, [{ a: 2, b: 2 }, {}]);
});

test("of a message all is taken before the first change is told, and nothing of it is saved", () => {
  const saved = [];
  const model = new PageModel({ a: 1, b: 1 }, (changes) => saved.push(changes));
  const seen = [];
  model.on("change:a", () => seen.push([model.get("a"), model.get("b")]));
  model.take({ a: 2, b: 2 });
  model.save_changes();
  assert.deepEqual(seen, [[2, 2]]);
  assert.deepEqual(saved, [{}]);
});

test("who stops listening is told no more", () => {
  const model = new PageModel({ a: 1 });
  const call = () => assert.fail();
  model.on("change:a", call);
  model.off("change:a", call);
  model.set("a", 2);
});

test("bytes are compared by what they hold", () => {
  const view = (...values) => new DataView(Uint8Array.from(values).buffer);
  assert.ok(isSame({ x: view(1, 2) }, { x: view(1, 2) }));
  assert.ok(!isSame({ x: view(1, 2) }, { x: view(1, 3) }));
  assert.ok(!isSame({ x: view(1, 2) }, { x: view(1) }));
  assert.ok(!isSame({ x: view() }, { x: {} }));
  assert.ok(!isSame([], {}));
  assert.ok(!isSame({ a: undefined }, { b: undefined }));
  assert.ok(isSame(NaN, NaN));
});

test("tagged bytes come to life at any depth", () => {
  const found = revive({ a: [{ __bytes__: "AQID" }], b: null, c: "x" });
  assert.deepEqual([...new Uint8Array(found.a[0].buffer)], [1, 2, 3]);
  assert.deepEqual([found.b, found.c], [null, "x"]);
});
