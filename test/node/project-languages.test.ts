import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { languagesOf } from "../../cli/project-languages.ts";

const folder = mkdtempSync(join(tmpdir(), "project-languages-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;

function languagesIn(code: string): (code: string) => boolean {
  files += 1;
  const entry = join(folder, `index-${files}.ts`);
  writeFileSync(entry, code);
  return languagesOf(entry);
}

describe("the languages of a project", () => {
  it.each([
    'export { default, LoginAttempts, UserSessions } from "vipps-login-worker";',
    "export default vippsLogin();",
    "// export default vippsLogin({ texts });\nexport default vippsLogin({ behind });",
    "export default vippsLogin<Env>({ behind: (request, env) => env.ASSETS.fetch(request) });",
  ])("are the worker's own where the entry brings no words: %s", (code) => {
    const isLanguage = languagesIn(code);
    expect([isLanguage("fi"), isLanguage("de")]).toEqual([true, false]);
  });

  it.each([
    "export default vippsLogin({ texts });",
    "export default vippsLogin({ ...options });",
    "export default vippsLogin(options);",
    'export { default } from "./worker.ts";',
  ])("may be any where it might: %s", (code) => {
    expect(languagesIn(code)("de")).toBe(true);
  });

  it("may be any where there is no entry to read", () => {
    expect([languagesOf(undefined)("de"), languagesOf(join(folder, "none.ts"))("de")]).toEqual([true, true]);
  });

  it("are the worker's own in this project", () => {
    expect(languagesOf("src/index.ts")("de")).toBe(false);
  });
});
