// Compiles the stylesheet of each face twice: for today's browsers, and for WebViews back to Chrome 80 and Safari 13
// (no cascade layers, no nesting, no color-mix of fixed colours). Copies the vendored scripts beside them.
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { transform } from "lightningcss";
import postcss from "postcss";
import presetEnv from "postcss-preset-env";

const here = dirname(fileURLToPath(import.meta.url));
const web = join(here, "..", "src", "hutong", "web");
const OLD = ["chrome >= 80", "safari >= 13", "ios_saf >= 13"];
const FACES = process.argv.slice(2).length ? process.argv.slice(2) : ["shared", "consumer", "merchant", "operator", "platform"];

for (const face of FACES) {
  const out = join(web, face, "static", `${face}.css`);
  mkdirSync(dirname(out), { recursive: true });
  execFileSync(join(here, "node_modules/.bin/tailwindcss"), ["-i", join(here, `${face}.css`), "-o", out, "--minify"], { cwd: here, stdio: ["ignore", "ignore", "inherit"] });
  const css = readFileSync(out, "utf8");
  // @property has no meaning for old browsers, and its @supports twin sets what it would: let that one always hold.
  const plain = css.replace(/@layer properties\{@supports [^{]*\{(.*?)\}\}\}/s, "$1}").replace(/@property [^{]*\{[^}]*\}/g, "");
  const made = await postcss([presetEnv({ browsers: OLD, stage: 2, features: { "is-pseudo-class": { onComplexSelector: undefined }, "logical-properties-and-values": true } })]).process(plain, { from: out });
  const small = transform({ filename: "x.css", code: Buffer.from(made.css), minify: true, errorRecovery: true, targets: { chrome: 80 << 16, safari: 13 << 16 } });
  writeFileSync(join(dirname(out), `${face}-legacy.css`), small.code);
}
const vendor = join(web, "shared", "static", "vendor");
mkdirSync(vendor, { recursive: true });
copyFileSync(join(here, "node_modules/htmx.org/dist/htmx.min.js"), join(vendor, "htmx.min.js"));
copyFileSync(join(here, "node_modules/@alpinejs/csp/dist/cdn.min.js"), join(vendor, "alpine.min.js"));
