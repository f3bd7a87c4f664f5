// Where a glossary's terms stand in a text.

import assert from "node:assert/strict";
import { test } from "node:test";

import { patternOf } from "../src/panel/terms.js";

test("terms are whole words, in small or large letters, and plurals; what begins with a capital is meant as it stands", () => {
  const pattern = /** @type {RegExp} */ (patternOf(["Hold", "EASY", "saliency", "neuron", "robust MPC"]));
  const found = (/** @type {string} */ text) => pattern.exec(text)?.[1] ?? null;
  assert.deepEqual(
    ["The buffer holds 20 s", "Hold agrees", "easy to see", "Saliency says", "5 neurons", "Robust MPC reset", "neuronal", "on-hold"].map(found),
    [null, "Hold", null, "Saliency", "neuron", "Robust MPC", null, null],
  );
  assert.equal(pattern.exec("5 neurons switch")?.[0], "neurons"); // the whole word is marked
  assert.equal(patternOf([]), null);
});
