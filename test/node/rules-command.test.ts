import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runCommand } from "./command-under-test.ts";

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "rules-"));
  writeFileSync(
    join(folder, "wrangler.toml"),
    `name = "site"
compatibility_date = "2026-10-01"
[vars]
PROTECTED_PATHS = "/members/* /board/* group:board|web fresh:600 /board/minutes* age:18 !/members/open/*"
[env.other.vars]
PROTECTED_PATHS = "/a grop:b"
`,
  );
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const rules = (...args: string[]) => runCommand(["rules", ...args], { cwd: folder });

describe("vipps-login rules", () => {
  it("says who may see an address, in any spelling", async () => {
    const { code, stdout } = await rules("/board/minutes.pdf?x=1", "/MEMBERS/x", "/members/open/x", "/about");
    expect(code).toBe(0);
    expect(stdout).toBe(`/board/minutes.pdf?x=1  is for whoever is logged in and
    is in one of the groups board, web  (group:board|web)
    has logged in within 600 seconds  (fresh:600)
    has turned 18  (age:18)
  by "/board/* group:board|web fresh:600", "/board/minutes* age:18"
/MEMBERS/x  is for whoever is logged in.
  by "/members/*"
/members/open/x  is open to everybody, by an exception from /members/*.
/about  is open to everybody.
`);
  });

  it("says the same to programs", async () => {
    const { stdout } = await rules("/board/%2e%2e/board/", "/a%2f..%2fmembers/", "/auth/me", "--json");
    expect(JSON.parse(stdout).addresses).toEqual([
      {
        address: "/board/%2e%2e/board/",
        path: "/board/",
        access: "session",
        requires: ["group:board|web", "fresh:600"],
        rules: ["/board/* group:board|web fresh:600"],
        excepted: false,
      },
      { address: "/a%2f..%2fmembers/", access: "refused", requires: [], rules: [], excepted: false },
      { address: "/auth/me", path: "/auth/me", access: "login", requires: [], rules: [], excepted: false },
    ]);
  });

  it("says what is wrong with a rule", async () => {
    const { code, stderr } = await rules("/a", "--env", "other");
    expect([code, stderr]).toEqual([1, expect.stringContaining("PROTECTED_PATHS may require group:NAME")]);
  });
});
