import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { readLocalSource } from "../../cli/doctor/settings-source.ts";
import { toolsNode, WRANGLER_OFFLINE, wranglerProgram } from "../../cli/wrangler.mjs";

const ROOT = process.cwd();

/** What src/environment.ts asks of the platform, by the name of each binding. */
const KINDS: Readonly<Record<string, string>> = {
  KVNamespace: "kv",
  D1Database: "d1",
  DurableObjectNamespace: "durable object",
  RateLimit: "rate limiter",
  Fetcher: "assets",
  Queue: "queue",
};

const needed = new Map(
  [...readFileSync("src/environment.ts", "utf8").matchAll(/^\s+([A-Z_]+)\??: ([A-Z]\w+)/gm)].map(
    ([, name = "", type = ""]) => [name, KINDS[type] ?? type],
  ),
);

/** A deployed worker gets its queue from `setup` once events have a receiver: a binding without one deploys nothing. */
const neededOf = (environment: string | undefined) =>
  new Map([...needed].filter(([, kind]) => environment === undefined || kind !== "queue"));

const sourceOf = (environment: string | undefined) =>
  readLocalSource({
    root: ROOT,
    environment,
    settingsFile: undefined,
    configFile: undefined,
    processEnv: {},
  });

test.each([
  ["none", "", false],
  ["off", "[observability]\nenabled = false", false],
  ["on", "[observability]\nenabled = true", true],
  ["lines alone", "[observability]\nlogs = { enabled = true }", true],
  ["lines of requests", "[observability]\nenabled = true\nredact_query_string = true", true],
  ["queries", "[observability]\nenabled = true\nlogs = { enabled = true, invocation_logs = false }", true],
])("observability %s: whether addresses are logged", async (_, observability, logged) => {
  const folder = mkdtempSync(join(tmpdir(), "observability-"));
  const configFile = join(folder, "wrangler.toml");
  writeFileSync(configFile, `name = "a"\ncompatibility_date = "2026-10-01"\n${observability}\n`);
  const [environment, settingsFile] = [undefined, undefined];
  const { worker } = await readLocalSource({
    root: folder,
    environment,
    settingsFile,
    configFile,
    processEnv: {},
  });
  expect(worker?.logsAddresses).toBe(logged);
});

test("a project made by the package logs no addresses", async () => {
  const configFile = "template/wrangler.jsonc";
  for (const environment of [undefined, "production"]) {
    const { worker } = await readLocalSource({
      ...{ root: ROOT, environment, settingsFile: undefined, configFile, processEnv: {} },
    });
    expect(worker?.logsAddresses).toBe(false);
  }
});

describe("wrangler.toml", () => {
  test("src/environment.ts names bindings of every kind", () => {
    expect(new Set(needed.values())).toEqual(new Set(Object.values(KINDS)));
  });

  test.each([undefined, "staging", "production"])(
    "environment %s binds all that the code needs",
    async (name) => {
      const { worker } = await sourceOf(name);
      expect(worker?.bindings).toEqual(neededOf(name));
      expect(worker?.objectClasses).toEqual(["LoginAttempts", "UserSessions"]);
      expect(worker?.crons).toHaveLength(2);
      expect(worker?.logsAddresses).toBe(false);
      expect(worker?.assets).toBe("demo");
    },
  );

  test("each environment has its own world of Vipps, and no storage is shared", async () => {
    const [staging, production] = await Promise.all([sourceOf("staging"), sourceOf("production")]);
    expect(staging.vars.VIPPS_ENVIRONMENT).toBe("test");
    expect(production.vars.VIPPS_ENVIRONMENT).toBe("production");
    expect(production.worker?.workersDev).toBe(false);
    const text = readFileSync("wrangler.toml", "utf8");
    for (const pattern of [/^database_name = "(.+)"$/gm, /^namespace_id = "(.+)"$/gm]) {
      const names = [...text.matchAll(pattern)].map(([, name]) => name);
      expect(new Set(names).size).toBe(names.length);
    }
  });

  test.each(["staging", "production"])("[env.%s] can be deployed", async (name) => {
    const outdir = mkdtempSync(join(tmpdir(), "deploy-"));
    const args = ["deploy", "--dry-run", "--env", name, "--outdir", outdir];
    const { stdout, stderr } = await promisify(execFile)(toolsNode(ROOT), [wranglerProgram(ROOT), ...args], {
      env: { ...process.env, ...WRANGLER_OFFLINE, WRANGLER_LOG: "log" },
    });
    rmSync(outdir, { recursive: true });
    expect(stdout).toContain("--dry-run: exiting now.");
    for (const binding of neededOf(name).keys()) expect(stdout).toMatch(new RegExp(`env\\.${binding}\\b`));
    expect(stderr).not.toMatch(/WARNING/);
  });
});
