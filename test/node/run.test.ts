import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

/** A project with a few tests of its own, for vitest to run in place of ours. */
let project: string;

beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), "run-"));
  symlinkSync(resolve("node_modules"), join(project, "node_modules"));
  writeFileSync(join(project, "package.json"), '{"type":"module"}');
  writeFileSync(join(project, "vitest.config.js"), "export default {};");
});
afterEach(() => rmSync(project, { recursive: true, force: true }));

function writeTests(files: Readonly<Record<string, string>>): void {
  mkdirSync(join(project, "test"), { recursive: true });
  for (const [name, body] of Object.entries(files)) {
    writeFileSync(join(project, "test", name), `import { expect, test } from "vitest";\n${body}\n`);
  }
}

function run(options: readonly string[], environment: Record<string, string> = {}) {
  const { PATH = "", HOME = "" } = process.env;
  const { status, stdout, stderr } = spawnSync(process.execPath, ["test/run.ts", ...options], {
    env: { PATH, HOME, ...environment },
    encoding: "utf8",
  });
  return { status, lastLine: stdout.trimEnd().split("\n").at(-1), stdout, stderr };
}

const runTests = () =>
  run(["--only", "vitest", "--", "--root", project, "--config", join(project, "vitest.config.js")]);

describe("npm test", () => {
  test("counts what passed and ends well if nothing failed", () => {
    writeTests({
      "a.test.ts": 'test("one", () => {});\ntest("two", () => {});\ntest.skip("three", () => {});',
    });
    const { status, lastLine, stdout } = runTests();
    expect({ status, lastLine }).toEqual({ status: 0, lastLine: "2 passed, 0 failed" });
    expect(stdout.match(/^\d+ passed, \d+ failed$/gm)).toHaveLength(1);
    expect(stdout).toContain("2 passed, 0 failed, 1 skipped");
  });

  test("counts failed tests, and files that can't even be loaded", () => {
    writeTests({
      "good.test.ts": 'test("one", () => {});',
      "bad.test.ts": 'test("two", () => expect(1).toBe(2));',
      "broken.test.ts": 'import "./nowhere.ts";\ntest("three", () => {});',
    });
    expect(runTests()).toMatchObject({ status: 1, lastLine: "1 passed, 2 failed" });
  });

  test("fails where an error escapes every test", () => {
    const late =
      'setTimeout(() => { throw new Error("late"); }, 1);\n  await new Promise((wake) => setTimeout(wake, 50));';
    writeTests({ "a.test.ts": `test("one", async () => {\n  ${late}\n});` });
    expect(runTests()).toMatchObject({ status: 1, lastLine: "1 passed, 1 failed" });
  });

  test("fails where no test ran", () => {
    expect(runTests()).toMatchObject({
      status: 1,
      lastLine: "0 passed, 1 failed",
      stderr: expect.stringMatching(/No test files found[\s\S]+vitest: no test was run\./),
    });
  });

  test.each([
    ["says so aloud", {}, 0, "0 passed, 0 failed"],
    ["fails in CI", { CI: "true" }, 1, "0 passed, 1 failed"],
  ])("without a browser %s", (_what, environment, status, lastLine) => {
    const outcome = run(["--only", "e2e"], { CHROMIUM_PATH: "/no/such/browser", ...environment });
    expect(outcome).toMatchObject({ status, lastLine });
    expect(outcome.stderr).toContain(
      "The end-to-end tests were SKIPPED: CHROMIUM_PATH names no browser that starts (/no/such/browser).",
    );
  });

  test("explains itself and its mistakes", () => {
    expect(run(["--help"])).toMatchObject({ status: 0, stdout: expect.stringMatching(/^Usage: npm test/) });
    for (const mistake of [["--only", "all"], ["--onyl"], ["--", "--headed"]]) {
      expect(run(mistake)).toMatchObject({
        status: 2,
        stdout: "",
        stderr: expect.stringContaining("Usage: npm test"),
      });
    }
  });
});
