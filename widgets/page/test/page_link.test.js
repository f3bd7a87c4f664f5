import assert from "node:assert/strict";
import test from "node:test";

import { addressOf, linkOf } from "../src/session/page_link.js";

const store = (values, live, linked) => ({ model: { get: () => "auto" }, link: "abc", values, linked, live: { values: live } });

test("knobs that the last link does not hold stand beside its state, answered for or not", () => {
  assert.equal(linkOf(store([1, 5], [1, 5], [1, 2]), ""), "state=abc&set=1:5"); // a drag's answers bring no link
  assert.equal(linkOf(store([1, 5], [1, 2], [1, 2]), ""), "state=abc&set=1:5");
  assert.equal(linkOf(store([1, 5], [1, 5], [1, 5]), ""), "state=abc");
  assert.equal(linkOf(store([1, 5], [1, 5], null), "why"), "section=why&state=abc");
});

test("the address follows only a link that a browser changes at once; a longer one is left out, not cut", () => {
  assert.equal(addressOf("state=abc"), "state=abc");
  assert.equal(addressOf(`state=${"x".repeat(25_000)}`), "");
});
