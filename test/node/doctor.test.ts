import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { CHECK_IDS, type CheckId, checksNamed, type Finding } from "../../cli/doctor/checks.ts";
import type { SettingsSource } from "../../cli/doctor/settings-source.ts";
import { isProblem, verdictOf } from "../../cli/findings/finding.ts";
import { secretNames } from "../../src/settings/table.ts";
import { withBody } from "./altered-server.ts";
import { withValues } from "./doctor-fault.ts";
import { FAULTS_HERE } from "./doctor-faults-here.ts";
import { FAULTS_OF_THE_SITE } from "./doctor-faults-site.ts";
import { FAULTS_AT_VIPPS } from "./doctor-faults-vipps.ts";
import { admitPatient, type Patient, SUBSCRIPTION_KEY } from "./doctor-under-test.ts";

let patient: Patient;

beforeAll(async () => {
  patient = await admitPatient();
});
afterAll(() => patient?.close());
afterEach(() => {
  patient.siteServer.alteration = undefined;
  patient.providerServer.alteration = undefined;
  patient.simulator.control.resetBehaviour();
});

const problemsOf = (findings: readonly Finding[]) => findings.filter(isProblem);

/** Everything secret that the doctor gets to see must stay with it. */
function expectNothingSecret(findings: readonly Finding[], { values }: SettingsSource): void {
  const said = JSON.stringify(findings);
  const privateHalves = [...(values.SESSION_KEYS ?? "").matchAll(/"d":"([^"]+)"/g)].map(([, d = ""]) => d);
  const secrets = [values.VIPPS_CLIENT_SECRET ?? "", ...privateHalves, SUBSCRIPTION_KEY];
  expect(secrets.filter((secret) => secret.length > 12 && said.includes(secret))).toEqual([]);
  expect(said).not.toMatch(/[?&](state|nonce|code_challenge)=/);
}

const FAULTS = [...FAULTS_HERE, ...FAULTS_AT_VIPPS, ...FAULTS_OF_THE_SITE];

describe("a healthy site", () => {
  test("has nothing wrong, and every check looked", async () => {
    const findings = await patient.examine();
    expect(problemsOf(findings)).toEqual([]);
    const skipped = findings.filter(({ severity }) => severity === "skipped").map(({ id }) => id);
    expect(skipped).toEqual(["routes"]);
    expect(findings.map(({ id }) => id)).toEqual(CHECK_IDS.toSorted(byOrder));
    expectNothingSecret(findings, patient.source);
  });

  test("has nothing wrong with a partner's keys either", async () => {
    const { VIPPS_CLIENT_ID = "", VIPPS_CLIENT_SECRET = "", ...others } = patient.source.values;
    const partner = {
      VIPPS_KEYS: "partner",
      VIPPS_PARTNER_CLIENT_ID: VIPPS_CLIENT_ID,
      VIPPS_PARTNER_CLIENT_SECRET: VIPPS_CLIENT_SECRET,
      VIPPS_PARTNER_SUBSCRIPTION_KEY: SUBSCRIPTION_KEY,
    };
    const source = { ...patient.source, values: { ...others, ...partner } };
    const findings = await patient.examine({ source, target: undefined });
    expect(problemsOf(findings)).toEqual([]);
    expect(findings.find(({ id }) => id === "client-keys")?.severity).toBe("ok");
    expectNothingSecret(findings, patient.source);

    const refused = await patient.examine({
      source: withValues({ VIPPS_PARTNER_SUBSCRIPTION_KEY: randomUUID() })(source),
      target: undefined,
    });
    expect(problemsOf(refused).map(({ what }) => what)).toEqual([
      "Vipps refuses the subscription key (401).",
    ]);
    const wrongSecret = await patient.examine({
      source: withValues({ VIPPS_PARTNER_CLIENT_SECRET: randomUUID() })(source),
      target: undefined,
    });
    expect(problemsOf(wrongSecret).map(({ what }) => what)).toEqual([
      "Vipps refuses the client id or the client secret (401).",
    ]);
    const stranger = await patient.examine({
      source: withValues({ VIPPS_MSN: "999999" })(source),
      target: undefined,
    });
    expect(problemsOf(stranger).map(({ id }) => id)).toEqual(["client-id", "client-keys"]);
  });
});

describe("what is no fault", () => {
  test("a scope that discovery does not list is a note: it lists typical ones", async () => {
    patient.providerServer.alteration = (answer, path) =>
      path.endsWith("/openid-configuration")
        ? withBody(answer, (body) => ({ ...body, scopes_supported: ["openid", "name"] }))
        : answer;
    const findings = await patient.examine({ target: undefined });
    expect(problemsOf(findings)).toEqual([]);
    const scopes = findings.find(({ id }) => id === "scopes");
    expect(scopes).toMatchObject({ severity: "ok" });
    expect(scopes?.what).toContain("Note: the discovery document does not list phoneNumber, email.");
  });

  test("a deployment for one site that binds nothing for further ones", async () => {
    const { worker } = patient.source;
    if (worker === undefined) throw new Error("the patient has no wrangler.toml");
    const bindings = new Map(worker.bindings);
    expect(bindings.delete("SITES") && bindings.delete("LOGIN_SITE_LIMITER")).toBe(true);
    const source = { ...patient.source, worker: { ...worker, bindings } };
    const only = new Set(["bindings"] as const);
    expect(problemsOf(await patient.examine({ source, target: undefined, only }))).toEqual([]);
  });

  test("the consent webhook of a site for which Vipps collects consents, or a secret of it that cannot be seen", async () => {
    const only = new Set(["consent-webhook"] as const);
    const look = async (changes: Partial<SettingsSource>, values: Readonly<Record<string, string>> = {}) => {
      const asking = withValues({ VIPPS_SCOPE: "openid name customFlow", ...values })(patient.source);
      const findings = await patient.examine({ source: { ...asking, ...changes }, target: undefined, only });
      return findings.map(({ severity }) => severity);
    };
    const secret = { CONSENT_WEBHOOK_SECRET: randomUUID() };
    expect(await look({})).toEqual(["warning"]);
    expect(await look({}, secret)).toEqual(["ok"]);
    expect(await look({ deployedSecrets: Object.keys(secret) })).toEqual(["ok"]);
    expect(await look({ secretsElsewhere: true, deployedSecrets: [] })).toEqual(["warning"]);
    expect(await look({ secretsElsewhere: true })).toEqual(["skipped"]);
  });

  test("secrets that Cloudflare alone has, whichever they are", async () => {
    const names: readonly string[] = secretNames();
    const here = Object.entries(patient.source.values).filter(([name]) => !names.includes(name));
    const source = { ...patient.source, values: Object.fromEntries(here), deployedSecrets: names };
    const only = new Set(["settings"] as const);
    const findings = await patient.examine({ source, target: undefined, only });
    expect(problemsOf(findings)).toEqual([]);
    expect(findings.map(({ severity }) => severity)).toEqual(["ok"]);
  });

  test("endpoints elsewhere, where the settings name them", async () => {
    const elsewhere = `http://localhost:${patient.providerServer.port}`;
    patient.providerServer.alteration = (answer, path) =>
      path.endsWith("/openid-configuration")
        ? withBody(answer, (body) => ({ ...body, userinfo_endpoint: `${elsewhere}/userinfo` }))
        : answer;
    const only = new Set(["endpoints"] as const);
    const refused = await patient.examine({ target: undefined, only });
    expect(problemsOf(refused).map(({ id }) => id)).toEqual(["endpoints"]);
    const source = withValues({ PROVIDER_ENDPOINTS: elsewhere })(patient.source);
    expect(problemsOf(await patient.examine({ source, target: undefined, only }))).toEqual([]);
  });

  test("partner keys with the simulator; at Vipps they are for production alone", async () => {
    const partner = withValues({
      VIPPS_KEYS: "partner",
      VIPPS_PARTNER_CLIENT_ID: "x",
      VIPPS_PARTNER_CLIENT_SECRET: "y",
      VIPPS_PARTNER_SUBSCRIPTION_KEY: "z",
    })(patient.source);
    const only = new Set(["environment"] as const);
    const [here] = await patient.examine({ source: partner, target: undefined, only });
    expect(here).toMatchObject({ severity: "ok", what: expect.stringContaining("for production alone") });
    const atVipps = withValues({ VIPPS_ISSUER: "" })(partner);
    const [there] = await patient.examine({ source: atVipps, target: undefined, only });
    expect(there).toMatchObject({ severity: "error", what: expect.stringContaining("for production alone") });
  });
});

describe("every request to Vipps", () => {
  test("carries the five standard headers", async () => {
    const seen: string[] = [];
    const lacking: string[] = [];
    const watched: typeof fetch = (input, init) => {
      const { pathname } = new URL(String(input));
      const headers = new Headers(init?.headers);
      seen.push(pathname);
      lacking.push(
        ...STANDARD_HEADERS.filter((name) => !headers.get(name)).map((name) => `${pathname} ${name}`),
      );
      return fetch(input, init);
    };
    await patient.examine({ target: undefined, fetch: watched });
    expect(lacking).toEqual([]);
    expect(new Set(seen).size).toBeGreaterThanOrEqual(4);
    console.log(
      `doctor: ${seen.length} requests to ${new Set(seen).size} endpoints, all five headers on each`,
    );
  });
});

const STANDARD_HEADERS = [
  "Merchant-Serial-Number",
  "Vipps-System-Name",
  "Vipps-System-Version",
  "Vipps-System-Plugin-Name",
  "Vipps-System-Plugin-Version",
];

const byOrder = (one: CheckId, other: CheckId) => CHECK_IDS.indexOf(one) - CHECK_IDS.indexOf(other);

describe("a deliberate fault is found and named:", () => {
  test.each(FAULTS)("$fault", async (fault) => {
    const source = fault.source?.(patient.source, patient) ?? patient.source;
    patient.providerServer.alteration = fault.provider;
    patient.siteServer.alteration = fault.site;
    if (fault.behaviour) patient.simulator.control.setBehaviour(fault.behaviour);
    const only = fault.only && checksNamed(fault.only);
    const findings = await patient.examine({
      source,
      ...(fault.here && { target: undefined }),
      ...(only && { only }),
      ...fault.changes,
    });
    const problems = problemsOf(findings);
    expect([...new Set(problems.map(({ id }) => id))].toSorted(byOrder)).toEqual(fault.found);
    expect(problems.map(({ what, todo }) => `${what}\n${todo}`).join("\n")).toMatch(fault.says);
    expect(
      problems.filter(({ why, todo, link }) => !why || !todo || !link.startsWith("docs/doctor.md#")),
    ).toEqual([]);
    expectNothingSecret(findings, source);
  });

  test("covers every check that can fail", () => {
    const covered = new Set(FAULTS.flatMap(({ found }) => found));
    expect(CHECK_IDS.filter((id) => !covered.has(id))).toEqual([]);
  });
});

describe("the doctor's discretion", () => {
  test("the secret is shown to nobody who is not the configured issuer", async () => {
    patient.simulator.control.setBehaviour({ discoveryIssuer: "other" });
    patient.simulator.control.journal.clear();
    const findings = await patient.examine({ target: undefined });
    expect(findings.find(({ id }) => id === "client-keys")?.severity).toBe("skipped");
    expect(patient.simulator.control.journal.count("token")).toBe(0);
  });

  test("secrets that only Cloudflare has are not missed, nor taken for examined", async () => {
    const { VIPPS_CLIENT_SECRET: _secret, SESSION_KEYS: _keys, ...values } = patient.source.values;
    const source = { ...patient.source, environment: "staging", secretsElsewhere: true, values };
    const findings = await patient.examine({ source, target: undefined });
    expect(problemsOf(findings)).toEqual([]);
    const skipped = findings.filter(({ severity }) => severity === "skipped").map(({ id }) => id);
    expect(skipped).toEqual(expect.arrayContaining(["settings", "session-keys", "client-keys"]));

    const deployed = { ...source, deployedSecrets: ["SESSION_KEYS"] };
    const asked = await patient.examine({ source: deployed, target: undefined });
    expect(problemsOf(asked).map(({ what }) => what)).toEqual(["VIPPS_CLIENT_SECRET is missing."]);
  });

  test("a deployment that only serves the sites in KV is told where those are examined", async () => {
    const { SITE_URL: _site, VIPPS_CLIENT_ID: _id, VIPPS_MSN: _msn, ...values } = patient.source.values;
    const source = { ...patient.source, values: { ...values, SITES_KEYS: '{"keys":[]}' } };
    const findings = await patient.examine({ source });
    expect(problemsOf(findings)).toEqual([]);
    const said = findings.filter(({ what }) => what.includes("npm run site -- check")).map(({ id }) => id);
    expect(said).toEqual(expect.arrayContaining(["settings", "redirect-uri", "client-keys", "site-login"]));
  });

  test("a site that is one of many may be of either environment of Vipps", async () => {
    const source = { ...patient.source, worker: undefined };
    const values = { ...source.values, ...{ SITE_URL: "https://www.example.com", VIPPS_ISSUER: "" } };
    const [finding] = await patient.examine({
      source: { ...source, values: { ...values, VIPPS_ENVIRONMENT: "production" } },
      only: new Set(["environment"]),
    });
    expect(finding).toMatchObject({ severity: "ok", what: "production." });
  });

  test("what is missing is not also called malformed", async () => {
    const findings = await patient.examine({
      source: withValues({ VIPPS_MSN: "" })(patient.source),
      only: new Set(["settings"]),
    });
    expect(findings.map(({ what }) => what)).toEqual(["VIPPS_MSN is missing."]);
  });

  test("a check that is not asked for asks nobody", async () => {
    patient.simulator.control.journal.clear();
    const findings = await patient.examine({ only: new Set(["redirect-uri", "client-id"]) });
    expect(findings.map(({ id }) => id)).toEqual(["redirect-uri", "client-id"]);
    expect(patient.simulator.control.journal.counts()).toMatchObject({ authorize: 1, token: 0 });
  });

  test("warnings fail where that is asked for", async () => {
    const findings = await patient.examine({
      source: withValues({ VIPPS_SCOPES: "openid" })(patient.source),
      only: new Set(["settings-names"]),
    });
    expect(verdictOf(findings, false).isHealthy).toBe(true);
    expect(verdictOf(findings, true).isHealthy).toBe(false);
  });
});
