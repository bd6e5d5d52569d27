import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { D1Session } from "../../cli/d1-session.ts";
import { keepStorage } from "../../cli/sites/sites-command.ts";
import { type Account, openAccount } from "./cloudflare-api.ts";
import { runCommand } from "./command-under-test.ts";

const ROOT = process.cwd();
const NAMESPACE = "kv-of-sites";
const HOST = "www.bakeri.example";

describe("vipps-login site --env production", () => {
  const folder = mkdtempSync(join(tmpdir(), "site-cloudflare-"));
  const settings = join(folder, "settings");
  let account: Account;
  let storage: D1Session;

  beforeAll(async () => {
    account = await openAccount();
    account.kv.set("vipps-login-worker-production-sites", NAMESPACE);
    const sqlite = new DatabaseSync(":memory:");
    for (const name of readdirSync(join(ROOT, "migrations")).toSorted())
      sqlite.exec(readFileSync(join(ROOT, "migrations", name), "utf8"));
    account.databases.set("vipps-login-accounts-production", { uuid: "a-database", sqlite });
    vi.stubEnv("CLOUDFLARE_API_BASE_URL", account.url);
    vi.stubEnv("CLOUDFLARE_API_TOKEN", "a-token");
    vi.stubEnv("CLOUDFLARE_ACCOUNT_ID", "0".repeat(32));
    const key = { kty: "oct", k: "A".repeat(43), kid: "any" };
    writeFileSync(settings, `SITES_KEYS='${JSON.stringify({ keys: [key] })}'\n`);
    storage = await keepStorage({ root: ROOT, environment: "production", persistTo: undefined });
  });
  afterAll(async () => {
    await storage?.close();
    await account.close();
    vi.unstubAllEnvs();
    vi.restoreAllMocks();
    rmSync(folder, { recursive: true, force: true });
  });

  const site = (...args: string[]) =>
    runCommand(["site", ...args, "--env", "production", "--settings", settings]);
  const stored = () => account.values.get(NAMESPACE)?.get(`site:${HOST}`);
  const versions = () =>
    account.databases
      .get("vipps-login-accounts-production")
      ?.sqlite.prepare("SELECT host, version FROM site_versions")
      .all();

  it("writes to Cloudflare's KV, waits until that shows it, and reports what it shows", async () => {
    account.staleReads = 2;
    account.calls.length = 0;
    const msn = ["--set", "VIPPS_MSN=200001", "--partner"];
    // The environment it is deployed with: a partner's site may say it, and no other.
    const right = ["--set", "VIPPS_ENVIRONMENT=production"];
    const added = await site("add", `https://${HOST}`, ...msn, ...right);
    expect(added).toMatchObject({ code: 0, stdout: expect.stringContaining("at Cloudflare (production)") });
    const document = JSON.parse(stored()?.value ?? "{}");
    expect(document.settings).toMatchObject({ SITE_URL: `https://${HOST}`, VIPPS_MSN: "200001" });
    expect(versions()).toEqual([{ host: HOST, version: Number(document.settings.DOCUMENT_VERSION) }]);
    const kv = account.calls.filter((call) => call.includes("/bulk"));
    expect(kv.map((call) => call.split("/").slice(5).join("/"))).toEqual([
      "bulk",
      ...Array(3).fill("bulk/get"),
    ]);
    expect(await site("add", `https://${HOST}`, ...msn, ...right)).toMatchObject({
      stdout: expect.stringContaining("1 unchanged"),
    });
    const wrong = ["--set", "VIPPS_ENVIRONMENT=test"];
    expect(await site("add", "https://annen.example", ...msn, ...wrong)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("VIPPS_ENVIRONMENT is the deployment's with VIPPS_KEYS=partner"),
    });
  });

  it("does not say that it is done while KV refuses", async () => {
    account.refusal = { pattern: /^PUT .*\/bulk$/, status: 400, code: 10_000, message: "Refused for a test" };
    const before = stored();
    const change = ["add", `https://${HOST}`, "--update", "--set", "VIPPS_MARKET=DK"];
    const refused = await site(...change);
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining("Refused for a test") });
    expect(refused.stdout).not.toContain("changed");
    expect(stored()).toEqual(before);
    account.refusal = undefined;
    expect((await site(...change)).stdout).toContain("1 changed");
    expect((await site("show", HOST)).stdout).toMatch(/VIPPS_MARKET +DK/);
  });

  it("checks a site against the Vipps of the deployment's own environment", async () => {
    const asked: string[] = [];
    const real = globalThis.fetch;
    vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
      const url = String(input instanceof Request ? input.url : input);
      if (url.startsWith(account.url)) return real(input, init);
      asked.push(new URL(url).hostname);
      throw new TypeError("no network in tests");
    });
    const own = ["--set", "VIPPS_KEYS=own", "--set", "VIPPS_CLIENT_ID=c", "--secret", "VIPPS_CLIENT_SECRET"];
    vi.stubEnv("VIPPS_CLIENT_SECRET", "a-secret");
    expect((await site("add", `https://${HOST}`, "--update", ...own)).code).toBe(0);
    const { stdout, stderr } = await site("check", HOST, "--json");
    expect({ stderr, hosts: JSON.parse(stdout).sites.map(({ host }: { host: string }) => host) }).toEqual({
      stderr: "",
      hosts: [HOST],
    });
    expect(new Set(asked)).toEqual(new Set(["api.vipps.no", HOST]));
  });

  it("drops no master key while what it sealed may still be handed out", async () => {
    const before = readFileSync(settings, "utf8");
    const [key] = JSON.parse(/'(.*)'/.exec(before)?.[1] ?? "").keys;
    const keys = [key, { ...key, k: "B".repeat(43), kid: "older" }];
    writeFileSync(settings, `SITES_KEYS='${JSON.stringify({ keys })}'\n`);
    const drop = ["rotate", "--master-key", "--drop-old"];
    expect(await site(...drop)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/may be about for \d+ seconds yet\. Nothing was dropped/),
    });
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 61_000 });
    expect((await site(...drop, "--dry-run")).stdout).toContain("Would drop 1 old master key");
    vi.useRealTimers();
    writeFileSync(settings, before);
  });

  it("removes it everywhere", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const clock = setInterval(() => vi.setSystemTime(Date.now() + 30_000), 20);
    try {
      expect(await site("remove", HOST, "--yes")).toMatchObject({
        code: 0,
        stdout: expect.stringContaining(`${HOST} is gone`),
      });
    } finally {
      clearInterval(clock);
      vi.useRealTimers();
    }
    expect(stored()).toBeUndefined();
    expect((await site("list", "--json")).stdout).toContain('"sites":[]');
  });
});
