import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { OWN_DEEDS, OWN_WINDOW } from "../../src/accounts/audit-log.ts";
import { widerNetwork } from "../../src/http/around.ts";
import { type Browser, openBrowser } from "../worker/browser.ts";
import { openSite, SITE, type TestSite } from "../worker/site.ts";

const CONSENTS = JSON.stringify([{ id: "news", text: "Send me news" }]);

/** Somebody who is logged in, and was asked on the way what the site asks everybody. */
async function logInTo(site: TestSite): Promise<Browser> {
  const browser = openBrowser(site, { "accept-language": "en" });
  const response = await browser.logIn();
  if (response.status === 200) {
    const attempt = /name="attempt" value="([\w.-]{100,})"/.exec(await response.text())?.[1] ?? "";
    await browser.post("/auth/continue", { attempt, question: "terms", answer: "accept", terms: "accepted" });
  }
  return browser;
}

async function rowsOf(site: TestSite): Promise<number> {
  const tables = ["consents", "audit_log", "login_events", "accounts"];
  const counts = tables.map((table) => site.env.ACCOUNTS_DB?.prepare(`SELECT count(*) AS n FROM ${table}`));
  const rows = await Promise.all(counts.map((statement) => statement?.first<{ n: number }>()));
  return rows.reduce((sum, row) => sum + (row?.n ?? 0), 0);
}

describe("R34 health", () => {
  it("asks its dependencies once in five seconds, however often it is asked, also at a time", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const site = openSite();
    const browser = openBrowser(site);
    const asked = () => [
      site.counts.kvReads,
      site.counts.durableObjectCalls.length,
      site.counts.databaseCalls.length,
    ];
    expect((await browser.get("/auth/health")).status).toBe(200);
    const once = asked();
    await Promise.all(Array.from({ length: 50 }, () => browser.get("/auth/health?a=b")));
    expect(asked()).toEqual(once);
    vi.setSystemTime(Date.now() + 5_001);
    await browser.get("/auth/health");
    expect(site.counts.databaseCalls.length).toBe((once[2] ?? 0) + 1);
    expect(await rowsOf(site)).toBe(0);
  });

  it("is remembered when it is bad, too, and is another site's business never", async () => {
    const down = { prepare: () => ({ first: () => Promise.reject(new Error("down")) }) };
    const bad = openSite({ vars: { ACCOUNTS_DB: down as never } });
    const body = async (site: TestSite) => (await openBrowser(site).get("/auth/health")).json();
    expect(await body(bad)).toMatchObject({ ok: false, dependencies: { accounts_db: { ok: false } } });
    expect(await body(bad)).toMatchObject({ ok: false });
    expect(await body(openSite())).toMatchObject({ ok: true });
  });

  it("is limited per network, and says so as JSON", async () => {
    const limit: RateLimit["limit"] = async ({ key }) => ({ success: !key.endsWith(" health") });
    const site = openSite({ vars: { LOGIN_LIMITER: { limit } } });
    const from = { "cf-connecting-ip": "203.0.113.7", accept: "text/html" };
    const response = await openBrowser(site).get("/auth/health", from);
    expect([response.status, response.headers.get("retry-after")]).toEqual([429, "60"]);
    expect(await response.json()).toMatchObject({ code: "rate_limited" });
    expect(site.counts).toMatchObject({ kvReads: 0, durableObjectCalls: [], databaseCalls: [] });
    // Whoever watches the health of a site takes no logins from their network.
    expect((await openBrowser(site).get("/auth/login", from)).status).toBe(302);
  });
});

describe("R34 an IPv6 network of many networks", () => {
  it("is counted as one beside each of them, for starting and for finishing", async () => {
    const limit: RateLimit["limit"] = ({ key }) =>
      (env.LOGIN_WIDE_LIMITER as unknown as { limit(of: object): ReturnType<RateLimit["limit"]> }).limit({
        key,
        limit: 5,
      });
    const site = openSite({ vars: { LOGIN_WIDE_LIMITER: { limit } } });
    const statuses = async (path: string, address: (index: number) => string) => {
      const found: number[] = [];
      for (let index = 0; index < 12; index += 1) {
        const headers = { "cf-connecting-ip": address(index) };
        found.push((await openBrowser(site).request(path, { method: "HEAD", headers })).status);
      }
      return found.filter((status) => status === 429).length;
    };
    const ofOne = (index: number) => `2001:db8:7:${index.toString(16)}::1`;
    const ofMany = (index: number) => `2001:db8:${(index + 16).toString(16)}::1`;
    expect(await statuses("/auth/login", ofOne)).toBeGreaterThan(0);
    expect(await statuses("/auth/callback", ofOne)).toBeGreaterThan(0);
    expect(await statuses("/auth/login", ofMany)).toBe(0);
    expect(await statuses("/auth/login", (index) => `203.0.113.${index}`)).toBe(0);
  });

  it("is the /48, and none for IPv4, for this machine and for what cannot be read", () => {
    const wider = (address: string) => widerNetwork(new Headers({ "cf-connecting-ip": address }));
    expect(wider("2001:db8:1:2::3")).toBe("2001:db8:1::/48");
    expect(wider("2001:db8::")).toBe("2001:db8:0::/48");
    for (const address of ["192.0.2.1", "::ffff:192.0.2.1", "::1", "127.0.0.1", "x:y", "1".repeat(10_000)])
      expect([address, wider(address)]).toEqual([address, undefined]);
  });
});

describe("R34 what somebody who is logged in writes about themselves", () => {
  const post = (browser: Browser, yes: boolean) =>
    browser.post("/auth/me/consents", yes ? { consent: "news" } : {}, { origin: SITE });

  it("is limited per account, to the last post, and says when to go on", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const site = openSite({ vars: { CONSENTS } });
    const browser = await logInTo(site);
    const before = await rowsOf(site);
    const statuses: number[] = [];
    for (let turn = 0; turn < OWN_DEEDS + 5; turn += 1)
      statuses.push((await post(browser, turn % 2 === 0 || turn >= OWN_DEEDS)).status);
    expect(statuses.filter((status) => status === 303)).toHaveLength(OWN_DEEDS);
    expect(statuses.slice(OWN_DEEDS)).toEqual([429, 429, 429, 429, 429]);
    // A line and an answer each, and nothing for what was refused.
    expect((await rowsOf(site)) - before).toBe(2 * OWN_DEEDS);
    const refused = await post(browser, true);
    expect(refused.headers.get("retry-after")).toBe(String(OWN_WINDOW));
    expect(await refused.text()).toContain("many changes");
    expect((await browser.get("/auth/me/download")).status).toBe(429);
    expect(site.log.at(-1)).toMatchObject({ code: "too_many_changes" });
    vi.setSystemTime(Date.now() + OWN_WINDOW * 1000 + 1000);
    expect((await post(browser, true)).status).toBe(303);
  });

  it("is limited for posts at the same time, too", async () => {
    const site = openSite({ vars: { CONSENTS } });
    const browser = await logInTo(site);
    const before = await rowsOf(site);
    await Promise.all(Array.from({ length: 60 }, () => browser.get("/auth/me/download")));
    expect((await rowsOf(site)) - before).toBe(OWN_DEEDS);
  });
});

describe("R34 no route writes for a stranger", () => {
  const ROUTES = [
    ["GET", "/auth/health"],
    ["GET", "/auth/session"],
    ["GET", "/auth/verify"],
    ["GET", "/auth/.well-known/jwks.json"],
    ["GET", "/auth/vipps-login.js"],
    ["GET", "/auth/callback?state=x&code=y"],
    ["GET", "/auth/callback?error=access_denied"],
    ["GET", "/auth/proof?answer=x&login=y"],
    ["POST", "/auth/continue"],
    ["POST", "/auth/app/start"],
    ["POST", "/auth/app/finish"],
    ["POST", "/auth/logout"],
    ["GET", "/auth/sessions"],
    ["DELETE", "/auth/sessions"],
    ["DELETE", "/auth/sessions/x"],
    ["POST", "/auth/sessions/end"],
    ["GET", "/auth/me"],
    ["GET", "/auth/me/download"],
    ["POST", "/auth/me/consents"],
    ["POST", "/auth/me/erase"],
    ["POST", "/auth/webhooks/consent/guess"],
    ["GET", "/auth/support"],
    ["POST", "/auth/support/search"],
    ["GET", "/auth/support/accounts/x"],
    ["POST", "/auth/support/requests/x/link"],
    ["GET", "/auth/nothing"],
    ["GET", "/members/"],
  ] as const;

  it.each(ROUTES)("%s %s", async (method, path) => {
    const site = openSite({
      vars: { CONSENTS, SUPPORT_STAFF: "4799999901", CONSENT_WEBHOOK_SECRET: "a-secret-of-16-chars" },
    });
    const headers = { "content-type": "application/x-www-form-urlencoded", origin: SITE };
    await openBrowser(site).request(path, { method, headers, ...(method === "POST" && { body: "state=x" }) });
    expect(await rowsOf(site)).toBe(0);
    expect(site.counts.durableObjectCalls.filter((call) => !call.endsWith(".ping"))).toEqual([]);
  });
});
