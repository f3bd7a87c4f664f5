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
const NUMBERS = join(HERE, "tools/d3_numbers.js");
const WEB = "widgets/dnnexplain_widgets/web/dist";

/**
 * Where an entry goes and whether it is a module; the others are plain scripts.
 * @type {Record<string, {to: string, format: import("esbuild").Format}>}
 */
const BUILT = {
  dashboard: { to: `${WEB}/dashboard.js`, format: "esm" },
  exercise: { to: `${WEB}/exercise.js`, format: "esm" },
  explorable: { to: `${WEB}/explorable.js`, format: "iife" },
  frame: { to: `${WEB}/frame.js`, format: "esm" },
  lesson: { to: "docs/_static/lesson.js", format: "iife" },
};

/** The files that decide what is built, by their paths from here. */
function sources() {
  const code = ["src", "tools"].flatMap((folder) => readdirSync(join(HERE, folder), { recursive: true, withFileTypes: true }));
  const files = code.filter((entry) => entry.isFile()).map((entry) => relative(HERE, join(entry.parentPath, entry.name)).split(sep).join("/"));
  return [...files, "package-lock.json"].sort();
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

/**
 * The packages of others that are in what was built, each with its version and licence.
 * @param {import("esbuild").Metafile} metafile
 */
function brought(metafile) {
  const inputs = Object.values(metafile.outputs).flatMap(({ inputs: parts }) => Object.entries(parts));
  const folders = inputs.flatMap(([path, { bytesInOutput }]) => (bytesInOutput ? path.match(/^node_modules\/(?:@[^/]+\/)?[^/]+/) ?? [] : []));
  return [...new Set(folders)].sort().map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(HERE, folder, "package.json"), "utf8"));
    return { name: `${name} ${version}`, license, text: readFileSync(join(HERE, folder, "LICENSE"), "utf8").trim() };
  });
}

/**
 * The licence's text in a comment: a copy of the code, as in an exported page, must hold it.
 * @param {ReturnType<typeof brought>} packages
 */
function notice(packages) {
  const texts = [...new Set(packages.map(({ text }) => text.replaceAll(/\s+/g, " ")))];
  return packages.length ? `/* Parts of ${packages.map(({ name }) => name).join(", ")}.\n${texts.join("\n")} */\n` : "";
}

/** @type {Map<string, ReturnType<typeof brought>[number]>} */
const others = new Map();
const target = resolve(process.argv[2] ?? ROOT);
const banner = `// Built from widgets/page (make page), sources ${stamp()}`;
for (const [name, { to, format }] of Object.entries(BUILT)) {
  const { outputFiles, metafile } = await build({
    entryPoints: [join(HERE, "src/entries", `${name}.js`)],
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    charset: "utf8",
    target: "es2022",
    format,
    alias: { "d3-interpolate": NUMBERS, "d3-format": NUMBERS },
    absWorkingDir: HERE,
  });
  const packages = brought(metafile);
  for (const one of packages) others.set(one.name, one);
  write(to, `${banner}\n${notice(packages)}${outputFiles[0].text}`);
}
const licences = [...others.values()].map(({ name, license, text }) => `${name} (${license})\n\n${text}\n`);
write(`${WEB}/LICENCES.txt`, `The files beside this one hold parts of these packages.\n\n${licences.join(`\n${"-".repeat(72)}\n\n`)}`);

/**
 * @param {string} to
 * @param {string} text
 */
function write(to, text) {
  const file = join(target, to);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  console.log(`${to}: ${(Buffer.byteLength(text) / 1000).toFixed(1)} kB`);
}
