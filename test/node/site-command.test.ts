import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { executeFile, query } from "../../cli/d1-command.ts";
import { WRANGLER_OFFLINE, wranglerProgram } from "../../cli/wrangler.mjs";
import { runCommand } from "./command-under-test.ts";
import { makeLocalState } from "./local-state.ts";

const folder = mkdtempSync(join(tmpdir(), "site-command-"));
const [state, settings] = [join(folder, "state"), join(folder, "settings")];
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const SECRET = "client-secret-that-nobody-may-see";

/** `vipps-login site …` against storage of its own. */
async function site(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const own = ["--persist-to", state, "--settings", settings];
  const { code, stdout, stderr } = await runCommand(["site", ...args, ...own], { env });
  expect(stdout + stderr).not.toContain(SECRET);
  return { status: code, stdout, stderr, json: () => JSON.parse(stdout) };
}

function siteFile(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

/** The documents in wrangler's local KV, read and written by wrangler itself. */
function documentsIn(persistTo: string): string {
  const output = wranglerKv(persistTo, ["bulk", "get", siteFile("names.json", JSON.stringify(NAMES))]);
  return output.slice(output.indexOf("{"), output.lastIndexOf("}") + 1);
}

function putDocuments(persistTo: string, documents: string): void {
  const stored: Record<string, string | { value: string }> = JSON.parse(documents);
  const entries = Object.entries(stored).map(([key, entry]) => ({
    key,
    value: typeof entry === "string" ? entry : entry.value,
  }));
  wranglerKv(persistTo, ["bulk", "put", siteFile("documents.json", JSON.stringify(entries))]);
}

const NAMES = ["site:bakeri.example", "site:kahvila.example"];

function wranglerKv(persistTo: string, command: readonly string[]): string {
  const where = ["--binding", "SITES", "--local", "--persist-to", persistTo];
  const program = [wranglerProgram(process.cwd()), "kv", ...command, ...where];
  const { status, stdout, stderr } = spawnSync(process.execPath, program, {
    encoding: "utf8",
    env: { ...process.env, ...WRANGLER_OFFLINE, WRANGLER_LOG: "log", NO_COLOR: "1" },
  });
  expect([status, stderr]).toEqual([0, expect.any(String)]);
  return stdout;
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
    CONSENTS: [{ id: newsletter, text: Send me the newsletter }]
  - SITE_URL: https://kahvila.example
    VIPPS_KEYS: partner
    VIPPS_MSN: 200002
    LOGIN_EVENTS_DAYS: 30
  - SITE_URL: https://feil.example
    VIPPS_MSN: 200003
    VIPPS_CLIENT_IDD: client-3
`;

describe("vipps-login site", () => {
  it("explains itself, and what it does not understand", async () => {
    expect(await site(["--help"])).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^Usage: vipps-login site/),
    });
    for (const wrong of [
      ["frobnicate"],
      ["add"],
      ["add", "https://a.example", "--file", "x"],
      ["add", "https://a.example", "--set", "msn"],
      ["add", "https://a.example", "--set", `VIPPS_CLIENT_SECRET=${SECRET}`],
      ["add", "https://a.example", "--secret", "VIPPS_CLIENT_SECRET"],
      ["show"],
      ["list", "one"],
      ["remove", "--all"],
      ["--frobnicate"],
    ]) {
      const { status, stderr } = await site(wrong);
      expect([wrong, status, stderr.trim().split("\n").length]).toEqual([wrong, 2, 1]);
    }
  });

  // Some thirty programs, one after the other.
  it("keeps sites from file to removal", { timeout: 300_000 }, async () => {
    await makeLocalState(state);
    // Nobody answers there: the doctor must not ask anybody real.
    writeFileSync(settings, "VIPPS_ISSUER='https://127.0.0.1:1/'\n");
    expect(await site(["add", "https://bakeri.example"])).toMatchObject({
      status: 1,
      stderr: expect.stringContaining("npx vipps-login site init"),
    });
    expect((await site(["init"])).status).toBe(0);
    expect(statSync(settings).mode & 0o777).toBe(0o600);
    const master = readFileSync(settings, "utf8");

    const file = siteFile("sites.yaml", YAML);
    const env = { BAKERY_SECRET: SECRET };
    const dry = await site(["add", "--file", file, "--dry-run", "--json"], env);
    expect(dry.json()).toMatchObject({ dry_run: true, added: 2, refused: 1 });

    const added = await site(["add", "--file", file], env);
    expect(added.status).toBe(1);
    expect(added.stdout).toContain("2 added, 0 changed, 0 unchanged, 1 refused");
    expect(added.stderr).toContain("feil.example: VIPPS_CLIENT_IDD is no setting of a site");
    expect(added.stderr).toContain("feil.example: VIPPS_CLIENT_ID is missing");
    expect((await site(["add", "--file", file, "--json"], env)).json()).toMatchObject({
      added: 0,
      unchanged: 2,
    });
    const target = { root: process.cwd(), remote: false, environment: undefined, persistTo: state };
    const versions = async () => {
      const rows = await query(target, "SELECT host, version FROM site_versions ORDER BY host");
      return rows.map(({ host, version }) => [String(host), Number(version)] as const);
    };
    const first = await versions();
    expect(first.map(([host]) => host)).toEqual(["bakeri.example", "kahvila.example"]);
    const old = documentsIn(state);
    expect((await site(["add", "--file", file], {})).stderr).toContain("BAKERY_SECRET is not set");

    const { sites } = (await site(["list", "--json"])).json();
    expect(sites).toMatchObject([
      { host: "bakeri.example", msn: "200001", keys: "own", market: "NO", days: 90 },
      { host: "kahvila.example", msn: "200002", keys: "partner", days: 30 },
    ]);
    const shown = (await site(["show", "bakeri.example", "--json"])).json();
    expect(shown.settings).toMatchObject({
      VIPPS_CLIENT_SECRET: "(secret, set)",
      SESSION_KEYS: "(secret, set)",
      PROTECTED_PATHS: "/members/*",
      CONSENTS: '[{"id":"newsletter","text":"Send me the newsletter"}]',
    });

    const { sites: checked } = (await site(["check", "--all", "--offline", "--json"])).json();
    expect(checked.map(({ host }: { host: string }) => host)).toEqual(["bakeri.example", "kahvila.example"]);
    expect(checked[0].findings).toContainEqual(expect.objectContaining({ id: "settings", severity: "ok" }));
    expect(checked[0].findings).toContainEqual(
      expect.objectContaining({ id: "discovery", severity: "error" }),
    );

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
    const changed = (await site(["show", "bakeri.example", "--json"])).json();
    expect(changed.settings).toMatchObject({ VIPPS_MARKET: "DK", VIPPS_CLIENT_SECRET: "(secret, set)" });
    expect(changed.settings).not.toHaveProperty("CONSENTS");

    expect((await site(["rotate", "--all"])).stdout).toContain("2 sites: a new session key");
    expect((await site(["rotate", "--master-key"])).stdout).toContain(
      "2 sites: secrets sealed with a new master key",
    );
    expect((await site(["rotate", "--master-key", "--drop-old"])).stdout).toContain(
      "Dropped 1 old master key",
    );
    const { keys } = JSON.parse(/SITES_KEYS='(.*)'/.exec(readFileSync(settings, "utf8"))?.[1] ?? "{}");
    expect(keys).toHaveLength(1);
    expect(master).not.toContain(keys[0].k);

    // Somebody puts the first documents back: no command takes them for the sites.
    putDocuments(state, old);
    const refused = await site(["rotate", "--all"]);
    expect(refused).toMatchObject({ status: 1, stdout: expect.stringContaining("0 sites") });

    const rows = siteFile(
      "rows.sql",
      `INSERT INTO login_events (site, at, outcome) VALUES ('bakeri.example', 1, 'logged_in');
       INSERT INTO login_events (site, at, outcome) VALUES ('kahvila.example', 1, 'logged_in');`,
    );
    await executeFile(target, rows);
    expect(await site(["remove", "bakeri.example"])).toMatchObject({ status: 2 });
    const removed = await site(["remove", "https://bakeri.example", "--yes", "--json"]);
    expect(removed.json()).toMatchObject({ host: "bakeri.example", rows: { login_events: 1 } });
    const kept = await query(target, "SELECT site FROM login_events");
    expect(kept).toEqual([{ site: "kahvila.example" }]);
    // A removed site's documents may not come back either.
    const last = await versions();
    expect(last.every(([, version], index) => version > (first[index]?.[1] ?? 0))).toBe(true);
  });

  it.each([
    ["is not there", undefined, "There is no file"],
    ["holds no list", "sites: 3", "must hold a list of sites"],
    ["is empty", "[]", "holds no site"],
    ["cannot be read", "[{", "neither YAML nor JSON"],
  ])("refuses a file that %s", async (_what, content, message) => {
    const path = content === undefined ? join(folder, "missing.yaml") : siteFile("odd.yaml", content);
    const { status, stderr } = await site(["add", "--file", path], { SITES_KEYS: MASTER });
    expect([status, stderr]).toEqual([1, expect.stringContaining(message)]);
  });

  it("refuses a site that stands in a file twice", async () => {
    const one = { SITE_URL: "https://to.example", VIPPS_KEYS: "partner", VIPPS_MSN: "200004" };
    const path = siteFile("twice.json", JSON.stringify([one, one]));
    const { status, stderr } = await site(["add", "--file", path], { SITES_KEYS: MASTER });
    expect([status, stderr]).toEqual([1, expect.stringContaining("stands in the file twice")]);
  });
});

/** Any key will do where nothing is sealed. */
const MASTER = JSON.stringify({ keys: [{ kty: "oct", k: "A".repeat(43), kid: "any" }] });
