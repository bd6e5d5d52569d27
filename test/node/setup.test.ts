import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { inFolder } from "../../cli/cloudflare-commands.ts";
import { readLocalSource, withRemote } from "../../cli/doctor/settings-source.ts";
import { parseKeySet } from "../../cli/session-key-set.ts";
import { type Account, openAccount } from "./cloudflare-api.ts";
import { type Outcome, runCommand } from "./command-under-test.ts";
import { freePorts } from "./free-ports.ts";

const SECRET = "bm90IGEgcmVhbCBzZWNyZXQ-0815";

let account: Account;
let root: string;

/** A project of its own: everything of this one, but its own wrangler.toml. */
function makeProject(): string {
  const folder = mkdtempSync(join(tmpdir(), "setup-"));
  for (const name of [
    "src",
    "node_modules",
    "demo",
    "migrations",
    "package.json",
    "tsconfig.json",
    "tsconfig.base.json",
  ])
    symlinkSync(resolve(name), join(folder, name));
  cpSync("wrangler.toml", join(folder, "wrangler.toml"));
  return folder;
}

const config = () => readFileSync(join(root, "wrangler.toml"), "utf8");

/** Sets up with the real wrangler, which asks the account above. */
const run = (args: readonly string[], clientSecret?: string): Promise<Outcome> =>
  runCommand(["setup", "--env", "production", "--yes", ...args], {
    cwd: root,
    env: clientSecret === undefined ? {} : { VIPPS_CLIENT_SECRET: clientSecret },
  });

const ANSWERS = [
  ...["--site-url", "https://www.example.com", "--client-id", "6b1f3c1e-91c4", "--msn", "123456"],
  ...["--market", "NO", "--scope", "openid name", "--protected-paths", "/members/* !/members/open/*"],
];

describe("vipps-login setup, against a stand-in for Cloudflare's API", () => {
  beforeAll(async () => {
    account = await openAccount();
    root = makeProject();
    vi.stubEnv("CLOUDFLARE_API_BASE_URL", account.url);
    vi.stubEnv("CLOUDFLARE_API_TOKEN", "a-token");
    vi.stubEnv("CLOUDFLARE_ACCOUNT_ID", "an-account");
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    rmSync(root, { recursive: true, force: true });
    await account.close();
  });

  test("a step that fails says so in plain words and leaves what was done before it", async () => {
    account.refusal = {
      pattern: /^POST \/d1\/database$/,
      status: 400,
      code: 7502,
      message: "A database with that name already exists",
    };
    const { code, stderr } = await run([...ANSWERS, "--assets", "demo", "--no-doctor"], SECRET);
    account.refusal = undefined;
    expect(code).toBe(1);
    expect(stderr).toMatch(/Worker: The name is taken by something else in your account\..*wrangler says:/);
    expect(stderr).toContain("run the same again to go on from here");
    expect(config()).toContain('SITE_URL = "https://www.example.com"');
    expect(account.secrets.get("VIPPS_CLIENT_SECRET")).toBe(SECRET);
  });

  test("run again it goes on from there, until all is deployed", async () => {
    account.calls.length = 0;
    // Nothing is said anew: wrangler.toml has the answers.
    const { code, stdout, stderr } = await run(["--no-doctor"], SECRET);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    // The deployment made what the bindings lack, each once, though it was cut off between the two.
    expect([...account.kv.keys()]).toEqual([
      "vipps-login-worker-production-vipps-metadata",
      "vipps-login-worker-production-sites",
    ]);
    expect([...account.databases.keys()]).toEqual(["vipps-login-accounts-production"]);

    const tables = account.databases
      .get("vipps-login-accounts-production")
      ?.sqlite.prepare("SELECT name FROM sqlite_master WHERE name = 'accounts'")
      .all();
    expect(tables).toHaveLength(1);

    expect(account.secrets.get("VIPPS_CLIENT_SECRET")).toBe(SECRET);
    const { keys } = parseKeySet(account.secrets.get("SESSION_KEYS") ?? "", "SESSION_KEYS");
    expect(keys).toHaveLength(1);
    expect(keys[0]?.d).toMatch(/^[\w-]{43}$/);

    const bound = Object.fromEntries(account.uploaded);
    expect(bound.VIPPS_METADATA).toMatchObject({ type: "kv_namespace", namespace_id: "kv-1" });
    expect(bound.ACCOUNTS_DB).toMatchObject({
      type: "d1",
      id: account.databases.get("vipps-login-accounts-production")?.uuid,
    });
    expect(bound.SITE_URL).toMatchObject({ text: "https://www.example.com" });
    expect(bound.VIPPS_ENVIRONMENT).toMatchObject({ text: "production" });
    expect(account.domains).toEqual(["www.example.com"]);
    expect(stdout).toContain("https://www.example.com/auth/callback");

    const secrets = [SECRET, keys[0]?.d ?? ""];
    expect(secrets.filter((secret) => `${stdout}${config()}`.includes(secret))).toEqual([]);
  });

  test("once more it makes nothing anew, logs nobody out, and the doctor looks at the outcome", async () => {
    const [closedPort] = await freePorts();
    // Neither the site nor Vipps is there to be asked: the doctor says so.
    const issuer = `VIPPS_ISSUER = "http://127.0.0.1:${closedPort}/"`;
    const local = `SITE_URL = "http://localhost:${closedPort}"`;
    const text = config().replace('SITE_URL = "https://www.example.com"', `${issuer}\n${local}`);
    writeFileSync(
      join(root, "wrangler.toml"),
      text.replace('VIPPS_ENVIRONMENT = "production"', 'VIPPS_ENVIRONMENT = "test"'),
    );
    const before = { toml: config(), keys: account.secrets.get("SESSION_KEYS") };
    account.calls.length = 0;
    const { code, stdout } = await run([]);
    const making = /^(POST|PUT) .*(kv\/namespaces|d1\/database|secrets)$/;
    expect(account.calls.filter((call) => making.test(call))).toEqual([]);
    expect({ toml: config(), keys: account.secrets.get("SESSION_KEYS") }).toEqual(before);
    expect(stdout).toContain("there already: SESSION_KEYS, VIPPS_CLIENT_SECRET");
    expect(stdout).toMatch(/Worker +deployed vipps-login-worker-production; tables up to date/);
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /discovery: http:\/\/127\.0\.0\.1:\d+\/\.well-known\/openid-configuration refuses the connection/,
    );
    expect(stdout).toMatch(/site-address: http:\/\/localhost:\d+ refuses the connection/);
    expect(stdout).toContain(
      "Again: npx vipps-login doctor --env production --remote --url http://localhost:",
    );
  });

  test("the doctor learns from Cloudflare which secrets and migrations are there", async () => {
    const local = await readLocalSource({
      root,
      environment: "production",
      settingsFile: undefined,
      configFile: undefined,
      processEnv: {},
    });
    const source = await withRemote(inFolder(root), local);
    expect(source.deployedSecrets).toEqual(["SESSION_KEYS", "VIPPS_CLIENT_SECRET"]);
    expect(source.pendingMigrations).toEqual([]);

    account.databases.get("vipps-login-accounts-production")?.sqlite.exec("DELETE FROM d1_migrations");
    const behind = await withRemote(inFolder(root), local);
    expect(behind.pendingMigrations).toEqual(
      readdirSync("migrations").filter((name) => name.endsWith(".sql")),
    );
  });

  test.each([
    [
      { CLOUDFLARE_API_TOKEN: "", CLOUDFLARE_ACCOUNT_ID: "", HOME: "/nonexistent" },
      /You are not logged in at Cloudflare\. Run: npx wrangler login/,
    ],
    [{ CLOUDFLARE_API_BASE_URL: "http://127.0.0.1:9/client/v4" }, /Cloudflare is out of reach from here/],
  ])("without a way to Cloudflare it says so before it asks anything (%#)", async (env, words) => {
    const { code, stderr } = await runCommand(["setup", "--env", "production", "--yes", ...ANSWERS], {
      cwd: root,
      env: { ...env, VIPPS_CLIENT_SECRET: SECRET },
    });
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(words) });
  });
});
