import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { readSettings } from "../../src/settings.ts";
import { openBrowser } from "./browser.ts";
import { newKey } from "./session-tokens.ts";
import { openSite } from "./site.ts";

const read = (vars: Partial<Cloudflare.Env>, url = "https://site.example/") =>
  readSettings({ ...env, ...vars }, url);

function faultsOf(vars: Partial<Cloudflare.Env>, url?: string): readonly string[] {
  const result = read(vars, url);
  return "faults" in result ? result.faults : [];
}

function settingsOf(vars: Partial<Cloudflare.Env>, url?: string) {
  const result = read(vars, url);
  if ("faults" in result) throw new Error(result.faults.join("; "));
  return result.settings;
}

describe("settings", () => {
  it("have the documented defaults", () => {
    const { site, relyingParty, login, session } = settingsOf({});
    expect(site).toMatchObject({ origin: "https://site.example", authPath: "/auth" });
    expect(relyingParty).toMatchObject({
      issuer: "https://apitest.vipps.no/access-management-1.0/access/",
      redirectUri: "https://site.example/auth/callback",
      keys: { kind: "own", tokenAuth: "client_secret_basic" },
      scope: ["openid", "name", "phoneNumber", "email"],
      market: undefined,
      automaticReturn: false,
      requireApp: false,
      systemName: "site.example",
      systemVersion: "1",
    });
    expect(login).toMatchObject({ crossBrowser: "confirm", returnToOrigins: new Set() });
    expect(session).toMatchObject({ ttl: 2_592_000, idle: 604_800, fresh: 300, claims: ["name"] });
  });

  it("take the issuer of the environment they name", () => {
    expect(settingsOf({ VIPPS_ENVIRONMENT: "production" }).relyingParty.issuer).toBe(
      "https://api.vipps.no/access-management-1.0/access/",
    );
  });

  it("name every fault at once", () => {
    const faults = faultsOf({
      SITE_URL: "www.example.com",
      VIPPS_CLIENT_ID: "",
      VIPPS_MSN: "abc",
      VIPPS_SCOPE: "name",
      SESSION_KEYS: "{}",
      SESSION_TTL: "forever",
      CROSS_BROWSER: "maybe",
    });
    expect(faults.map((fault) => fault.split(" ")[0]).sort()).toEqual([
      "CROSS_BROWSER",
      "SESSION_KEYS",
      "SESSION_TTL",
      "SITE_URL",
      "VIPPS_CLIENT_ID",
      "VIPPS_MSN",
      "VIPPS_SCOPE",
    ]);
  });

  it("name what does not fit together beside what is malformed", () => {
    const faults = faultsOf({
      SESSION_COOKIE_DOMAIN: "elsewhere.example",
      TERMS_URL: "/terms",
      ORIGIN_URL: "http://origin.example",
      SESSION_TTL: "forever",
    });
    expect(faults.map((fault) => fault.split(" ")[0]).sort()).toEqual([
      "ORIGIN_URL",
      "SESSION_COOKIE_DOMAIN",
      "SESSION_TTL",
      "TERMS_URL",
    ]);
  });

  it("say nothing of what cannot be known while another setting is malformed", () => {
    const faults = faultsOf({
      SITE_URL: "www.example.com",
      SESSION_COOKIE_DOMAIN: "example.com",
      TERMS_URL: "javascript:",
      TERMS_VERSION: "1",
      VIPPS_KEYS: "partners",
      ACCOUNTS: "non",
      ACCOUNTS_DB: undefined as never,
    });
    expect(faults.map((fault) => fault.split(" ")[0]).sort()).toEqual([
      "ACCOUNTS",
      "SITE_URL",
      "TERMS_URL",
      "VIPPS_KEYS",
    ]);
  });

  it("never show a secret in a fault", () => {
    const faults = faultsOf({ SESSION_KEYS: '{"keys":[{"d":"tell-nobody"}]}', VIPPS_MSN: "not-a-number" });
    expect(faults.join()).not.toMatch(/tell-nobody|not-a-number/);
  });

  it.each([
    ["an issuer without TLS", { VIPPS_ISSUER: "http://127.0.0.1:8788/" }, "VIPPS_ISSUER"],
    ["an origin without TLS", { ORIGIN_URL: "http://origin.example" }, "ORIGIN_URL"],
    [
      "a provider's endpoints without TLS",
      { PROVIDER_ENDPOINTS: "http://login.example" },
      "PROVIDER_ENDPOINTS",
    ],
    ["a name that speaks to terminals", { SITE_NAME: "ev\u001b[31mil" }, "SITE_NAME"],
    ["a name that turns the writing round", { SITE_NAME: "\u202eliv" }, "SITE_NAME"],
    ["a contact with control characters", { SUPPORT_CONTACT: "a\u001b@site.example" }, "SUPPORT_CONTACT"],
    ["groups that are each site's own", { AGENCY_STAFF: "group:desk" }, "AGENCY_STAFF"],
    ["a site without TLS", { SITE_URL: "http://site.example" }, "SITE_URL"],
    ["a site with a path", { SITE_URL: "https://site.example/shop" }, "SITE_URL"],
    ["an idle lifetime beyond the absolute one", { SESSION_TTL: "600", SESSION_IDLE: "900" }, "SESSION_IDLE"],
    ["a cookie domain of somebody else", { SESSION_COOKIE_DOMAIN: "example.org" }, "SESSION_COOKIE_DOMAIN"],
    ["a claim nobody knows", { SESSION_CLAIMS: "name shoe_size" }, "SESSION_CLAIMS"],
    ["a system name over 30 characters", { VIPPS_SYSTEM_NAME: "x".repeat(31) }, "VIPPS_SYSTEM_NAME"],
    ["staff by a number without its country code", { SUPPORT_STAFF: "99999901" }, "SUPPORT_STAFF"],
    ["staff by a number with spaces", { SUPPORT_STAFF: "+47 999 99 901" }, "SUPPORT_STAFF"],
  ])("refuse %s", (_what, vars, name) => {
    expect(faultsOf(vars).some((fault) => fault.startsWith(name))).toBe(true);
  });

  const key = { kty: "EC", crv: "P-256", x: "x".repeat(43), y: "y".repeat(43) };
  const signing = { ...key, d: "d".repeat(43), kid: "now" };

  it("take keys that signed before with their private half, which opens what they sealed, or without it", () => {
    const before = { ...key, kid: "before", d: "d".repeat(43), retired_at: 1_700_000_000 };
    const SESSION_KEYS = JSON.stringify({ keys: [signing, before, { ...key, kid: "earlier" }] });
    expect(settingsOf({ SESSION_KEYS }).session.keys).toEqual({
      signing,
      previous: [
        { ...key, kid: "before", d: "d".repeat(43), retiredAt: 1_700_000_000 },
        { ...key, kid: "earlier", d: undefined, retiredAt: undefined },
      ],
    });
  });

  it.each([
    ["no key", []],
    ["a first key that cannot sign", [{ ...key, kid: "now" }]],
    ["a first key that has retired", [{ ...signing, retired_at: 1_700_000_000 }]],
    ["two keys of one kid", [signing, signing]],
    ["a time of retirement that is no number", [signing, { ...key, kid: "b", retired_at: "2026" }]],
    ["eleven keys", Array.from({ length: 11 }, (_, n) => ({ ...signing, kid: `key ${n}` }))],
  ])("refuse SESSION_KEYS with %s", (_what, keys) => {
    expect(faultsOf({ SESSION_KEYS: JSON.stringify({ keys }) })).toEqual([
      expect.stringMatching(/^SESSION_KEYS must be a JSON Web Key Set/),
    ]);
  });

  it("take an issuer without TLS when the site itself is on localhost", () => {
    const local = { SITE_URL: "http://localhost:8787", VIPPS_ISSUER: "http://simulator.internal/" };
    expect(settingsOf(local).relyingParty.allowHttp).toBe(true);
  });

  it("take an origin without TLS on the same machine", () => {
    for (const ORIGIN_URL of ["http://localhost:3000", "http://127.0.0.1:3000", "https://origin.example"]) {
      expect(settingsOf({ ORIGIN_URL }).site.originUrl).toBe(ORIGIN_URL);
    }
  });

  it("take numbers, booleans and lists for what they look like", async () => {
    const written = { VIPPS_MSN: "123456", SESSION_TTL: "86400", VIPPS_AUTOMATIC_RETURN: "true" };
    const meant = { VIPPS_MSN: 123_456, SESSION_TTL: 86_400, VIPPS_AUTOMATIC_RETURN: true };
    expect(settingsOf(meant)).toEqual(settingsOf(written));
    const lists = {
      PROTECTED_PATHS: ["/members/*", "!/members/open/*"],
      CONSENTS: [{ id: "newsletter", text: { en: "News" } }],
      SESSION_KEYS: JSON.parse(String(env.SESSION_KEYS)),
    };
    expect(settingsOf(lists).site.protectedPaths).toEqual(["/members/*", "!/members/open/*"]);
    expect(settingsOf(lists).accounts.consents).toEqual([{ id: "newsletter", wording: { en: "News" } }]);
    const rules = ["/medlem/*", "/styret/* group:styret fresh:600"];
    for (const written of [
      rules,
      JSON.stringify(rules),
      '{"/medlem/*":true,"/styret/*":"group:styret fresh:600"}',
    ])
      expect(settingsOf({ PROTECTED_PATHS: written }).site.protectedPaths).toEqual(rules);
    const login = await openBrowser(
      openSite({ vars: { ...meant, PROTECTED_PATHS: ["/members/*"] } }),
    ).logIn();
    expect(login.headers.getSetCookie().join()).toContain("__Host-vipps-session=");
  });

  it("refuse a number that lost its zeros before it got here", () => {
    expect(faultsOf({ VIPPS_SYSTEM_VERSION: 1.1 })).toEqual([
      "VIPPS_SYSTEM_VERSION must be text, in quotation marks",
    ]);
  });

  it.each([
    ["https://www.idyrøy.no", "https://www.xn--idyry-yua.no"],
    ["https://WWW.Example.com:443/", "https://www.example.com"],
    ["http://localhost:8787", "http://localhost:8787"],
  ])("take %s for the origin %s", (SITE_URL, origin) => {
    const { site, relyingParty } = settingsOf({ SITE_URL });
    expect(site.origin).toBe(origin);
    expect(relyingParty.redirectUri).toBe(`${origin}/auth/callback`);
  });

  it.each([
    ["https://www.idyrøy.no", "idyrøy.no"],
    ["https://日本語.jp:8443", "日本語.jp:8443"],
    ["https://åäö-øæ.se", "åäö-øæ.se"],
    ["https://xn--99999999.no", "xn--99999999.no"],
  ])("show %s on pages as people write it", async (SITE_URL, shown) => {
    const page = await (await openBrowser(openSite({ vars: { SITE_URL } })).get("/auth/nowhere")).text();
    expect(page).toContain(`<p class="site"><a href="/">${shown}</a></p>`);
  });

  it.each([
    "https://www.example.com/shop",
    "https://www.example.com/?",
    "https://www.example.com/#",
    "https://a@www.example.com",
    "https://www.exam ple.com",
    "https:\\\\www.example.com",
    "//www.example.com",
    "https://",
  ])("take %s for no origin", (SITE_URL) => {
    expect(faultsOf({ SITE_URL })).toEqual([expect.stringMatching(/^SITE_URL must be an origin/)]);
  });

  it("name what resembles a setting, unless that one is there too", () => {
    expect(faultsOf({ PROTECTED_PATHS: "", PROTECTD_PATHS: "/members/*" } as never)).toEqual([
      "PROTECTD_PATHS is no setting; was PROTECTED_PATHS meant?",
    ]);
    settingsOf({ PROTECTED_PATHS: "/members/*", PROTECTD_PATHS: "/members/*" } as never);
  });

  it("name the bindings that no login works without", () => {
    expect(faultsOf({ VIPPS_METADATA: undefined, USER_SESSIONS: undefined } as never)).toEqual([
      "VIPPS_METADATA is not bound",
      "USER_SESSIONS is not bound",
    ]);
  });

  it("need SITE_URL anywhere but on localhost, whatever host a request names", () => {
    expect(faultsOf({ SITE_URL: "" })).toEqual(["SITE_URL is missing"]);
    expect(settingsOf({ SITE_URL: "" }, "http://localhost:8787/").site.origin).toBe("http://localhost:8787");
    expect(faultsOf({ SITE_URL: "" }, "http://localhost.evil.example/")).toEqual(["SITE_URL is missing"]);
  });
});

describe("a worker with wrong settings", () => {
  const vars = { VIPPS_CLIENT_SECRET: "", SESSION_IDLE: "soon" };

  it("answers every request with one page that names them all, and logs the same", async () => {
    const site = openSite({ vars });
    const browser = openBrowser(site);
    for (const path of ["/", "/auth/login", "/auth/callback?code=x&state=y", "/auth/health"]) {
      const response = await browser.get(path);
      expect(response.status).toBe(500);
      const page = await response.text();
      expect(page).toContain("VIPPS_CLIENT_SECRET is missing");
      expect(page).toContain("SESSION_IDLE must be a whole number of seconds");
      expect(response.headers.getSetCookie()).toEqual([]);
    }
    expect(site.log[0]).toMatchObject({
      level: "error",
      event: "request_failed",
      code: "settings_invalid",
      details: ["VIPPS_CLIENT_SECRET is missing", "SESSION_IDLE must be a whole number of seconds"],
    });
    expect(site.counts.fetches).toEqual([]);
  });

  it("tells a script the same as problem+json", async () => {
    const response = await openBrowser(openSite({ vars })).get("/auth/session", {
      accept: "application/json",
    });
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    expect(await response.json()).toMatchObject({
      status: 500,
      code: "settings_invalid",
      errors: ["VIPPS_CLIENT_SECRET is missing", "SESSION_IDLE must be a whole number of seconds"],
    });
  });

  it("says so when a session key is no point on the curve", async () => {
    const key = {
      kty: "EC",
      crv: "P-256",
      x: "A".repeat(43),
      y: "A".repeat(43),
      d: "A".repeat(43),
      kid: "bad",
    };
    const site = openSite({ vars: { SESSION_KEYS: JSON.stringify({ keys: [key] }) } });
    const response = await openBrowser(site).get("/auth/session", { cookie: "__Host-vipps-session=a.b.c" });
    expect(await response.json()).toEqual({ authenticated: false });
    const login = await openBrowser(site).get("/auth/login");
    expect(login.status).toBe(500);
    expect(await login.text()).toContain("SESSION_KEYS holds a key that cannot be used");
    const health = await openBrowser(site).get("/auth/health");
    expect(health.status).toBe(500);
    expect(await health.json()).toMatchObject({ code: "settings_invalid" });
  });

  it("says so when a session key is put together from two", async () => {
    const { d } = await newKey("another");
    const keys = [{ ...(await newKey("signing")), d }];
    const site = openSite({ vars: { SESSION_KEYS: JSON.stringify({ keys }) } });
    const login = await openBrowser(site).get("/auth/login");
    expect(await login.text()).toContain("SESSION_KEYS holds a key that cannot be used");
  });
});
