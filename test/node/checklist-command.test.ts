import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { writeEvidence } from "../../cli/checklist/evidence.ts";
import {
  askedFields,
  emptyMerchantFile,
  FIELDS,
  parseMerchantFile,
} from "../../cli/checklist/merchant-fields.ts";
import { ROW_IDS } from "../../cli/checklist/rows.ts";
import { settingsForSimulator, siteValuesFrom } from "../../cli/checklist/settings.ts";
import { SURROUNDINGS } from "../../cli/checklist/surroundings.ts";
import { parseTail } from "../../cli/checklist/traffic.ts";
import { CommandError } from "../../cli/command-error.mjs";
import { holds } from "../../cli/findings/finding.ts";
import { evidence } from "./checklist-seen.ts";
import { runCommand } from "./command-under-test.ts";

const folder = mkdtempSync(join(tmpdir(), "checklist-command-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const run = (...options: readonly string[]) => runCommand(["checklist", ...options]);

describe("vipps-login checklist", () => {
  it("explains itself and its mistakes", async () => {
    const help = await run("--help");
    expect(help).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Usage: vipps-login checklist/) });
    for (const id of ROW_IDS) expect(help.stdout).toContain(id);
    expect(await run("--only", "nothing")).toMatchObject({
      code: 2,
      stdout: "",
      stderr: expect.stringContaining("There is no row nothing"),
    });
  });

  it.each([
    [["--provider", "production"]],
    [["--url", "http://www.example.com"]],
    [["--url", "https://www.example.com", "--provider", "test"]],
    [["--log", "tail.json"]],
    [["--comments", "--provider", "test"]],
    [["--comments", "--json"]],
    [["--max-age-days", "0"]],
    [["--button-page", "//elsewhere.example"]],
    [["--unknown"]],
  ])("refuses %j", async (argv) => {
    expect(await run(...argv)).toMatchObject({ code: 2, stderr: expect.stringContaining("--help") });
  });

  it("walks through nothing with settings that the worker refuses, and names each", async () => {
    const own = siteValuesFrom({ CROSS_BROWSER: "refuse", SESSION_TTL: "long" });
    const place = { root: process.cwd(), own, environment: undefined, port: 9000, url: "" };
    const walk = SURROUNDINGS.simulator({ ...place, logFile: undefined, tell: () => undefined });
    await expect(walk).rejects.toThrow(/^The settings are not right: .*CROSS_BROWSER.*SESSION_TTL/);
  });

  it("makes the report from earlier evidence, and its exit code says when a row has failed", async () => {
    const output = join(folder, "report");
    const merchant = join(folder, "checklist.yaml");
    const common = ["--report-only", "--no-pdf", "--json", "--output", output, "--merchant", merchant];
    const takenAt = new Date().toISOString();
    writeEvidence(output, { runs: {}, rows: [{ row: "token", evidence: evidence({ takenAt }) }] });
    const fine = await run(...common);
    expect(fine.code).toBe(0);
    expect(JSON.parse(fine.stdout)).toMatchObject({ counts: { failed: 0 }, files: { pdf: null } });
    expect(readFileSync(merchant, "utf8")).toBe(emptyMerchantFile());
    expect((await run(...common, "--strict")).code).toBe(1);
    const words = await run("--comments", "--no-pdf", "--output", output, "--merchant", merchant);
    expect(words.stdout).toMatch(/^## OpenID Connect discovery: /);

    const findings = [holds("It holds", false)];
    writeEvidence(output, { runs: {}, rows: [{ row: "token", evidence: evidence({ takenAt, findings }) }] });
    const failed = await run(...common);
    expect(failed.code).toBe(1);
    expect(JSON.parse(failed.stdout)).toMatchObject({
      counts: { failed: 1 },
      rows: expect.arrayContaining([
        expect.objectContaining({ id: "token", status: "failed", why: "It holds" }),
      ]),
    });
    expect(readFileSync(join(output, "checklist-report.html"), "utf8")).toContain(
      'class="row failed" id="token"',
    );
  });

  it("says in one line what is wrong with a file of the merchant's, or with keys of the simulator", async () => {
    const merchant = join(folder, "wrong.yaml");
    writeFileSync(merchant, "company: x\n");
    const wrong = await run("--report-only", "--merchant", merchant, "--output", join(folder, "none"));
    expect(wrong).toMatchObject({ code: 1, stderr: expect.stringContaining("company") });
    expect(wrong.stderr.trim().split("\n")).toHaveLength(1);
  });
});

describe("the merchant's file", () => {
  it("asks every question, and is empty until somebody answers", () => {
    const text = emptyMerchantFile();
    expect(parseMerchantFile(text, "checklist.yaml")).toEqual({});
    for (const question of Object.values(FIELDS)) expect(text).toContain(`# ${question}`);
    const answered = text.replace("pilot_customer:", "pilot_customer: |\n  Svaberget Badelag\n  MSN 123456");
    expect(parseMerchantFile(answered, "checklist.yaml")).toEqual({
      pilot_customer: "Svaberget Badelag\nMSN 123456",
    });
  });

  it("is refused where it says what nobody asked, or is no YAML", () => {
    expect(() => parseMerchantFile("logo: [1, 2]", "f")).toThrow(CommandError);
    expect(() => parseMerchantFile("logos: yes", "f")).toThrow(CommandError);
    expect(() => parseMerchantFile("logo: 'yes", "f")).toThrow(CommandError);
    expect(parseMerchantFile("logo: yes\nvideo: 2026-11-22", "f")).toMatchObject({ logo: "yes" });
  });

  it("asks only what the settings leave open", () => {
    const names = (values: Record<string, string>) => {
      const own = siteValuesFrom(values);
      return ROW_IDS.flatMap((row) => askedFields(row, own, {})).map(({ name }) => name);
    };
    expect(names({})).toContain("terms_presented");
    expect(names({ TERMS_URL: "/terms" })).not.toContain("terms_presented");
    expect(names({ VIPPS_SCOPE: "openid nin" })).toContain("nin_permission");
    expect(names({ VIPPS_KEYS: "partner" })).toContain("partner_name");
  });
});

describe("a run against the simulator", () => {
  const own = siteValuesFrom({
    VIPPS_CLIENT_SECRET: "the real one",
    VIPPS_SCOPE: "openid",
    ACCOUNTS: "remote",
    REGISTRY_URL: "https://registry.example",
    REGISTRY_SECRET: "r".repeat(32),
    SESSION_COOKIE_DOMAIN: "example.com",
    TERMS_URL: "/terms",
    TERMS_VERSION: "7",
  });
  const { values, changed } = settingsForSimulator(own, "http://localhost:1", "http://127.0.0.1:2/");

  it("takes no real key, and puts nobody made up into a real registry", () => {
    expect(Object.values(values)).not.toContain("the real one");
    expect(values).toMatchObject({ ACCOUNTS: "d1", SITE_URL: "http://localhost:1" });
    expect(values.REGISTRY_URL).toBeUndefined();
  });

  it("keeps the site's own settings otherwise, and names every other", () => {
    expect(values).toMatchObject({ VIPPS_SCOPE: "openid", TERMS_URL: "/terms", TERMS_VERSION: "7" });
    const differing = Object.keys({ ...own.values, ...values }).filter(
      (name) => own.values[name] !== values[name],
    );
    expect(changed.map(({ name }) => name).toSorted()).toEqual(differing.toSorted());
  });
});

describe("the log", () => {
  it("is read from what wrangler tail writes", () => {
    const line = { level: "warn", event: "request_failed", code: "state_invalid", reference: "K7QF-3M2P" };
    const tail = [line, { other: true }].map((message) =>
      JSON.stringify(
        { outcome: "ok", logs: [{ message: [JSON.stringify(message)], level: "warn" }] },
        null,
        2,
      ),
    );
    const lines = parseTail(tail.join("\n"));
    expect(lines).toEqual([line]);
  });
});
