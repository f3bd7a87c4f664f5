// Builds what ships: each file of src/entries becomes one file that needs nothing else. The first line of
// each says what it was built from, so that a stale one is found without Node (tools/page.py).
//     node tools/build.js [FOLDER]    writes below FOLDER, by default the repository

import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

const HERE = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const ROOT = resolve(HERE, "../..");
const WEB = "widgets/dnnexplain_widgets/web/dist";

/**
 * Where an entry goes and whether it is a module; the others are plain scripts.
 * @type {Record<string, {to: string, format: import("esbuild").Format}>}
 */
const BUILT = {
  dashboard: { to: `${WEB}/dashboard.js`, format: "esm" },
  explorable: { to: `${WEB}/explorable.js`, format: "iife" },
  frame: { to: `${WEB}/frame.js`, format: "esm" },
  lesson: { to: "docs/_static/lesson.js", format: "iife" },
};

/** The files that decide what is built, by their paths from here. */
function sources() {
  const code = readdirSync(join(HERE, "src"), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const files = code.map((entry) => relative(HERE, join(entry.parentPath, entry.name)).split(sep).join("/"));
  return [...files, "package-lock.json", "tools/build.js"].sort();
}

/** One digest of all sources: of "path, a zero byte, sha256 of the content, a line's end" for each. */
function stamp() {
  const whole = createHash("sha256");
  for (const file of sources()) {
    const content = readFileSync(join(HERE, file));
    whole.update(`${file}\0${createHash("sha256").update(content).digest("hex")}\n`);
  }
  return whole.digest("hex");
}

const target = resolve(process.argv[2] ?? ROOT);
const banner = `// Built from widgets/page (make page), sources ${stamp()}`;
for (const [name, { to, format }] of Object.entries(BUILT)) {
  const { outputFiles } = await build({
    entryPoints: [join(HERE, "src/entries", `${name}.js`)],
    bundle: true,
    minify: true,
    write: false,
    charset: "utf8",
    target: "es2022",
    format,
    banner: { js: banner },
    absWorkingDir: HERE,
  });
  const file = join(target, to);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, outputFiles[0].contents);
  console.log(`${to}: ${(outputFiles[0].contents.length / 1000).toFixed(1)} kB`);
}
