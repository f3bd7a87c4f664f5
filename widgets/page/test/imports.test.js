// The modules among themselves: no circle, nothing unused, nothing that a served page forbids.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join, relative } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

const HERE = fileURLToPath(new URL("..", import.meta.url));
const ENTRIES = readdirSync(join(HERE, "src/entries")).map((name) => join(HERE, "src/entries", name));

const { metafile, outputFiles } = await build({ entryPoints: ENTRIES, bundle: true, metafile: true, write: false, outdir: "x", absWorkingDir: HERE });
const own = Object.fromEntries(Object.entries(metafile.inputs).filter(([name]) => name.startsWith("src/")));

test("no module leads back to itself", () => {
  const done = new Set();
  const visit = (name, way) => {
    assert.ok(!way.includes(name), `a circle: ${[...way, name].join(" -> ")}`);
    if (done.has(name)) return;
    for (const { path } of own[name].imports) if (path in own) visit(path, [...way, name]);
    done.add(name);
  };
  for (const name of Object.keys(own)) visit(name, []);
});

test("every module is part of something that ships", () => {
  const files = readdirSync(join(HERE, "src"), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile() && entry.name.endsWith(".js"));
  const names = files.map((entry) => relative(HERE, join(entry.parentPath, entry.name)).replaceAll("\\", "/"));
  assert.deepEqual(names.filter((name) => !(name in own)), []);
});

test("what ships makes no code out of text", () => {
  for (const { path, text } of outputFiles) assert.doesNotMatch(text, /\beval\(|new Function\(/, path);
});

test("parts and what they share do not know panels or pages", () => {
  const layer = (name) => name.split("/")[1];
  const below = { shared: ["shared"], network: ["shared", "network"], session: ["shared", "network", "session"], parts: ["shared", "network", "session", "parts"] };
  const wrong = Object.entries(own).flatMap(([name, { imports }]) => imports
    .filter(({ path }) => path in own && layer(name) in below && !below[layer(name)].includes(layer(path)))
    .map(({ path }) => `${name} -> ${path}`));
  assert.deepEqual(wrong, []);
});

test("sources say what they are in their first line", () => {
  for (const name of Object.keys(own)) assert.match(readFileSync(join(HERE, name), "utf8"), /^\/\/ \S/, name);
});
