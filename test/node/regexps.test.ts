import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { findRegexps } from "../regexps/find-regexps.ts";

/** R28: `npm run check` finds expressions that take more than linear time. */

const folder = mkdtempSync(join(tmpdir(), "regexps-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function check(name: string, code: string) {
  const file = join(folder, name);
  writeFileSync(file, code);
  const { status, stdout, stderr } = spawnSync(process.execPath, ["test/regexps/check.ts", file], {
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}

describe("the check of regular expressions", () => {
  test.each([
    ["blanks at an end", "export const trim = (text: string) => text.replace(/^[ \\t]+|[ \\t]+$/g, '');"],
    ["repeats within repeats", "export const isOne = (text: string) => /^(?:a+)+$/.test(text);"],
    ["two repeats of the same", "export const isDot = /(?:^|\\/)[. ]*\\.[. ]*(?:\\/|$)/;"],
    ["one made of a text", "export const isOne = new RegExp('^(a|a)*$');"],
    ["one that is put together later", "export const find = (word: string) => RegExp(word, 'i');"],
  ])("finds %s, and where it stands", (name, code) => {
    const { status, stdout, stderr } = check("planted.ts", `// one line before it\n${code}\n`);
    expect([name, status]).toEqual([name, 1]);
    expect(stderr).toMatch(/planted\.ts:2 /);
    expect(stdout).toBe("1 regular expressions in 1 files, 1 that can take too long\n");
  });

  test("lets those pass that go through a text once", () => {
    const code =
      "export const read = (text: string) => [/;[^/]*/g, /^[\\w-]+\\.[\\w-]+$/].map((each) => each.exec(text));";
    expect(check("plain.ts", code)).toMatchObject({ status: 0 });
  });

  test("reads TypeScript, and tells an expression from a division and from a text", () => {
    const code = "const a = 4 / 2 / 1; const b = '/x+$/'; type T<in out A> = A; const c = `/x*/`; f(/y/u);";
    expect(findRegexps("a.ts", code).map(({ pattern }) => pattern)).toEqual([{ source: "y", flags: "u" }]);
  });
});
