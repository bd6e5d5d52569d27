import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CHECK_IDS, CHECKS, examine, FAMILIES } from "../../cli/doctor/checks.ts";
import { readLocalSource } from "../../cli/doctor/settings-source.ts";
import { noteApplied } from "../../cli/migrations.mjs";
import { newKeySet } from "../../cli/session-key-set.ts";
import { type Outcome, runCommand } from "./command-under-test.ts";
import { admitPatient, type Patient } from "./doctor-under-test.ts";

/** Runs `vipps-login doctor …`. */
const doctor = (args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Outcome> =>
  runCommand(["doctor", ...args], { env });

describe("vipps-login doctor", () => {
  let patient: Patient;
  beforeAll(async () => {
    patient = await admitPatient();
  });
  afterAll(() => patient?.close());

  // The database of the developer's own storage is no affair of the patient's.
  const HEALTHY = ["--only", "settings,secrets,bindings,compatibility-date,vipps,site", "--strict"];

  test("finds a healthy site healthy, as JSON", async () => {
    const args = [
      "--settings",
      patient.settingsFile,
      "--url",
      `${patient.site}/some/page`,
      "--json",
      ...HEALTHY,
    ];
    const { code, stdout, stderr } = await doctor(args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({ healthy: true, url: patient.site, counts: { error: 0, warning: 0 } });
    expect(report.findings).toHaveLength(report.counts.ok + report.counts.skipped);
    expect(stdout).not.toContain(patient.source.values.VIPPS_CLIENT_SECRET);
  });

  test("says what is wrong, why and what to do, and fails", async () => {
    patient.simulator.control.setBehaviour({ discoveryIssuer: "withoutSlash" });
    const plain = await doctor(["--settings", patient.settingsFile, "--only", "vipps"]);
    patient.simulator.control.resetBehaviour();
    expect(plain.code).toBe(1);
    expect(plain.stdout).toMatch(/✗ issuer {2}The issuer is .*Why: .*Do: .*docs\/doctor\.md#issuer/s);
    expect(plain.stdout).toMatch(/\n1 error, 0 warnings, \d+ in order, \d+ not looked at\n$/);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are what is looked for
    expect(plain.stdout).not.toMatch(/\u001b\[/);
  });

  test("uses colours where they are wanted", async () => {
    const args = ["--settings", patient.settingsFile, "--only", "redirect-uri"];
    expect((await doctor(args, { FORCE_COLOR: "1", NO_COLOR: "" })).stdout).toContain("\u001b[32m");
  });

  test("takes the secrets of an environment from the environment of a pipeline", async () => {
    const folder = mkdtempSync(join(tmpdir(), "doctor-command-"));
    const config = join(folder, "wrangler.toml");
    writeFileSync(config, `name = "site"\n[env.staging.vars]\nSITE_URL = "https://staging.example.com"\n`);
    const secrets = { VIPPS_CLIENT_SECRET: "change-me", SESSION_KEYS: JSON.stringify(newKeySet()) };
    const args = ["--env", "staging", "--config", config, "--only", "secrets", "--json"];
    const { code, stdout } = await doctor(args, secrets);
    rmSync(folder, { recursive: true });
    expect(code).toBe(1);
    const wrong = JSON.parse(stdout).findings.filter(
      ({ severity }: { severity: string }) => severity === "error",
    );
    expect(wrong.map(({ what }: { what: string }) => what)).toEqual([
      "VIPPS_CLIENT_SECRET is a placeholder.",
    ]);
  });

  test("explains itself and its mistakes", async () => {
    const help = await doctor(["--help"]);
    expect(help.code).toBe(0);
    for (const id of [...CHECK_IDS, ...Object.keys(FAMILIES)]) expect(help.stdout).toContain(id);
    const mistakes = [
      [["--only", "everything"], "--only takes checks and families"],
      [["--url", "www.example.com"], "--url takes an address"],
      [["--time-limit", "soon"], "--time-limit takes 1 to 999 seconds"],
      [["--sting"], "Unknown option '--sting'"],
    ] as const;
    for (const [args, message] of mistakes) {
      const { code, stderr, stdout } = await doctor(args);
      expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
      expect(stderr).toContain(message);
      expect(stderr.trim().split("\n")).toHaveLength(1);
    }
    const noSuch = await doctor(["--env", "nowhere"]);
    expect(noSuch).toMatchObject({ code: 1, stderr: "wrangler.toml has no [env.nowhere].\n" });
  });
});

describe("settings on this machine", () => {
  test("are named by the file that the project has", async () => {
    const root = mkdtempSync(join(tmpdir(), "doctor-jsonc-"));
    const config = join(root, "wrangler.jsonc");
    const production = { vars: { SITE_URL: "https://www.example.com" } };
    writeFileSync(
      config,
      JSON.stringify({ name: "site", compatibility_date: "2020-01-01", env: { production } }),
    );
    const only = ["--config", config, "--only", "worker,secrets-in-vars", "--json"];
    const answers = [await doctor(only), await doctor([...only, "--env", "production"])];
    rmSync(root, { recursive: true });
    for (const { stdout } of answers) {
      expect(stdout).toContain("No secret stands in wrangler.jsonc.");
      expect(stdout).not.toMatch(/wrangler\.toml|\[env/);
    }
  });

  test("are read from wrangler.toml, the settings file and git", async () => {
    const root = mkdtempSync(join(tmpdir(), "doctor-source-"));
    const secret = "s3cr3t-ZXZlcnl0aGluZyBlbHNl";
    writeFileSync(join(root, "wrangler.toml"), `name = "site"\n[vars]\nVIPPS_CLIENT_SECRET = "${secret}"\n`);
    writeFileSync(join(root, ".dev.vars"), `VIPPS_MSN='123456'\n`);
    chmodSync(join(root, ".dev.vars"), 0o644);
    mkdirSync(join(root, "notes"));
    writeFileSync(join(root, "notes", "keys.md"), `the secret is ${secret}\n`);
    execFileSync("git", ["init", "-q"], { cwd: root });
    execFileSync("git", ["add", "."], { cwd: root });
    const options = {
      root,
      environment: undefined,
      settingsFile: undefined,
      configFile: undefined,
      processEnv: {},
    };
    const source = await readLocalSource(options);
    expect(source.values).toMatchObject({ VIPPS_MSN: "123456", VIPPS_CLIENT_SECRET: secret });
    const findings = await examine({
      source,
      target: undefined,
      fetch,
      now: Date.now,
      only: new Set(["secrets-in-git", "secrets-in-vars", "secrets-file"] as const),
    });
    expect(findings.map(({ what }) => what)).toEqual([
      "VIPPS_CLIENT_SECRET stands among the vars of wrangler.toml.",
      "git tracks .dev.vars.",
      "VIPPS_CLIENT_SECRET stands in notes/keys.md, which git tracks.",
      "VIPPS_CLIENT_SECRET stands in wrangler.toml, which git tracks.",
      `Others on this machine can read ${join(root, ".dev.vars")}.`,
    ]);
    await expect(readLocalSource({ ...options, settingsFile: join(root, "none") })).rejects.toThrow();
    // The database of `start --persist-to`.
    mkdirSync(join(root, "migrations"));
    writeFileSync(join(root, "migrations", "0001_first.sql"), "CREATE TABLE t (id TEXT);\n");
    const persistTo = join(root, "elsewhere");
    mkdirSync(persistTo);
    noteApplied(persistTo, join(root, "migrations"));
    expect(await readLocalSource(options)).toMatchObject({ pendingMigrations: ["0001_first.sql"] });
    expect(await readLocalSource({ ...options, persistTo })).toMatchObject({ pendingMigrations: [] });
    writeFileSync(join(root, "wrangler.toml"), "name = \n");
    await expect(readLocalSource(options)).rejects.toThrow(/^wrangler\.toml cannot be read: /);
    rmSync(root, { recursive: true });
  });
});

describe("docs/doctor.md", () => {
  const text = readFileSync("docs/doctor.md", "utf8");
  test.each(CHECKS)("explains $id, and why it matters", ({ id, why }) => {
    expect(text).toContain(`\n### \`${id}\`\n`);
    expect(why).toMatch(/\.$/);
  });
});
