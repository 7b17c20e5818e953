// Writes the libraries of the console, one file each, from packages that npm installed by the lock file.
//
//   node vendor.mjs PACKAGES FOLDER
//
// A browser finds a module by its address only: what a package calls by name is called by its file here. An import map
// would have to be inline, which the Content-Security-Policy forbids.

import { readFileSync, writeFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";

const [packages, folder] = process.argv.slice(2);

const LIBRARIES = [
  { name: "preact", from: "preact/dist/preact.mjs", file: "preact.js" },
  { name: "preact", from: "preact/hooks/dist/hooks.mjs", file: "hooks.js" },
  { name: "@preact/signals-core", from: "@preact/signals-core/dist/signals-core.mjs", file: "signals-core.js" },
  { name: "@preact/signals", from: "@preact/signals/dist/signals.mjs", file: "signals.js" },
  { name: "oauth4webapi", from: "oauth4webapi/build/index.js", file: "oauth4webapi.js" },
  { name: "htm", from: "htm/dist/htm.mjs", file: "htm.js" },
  // Its module is not minified, and three times as long.
  { name: "uplot", from: "uplot/dist/uPlot.iife.min.js", file: "uplot.js", after: "export default uPlot;\n" },
  { name: "uplot", from: "uplot/dist/uPlot.min.css", file: "uplot.css" },
];

const FILES = {
  preact: "./preact.js",
  "preact/hooks": "./hooks.js",
  "@preact/signals-core": "./signals-core.js",
};

mkdirSync(folder, { recursive: true });
for (const { name, from, file, after = "" } of LIBRARIES) {
  const about = JSON.parse(readFileSync(join(packages, name, "package.json"), "utf8"));
  const text = readFileSync(join(packages, from), "utf8")
    .replace(/\n?\/\/# sourceMappingURL=.*\s*$/, "")
    .trimEnd();
  const calls = text.replace(/\b(from|import)\s*"([^"./][^"()]*)"/g, (whole, word, called) => {
    if (!FILES[called]) throw new Error(`${name} calls ${called}, which is not here`);
    return `${word}"${FILES[called]}"`;
  });
  const head = `/* ${about.name} ${about.version}, ${about.license}: see NOTICE. Written by scripts/console-vendor. */\n`;
  writeFileSync(join(folder, file), `${head}${calls}\n${after}`);
}
