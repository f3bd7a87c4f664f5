// What is remembered of an exercise, and what where a browser keeps nothing.

import assert from "node:assert/strict";
import { afterEach, test } from "node:test";

import exercise from "../src/entries/exercise.js";

const made = (question) => {
  const state = { question, answer: "" };
  const calls = new Set();
  return {
    get: (name) => state[name],
    on: (_name, call) => calls.add(call),
    off: (_name, call) => calls.delete(call),
    right(answer) {
      state.answer = answer;
      for (const call of calls) call();
    },
    calls,
  };
};

function open(question) {
  const [model, el] = [made(question), { style: {}, textContent: "" }];
  return { model, el, leave: exercise.render({ model, el }) };
}

const storage = (kept = new Map()) => ({ getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, value) });
const before = Object.getOwnPropertyDescriptor(globalThis, "localStorage");
const put = (value) => Object.defineProperty(globalThis, "localStorage", { configurable: true, get: value });
afterEach(() => (before ? Object.defineProperty(globalThis, "localStorage", before) : delete globalThis.localStorage));

test("an answer that was right is told when the lesson is opened again, of its own question alone", () => {
  const kept = storage();
  put(() => kept);
  const first = open("one and one?");
  assert.equal(first.el.textContent, "");
  first.model.right("2");
  assert.equal(first.el.textContent, "");
  assert.equal(open("one and one?").el.textContent, "✓ Answered before: 2");
  assert.equal(open("one and two?").el.textContent, "");
  first.leave();
  assert.equal(first.model.calls.size, 0);
});

test("where a browser refuses storage nothing is told and nothing fails", () => {
  put(() => {
    throw new Error("denied");
  });
  const { model, el } = open("one and one?");
  model.right("2");
  assert.equal(el.textContent, "");
});
