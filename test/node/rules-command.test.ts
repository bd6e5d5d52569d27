import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { keepStorage } from "../../cli/sites/sites-command.ts";
import { runCommand } from "./command-under-test.ts";
import { openMemoryStorage } from "./memory-storage.ts";

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
[env.list.vars]
PROTECTED_PATHS = ["/medlem/*", "/styret/* group:styret fresh:600"]
[env.table.vars]
PROTECTED_PATHS = { "/medlem/*" = true, "/styret/*" = "group:styret fresh:600" }
`,
  );
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const SITE = "http://localhost:8787";

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
        site: SITE,
        path: "/board/",
        access: "session",
        requires: ["group:board|web", "fresh:600"],
        rules: ["/board/* group:board|web fresh:600"],
        excepted: false,
      },
      {
        address: "/a%2f..%2fmembers/",
        site: SITE,
        access: "refused",
        requires: [],
        rules: [],
        excepted: false,
      },
      {
        address: "/auth/me",
        site: SITE,
        path: "/auth/me",
        access: "login",
        requires: [],
        rules: [],
        excepted: false,
      },
    ]);
  });

  it.each(["list", "table"])("reads a %s, each pattern with what it requires", async (name) => {
    const { code, stdout } = await rules("/styret/a", "/medlem/", "--env", name, "--json");
    expect(code).toBe(0);
    expect(JSON.parse(stdout).addresses).toMatchObject([
      {
        access: "session",
        requires: ["group:styret", "fresh:600"],
        rules: ["/styret/* group:styret fresh:600"],
      },
      { access: "session", requires: [], rules: ["/medlem/*"] },
    ]);
  });

  it("says what is wrong with a rule", async () => {
    const { code, stderr } = await rules("/a", "--env", "other");
    expect([code, stderr]).toEqual([1, expect.stringContaining("PROTECTED_PATHS may require group:NAME")]);
  });

  describe("of a deployment of several sites", () => {
    const vars = [
      "SITE_URL='http://localhost:8787'",
      "VIPPS_ISSUER='https://127.0.0.1:1/'",
      `SITE_DEFAULTS='{"PROTECTED_PATHS":"/accounts/*"}'`,
    ];
    let close: () => Promise<void>;
    const at = (...args: string[]) => runCommand(args, { cwd: folder, env: { SECRET: "a-client-secret" } });

    beforeAll(async () => {
      writeFileSync(join(folder, ".dev.vars"), `${vars.join("\n")}\n`);
      const place = { root: folder, environment: undefined, persistTo: undefined };
      ({ close } = await keepStorage(place, openMemoryStorage()));
      const file = join(folder, "sites.json");
      const keys = { VIPPS_CLIENT_ID: "one", VIPPS_CLIENT_SECRET: "env:SECRET" };
      const sites = [
        {
          SITE_URL: "http://kunde1.localhost:8787",
          VIPPS_MSN: "200001",
          PROTECTED_PATHS: "/styre/*",
          ...keys,
        },
        {
          SITE_URL: "https://kunde2.example",
          VIPPS_MSN: "200002",
          SITE_ALIASES: "www.kunde2.example",
          ...keys,
        },
      ];
      writeFileSync(file, JSON.stringify({ sites }));
      expect((await at("site", "init")).code).toBe(0);
      const added = await at("site", "add", "--file", file);
      expect([added.code, added.stderr]).toEqual([0, expect.not.stringContaining("kunde")]);
    });

    afterAll(() => close());

    const accessOf = async (...args: string[]) => {
      const { stdout } = await rules(...args, "--json");
      const said: { addresses: readonly { site: string; access: string }[] } = JSON.parse(stdout);
      return said.addresses.map(({ site, access }) => [site, access]);
    };

    it("judges a whole address by the site at its host, which has the deployment's defaults", async () => {
      const addresses = [
        "http://kunde1.localhost:8787/board/",
        "http://kunde1.localhost:8787/styre/",
        "kunde1.localhost:8787/styre/",
        "https://kunde2.example/accounts/",
        "https://www.kunde2.example/accounts/",
        "http://localhost:8787/board/",
        "http://localhost:9113/board/",
      ];
      expect(await accessOf(...addresses)).toEqual([
        ["http://kunde1.localhost:8787", "open"],
        ["http://kunde1.localhost:8787", "session"],
        ["http://kunde1.localhost:8787", "session"],
        ["https://kunde2.example", "session"],
        ["https://kunde2.example", "session"],
        ["http://localhost:8787", "session"],
        ["http://localhost:8787", "session"],
      ]);
    });

    it("judges paths by the site that is named", async () => {
      expect(await accessOf("/styre/", "/board/", "--site", "kunde1.localhost:8787")).toEqual([
        ["http://kunde1.localhost:8787", "session"],
        ["http://kunde1.localhost:8787", "open"],
      ]);
    });

    it("refuses the host of no site here, and two sites in one line", async () => {
      const unknown = await rules("https://kunde9.example/board/");
      expect([unknown.code, unknown.stderr]).toEqual([
        1,
        expect.stringContaining("kunde9.example is no site here"),
      ]);
      const near = await rules("/a", "--site", "kunde1.localhost");
      expect([near.code, near.stderr]).toEqual([
        1,
        expect.stringContaining("did you mean kunde1.localhost:8787?"),
      ]);
      const two = await rules("https://kunde2.example/", "--site", "kunde1.localhost:8787");
      expect(two.code).toBe(2);
    });
  });
});
