import { globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { bundle } from "../../bench/bundle.ts";
import { bundleParts } from "../../bench/parts/size.ts";
import { en as texts } from "../../src/pages/texts/en.ts";
import { en as supportTexts } from "../../src/pages/texts/support/en.ts";

/**
 * Bytes of the whole Worker as it is uploaded, minified and gzip: what it took when this was last set, and one
 * kilobyte. What makes it larger should be worth it to everybody who deploys it; then set it anew and say why.
 *
 * Purposes took 1.9 kB of it, the lists of members on the console 2.8, most of both texts in five languages; events 5.1,
 * most of it SQL and what sends them. Userinfo that fails took 1.5: consents that are told once are fetched behind the
 * answer, and who is known is let in. Two hundred bytes keep what a member answered at Vipps though a login is declined.
 */
const LIMIT = 168_700;

test("the Worker does not grow unnoticed", async () => {
  const folder = mkdtempSync(join(tmpdir(), "bundle-size-"));
  try {
    const { gzip, minified, inputs } = await bundle("this project", folder, []);
    const parts = bundleParts(inputs).map(({ name, bytes }) => `${String(bytes).padStart(9)}  ${name}`);
    const whole = `${gzip} bytes gzip (${minified} minified), minified by part:\n${parts.join("\n")}`;
    expect(gzip, `${gzip - LIMIT} bytes too many: ${whole}`).toBeLessThanOrEqual(LIMIT);
    console.log(whole);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

/** The names under which texts stand, at whatever depth. */
function namesIn(value: unknown): readonly string[] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [];
  return Object.entries(value).flatMap(([name, inner]) => [name, ...namesIn(inner)]);
}

test("no text is carried that no page could show", () => {
  const source = resolve(import.meta.dirname, "../../src");
  const files = globSync("**/*.ts", { cwd: source });
  const code = files
    .filter((file) => !file.includes("pages/texts/"))
    .map((file) => readFileSync(join(source, file), "utf8"))
    .join("\n");
  const names = new Set([...namesIn(texts()), ...namesIn(supportTexts())]);
  expect(names.size).toBeGreaterThan(100);
  expect([...names].filter((name) => !new RegExp(`\\b${name}\\b`).test(code))).toEqual([]);
});
