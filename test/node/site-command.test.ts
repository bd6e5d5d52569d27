import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { D1Session } from "../../cli/d1-session.ts";
import { siteNamed } from "../../cli/member-site.ts";
import { addSites } from "../../cli/sites/add-sites.ts";
import { masterKeysIn } from "../../cli/sites/master-key-place.ts";
import { leavingsOf, removeSites } from "../../cli/sites/remove-site.ts";
import { partitionOf, siteRecords } from "../../cli/sites/site-records.ts";
import { siteTables } from "../../cli/sites/site-rows.ts";
import { NOT_EXPORTED } from "../../cli/sites/site-transfer.ts";
import { keepStorage } from "../../cli/sites/sites-command.ts";
import { isLanguage } from "../../src/pages/language.ts";
import { siteHostNamed } from "../../src/sites/site-host.ts";
import { runCommand } from "./command-under-test.ts";
import { openMemoryStorage } from "./memory-storage.ts";

const ROOT = process.cwd();
const folder = mkdtempSync(join(tmpdir(), "site-command-"));
const SECRET = "client-secret-that-nobody-may-see";

/** A deployment on this machine: its storage, open for all commands, and its settings file. */
interface Deployment {
  readonly state: string;
  readonly settings: string;
  readonly storage: D1Session;
}

async function openDeployment(name: string): Promise<Deployment> {
  const [state, settings] = [join(folder, name, "state"), join(folder, name, "settings")];
  mkdirSync(join(folder, name), { recursive: true });
  // Nobody answers there: the doctor must not ask anybody real.
  writeFileSync(settings, "VIPPS_ISSUER='https://127.0.0.1:1/'\nSITE_URL='https://www.byraa.example'\n");
  const place = { root: ROOT, environment: undefined, persistTo: state };
  const storage = await keepStorage(place, openMemoryStorage());
  return { state, settings, storage };
}

let here: Deployment;
let there: Deployment;
beforeAll(async () => {
  here = await openDeployment("here");
  there = await openDeployment("there");
});
afterAll(async () => {
  await Promise.all([here.storage.close(), there.storage.close()]);
  rmSync(folder, { recursive: true, force: true });
});

/** `vipps-login site …` in this process. */
async function siteAt(
  { state, settings }: Deployment,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
) {
  const outcome = await runCommand(["site", ...args, "--persist-to", state, "--settings", settings], { env });
  expect(outcome.stdout + outcome.stderr).not.toContain(SECRET);
  return { ...outcome, json: () => JSON.parse(outcome.stdout) };
}

const site = (args: readonly string[], env?: Readonly<Record<string, string>>) => siteAt(here, args, env);

function siteFile(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

async function rowsOf(sql: string, { storage }: Deployment = here, ...params: string[]) {
  const [result] = await storage.batch([{ sql, params }]);
  return result?.rows ?? [];
}

async function versions() {
  const rows = await rowsOf("SELECT host, version FROM site_versions ORDER BY host");
  return new Map(rows.map(({ host, version }) => [String(host), Number(version)] as const));
}

const YAML = `
defaults:
  VIPPS_ENVIRONMENT: test
  PROTECTED_PATHS: /members/*
sites:
  - SITE_URL: https://bakeri.example
    VIPPS_MSN: 200001
    VIPPS_CLIENT_ID: client-1
    VIPPS_CLIENT_SECRET: env:BAKERY_SECRET
    VIPPS_MARKET: NO
    TERMS_URL: /terms
    TERMS_VERSION: 1.10
    CONSENTS: [{ id: newsletter, text: Send me the newsletter }]
  - SITE_URL: https://Kahvila.example:443
    VIPPS_KEYS: partner
    VIPPS_MSN: 0200002
    LOGIN_EVENTS_DAYS: 30
  - SITE_URL: https://feil.example
    VIPPS_MSN: 200003
    VIPPS_CLIENT_IDD: client-3
`;
const ENV = { BAKERY_SECRET: SECRET };

/** A site with keys of its own, as arguments. */
const OWN = [
  "--set",
  "VIPPS_MSN=200009",
  "--set",
  "VIPPS_CLIENT_ID=client-9",
  "--secret",
  "VIPPS_CLIENT_SECRET",
];
const OWN_ENV = { VIPPS_CLIENT_SECRET: SECRET };

describe("a reader that stops reading", () => {
  it("is no fault of the command", async () => {
    const child = spawn(process.execPath, ["cli/vipps-login.ts", "site", "--help"], { cwd: ROOT });
    child.stdout.destroy();
    let told = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      told += text;
    });
    const [code] = await once(child, "close");
    expect([code, told]).toEqual([0, ""]);
  });
});

describe("vipps-login site", () => {
  it("explains itself, and what it does not understand", async () => {
    expect(await runCommand(["site", "--help"])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("rename"),
    });
    for (const wrong of [
      ["frobnicate"],
      ["add"],
      ["add", "https://a.example", "--file", "x"],
      ["add", "https://a.example", "--set", "msn"],
      ["add", "https://a.example", "--set", `VIPPS_CLIENT_SECRET=${SECRET}`],
      ["add", "https://a.example", "--secret", "VIPPS_CLIENT_SECRET"],
      ["add", "--file", "x", "--set", "SITE_URL=https://a.example"],
      ["add", "--file", "x", "--update"],
      ["show"],
      ["show", "under_score.example"],
      ["list", "one"],
      ["list", "--set", "VIPPS_MSN=1"],
      ["check"],
      ["check", "one.example", "--all"],
      ["rotate", "--all", "--drop-old"],
      ["rotate", "one.example", "--master-key"],
      ["rotate", "--master-key", "--compromised"],
      ["remove", "--all"],
      ["remove", "one.example"],
      ["rename", "one.example"],
      ["export", "one.example"],
      ["export", "one.example", "--for", "nonsense", "--out", "x"],
      ["--frobnicate"],
    ]) {
      const { code, stderr } = await site(wrong);
      expect([wrong, code, stderr.trim().split("\n").length]).toEqual([wrong, 2, 1]);
    }
  });

  it("is a program, too, on storage as wrangler keeps it", async () => {
    const [state, settings] = [join(folder, "real"), join(folder, "real-settings")];
    writeFileSync(settings, "");
    const run = (...args: string[]) =>
      spawnSync(
        process.execPath,
        ["cli/vipps-login.ts", "site", ...args, "--persist-to", state, "--settings", settings],
        {
          ...{ encoding: "utf8", cwd: ROOT },
          env: { ...process.env, ...OWN_ENV },
        },
      );
    expect(run("init").status).toBe(0);
    // The tables in which versions are noted are made here by whoever needs them first.
    const added = run("add", "https://ekte.example", ...OWN);
    expect(added.stdout).toContain("ekte.example: added");
    expect(added.stderr).not.toContain("The database keeps no versions of sites");
    expect(JSON.parse(run("list", "--json").stdout)).toMatchObject({
      sites: [{ host: "ekte.example", msn: "200009" }],
    });
  }, 120_000);

  it("keeps sites from file to master key", async () => {
    expect(await site(["add", "https://bakeri.example"])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("site init"),
    });
    expect((await site(["init"])).code).toBe(0);
    expect(statSync(here.settings).mode & 0o777).toBe(0o600);
    const master = readFileSync(here.settings, "utf8");

    const file = siteFile("sites.yaml", YAML);
    const dry = await site(["add", "--file", file, "--dry-run", "--json"], ENV);
    expect(dry.json()).toMatchObject({ dry_run: true, added: 2, refused: 1 });
    const many = Array.from({ length: 12 }, (_, index) => ({
      ...{ SITE_URL: `https://nr-${index}.example`, VIPPS_KEYS: "partner", VIPPS_MSN: `30000${index}` },
    }));
    const listed = await site(
      ["add", "--file", siteFile("many.json", JSON.stringify({ sites: many })), "--dry-run"],
      ENV,
    );
    expect(listed.stdout.match(/^nr-\d+\.example: would be added$/gm)).toHaveLength(12);
    expect(listed.stdout).toContain("12 would be added");
    const planned = (await site(["diff", "--file", file, "--json"], ENV)).json();
    expect(planned.sites.map(({ what }: { what: string }) => what)).toEqual(["new", "new", "refused"]);

    const added = await site(["add", "--file", file], ENV);
    expect(added.code).toBe(1);
    expect(added.stdout).toContain("2 added, 0 changed, 0 unchanged, 1 refused");
    expect(added.stderr).toContain("feil.example: VIPPS_CLIENT_IDD is no setting of a site");
    expect(added.stderr).toContain("feil.example: VIPPS_CLIENT_ID is missing");
    expect((await site(["add", "--file", file, "--json"], ENV)).json()).toMatchObject({
      added: 0,
      unchanged: 2,
    });
    const first = await versions();
    expect([...first.keys()]).toEqual(["bakeri.example", "kahvila.example"]);
    const old = await here.storage.sites.read(["site:bakeri.example", "site:kahvila.example"]);
    expect((await site(["add", "--file", file])).stderr).toContain("BAKERY_SECRET is not set");

    const { sites } = (await site(["list", "--json"])).json();
    expect(sites).toMatchObject([
      { host: "bakeri.example", msn: "200001", keys: "own", market: "NO" },
      { host: "kahvila.example", msn: "0200002", keys: "partner", days: 30 },
    ]);
    const shown = (await site(["show", "HTTPS://bakeri.example."])).stdout;
    expect(shown).toMatch(/VIPPS_CLIENT_SECRET +\(secret, set\)/);
    expect(shown).toMatch(/TERMS_VERSION +1\.10\n/);
    expect(shown).toContain('[{"id":"newsletter","text":"Send me the newsletter"}]');

    const change = [
      "add",
      "https://bakeri.example",
      "--update",
      "--set",
      "VIPPS_MARKET=DK",
      "--set",
      "CONSENTS=",
    ];
    expect((await site(change)).stdout).toContain("bakeri.example: changed");
    const { settings } = (await site(["show", "bakeri.example", "--json"])).json();
    expect(settings).toMatchObject({ VIPPS_MARKET: "DK", VIPPS_CLIENT_SECRET: "(secret, set)" });
    expect(settings).not.toHaveProperty("CONSENTS");
    const diff = (await site(["diff", "--file", file], ENV)).stdout;
    expect(diff).toContain("~ VIPPS_MARKET: DK → NO");
    expect(diff).toContain("+ CONSENTS =");
    expect(diff).toContain("feil.example: refused\n  VIPPS_CLIENT_IDD is no setting of a site");
    expect(diff).toContain("0 new, 1 changed, 1 the same, 0 not in the file, 1 refused");

    expect((await site(["rotate", "--all"])).stdout).toContain("2 sites: a new session key");
    expect((await site(["rotate", "--master-key"])).stdout).toContain(
      "2 sites: secrets sealed with a new master key",
    );
    expect((await site(["rotate", "--master-key", "--drop-old"])).stdout).toContain(
      "Dropped 1 old master key",
    );
    const { keys } = JSON.parse(/SITES_KEYS='(.*)'/.exec(readFileSync(here.settings, "utf8"))?.[1] ?? "{}");
    expect(keys).toHaveLength(1);
    expect(master).not.toContain(keys[0].k);

    // Somebody puts the first documents back: no command takes them for the sites, and each says why.
    const present = await here.storage.sites.read([...old.keys()]);
    await here.storage.sites.write([...old].map(([key, value]) => ({ key, value, metadata: {} })));
    expect(await site(["rotate", "--all"])).toMatchObject({
      code: 1,
      stdout: expect.stringContaining("0 sites"),
    });
    expect((await site(["show", "bakeri.example"])).stdout).toContain("which SITES_KEYS here does not hold");
    const altered = [...present].map(([key, value]) => ({
      key,
      value: value.replace('"PROTECTED_PATHS":"/members/*"', '"PROTECTED_PATHS":"/nothing"'),
      metadata: {},
    }));
    await here.storage.sites.write(altered);
    expect((await site(["show", "bakeri.example"])).stdout).toContain("was changed by hand");
    expect((await site(["add", "--file", file, "--json"], ENV)).json()).toMatchObject({ changed: 2 });
  });

  it("is told by diff what add would refuse, also what only the sites of a file among them show", async () => {
    const of = (host: string, more: object) => ({
      ...{ SITE_URL: `https://${host}`, VIPPS_KEYS: "partner", VIPPS_MSN: "500001" },
      ...more,
    });
    const file = siteFile(
      "among-them.json",
      JSON.stringify({
        sites: [
          of("twice.example", { SITE_NAME: "One" }),
          of("twice.example", { SITE_NAME: "Two" }),
          of("apex.example", {}),
          of("www.apex.example", { SITE_ALIASES: "apex.example" }),
        ],
      }),
    );
    const { sites: planned } = (await site(["diff", "--file", file, "--json"])).json();
    const refused = [
      { host: "twice.example", faults: ["SITE_URL stands in the file twice"] },
      { host: "apex.example", faults: ["it is another address of a site of the same file"] },
    ];
    for (const one of refused)
      expect(planned).toContainEqual(expect.objectContaining({ ...one, what: "refused" }));
    const { refused: count, sites: added } = (await site(["add", "--file", file, "--json"])).json();
    expect(count).toBe(3);
    for (const one of refused)
      expect(added).toContainEqual(expect.objectContaining({ ...one, outcome: "refused" }));
    expect((await site(["remove", "www.apex.example", "--yes"])).code).toBe(0);
  });

  it("gives the settings of the command line to every site of a file that says nothing else", async () => {
    const file = siteFile(
      "two.json",
      JSON.stringify([
        { SITE_URL: "https://a.example", VIPPS_MSN: "300001", VIPPS_MARKET: "FI" },
        { SITE_URL: "https://b.example", VIPPS_MSN: "300002" },
      ]),
    );
    const args = ["add", "--file", file, "--partner", "--set", "VIPPS_MARKET=SE", "--json"];
    expect((await site(args)).json()).toMatchObject({ added: 2 });
    const markets = (await site(["list", "--json"]))
      .json()
      .sites.filter(({ host }: { host: string }) => /^[ab]\./.test(host));
    expect(markets).toMatchObject([
      { market: "FI", keys: "partner" },
      { market: "SE", keys: "partner" },
    ]);
  });

  it.each([
    ["is not there", undefined, "There is no file"],
    ["holds no list", "sites: 3", "must hold a list of sites"],
    ["says something beside its sites", "sites: []\nsite: []", "must hold a list of sites"],
    ["is empty", "[]", "holds no site"],
    ["cannot be read", "[{", "neither YAML nor JSON"],
    ["is written in Windows-1252", Buffer.from("[{SITE_NAME: Kåre}]", "latin1"), "is not UTF-8"],
    ["is written in UTF-16", Buffer.from("\ufeff[{SITE_NAME: Kåre}]", "utf16le"), "is not UTF-8"],
    ["brings a variable into what everybody sees", "[{SITE_NAME: env:HOME}]", "env: is for secrets alone"],
    [
      "would lose digits",
      "[{SITE_URL: https://x.example, CONSENTS: [{id: 12345678901234567890}]}]",
      "would be rounded",
    ],
  ])("refuses a file that %s", async (_what, content, message) => {
    const path = content === undefined ? join(folder, "missing.yaml") : siteFile("odd.yaml", content);
    const { code, stderr } = await site(["add", "--file", path]);
    expect([code, stderr]).toEqual([1, expect.stringContaining(message)]);
  });

  it("takes what stands in a file as it is written", async () => {
    const file = siteFile(
      "written.yaml",
      `[{SITE_URL: "https://w.example", VIPPS_KEYS: partner, VIPPS_MSN: 0012345, TERMS_URL: /t, TERMS_VERSION: 2026.10, VIPPS_AUTOMATIC_RETURN: True, LOGIN_EVENTS_DAYS: ~}]`,
    );
    expect((await site(["add", "--file", file, "--json"])).json()).toMatchObject({ added: 1 });
    const { settings } = (await site(["show", "w.example", "--json"])).json();
    expect(settings).toMatchObject({
      VIPPS_MSN: "0012345",
      TERMS_VERSION: "2026.10",
      VIPPS_AUTOMATIC_RETURN: "true",
    });
    expect(settings).not.toHaveProperty("LOGIN_EVENTS_DAYS");
  });
});

describe("what others wrote", () => {
  const EVIL = "ev\u001b[31mil\u001b]0;pwn\u0007\u009b\u202e";

  it("says nothing to the terminal, whatever command shows it", async () => {
    const name = siteFile("evil-name.json", JSON.stringify([{ SITE_URL: `https://${EVIL}.example` }]));
    for (const args of [
      [EVIL],
      ["--cwd", EVIL, "site", "list"],
      ["site", "add", "--file", EVIL],
      ["site", "add", "https://evil.example", "--set", `${EVIL}=1`],
      ["site", "show", EVIL],
      ["site", "diff", "--file", name, "--json", "--settings", here.settings, "--persist-to", here.state],
      ["site", "diff", "--file", name, "--settings", here.settings, "--persist-to", here.state],
      ["rules", `/${EVIL}`],
      ["doctor", "--only", EVIL],
    ]) {
      const { stdout, stderr } = await runCommand(args);
      expect([args[0], (stdout + stderr).match(/(?!\n)[\p{Cc}\p{Bidi_Control}]/gu)]).toEqual([args[0], null]);
      expect(stdout + stderr).not.toBe("");
    }
  });

  it("is no name of a site", async () => {
    const args = ["add", "https://evil.example", ...OWN, "--set", `SITE_NAME=${EVIL}`];
    expect(await site(args, OWN_ENV)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("SITE_NAME must be text that can be seen, without control characters"),
    });
  });
});

describe("the host of a site", () => {
  it.each([
    ["https://*.wild.example", "one host"],
    ["https://under_score.example", "one host"],
    ["https://[2001:db8::1]", "one host"],
    ["https://a..example", "one host"],
    ["https://-a.example", "one host"],
    ["ftp://a.example", "one host"],
    ["https://www.byraa.example.", "the deployment's own site"],
    ["https://WWW.BYRAA.example:443", "the deployment's own site"],
    ["https://192.0.2.1", "somebody can own"],
    ["https://co.uk", "somebody can own"],
    ["https://a.example/path", "SITE_URL"],
  ])("is not %s", async (url, why) => {
    expect(await site(["add", url, ...OWN], OWN_ENV)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(why),
    });
  });

  it("is never the deployment's own, by whatever command, on this machine on any port", async () => {
    const local = await openDeployment("local");
    const at = (args: readonly string[]) => siteAt(local, args, OWN_ENV);
    writeFileSync(local.settings, "SITE_URL='http://localhost:8787'\n");
    expect((await at(["init"])).code).toBe(0);
    expect((await at(["add", "http://a.localhost:8787", ...OWN])).code).toBe(0);
    const why = "the deployment's own site";
    for (const port of [8787, 9000])
      for (const args of [
        ["add", `http://localhost:${port}`, ...OWN],
        ["add", `http://b.localhost:${port}`, ...OWN, "--set", `SITE_ALIASES=localhost:${port}`, "--dry-run"],
        ["alias", "a.localhost:8787", `localhost:${port}`, "--dry-run"],
        ["rename", "a.localhost:8787", `localhost:${port}`],
      ])
        expect([args[0], await at(args)]).toMatchObject([
          args[0],
          { code: 1, stderr: expect.stringContaining(why) },
        ]);
    expect(await at(["alias", "localhost:8787", "localhost:9000"])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("in use already"),
    });
    // An export names its host itself.
    const other = await openDeployment("other");
    writeFileSync(other.settings, "SITE_URL='http://a.localhost:8787'\n");
    expect((await siteAt(other, ["init"], OWN_ENV)).code).toBe(0);
    const key = (await siteAt(other, ["receive"], OWN_ENV)).stdout.trim();
    const out = join(folder, "own-host.export");
    expect((await at(["export", "a.localhost:8787", "--for", key, "--out", out])).code).toBe(0);
    expect(await siteAt(other, ["import", out], OWN_ENV)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(why),
    });
    await other.storage.close();
    await local.storage.close();
  });

  it("is never where ORIGIN_URL leads, nor is that another site or address of the deployment", async () => {
    const origin = (url: string) => ["--set", `ORIGIN_URL=${url}`];
    const add = (host: string, ...more: string[]) =>
      site(["add", `https://${host}`, ...OWN, ...more], OWN_ENV);
    expect((await add("www.kilde.example", "--set", "SITE_ALIASES=kilde.example")).code).toBe(0);
    for (const [host, ...more] of [
      ["ring.example", ...origin("https://ring.example")],
      ["ring.example", ...origin("http://RING.example.")],
      ["ring.example", ...origin("https://www.ring.example"), "--set", "SITE_ALIASES=www.ring.example"],
      ["ring.example", ...origin("https://www.byraa.example")],
      ["ring.example", ...origin("https://www.kilde.example")],
      ["ring.example", ...origin("https://kilde.example")],
    ] as const)
      expect([more, await add(host, ...more)]).toMatchObject([
        more,
        { code: 1, stderr: expect.stringMatching(/ORIGIN_URL must be another server/) },
      ]);
    expect((await add("ring.example", ...origin("https://origin.ring.example"))).code).toBe(0);
    for (const args of [
      ["alias", "ring.example", "origin.ring.example"],
      ["rename", "ring.example", "origin.ring.example"],
    ])
      expect(await site(args)).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/ORIGIN_URL must be another server/),
      });
    // Two that lead to where the other is going to be.
    expect((await add("left.example", ...origin("https://new-right.example"))).code).toBe(0);
    expect((await add("right.example", ...origin("https://new-left.example"))).code).toBe(0);
    expect((await site(["rename", "right.example", "new-right.example"])).code).toBe(0);
    expect(await site(["rename", "left.example", "new-left.example"])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/ORIGIN_URL must be another server/),
    });
  });

  it.each(["co.uk", ".no", "pages.dev", "kommune.no"])("shares no session for all of %s", async (domain) => {
    const args = [
      "add",
      `https://klubb.${domain.replace(/^\./, "")}`,
      ...OWN,
      "--set",
      `SESSION_COOKIE_DOMAIN=${domain}`,
    ];
    expect(await site(args, OWN_ENV)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/SESSION_COOKIE_DOMAIN must be a domain/),
    });
  });

  it("is the same however it is written, here and for members", async () => {
    expect((await site(["add", "https://BLÅBÆR.example.:443", ...OWN], OWN_ENV)).code).toBe(0);
    const host = "xn--blbr-roah.example";
    const { settings } = (await site(["show", "blåbær.EXAMPLE", "--json"])).json();
    expect(settings.SITE_URL).toBe(`https://${host}`);
    const known = { own: "www.byraa.example", further: [host, "k30.localhost:8787"] };
    for (const [written, key] of [
      ["https://blåbær.example:443/", host],
      ["BLÅBÆR.example.", host],
      ["http://K30.localhost:8787", "k30.localhost:8787"],
      ["https://WWW.byraa.example.", "default"],
    ] as const)
      expect(siteNamed(written, known)).toMatchObject({ host: key });
    expect(() => siteNamed("K30.localhost", known)).toThrow("Did you mean k30.localhost:8787?");
    // This machine is the own site on every port, and only where that is on this machine.
    const local = { own: "localhost:8787", further: ["k30.localhost:8787"] };
    for (const written of ["localhost:8787", "localhost:9113", "http://LOCALHOST:9113/", "127.0.0.1:9113"])
      expect(siteNamed(written, local)).toMatchObject({ host: "default" });
    for (const [written, sites] of [
      ["localhost:9113", known],
      ["k30.localhost:9113", local],
      ["k31.localhost:8787", local],
    ] as const)
      expect(() => siteNamed(written, sites)).toThrow("is no site here");
    expect(() => siteNamed(undefined, known)).toThrow("--site");
    expect(siteHostNamed("http://[::1]:8787")).toBeUndefined();
    await site(["remove", "xn--blbr-roah.example", "--dry-run"]);
  });

  it("is refused where another site's session would reach it", async () => {
    const shared = (host: string, domain: string) => [
      "add",
      `https://${host}`,
      ...OWN,
      "--set",
      `SESSION_COOKIE_DOMAIN=${domain}`,
    ];
    expect((await site(shared("www.delt.example", "delt.example"), OWN_ENV)).code).toBe(0);
    for (const [host, domain] of [
      ["shop.delt.example", "delt.example"],
      ["a.shop.delt.example", ".shop.DELT.example"],
    ] as const)
      expect((await site(shared(host, domain), OWN_ENV)).stderr).toContain("shared with www.delt.example");
    const file = siteFile(
      "shared.json",
      JSON.stringify(
        ["x", "y"].map((name) => ({
          SITE_URL: `https://${name}.felles.example`,
          VIPPS_KEYS: "partner",
          VIPPS_MSN: "200010",
          SESSION_COOKIE_DOMAIN: "felles.example",
        })),
      ),
    );
    expect((await site(["add", "--file", file, "--json"])).json()).toMatchObject({ refused: 2 });
    // The site itself may change.
    expect((await site([...shared("www.delt.example", "delt.example"), "--update"], OWN_ENV)).code).toBe(0);
  });
});

describe("keys that leaked", () => {
  it("sign nowhere again, whatever names them and whatever they are called", async () => {
    const leaked = join(folder, "leaked.json");
    expect((await runCommand(["keys", "--help"])).code).toBe(0);
    const { newKeySet } = await import("../../cli/session-key-set.ts");
    const set = newKeySet();
    writeFileSync(leaked, JSON.stringify(set));
    const env = { ...OWN_ENV, SESSION_KEYS: JSON.stringify(set) };
    const add = (host: string) => ["add", `https://${host}`, ...OWN, "--secret", "SESSION_KEYS"];
    expect((await site(add("lekk.example"), env)).code).toBe(0);
    expect((await site(add("kopi.example"), env)).code).toBe(0);
    const rotated = await site(["rotate", "lekk.example", "--compromised"]);
    expect(rotated.stdout).toContain("1 site: new session keys, everybody logged out");
    expect(rotated).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("kopi.example signs with a key that has leaked too"),
    });
    for (const text of [
      env.SESSION_KEYS,
      renamedKeys(env.SESSION_KEYS),
      behind(env.SESSION_KEYS, newKeySet()),
    ]) {
      for (const host of ["lekk.example", "ny.example"])
        expect(await site(add(host), { ...env, SESSION_KEYS: text })).toMatchObject({
          code: 1,
          stderr: expect.stringContaining("dropped as compromised"),
        });
    }
    expect((await site(["add", "https://lekk.example", ...OWN], OWN_ENV)).code).toBe(0);
  });

  it("are not said to be gone while the environment holds the old master keys", async () => {
    const before = /SITES_KEYS='(.*)'/.exec(readFileSync(here.settings, "utf8"))?.[1] ?? "";
    const rotated = await site(["rotate", "--master-key"], { SITES_KEYS: before });
    expect(rotated.stderr).toContain("The environment variable SITES_KEYS still holds the old master keys");
    const after = JSON.parse(/SITES_KEYS='(.*)'/.exec(readFileSync(here.settings, "utf8"))?.[1] ?? "{}");
    const documents = await here.storage.sites.list("site:");
    const texts = await here.storage.sites.read(documents.map(({ name }) => name));
    const kids = new Set([...texts.values()].map((text) => JSON.parse(text).sealed.kid));
    expect([...kids]).toEqual([after.keys[0].kid]);
    expect(before).not.toContain(after.keys[0].kid);
    // With both there, nobody can tell which is the older: nothing is done.
    for (const args of [
      ["rotate", "--master-key"],
      ["rotate", "--master-key", "--drop-old"],
      ["rotate", "--all"],
    ])
      expect(await site(args, { SITES_KEYS: before })).toMatchObject({
        code: 1,
        stderr: expect.stringContaining("is another than that of"),
      });
    expect((await site(["rotate", "--master-key", "--drop-old"])).stdout).toContain(
      "Dropped 1 old master key",
    );
  });
});

function renamedKeys(text: string): string {
  const { keys } = JSON.parse(text);
  return JSON.stringify({ keys: keys.map((key: object) => ({ ...key, kid: "another-name" })) });
}

function behind(text: string, fresh: { readonly keys: readonly unknown[] }): string {
  return JSON.stringify({ keys: [...fresh.keys, ...JSON.parse(renamedKeys(text)).keys] });
}

describe("a site that moves", () => {
  const HOST = "www.flytt.example";
  async function fill(partition: string) {
    await here.storage.batch([
      {
        sql: "INSERT INTO accounts (site, id, name, search_name, groups, origin, created_at, updated_at) VALUES (?1, 'acc_1', 'Kari Nordmann', 'kari nordmann', '[\"board\",\"trainers\"]', 'import', 1, 1)",
        params: [partition],
      },
      ...[
        "identities (site, msn, sub, account_id, linked_at, linked_by) VALUES (?1, '1', 'sub', 'acc_1', 1, 'created')",
        "terms_acceptances (site, account_id, version, url, language, accepted_at) VALUES (?1, 'acc_1', '1', 'u', 'nb', 1)",
        "vipps_consents (site, msn, sub, form, time_of_consent, answered_at, answers, raw, received_at) VALUES (?1, '1', 'sub', 'flowResult', 't', 1, '[]', '{}', 1)",
        "delegated_consents (site, account_id, msn, sub, time_of_consent, raw, received_at) VALUES (?1, 'acc_1', '1', 'sub', 't', '{}', 1)",
        "login_events (site, at, outcome) VALUES (?1, 1, 'logged_in')",
        "login_figures (site, hour, outcome, count) VALUES (?1, 0, 'logged_in', 7)",
        "counted_logins (site, until) VALUES (?1, 5)",
        "proof_guesses (site, subject, count, until) VALUES (?1, 'person:x', 1, 1)",
        "erasures (site, subject, erased_at) VALUES (?1, 'person:y', 1)",
        "events (site, about, id, type, data, state, due_at) VALUES (?1, 'acc_1', 'msg_1', 'account.created', '{}', 'waiting', 1)",
      ].map((rows) => ({ sql: `INSERT INTO ${rows}`, params: [partition] })),
      {
        sql: "INSERT INTO consents (site, account_id, consent, granted, source, answered_at) VALUES (?1, 'acc_1', 'newsletter', 1, 'login', 1), (?1, 'acc_1', 'newsletter', 0, 'my_page', 2)",
        params: [partition],
      },
      {
        sql: "INSERT INTO audit_log (site, at, actor, actor_role, action) VALUES (?1, 1, 'acc_1', 'self', 'viewed')",
        params: [partition],
      },
      {
        sql: "INSERT INTO link_requests (site, msn, sub, reference, reason, told, candidates, window_at, requested_at) VALUES (?1, '1', 's', 'r', 'name', '{}', '[\"acc_1\"]', 1, 1)",
        params: [partition],
      },
    ]);
    await here.storage.batch([
      {
        sql: "INSERT INTO logins (site, id, outcome) SELECT ?1, value, 'logged_in' FROM generate_series(1, 1201)".replace(
          "FROM generate_series(1, 1201)",
          "FROM (WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 1201) SELECT value FROM n)",
        ),
        params: [partition],
      },
    ]);
    const counts = await Promise.all(
      (await siteTables(here.storage)).map(async ({ name }) => {
        const [row] = await rowsOf(`SELECT count(*) AS count FROM ${name} WHERE site = ?1`, here, partition);
        return [name, Number(row?.count)] as const;
      }),
    );
    expect(counts.filter(([, count]) => count === 0)).toEqual([]);
  }
  const names = async (partition: string, at: Deployment) =>
    (await rowsOf("SELECT name FROM account_names WHERE site = ?1 ORDER BY name", at, partition)).map(
      ({ name }) => name,
    );

  it("keeps its rows when it is renamed, and its old host leads to the new one and is free for nobody else", async () => {
    expect((await site(["add", `https://${HOST}`, ...OWN], OWN_ENV)).code).toBe(0);
    expect((await site(["alias", HOST, "flytt.example"])).stdout).toContain(
      "flytt.example leads to www.flytt.example",
    );
    await fill(HOST);
    const BEFORE = "Before: register the redirect URI of www.flyttet.example";
    const planned = await site(["rename", HOST, "www.flyttet.example", "--dry-run"]);
    expect(planned).toMatchObject({ code: 0, stderr: expect.stringContaining(BEFORE) });
    const renamed = await site(["rename", HOST, "www.flyttet.example"]);
    expect(renamed.stderr).toContain(BEFORE);
    expect(renamed.stdout).toContain("Still to do: see that people can log in");
    expect(renamed).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("www.flytt.example leads to www.flyttet.example"),
    });
    expect((await site(["rename", HOST, "www.flyttet.example"])).stdout).toContain("already");
    const { aliases } = (await site(["list", "--json"])).json();
    expect(aliases).toEqual(
      expect.arrayContaining([
        { host: HOST, of: "www.flyttet.example" },
        { host: "flytt.example", of: "www.flyttet.example" },
      ]),
    );
    expect(await site(["add", `https://${HOST}`, ...OWN], OWN_ENV)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("is another address of www.flyttet.example"),
    });
    // Given up, the old host can go to somebody else, who finds nobody there.
    expect((await site(["remove", HOST, "--dry-run", "--json"])).json()).toMatchObject({
      sites: [{ rows: {} }],
    });
  });

  it("is named by every command that is given another address of it", async () => {
    const why = `${HOST} is another address of www.flyttet.example`;
    const key = (await site(["receive"])).stdout.trim();
    for (const args of [
      ["show", HOST],
      ["check", HOST, "--offline"],
      ["health", HOST],
      ["rotate", HOST],
      ["rename", HOST, "www.nytt.example"],
      ["alias", HOST, "nytt.example"],
      ["export", HOST, "--for", key, "--out", join(folder, "alias.export")],
      ["add", `https://${HOST}`, ...OWN],
    ]) {
      const { code, stdout, stderr } = await site(args, OWN_ENV);
      // A list of faults says what is wrong before it says where.
      const said = `${stdout}${stderr}`.replaceAll(`${HOST}: it `, `${HOST} `);
      const isSaid =
        said.includes(why) || (args[0] === "health" && said.includes(why.slice(HOST.length + 1)));
      expect([args, code, isSaid, said]).toEqual([
        args,
        1,
        true,
        expect.not.stringContaining("out of reach"),
      ]);
    }
    expect(existsSync(join(folder, "alias.export"))).toBe(false);
  });

  it("goes to another deployment in a file that only that can open, and is the same there", async () => {
    const host = "www.flyttet.example";
    expect((await siteAt(there, ["init"])).code).toBe(0);
    const key = (await siteAt(there, ["receive"])).stdout.trim();
    const out = join(folder, "flyttet.export");
    expect((await site(["export", host, "--for", key, "--out", out])).stdout).toContain(
      "only the deployment of that key can open it",
    );
    const file = readFileSync(out, "utf8");
    expect(statSync(out).mode & 0o777).toBe(0o600);
    for (const told of ["Kari", "newsletter", SECRET]) expect(file).not.toContain(told);
    expect((await site(["import", out])).stderr).toContain("sealed for another deployment");
    // Cut off in the middle, or with a line of another place, it is no site; the whole file goes on from there.
    const lines = file.trim().split("\n");
    const broken: [string, readonly string[], string][] = [
      ["short", lines.slice(0, -2), "ends in the middle"],
      ["swapped", [lines[0] ?? "", ...lines.slice(1).toReversed()], "is not the one that was written"],
    ];
    for (const [name, some, why] of broken) {
      const path = siteFile(name, `${some.join("\n")}\n`);
      expect(await siteAt(there, ["import", path])).toMatchObject({
        code: 1,
        stderr: expect.stringContaining(why),
      });
      expect((await siteAt(there, ["list", "--json"])).json().sites).toEqual([]);
    }
    // Another export of it that is being imported: one of the two would leave its rows to nobody.
    await there.storage.batch([
      {
        sql: "INSERT INTO site_claims (host, deed, until) VALUES (?1, 'import of another', ?2)",
        params: [host, Date.now() + 60_000],
      },
    ]);
    expect((await siteAt(there, ["import", out])).stderr).toContain(`Another command is changing ${host}`);
    expect(await rowsOf("SELECT id FROM accounts", there)).toEqual([]);
    await there.storage.batch([{ sql: "DELETE FROM site_claims", params: [] }]);
    expect((await siteAt(there, ["import", out, "--json"])).json()).toMatchObject({ host, imported: true });
    expect((await siteAt(there, ["import", out])).stdout).toContain("already");
    const [record] = await rowsOf("SELECT site FROM site_versions WHERE host = ?1", there, host);
    const partition = String(record?.site);
    expect(partition).toMatch(/^www\.flyttet\.example~/);
    for (const { name } of await siteTables(here.storage)) {
      const count = `SELECT count(*) AS count FROM ${name} WHERE site = ?1`;
      expect([name, await rowsOf(count, there, partition)]).toEqual([name, await rowsOf(count, here, HOST)]);
    }
    expect(await names(partition, there)).toEqual(["kari nordmann", "nordmann kari"]);
    const { settings } = (await siteAt(there, ["show", host, "--json"])).json();
    expect(settings).toMatchObject({ VIPPS_CLIENT_SECRET: "(secret, set)", SESSION_KEYS: "(secret, set)" });
  });

  it("is refused with a line where its file cannot be written or goes on behind its end, and leaves no half of it", async () => {
    const host = "www.flyttet.example";
    const key = (await siteAt(there, ["receive"])).stdout.trim();
    const to = (out: string) => site(["export", host, "--for", key, "--out", out]);
    const nowhere = await to(join(folder, "nowhere", "x"));
    expect(nowhere).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(`There is no folder ${join(folder, "nowhere")}.`),
    });
    expect(await to(folder)).toMatchObject({ code: 2, stderr: expect.stringContaining("is a folder, not") });
    expect(existsSync(`${folder}.part`)).toBe(false);
    // What the file system says of any other place that is not there, in words too.
    expect(await runCommand(["site", "init", "--settings", join(folder, "nowhere", "vars")])).toMatchObject({
      code: 1,
      stderr: `There is no folder ${join(folder, "nowhere")}.\n`,
    });
    const whole = readFileSync(join(folder, "flyttet.export"), "utf8");
    for (const [name, text] of [
      ["twice", whole + whole],
      ["more", `${whole}more\n`],
    ] as const) {
      const other = await openDeployment(name);
      // Whoever received it has the key.
      writeFileSync(other.settings, readFileSync(there.settings));
      expect(await siteAt(other, ["import", siteFile(`${name}.export`, text)])).toMatchObject({
        code: 1,
        stderr: expect.stringContaining("goes on behind its end"),
      });
      expect((await siteAt(other, ["list", "--json"])).json().sites).toEqual([]);
      await other.storage.close();
    }
  });

  it("takes every table with it, or there is a reason why not", async () => {
    const tables = await rowsOf(
      "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name NOT LIKE '_cf%'",
    );
    const ofSites = new Set((await siteTables(here.storage)).map(({ name }) => name));
    const ofNobody = {
      d1_migrations: "wrangler's",
      site_versions: "of hosts, written anew",
      revoked_session_keys: "its keys go along",
      site_claims: "of commands that are at it",
    };
    const missing = tables
      .map(({ name }) => String(name))
      .filter((name) => !ofSites.has(name) && !(name in ofNobody));
    expect(missing).toEqual([]);
    expect(Object.keys(NOT_EXPORTED).filter((name) => !ofSites.has(name))).toEqual([]);
  });
});

describe("two commands at once", () => {
  const add = (host: string, ...more: readonly string[]) =>
    site(["add", `https://${host}`, ...OWN, ...more], OWN_ENV);
  const shown = async (host: string) => (await site(["show", host, "--json"])).json().settings;

  it("do not both give a host away: one is told, and nothing of its site is lost", async () => {
    expect((await add("r1.example", "--set", "SITE_NAME=One")).code).toBe(0);
    expect((await add("r2.example", "--set", "SITE_NAME=Two")).code).toBe(0);
    const froms = ["r1.example", "r2.example"] as const;
    const outcomes = await Promise.all(froms.map((from) => site(["rename", from, "r3.example"])));
    expect(outcomes.map(({ code }) => code).toSorted()).toEqual([0, 1]);
    const lost = outcomes.findIndex(({ code }) => code === 1);
    expect(outcomes[lost]?.stderr).toMatch(
      /Another command is changing r3\.example|r3\.example is a site already/,
    );
    const names = ["One", "Two"];
    expect((await shown("r3.example")).SITE_NAME).toBe(names[1 - lost]);
    expect((await shown(froms[lost] ?? "")).SITE_NAME).toBe(names[lost]);
    expect(await rowsOf("SELECT * FROM site_claims")).toEqual([]);
    expect((await site(["rename", froms[lost] ?? "", "r4.example"])).code).toBe(0);
  });

  it("do not both get another address", async () => {
    const aliased = ["--set", "SITE_ALIASES=felles-navn.example"];
    const outcomes = await Promise.all(["s1.example", "s2.example"].map((host) => add(host, ...aliased)));
    expect(outcomes.map(({ code }) => code).toSorted()).toEqual([0, 1]);
    const won = outcomes.findIndex(({ code }) => code === 0);
    const { aliases } = (await site(["list", "--json"])).json();
    expect(aliases).toContainEqual({ host: "felles-navn.example", of: `s${won + 1}.example` });
    expect((await site(["show", `s${2 - won}.example`])).stderr).toContain("is no site");
  });

  it("that do different things to one site do not both say that they have done it", async () => {
    const added = await Promise.all(
      ["One", "Two"].map((name) => add("d1.example", "--set", `SITE_NAME=${name}`)),
    );
    expect(added.map(({ code }) => code).toSorted()).toEqual([0, 1]);
    const name = added[0]?.code === 0 ? "One" : "Two";
    expect((await shown("d1.example")).SITE_NAME).toBe(name);
    const further = ["e1.example", "e2.example"];
    const led = await Promise.all(further.map((one) => site(["alias", "d1.example", one])));
    const { aliases } = (await site(["list", "--json"])).json();
    for (const [index, one] of further.entries())
      expect(aliases.some(({ host }: { host: string }) => host === one)).toBe(led[index]?.code === 0);
    await here.storage.batch([
      {
        sql: "INSERT INTO site_claims (host, deed, until) VALUES ('d1.example', 'rotate --compromised', ?1)",
        params: [Date.now() + 60_000],
      },
    ]);
    // Else it would bring the leaked key back.
    expect((await site(["rotate", "d1.example"])).stderr).toContain("Another command is changing d1.example");
    expect((await site(["rotate", "d1.example", "--compromised"])).code).toBe(0);
  });

  it("that rotate the master key leave every site sealed with one that is kept", async () => {
    const before = readFileSync(here.settings, "utf8");
    await here.storage.batch([
      {
        sql: "INSERT INTO site_claims (host, deed, until) VALUES ('the master keys', 'seal with another', ?1)",
        params: [Date.now() + 60_000],
      },
    ]);
    expect((await site(["rotate", "--master-key"])).stderr).toContain(
      "Another command is changing the master keys",
    );
    expect(readFileSync(here.settings, "utf8")).toBe(before);
    await here.storage.batch([{ sql: "DELETE FROM site_claims", params: [] }]);
    await Promise.all([1, 2].map(() => site(["rotate", "--master-key"])));
    expect((await site(["show", "d1.example"])).stdout).toMatch(/SESSION_KEYS +\(secret, set\)/);
  });

  it("that were cut off go on, and others wait until what they left counts no longer", async () => {
    expect((await add("c1.example")).code).toBe(0);
    expect((await add("c2.example")).code).toBe(0);
    const leave = (until: number) =>
      here.storage.batch([
        {
          sql: "INSERT OR REPLACE INTO site_claims (host, deed, until) VALUES ('c3.example', 'rename c1.example', ?1)",
          params: [until],
        },
      ]);
    await leave(Date.now() + 60_000);
    expect(await site(["rename", "c2.example", "c3.example"])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("Another command is changing c3.example"),
    });
    expect((await site(["rename", "c1.example", "c3.example"])).code).toBe(0);
    await leave(Date.now() - 1);
    expect(await site(["rename", "c2.example", "c3.example"])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("c3.example is a site already"),
    });
  });
});

/** Storage that is cut off at its nth call: before it does anything, or when it has done it and before it says so. */
function cutOff(storage: D1Session, at: number, when: "before" | "after"): D1Session {
  let calls = 0;
  const cut =
    <Args extends readonly unknown[], Result>(call: (...args: Args) => Promise<Result>) =>
    async (...args: Args): Promise<Result> => {
      calls += 1;
      if (calls > at || (calls === at && when === "before")) throw new Error("cut off");
      const result = await call(...args);
      if (calls === at) throw new Error("cut off");
      return result;
    };
  const { list, read, write, delete: remove } = storage.sites;
  return {
    ...storage,
    batch: cut(storage.batch),
    sites: { list: cut(list), read: cut(read), write: cut(write), delete: cut(remove) },
  };
}

describe("a removal", () => {
  const HOST = "www.slutt.example";
  const NEIGHBOUR = "www.nabo.example";
  const ALIAS = "slutt.example";
  const insert = (host: string, id: string) => [
    {
      sql: "INSERT INTO accounts (site, id, name, search_name, origin, created_at, updated_at) VALUES (?1, ?2, 'Kari Nordmann', 'kari nordmann', 'vipps', 1, 1)",
      params: [host, id],
    },
    {
      sql: "INSERT INTO consents (site, account_id, consent, granted, source, answered_at) VALUES (?1, ?2, 'newsletter', 1, 'login', 1)",
      params: [host, id],
    },
    {
      sql: "INSERT INTO logins (site, id, outcome, account_id) VALUES (?1, abs(random()), 'logged_in', ?2)",
      params: [host, id],
    },
  ];
  const TEXT = JSON.stringify({ keys: [{ kty: "oct", k: "A".repeat(43), kid: "any" }] });

  /** Everything that any store holds of a host, by where it is. */
  async function findings(storage: D1Session, host: string): Promise<readonly string[]> {
    const tables = await siteTables(storage);
    const results = await storage.batch(
      tables.map(({ name }) => ({
        sql: `SELECT count(*) AS count FROM ${name} WHERE site = ?1`,
        params: [host],
      })),
    );
    const rows = tables.flatMap(({ name }, index) => {
      const count = Number(results[index]?.rows[0]?.count);
      return count > 0 ? [`${name}: ${count}`] : [];
    });
    const documents = await storage.sites.list(`site:${host}`);
    return [...rows, ...documents.map(({ name }) => name)];
  }

  it("cut off at every step and taken up again leaves nothing of the site anywhere, and all of the others", async () => {
    const keys = masterKeysIn(TEXT);
    const storage = openMemoryStorage();
    const add = (host: string, aliases = "") =>
      addSites({
        ...{ session: storage, keys, deployment: {}, update: false, takeOver: false, dryRun: false, at: 1 },
        isLanguage,
        sites: [
          {
            ...{ SITE_URL: `https://${host}`, VIPPS_KEYS: "partner", VIPPS_MSN: "200001" },
            ...(aliases !== "" && { SITE_ALIASES: aliases }),
          },
        ],
      });
    expect(await add(NEIGHBOUR)).toMatchObject([{ outcome: "added" }]);
    await storage.batch(insert(NEIGHBOUR, "acc_neighbour"));
    const partitions = new Set<string>();
    const partition = async () => partitionOf((await siteRecords(storage)) ?? new Map(), HOST) ?? "";
    const neighbour = await findings(storage, NEIGHBOUR);
    let cuts = 0;
    let rows = 0;
    for (const when of ["before", "after"] as const) {
      for (let at = 1, isWhole = false; !isWhole; at += 1) {
        // What a command leaves behind that lost its last word counts for some minutes, which have gone by.
        await storage.batch([{ sql: "DELETE FROM site_claims", params: [] }]);
        expect(await add(HOST, ALIAS)).toMatchObject([{ outcome: "added" }]);
        const rowsOfHost = await partition();
        partitions.add(rowsOfHost);
        await storage.batch([...insert(rowsOfHost, "acc_1"), ...insert(rowsOfHost, "acc_2")]);
        // Somebody logs in while the command waits, by an isolate that does not know yet.
        let clock = Date.now();
        let isLate = false;
        const pause = async (milliseconds: number) => {
          clock += milliseconds;
          if (!isLate) await storage.batch(insert(rowsOfHost, "acc_late"));
          isLate = true;
        };
        const removal = { keys, keepData: false, now: () => clock, pause, settling: 5_000 };
        const session = cutOff(storage, at, when);
        try {
          await removeSites({ ...removal, session }, await leavingsOf(session, keys, [HOST]));
          isWhole = true;
        } catch (error) {
          expect(error).toMatchObject({ message: "cut off" });
          cuts += 1;
          const left = await leavingsOf(storage, keys, [HOST]);
          const gone = await removeSites({ ...removal, session: storage }, left);
          rows += Object.values(gone.get(HOST) ?? {}).reduce((sum, count) => sum + count, 0);
        }
        for (const gone of [HOST, rowsOfHost])
          expect([when, at, gone, await findings(storage, gone)]).toEqual([when, at, gone, []]);
        // Nor does whoever gets the host next find what Durable Objects still keep under that key.
        expect(await partition()).not.toBe(rowsOfHost);
        expect(await storage.sites.list(`site:${ALIAS}`)).toEqual([]);
      }
    }
    expect(await findings(storage, NEIGHBOUR)).toEqual(neighbour);
    console.log(
      `${cuts} removals cut off and taken up again, ${rows} rows deleted by the second runs, nothing left in any store`,
    );
    expect(cuts).toBeGreaterThanOrEqual(50);
    expect(partitions.size).toBe(cuts + 2);
  });

  it("works where there are rows and no document, and a new site of the host gets nobody's rows unasked", async () => {
    await here.storage.batch(insert(HOST, "acc_1"));
    const add = ["add", `https://${HOST}`, ...OWN];
    expect(await site(add, OWN_ENV)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("the database holds rows of a site that had this host"),
    });
    expect((await site([...add, "--take-over"], OWN_ENV)).code).toBe(0);
    expect((await site(["remove", HOST, "--keep-data", "--dry-run"])).stdout).toContain(
      "nothing in the database (--keep-data)",
    );
    await here.storage.sites.delete([`site:${HOST}`]);
    expect((await site(["remove", HOST, "--dry-run", "--json"])).json()).toMatchObject({
      sites: [{ host: HOST, rows: { accounts: 1, consents: 1, logins: 1 } }],
    });
    expect(await site(["remove", "ingen.example", "--dry-run"])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("is no site"),
    });
  });
});
