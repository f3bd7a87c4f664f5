// The page writes figures as Python does: both are held to tests/numbers.json.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { withMinus } from "../src/shared/words.js";
import { chance, measured, number, percent, plainNumber, shortShare } from "../src/shared/numbers.js";

const AGREED = JSON.parse(readFileSync(new URL("../../../tests/numbers.json", import.meta.url), "utf8"));

const WRITE = {
  number: (value) => plainNumber(value),
  signed: (value) => plainNumber(value, true),
  figure: (value) => measured(value, false),
  percent: (value) => percent(value),
  "signed percent": (value) => percent(value, true),
  "in a panel": number,
  probability: chance,
};

for (const [kind, write] of Object.entries(WRITE)) {
  test(`what is agreed: ${kind}`, () => {
    assert.ok(AGREED[kind].length > 3);
    assert.deepEqual(AGREED[kind].map(([value]) => write(Number(value))), AGREED[kind].map(([, text]) => text));
  });
}

test("what is no number is said in a word", () => {
  assert.deepEqual([NaN, Infinity, -Infinity].map((value) => measured(value, true)), ["-", "infinite", "-infinite"]);
});

test("a number's minus is a true one, and no other hyphen is", () => {
  assert.equal(withMinus("0.315 (-1.93 to 1.38), -3% of own-mlp-5 in 3-5 steps, 1e-05, --x, at 2026-11-29: -.5, -infinite"), "0.315 (−1.93 to 1.38), −3% of own-mlp-5 in 3-5 steps, 1e−05, --x, at 2026-11-29: −.5, −infinite");
});

test("a share in a picture reads none or all only where it is", () => {
  const said = [0, 1e-9, 0.004, 0.005, 0.48, 0.996, 1].map(shortShare);
  assert.deepEqual(said, ["0%", "<1%", "<1%", "1%", "48%", ">99%", "100%"]);
});
