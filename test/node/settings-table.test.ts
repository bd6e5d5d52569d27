import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parse, stringify } from "@decimalturn/toml-patch";
import { Ajv } from "ajv";
import { afterAll, describe, expect, it } from "vitest";
import { unstable_getMiniflareWorkerOptions, unstable_readConfig } from "wrangler";
import { documentedSettings, editorSchema, withSettingsTables } from "../../build/settings.ts";
import { type CheckId, examine } from "../../cli/doctor/checks.ts";
import { readLocalSource, type SettingsSource } from "../../cli/doctor/settings-source.ts";
import { faultsOfLocalWorker } from "../../cli/doctor/worker-settings.ts";
import { languagesOf } from "../../cli/project-languages.ts";
import { newKeySet } from "../../cli/session-key-set.ts";
import { isLanguage } from "../../src/pages/language.ts";
import { holdsUnseen, writtenAsText } from "../../src/settings/kinds.ts";
import { mistakenNames } from "../../src/settings/names.ts";
import { type Bindings, faultOfValue, settingsFrom } from "../../src/settings/read-settings.ts";
import {
  isSettingName,
  rowOf,
  type SettingName,
  type SettingVariable,
  settingNames,
  settingTable,
} from "../../src/settings/table.ts";
import { furtherSettings, hasOwnSite } from "../../src/sites/deployment-settings.ts";

const ROOT = resolve(import.meta.dirname, "../..");

/** A right value of each setting as text, other than its default; only lists have blanks in theirs. A new setting needs one. */
const RIGHT: Readonly<Record<SettingName, string>> = {
  SITE_URL: "https://www.example.com",
  BRAND_DATE: "2027-02-01",
  SITE_LANGUAGE: "fi",
  SITE_NAME: "Fjordhagen",
  SUPPORT_CONTACT: "hjelp@fjordhagen.example",
  LOGO_URL: "/images/emblem.svg",
  FAVICON: "/favicon.svg",
  ACCENT_COLOR: "#0a7d5c",
  AUTH_PATH: "/login",
  PROTECTED_PATHS: "/members/* !/members/open/*",
  ORIGIN_URL: "https://origin.example",
  FORWARD_SESSION_COOKIE: "true",
  VIPPS_KEYS: "own",
  VIPPS_CLIENT_ID: "1234567890",
  VIPPS_CLIENT_SECRET: "9876543210",
  VIPPS_PARTNER_CLIENT_ID: "123123123",
  VIPPS_PARTNER_CLIENT_SECRET: "321321321",
  VIPPS_PARTNER_SUBSCRIPTION_KEY: "456456456",
  VIPPS_MSN: "123456",
  VIPPS_ENVIRONMENT: "production",
  VIPPS_ISSUER: "https://login.example/",
  PROVIDER_ENDPOINTS: "https://a.example https://b.example",
  VIPPS_TOKEN_AUTH: "client_secret_post",
  VIPPS_SCOPE: "openid address",
  PURPOSES: "delivery: address; invoice: address email",
  VIPPS_MARKET: "FI",
  VIPPS_AUTOMATIC_RETURN: "true",
  VIPPS_REQUIRE_APP: "true",
  VIPPS_SYSTEM_NAME: "2026",
  VIPPS_SYSTEM_VERSION: "7",
  SITES_KEYS: JSON.stringify({ keys: [{ kty: "oct", kid: "one", k: "k".repeat(43) }] }),
  SITE_DEFAULTS: JSON.stringify({ SESSION_IDLE: 3600, SITE_LANGUAGE: "nb" }),
  CROSS_BROWSER: "deny",
  APP_REDIRECT_URIS: "https://app.example/back com.example.app:/back",
  RETURN_TO_ORIGINS: "https://c.example https://d.example",
  SESSION_KEYS: JSON.stringify(newKeySet()),
  SESSION_TTL: "86400",
  SESSION_IDLE: "3600",
  SESSION_FRESH: "60",
  SESSION_CLAIMS: "name email",
  SESSION_COOKIE_DOMAIN: "example.com",
  DATA_JURISDICTION: "eu",
  LOGIN_LOCATION: "eeur",
  LOGIN_SHARDS: "4",
  ACCOUNTS: "remote",
  REGISTRATION: "closed",
  REGISTRY_URL: "https://club.example/registry",
  REGISTRY_SECRET: "r".repeat(32),
  REGISTRY_PROOF_URL: "https://club.example/connect",
  LOGIN_EVENTS_DAYS: "30",
  TERMS_URL: "/terms",
  TERMS_VERSION: "3",
  PRIVACY_URL: "/privacy",
  CONSENTS: JSON.stringify([{ id: "newsletter", text: { en: "News", nb: "Nytt" } }]),
  CONSENT_WEBHOOK_SECRET: "1234567890123456",
  EVENTS_URL: "https://crm.example/events",
  EVENTS_SECRET: `whsec_${"MfKQ".repeat(8)}`,
  SUPPORT_STAFF: "4799999901 4799999902",
  AGENCY_STAFF: "4799999903 4799999904",
};

/** What a text looks like to TOML and JSON, or undefined where it only looks like text. */
const FORMS: Readonly<Record<string, (text: string) => SettingVariable | undefined>> = {
  string: (text) => text,
  "text with blanks around it": (text) => ` ${text} `,
  number: (text) => (/^[1-9]\d{0,14}$/.test(text) ? Number(text) : undefined),
  boolean: (text) => (/^(true|false)$/.test(text) ? text === "true" : undefined),
  list: (text) => (/^[^"{]+ [^"{]+$/.test(text) ? text.split(" ") : undefined),
  "list of numbers": (text) => (/^\d+ \d+$/.test(text) ? text.split(" ").map(Number) : undefined),
  "list as JSON in a text": (text) =>
    /^[^"{]+ [^"{]+$/.test(text) ? JSON.stringify(text.split(" ")) : undefined,
  object: (text) => (/^[[{]/.test(text) ? JSON.parse(text) : undefined),
};

/** What no setting is. */
const NONSENSE: readonly SettingVariable[] = [
  "\u0000%",
  1.1,
  -1,
  1e21,
  [true],
  [["/a"]],
  { what: "ever" },
  [{ id: 7 }],
];

/** What is read of a setting, as far as it can be compared. */
function readOf(name: SettingName, value: SettingVariable): unknown {
  const fault = faultOfValue(name, value);
  return fault === undefined ? "read" : fault;
}

const folder = mkdtempSync(join(tmpdir(), "settings-table-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A project without words of its own. */
writeFileSync(
  join(folder, "index.ts"),
  'export { default, LoginAttempts, UserSessions } from "vipps-login-worker";\n',
);

const WORKER = {
  name: "settings",
  main: "index.ts",
  compatibility_date: "2026-10-01",
  kv_namespaces: [{ binding: "VIPPS_METADATA" }, { binding: "SITES" }],
  d1_databases: [{ binding: "ACCOUNTS_DB", database_name: "accounts" }],
  queues: { producers: [{ binding: "EVENTS_QUEUE", queue: "events" }] },
  durable_objects: {
    bindings: [
      { name: "LOGIN_ATTEMPTS", class_name: "LoginAttempts" },
      { name: "USER_SESSIONS", class_name: "UserSessions" },
    ],
  },
};

const object: DurableObjectBinding = { jurisdiction: () => object };
const SURROUNDINGS = {
  storage: {
    metadata: { binding: "kv" },
    loginAttempts: object,
    userSessions: object,
    assets: undefined,
    accounts: { binding: "d1" },
    events: { binding: "queue" },
  } satisfies Bindings,
  limiters: { start: undefined, finish: undefined, wide: undefined, site: undefined },
  isLanguage,
} as const;

let files = 0;

/** A deployment that has further sites alone. */
const NO_SITE = { VIPPS_CLIENT_ID: "", VIPPS_MSN: "" };

interface Verdicts {
  readonly worker: readonly string[];
  readonly doctor: readonly string[];
  readonly start: readonly string[];
}

/** What one check of the doctor finds; it asks nobody. */
const findingsOf = (source: SettingsSource, id: CheckId) =>
  examine({ source, target: undefined, fetch, now: Date.now, only: new Set([id]) });

/** What the worker finds wrong with a further site that says nothing but who it is. */
function faultsOfFurtherSite(vars: Readonly<Record<string, unknown>>): readonly string[] {
  if (!vars.SITES_KEYS) return [];
  const values = {
    ...{ SITE_URL: "https://further.example", VIPPS_MSN: "654321", VIPPS_CLIENT_ID: "further" },
    ...{ VIPPS_CLIENT_SECRET: "secret", SESSION_KEYS: RIGHT.SESSION_KEYS },
  };
  const read = furtherSettings(values, vars, { ...SURROUNDINGS, partition: "further.example" });
  return "faults" in read ? read.faults : [];
}

/** What the worker, `npm run doctor` and `npm start` each find wrong with the vars of a configuration. */
async function verdictsOn(vars: Readonly<Record<string, SettingVariable>>): Promise<Verdicts> {
  files += 1;
  const path = join(folder, `wrangler-${files}.toml`);
  writeFileSync(path, stringify({ ...WORKER, vars }));
  const config = unstable_readConfig({ config: path }, { hideWarnings: true });
  const { bindings } = unstable_getMiniflareWorkerOptions(config).workerOptions;
  const read = settingsFrom(
    { ...(bindings as object) },
    {
      ...SURROUNDINGS,
      origin: "http://localhost:8787",
      partition: "default",
    },
  );
  const source = await readLocalSource({
    root: folder,
    environment: undefined,
    settingsFile: undefined,
    configFile: path,
    processEnv: {},
  });
  const findings = (await findingsOf(source, "settings")).filter(({ severity }) => severity === "error");
  const given = (parse(readFileSync(path, "utf8")) as { vars: Record<string, unknown> }).vars;
  const further = faultsOfFurtherSite({ ...(bindings as object) });
  const own = hasOwnSite(given) && "faults" in read ? read.faults : [];
  const names = ["VIPPS_METADATA", "ACCOUNTS_DB", "EVENTS_QUEUE", "LOGIN_ATTEMPTS", "USER_SESSIONS"];
  return {
    worker: [...new Set([...own, ...further])].toSorted(),
    doctor: findings.map(({ what }) => what.replace(/\.$/, "")).toSorted(),
    start: faultsOfLocalWorker(given, new Set(names), languagesOf(join(folder, "index.ts"))).toSorted(),
  };
}

describe("characters that are not seen", () => {
  it("are those of Unicode's classes", () => {
    const isUnseen = (text: string) => /[\p{Cc}\p{Bidi_Control}]/u.test(text);
    const characters = Array.from({ length: 0x110000 }, (_, code) => String.fromCodePoint(code));
    expect(characters.filter(isUnseen).length).toBeGreaterThan(70);
    expect(characters.filter(holdsUnseen)).toEqual(characters.filter(isUnseen));
  });
});

describe("the table of settings", () => {
  it("names only settings of its own, and defaults that could be set", () => {
    for (const name of settingNames()) {
      const { needed, atMost, default: value } = rowOf(name);
      for (const other of [typeof needed === "object" ? needed.with : [], atMost ?? []].flat())
        expect(isSettingName(other)).toBe(true);
      if (value !== undefined) expect(readOf(name, value as SettingVariable)).toBe("read");
    }
  });

  it("makes docs/configuration.md (npm run docs)", () => {
    const document = readFileSync(join(ROOT, "docs/configuration.md"), "utf8");
    expect(withSettingsTables(document)).toBe(document);
    expect(documentedSettings().filter(({ text }) => text.length < 10)).toEqual([]);
  });

  it("makes a schema with which editors take what the worker takes", () => {
    const schema = { ...editorSchema("#/definitions/wrangler"), allOf: [{}] };
    const isRight = new Ajv({ strict: false }).compile(schema);
    let tried = 0;
    for (const name of settingNames().filter((one) => rowOf(one).secret !== true)) {
      for (const form of Object.values(FORMS)) {
        const value = form(RIGHT[name]);
        if (value === undefined || (typeof value === "string" && value !== RIGHT[name])) continue;
        tried += 1;
        expect(isRight({ vars: { [name]: value } }), `${name} = ${JSON.stringify(value)}`).toBe(true);
      }
    }
    expect(tried).toBeGreaterThan(60);
    expect(isRight({ vars: { VIPPS_MARKET: "UK" } })).toBe(false);
    expect(isRight({ vars: { SESSION_TTL: 0 } })).toBe(false);
    expect(isRight({ env: { production: { vars: { VIPPS_CLIENT_SECRET: "secret" } } } })).toBe(false);
  });

  it.each(Object.entries(FORMS))("takes a %s for what it looks like", (_form, form) => {
    const taken = settingNames().filter((name) => form(RIGHT[name]) !== undefined);
    expect(taken.length).toBeGreaterThan(0);
    for (const name of taken)
      expect(readOf(name, form(RIGHT[name]) ?? ""), `${name} as ${JSON.stringify(form(RIGHT[name]))}`).toBe(
        "read",
      );
  });

  it("takes for unset what is empty", () => {
    for (const name of settingNames())
      for (const value of ["", "  ", []]) expect(readOf(name, value)).toBe("read");
  });
});

describe("worker, doctor and start (R39)", () => {
  it.each(Object.entries(FORMS))(
    "agree on a configuration with every setting as a %s",
    async (name, form) => {
      const vars = Object.fromEntries(
        settingNames()
          .filter((setting) => setting !== "SITES_KEYS")
          .map((setting) => [setting, form(RIGHT[setting]) ?? RIGHT[setting]]),
      );
      expect(await verdictsOn(vars)).toEqual({ worker: [], doctor: [], start: [] });
      const inThisForm = Object.keys(vars).filter(
        (setting) => form(RIGHT[setting as SettingName]) !== undefined,
      );
      console.log(
        `${inThisForm.length} of ${Object.keys(vars).length} settings as a ${name}: three verdicts, no fault`,
      );
    },
  );

  it("agree, and name the setting, on nonsense in every setting", async () => {
    let named = 0;
    for (const nonsense of NONSENSE) {
      const vars = Object.fromEntries(
        settingNames()
          .filter((name) => name !== "SITES_KEYS")
          .map((name) => [name, nonsense]),
      );
      const { worker, doctor, start } = await verdictsOn(vars);
      expect({ doctor, start }).toEqual({ doctor: worker, start: worker });
      named += worker.length;
      // What the schema library says by itself tells the value, which may be a secret.
      expect(worker.filter((fault) => /received|invalid/i.test(fault))).toEqual([]);
      // A number with a fraction, or one that cannot be kept exactly, is nothing that can be meant.
      if (typeof nonsense === "number" && nonsense > 0)
        expect(worker).toHaveLength(settingNames().length - 1);
    }
    expect(named).toBeGreaterThan(300);
    console.log(
      `${settingNames().length} settings, ${NONSENSE.length} kinds of nonsense: ${named} faults named`,
    );
  });

  const RIGHT_ONE = {
    ...{ VIPPS_CLIENT_ID: "id", VIPPS_CLIENT_SECRET: "secret", VIPPS_MSN: 123_456 },
    ...{ SESSION_KEYS: RIGHT.SESSION_KEYS, SITES_KEYS: RIGHT.SITES_KEYS },
  };

  it("agree on a language without texts", async () => {
    const said = ["SITE_LANGUAGE is xx, a language without texts here"];
    expect(await verdictsOn({ ...RIGHT_ONE, SITE_LANGUAGE: "xx" })).toEqual({
      ...{ worker: said, doctor: said, start: said },
    });
  });

  it.each([
    ["https://www.example.com", "https://www.example.com"],
    ["https://www.example.com", "https://WWW.example.com./"],
    ["http://localhost:8787", "http://127.0.0.1:8787"],
    ["http://localhost:8787", "http://club.localhost:8787"],
  ])("agree that the origin of %s cannot be %s", async (SITE_URL, ORIGIN_URL) => {
    const said = [expect.stringContaining("ORIGIN_URL must be another server: the worker itself answers")];
    expect(await verdictsOn({ ...RIGHT_ONE, SITE_URL, ORIGIN_URL })).toEqual({
      ...{ worker: said, doctor: said, start: said },
    });
    // Every site would ask the deployment's own.
    const found = await verdictsOn({ ...RIGHT_ONE, SITE_URL, SITE_DEFAULTS: { ORIGIN_URL } });
    expect([found.worker.length, found.doctor.length, found.start.length]).toEqual([1, 1, 1]);
    const other = { ...RIGHT_ONE, SITE_URL, ORIGIN_URL: "https://origin.example" };
    expect(await verdictsOn(other)).toEqual({ worker: [], doctor: [], start: [] });
  });

  it.each<readonly [SettingVariable, string]>([
    [{ SUPPORT_STAFF: "+4799999901" }, "SITE_DEFAULTS: SUPPORT_STAFF is no setting that sites can share"],
    [{ VIPPS_MSN: "123456" }, "SITE_DEFAULTS: VIPPS_MSN is no setting that sites can share"],
    [{ FOO: 1 }, "SITE_DEFAULTS: FOO is no setting that sites can share"],
    [{ SITE_LANGUAGE: "xx" }, "SITE_LANGUAGE is xx, a language without texts here"],
    [{ SESSION_TTL: "abc" }, "SESSION_TTL must be a whole number of seconds"],
    [{ SESSION_TTL: -5 }, "SESSION_TTL must be at least 1 seconds"],
    [{ SESSION_IDLE: 20, SESSION_TTL: 10 }, "SESSION_IDLE must not be longer than SESSION_TTL"],
    [{ PROTECTED_PATHS: "members" }, "PROTECTED_PATHS "],
    [{ ORIGIN_URL: "origin.example" }, "ORIGIN_URL must be an origin"],
    [["SESSION_TTL"], "SITE_DEFAULTS must be a table of settings"],
    [
      { VIPPS_KEYS: "partner", VIPPS_ENVIRONMENT: "production" },
      "VIPPS_ENVIRONMENT is the deployment's with VIPPS_KEYS=partner",
    ],
    [{ VIPPS_KEYS: "partner" }, "VIPPS_PARTNER_CLIENT_ID is missing, which VIPPS_KEYS=partner needs"],
    ["nonsense", "SITE_DEFAULTS must be a table of settings"],
  ])("agree on what stands in SITE_DEFAULTS: %j", async (defaults, fault) => {
    for (const SITE_DEFAULTS of [defaults, writtenAsText(defaults)])
      for (const own of [{ SITE_URL: "https://www.example.com" }, NO_SITE]) {
        const found = await verdictsOn({ ...RIGHT_ONE, ...own, SITE_DEFAULTS });
        const [worker, doctor, start] = [found.worker, found.doctor, found.start].map((faults) =>
          faults.map((one) => one.replace(/^SITE_DEFAULTS: /, "")).toSorted(),
        );
        expect(worker?.join("; ")).toContain(fault.replace(/^SITE_DEFAULTS: /, ""));
        expect({ doctor, start }).toEqual({ doctor: worker, start: worker });
      }
  });

  it.each<SettingVariable>([
    { SESSION_IDLE: 3600, SITE_LANGUAGE: "nb" },
    // What each site still adds itself.
    { ACCOUNTS: "remote" },
    { TERMS_URL: "/terms" },
    { EVENTS_URL: "https://crm.example/events" },
  ])("take for right in SITE_DEFAULTS what sites can complete: %j", async (SITE_DEFAULTS) => {
    const { doctor, start } = await verdictsOn({ ...RIGHT_ONE, SITE_DEFAULTS });
    expect({ doctor, start }).toEqual({ doctor: [], start: [] });
  });

  it("agree on a name that resembles a setting's, and the doctor warns of one beside the setting", async () => {
    const right = { VIPPS_CLIENT_ID: "id", VIPPS_CLIENT_SECRET: "secret", VIPPS_MSN: 123_456 };
    const base = { ...right, SESSION_KEYS: RIGHT.SESSION_KEYS };
    const said = ["PROTECTD_PATHS is no setting; was PROTECTED_PATHS meant?"];
    expect(await verdictsOn({ ...base, PROTECTD_PATHS: "/members/*" })).toEqual({
      worker: said,
      doctor: said,
      start: said,
    });
    const beside = { ...base, PROTECTED_PATHS: "/members/*", PROTECTD_PATHS: "/members/*" };
    expect(await verdictsOn(beside)).toEqual({ worker: [], doctor: [], start: [] });
    const source = await readLocalSource({
      root: folder,
      environment: undefined,
      settingsFile: undefined,
      configFile: join(folder, `wrangler-${files}.toml`),
      processEnv: {},
    });
    expect(await findingsOf(source, "settings-names")).toMatchObject([{ severity: "warning" }]);
  });
});

describe("names", () => {
  it.each([
    ["PROTECTD_PATHS", "PROTECTED_PATHS"],
    ["SESSOIN_TTL", "SESSION_TTL"],
    ["VIPPS_CLIENTID", "VIPPS_CLIENT_ID"],
    ["vipps_msn", "VIPPS_MSN"],
    ["SITE-URL", "SITE_URL"],
    ["VIPPS_SCOPES", "VIPPS_SCOPE"],
    ["ACCOUNT", "ACCOUNTS"],
  ])("%s stands for %s", (name, meant) => {
    expect(mistakenNames([name])).toEqual([{ name, meant }]);
  });

  it("of others are left to them", () => {
    const others = [
      "API_KEY",
      "STRIPE_SECRET",
      "NODE_ENV",
      "DB",
      "SITE",
      "SITE_TITLE",
      "AUTH_SECRET",
      "ORIGIN",
    ];
    expect(mistakenNames([...others, ...settingNames()])).toEqual([]);
  });

  it("are compared in little time, however long and many they are", () => {
    expect(mistakenNames(Array.from({ length: 200 }, (_, n) => `${"SESSION_".repeat(100)}${n}`))).toEqual([]);
  });
});

describe("values as text", () => {
  it("say the same as the values", () => {
    for (const name of settingNames())
      for (const form of Object.values(FORMS)) {
        const value = form(RIGHT[name]);
        if (value !== undefined) expect(readOf(name, writtenAsText(value))).toBe("read");
      }
    expect(writtenAsText(settingTable().VIPPS_SCOPE.default)).toBe("openid name phoneNumber email");
  });
});
