import { describe, expect, it, vi } from "vitest";
import { version } from "../../package.json";
import { BROWSER_COOKIE, openBrowser, SESSION_COOKIE } from "./browser.ts";
import { CALLBACK, openSite, SITE, VIPPS } from "./site.ts";

/** Requests of browsers, routers and pages that no person will see the answer of. */
const LOOKS_AHEAD: readonly Record<string, string>[] = [
  { "sec-purpose": "prefetch;prerender" },
  { "sec-purpose": "prefetch;anonymous-client-ip" },
  { purpose: "prefetch" },
  { purpose: "preview" },
  { "x-purpose": "preview" },
  { "x-moz": "prefetch" },
  { "next-router-prefetch": "1" },
  { "sec-fetch-dest": "image" },
  { "sec-fetch-dest": "empty" },
];

describe("a login", () => {
  it("sends the browser to Vipps with everything the authorize endpoint wants", async () => {
    const browser = openBrowser(openSite());
    const response = await browser.get("/auth/login?return_to=/members/");
    expect(response.status).toBe(302);
    expect(response.headers.get("cache-control")).toBe("no-store");
    const url = new URL(response.headers.get("location") ?? "");
    expect(url.origin + url.pathname).toBe(`${VIPPS}/access-management-1.0/access/oauth2/auth`);
    expect(Object.fromEntries(url.searchParams)).toEqual({
      response_type: "code",
      client_id: "test-client-id",
      redirect_uri: CALLBACK,
      scope: "openid name phoneNumber email",
      state: expect.stringMatching(/^[\w-]{8}\.[\w-]{100,}$/),
      nonce: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge_method: "S256",
    });
    expect(url.search).toContain("scope=openid%20name%20phoneNumber%20email");
  });

  it("ends at the return URL with a session that says who it is", async () => {
    const browser = openBrowser(openSite());
    const response = await browser.logIn({ returnTo: "/members/?page=2#top" });
    expect(response.status).toBe(303);
    expect(response.headers.get("location")).toBe("/members/?page=2#top");
    const session = await browser.session();
    expect(session).toEqual({
      authenticated: true,
      user: { sub: expect.any(String), name: "Kari Nordmann" },
      session: { id: expect.any(String), expires_at: expect.any(Number) },
    });
  });

  it("sets both cookies as host cookies that no script and no other site can use", async () => {
    const browser = openBrowser(openSite());
    const start = await browser.get("/auth/login");
    const [browserCookie = ""] = start.headers.getSetCookie();
    expect(browserCookie).toMatch(
      /^__Host-vipps-browser=[\w-]{43}; Max-Age=86400; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
    );
    const finish = await browser.logIn();
    const [sessionCookie = ""] = finish.headers.getSetCookie();
    expect(sessionCookie).toMatch(
      /^__Host-vipps-session=[\w.-]+; Max-Age=\d+; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
    );
    expect(sessionCookie.length).toBeLessThan(4096);
  });

  it("goes straight to the return URL for someone who is logged in, unless a new login is asked for", async () => {
    const browser = openBrowser(openSite());
    await browser.logIn();
    const again = await browser.get("/auth/login?return_to=/members/");
    expect(again.headers.get("location")).toBe("/members/");
    const fresh = await browser.get("/auth/login?prompt=login");
    expect(fresh.headers.get("location")).toContain(`${VIPPS}/`);
    expect(fresh.headers.get("location")).not.toContain("prompt=");
  });

  it("starts nothing for a browser that only looks ahead, and lets it ask anew", async () => {
    const site = openSite();
    const browser = openBrowser(site);
    for (const headers of LOOKS_AHEAD) {
      const response = await browser.get("/auth/login", headers);
      expect(response.status).toBe(503);
      expect(response.headers.get("cache-control")).toBe("no-store");
      expect(response.headers.getSetCookie()).toEqual([]);
    }
    expect((await browser.request("/auth/login", { method: "HEAD" })).status).toBe(503);
    expect(site.counts).toMatchObject({ durableObjectCalls: [], fetches: [], kvReads: 0 });
    expect((await browser.get("/auth/login", { "sec-fetch-dest": "document" })).status).toBe(302);
  });

  it("is a person's step where a service worker passes the navigation on, without its destination", async () => {
    const browser = openBrowser(openSite());
    const passedOn = { "sec-fetch-dest": "empty", "sec-fetch-mode": "navigate" };
    const start = await browser.get("/auth/login?return_to=/members/", passedOn);
    expect(start.status).toBe(302);
    const callback = await browser.atProvider(new URL(start.headers.get("location") ?? ""));
    expect((await browser.get(callback.href, passedOn)).headers.get("location")).toBe("/members/");
  });

  it("is not used up by a look ahead at the callback", async () => {
    const site = openSite();
    const browser = openBrowser(site);
    const callback = await browser.atProvider(await browser.startLogin());
    site.resetCounts();
    for (const headers of LOOKS_AHEAD)
      for (const who of [browser, openBrowser(site)]) {
        const response = await who.get(callback.href, headers);
        expect(response.status).toBe(503);
        expect(response.headers.getSetCookie()).toEqual([]);
      }
    expect((await browser.request(callback.href, { method: "HEAD" })).status).toBe(503);
    expect(site.counts).toMatchObject({ durableObjectCalls: [], fetches: [] });
    expect((await browser.get(callback.href)).status).toBe(303);
  });

  it("asks for userinfo only when the ID token lacks what was asked for", async () => {
    const site = openSite();
    site.simulator.control.setBehaviour({ idTokenClaims: "emailOnly" });
    const browser = openBrowser(site);
    const callback = await browser.atProvider(await browser.startLogin());
    site.resetCounts();
    await browser.get(callback.href);
    expect(site.counts.fetches).toEqual([
      "/access-management-1.0/access/oauth2/token",
      "/vipps-userinfo-api/userinfo",
    ]);
    expect((await browser.session()).user?.name).toBe("Kari Nordmann");
  });

  it("sends the standard headers on every request to Vipps, and nothing else that is ours to userinfo", async () => {
    const site = openSite({ vars: { VIPPS_SYSTEM_NAME: "Fjordbyen", VIPPS_SYSTEM_VERSION: "7" } });
    site.simulator.control.setBehaviour({ idTokenClaims: "emailOnly" });
    await openBrowser(site).logIn();
    const entries = site.simulator.control.journal.entries.filter(({ endpoint }) => endpoint !== "authorize");
    expect(entries.map(({ endpoint }) => endpoint)).toEqual(["discovery", "jwks", "token", "userinfo"]);
    for (const { headers } of entries) {
      expect(headers).toMatchObject({
        "merchant-serial-number": "123456",
        "vipps-system-name": "Fjordbyen",
        "vipps-system-version": "7",
        "vipps-system-plugin-name": "vipps-login-worker",
        "vipps-system-plugin-version": version,
      });
      expect(headers["ocp-apim-subscription-key"]).toBeUndefined();
    }
  });

  it("follows no redirect of Vipps: one could carry the client secret elsewhere", async () => {
    const site = openSite();
    site.simulator.control.setBehaviour({ idTokenClaims: "emailOnly" });
    await openBrowser(site).logIn();
    const modes = vi.mocked(fetch).mock.calls.map(([, init]) => init?.redirect);
    expect(modes).toEqual(["manual", "manual", "manual", "manual"]);
  });

  it("works with the client secret in the form, where the sales unit is set up so", async () => {
    const tokenAuth = "client_secret_post";
    const browser = openBrowser(
      openSite({ vars: { VIPPS_TOKEN_AUTH: tokenAuth }, salesUnit: { tokenAuth } }),
    );
    expect((await browser.logIn()).status).toBe(303);
  });

  it("sends what the settings ask for: market, automatic return, confirmation in the app", async () => {
    const site = openSite({
      vars: { VIPPS_MARKET: "DK", VIPPS_AUTOMATIC_RETURN: "true", VIPPS_REQUIRE_APP: "true" },
      salesUnit: { inAppConfirmation: true },
    });
    const browser = openBrowser(site);
    const url = await browser.startLogin();
    expect(Object.fromEntries(url.searchParams)).toMatchObject({
      market: "DK",
      requested_flow: "automatic_return_from_vipps_app",
      acr_values: "urn:vipps:acr:app_auth",
    });
    expect((await browser.get((await browser.atProvider(url)).href)).status).toBe(303);
  });

  it("lives under another AUTH_PATH, and leaves /auth to the site then", async () => {
    const redirectUri = `${SITE}/min/innlogging/callback`;
    const site = openSite({
      vars: { AUTH_PATH: "/min/innlogging" },
      salesUnit: { redirectUris: [redirectUri] },
    });
    const browser = openBrowser(site);
    const start = await browser.get("/min/innlogging/login?return_to=/a");
    const callback = await browser.atProvider(new URL(start.headers.get("location") ?? ""));
    expect(callback.href).toContain(redirectUri);
    expect((await browser.get(callback.href)).headers.get("location")).toBe("/a");
    expect((await browser.get("/auth/session")).status).toBe(404);
  });

  it("makes a new session id at each login and ends the session it replaces", async () => {
    const site = openSite();
    const browser = openBrowser(site);
    await browser.logIn();
    const first = (await browser.session()).session?.id;
    const oldToken = browser.cookies.get(SESSION_COOKIE) ?? "";
    const start = await browser.get("/auth/login?prompt=login");
    const callback = await browser.atProvider(new URL(start.headers.get("location") ?? ""));
    await browser.get(callback.href);
    expect((await browser.session()).session?.id).not.toBe(first);
    const stranger = openBrowser(site);
    stranger.cookies.set(SESSION_COOKIE, oldToken);
    expect((await stranger.session()).authenticated).toBe(false);
  });

  it("lets parallel logins in one browser all finish with one browser cookie", async () => {
    const browser = openBrowser(openSite());
    const urls = [];
    for (let tab = 0; tab < 5; tab += 1) urls.push(await browser.startLogin(`/tab/${tab}`));
    for (const [tab, url] of urls.entries()) {
      const response = await browser.get((await browser.atProvider(url)).href);
      expect(response.headers.get("location")).toBe(`/tab/${tab}`);
    }
    expect([...browser.cookies.keys()].sort()).toEqual([BROWSER_COOKIE, SESSION_COOKIE]);
  });
});
