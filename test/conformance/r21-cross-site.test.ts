// R21: what changes something refuses other sites; strangers get no CORS; nothing about a session is stored.

import { beforeEach, describe, expect, it } from "vitest";
import { type Browser, openBrowser } from "../worker/browser.ts";
import { stopClock } from "../worker/clock.ts";
import { claimsOf, tokenOf } from "../worker/session-tokens.ts";
import { openSite, SITE, type TestSite } from "../worker/site.ts";

beforeEach(stopClock);

/** What a browser says of where a request comes from. */
const FOREIGN: readonly [string, Record<string, string>][] = [
  ["another site's form", { origin: "https://evil.example", "sec-fetch-site": "cross-site" }],
  ["another site, in a browser without Fetch Metadata", { origin: "https://evil.example" }],
  ["a sandboxed frame", { origin: "null", "sec-fetch-site": "cross-site" }],
  ["a sandboxed frame of an old browser", { origin: "null" }],
  ["a subdomain", { origin: "https://blog.site.example", "sec-fetch-site": "same-site" }],
  ["a parent domain's look-alike", { origin: "https://site.example.evil.example" }],
  ["the same host without TLS", { origin: "http://site.example", "sec-fetch-site": "cross-site" }],
  ["another port", { origin: "https://site.example:8443", "sec-fetch-site": "same-site" }],
  ["a navigation that names no origin", { "sec-fetch-site": "cross-site" }],
  ["a subdomain that names no origin", { "sec-fetch-site": "same-site" }],
  ["a capitalised copy of the origin", { origin: "https://SITE.example" }],
];

/** Every route that changes something for who is logged in. */
const CHANGES: readonly [string, (browser: Browser, other: Browser) => [string, RequestInit]][] = [
  ["POST /auth/logout", () => ["/auth/logout", { method: "POST" }]],
  ["DELETE /auth/sessions", () => ["/auth/sessions", { method: "DELETE" }]],
  [
    "DELETE /auth/sessions/:id",
    (_browser, other) => [`/auth/sessions/${claimsOf(tokenOf(other)).sid}`, { method: "DELETE" }],
  ],
  [
    "POST /auth/sessions/end",
    () => ["/auth/sessions/end", { method: "POST", body: new URLSearchParams({ session: "others" }) }],
  ],
];

const CASES = CHANGES.flatMap(([route, request]) =>
  FOREIGN.map(([from, headers]) => ({ route, from, headers, request })),
);

async function twoDevices(site: TestSite): Promise<readonly [Browser, Browser]> {
  const browsers = [openBrowser(site), openBrowser(site)] as const;
  for (const browser of browsers) await browser.logIn();
  return browsers;
}

describe("R21 changes", () => {
  it.each(CASES)("$route from $from is refused and ends nothing", async ({ headers, request }) => {
    const [browser, other] = await twoDevices(openSite());
    const [path, init] = request(browser, other);
    const response = await browser.request(path, { ...init, headers });
    expect(response.status).toBe(403);
    expect(response.headers.getSetCookie()).toEqual([]);
    expect(response.headers.get("access-control-allow-origin")).toBeNull();
    const sessions = await Promise.all([browser.session(), other.session()]);
    expect(sessions.map(({ authenticated }) => authenticated)).toEqual([true, true]);
  });

  it.each(CHANGES)(
    "%s is taken from the site itself, and from a client that is no browser",
    async (_route, request) => {
      for (const headers of [{ origin: SITE, "sec-fetch-site": "same-origin" }, {}]) {
        const [browser, other] = await twoDevices(openSite());
        const [path, init] = request(browser, other);
        expect((await browser.request(path, { ...init, headers })).status).toBeLessThan(400);
        const sessions = await Promise.all([browser.session(), other.session()]);
        expect(sessions.filter(({ authenticated }) => authenticated)).toHaveLength(1);
      }
    },
  );

  it("that an origin of RETURN_TO_ORIGINS may make is the logout alone", async () => {
    const vars = { RETURN_TO_ORIGINS: "https://static.example" };
    const headers = { origin: "https://static.example", "sec-fetch-site": "cross-site" };
    for (const [route, request] of CHANGES) {
      const [browser, other] = await twoDevices(openSite({ vars }));
      const [path, init] = request(browser, other);
      const { status } = await browser.request(path, { ...init, headers });
      expect([route, status < 400]).toEqual([route, route === "POST /auth/logout"]);
    }
  });

  it("are made by no GET, whatever it asks for", async () => {
    const [browser, other] = await twoDevices(openSite());
    const { sid } = claimsOf(tokenOf(other));
    for (const path of ["/auth/logout", "/auth/sessions/end?session=others", `/auth/sessions/${sid}`]) {
      expect((await browser.get(path)).status).toBe(405);
    }
    expect((await other.session()).authenticated).toBe(true);
  });
});

describe("R21 CORS", () => {
  const JSON_ROUTES = ["/auth/session", "/auth/sessions", "/auth/.well-known/jwks.json", "/auth/health"];
  const corsHeaders = (response: Response) =>
    [...response.headers.keys()].filter((name) => name.startsWith("access-control-"));

  it.each(JSON_ROUTES)("of %s is nothing to a stranger", async (path) => {
    const browser = openBrowser(openSite());
    await browser.logIn();
    const strange = { origin: "https://evil.example", accept: "application/json" };
    const asked = await browser.get(path, strange);
    expect(asked.headers.get("access-control-allow-origin")).toBeNull();
    const preflight = await browser.request(path, {
      method: "OPTIONS",
      headers: { ...strange, "access-control-request-method": "GET" },
    });
    expect(preflight.headers.get("access-control-allow-origin")).toBeNull();
  });

  it("lets an origin of RETURN_TO_ORIGINS read the session with credentials, and nothing else", async () => {
    const origin = "https://static.example";
    const browser = openBrowser(openSite({ vars: { RETURN_TO_ORIGINS: origin } }));
    await browser.logIn();
    const response = await browser.get("/auth/session", { origin, accept: "application/json" });
    expect(response.headers.get("access-control-allow-origin")).toBe(origin);
    expect(response.headers.get("access-control-allow-credentials")).toBe("true");
    expect(response.headers.get("vary")?.toLowerCase()).toContain("origin");
    for (const path of JSON_ROUTES.slice(1)) {
      expect(corsHeaders(await browser.get(path, { origin, accept: "application/json" }))).toEqual([]);
    }
  });
});

describe("R21 caching", () => {
  it("is refused by every answer that sets or reads a session", async () => {
    const site = openSite();
    const [browser, other] = await twoDevices(site);
    const stranger = openBrowser(site);
    const start = await stranger.get("/auth/login");
    const answers = [
      start,
      await stranger.get("/auth/session"),
      await stranger.get("/auth/sessions"),
      await stranger.get("/auth/sessions", { accept: "application/json" }),
      await stranger.get("/auth/callback?code=x&state=y"),
      await browser.get("/auth/login"),
      await browser.get("/auth/login?prompt=login"),
      await browser.get("/auth/session"),
      await browser.get("/auth/sessions"),
      await browser.get("/auth/sessions", { accept: "application/json" }),
      await browser.post("/auth/sessions/end", { session: "others" }),
      await browser.request("/auth/sessions", { method: "DELETE", headers: { origin: SITE } }),
      await browser.post("/auth/logout"),
      await other.request("/auth/logout", { method: "POST", headers: { accept: "*/*", origin: SITE } }),
      await openBrowser(site).logIn(),
    ];
    expect(answers.map((answer) => answer.headers.get("cache-control"))).toEqual(
      answers.map(() => "no-store"),
    );
  });
});
