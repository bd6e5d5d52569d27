import { createLocalJWKSet, decodeJwt, jwtVerify } from "jose";
import { describe, expect, it, vi } from "vitest";
import { openBrowser, SESSION_COOKIE } from "./browser.ts";
import { openSite, SITE } from "./site.ts";

const back = (response: Response): string | null => {
  const location = new URL(response.headers.get("location") ?? "");
  expect(location.origin + location.pathname).toBe(`${SITE}/auth/login`);
  return location.searchParams.get("return_to");
};

describe("GET /auth/verify", () => {
  it("says 204 and who it is, signed for the site", async () => {
    const browser = openBrowser(openSite({ vars: { SESSION_CLAIMS: "name email" } }));
    await browser.logIn();
    const { user } = await browser.session();
    const response = await browser.get("/auth/verify");
    expect(response.status).toBe(204);
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "remote-user": user?.sub,
      "remote-name": "Kari Nordmann",
      "remote-email": "kari.nordmann@example.com",
    });
    const keys = createLocalJWKSet(await (await browser.get("/auth/.well-known/jwks.json")).json());
    const { payload } = await jwtVerify(response.headers.get("session-assertion") ?? "", keys, {
      issuer: `${SITE}/auth`,
      audience: `${SITE}/auth/verify`,
      typ: "session-assertion+jwt",
    });
    expect(payload.sub).toBe(user?.sub);
  });

  it("says 401 and where the login is to everybody else", async () => {
    const site = openSite();
    const browser = openBrowser(site);
    browser.cookies.set(SESSION_COOKIE, "planted");
    const response = await browser.get("/auth/verify", { "x-original-uri": "/members/?a=1&b=%2F" });
    expect(response.status).toBe(401);
    expect(response.headers.get("www-authenticate")).toBe(`Bearer realm="${SITE}"`);
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(await response.json()).toMatchObject({
      code: "session_required",
      login_url: `${SITE}/auth/login`,
    });
    expect(back(response)).toBe("/members/?a=1&b=%2F");
    for (const name of ["remote-user", "session-assertion"]) expect(response.headers.has(name)).toBe(false);
  });

  it("reads the query of a request once, however much of it is asked for", async () => {
    const browser = openBrowser(openSite());
    await browser.logIn();
    for (const address of [
      "/auth/verify?require=fresh%3A600&login=redirect",
      "/auth/required?require=fresh%3A600",
    ]) {
      const decode = vi.spyOn(globalThis, "decodeURIComponent");
      expect((await browser.get(address)).status).toBeLessThan(303);
      expect(decode.mock.calls).toEqual([["fresh%3A600"]]);
      decode.mockRestore();
    }
  });

  it("passes the renewed cookie on", async () => {
    const browser = openBrowser(openSite({ vars: { SESSION_FRESH: "60" } }));
    await browser.logIn();
    vi.useFakeTimers({ now: Date.now() + 61_000, toFake: ["Date"] });
    const response = await browser.get("/auth/verify");
    expect(response.status).toBe(204);
    expect(response.headers.getSetCookie()).toEqual([expect.stringMatching(/^__Host-vipps-session=ey/)]);
  });

  it("takes GET, HEAD and, of proxies that pass the method on, OPTIONS", async () => {
    const browser = openBrowser(openSite());
    expect((await browser.post("/auth/verify")).status).toBe(405);
    expect((await browser.request("/auth/verify", { method: "HEAD" })).status).toBe(401);
    expect((await browser.request("/auth/verify", { method: "OPTIONS" })).status).toBe(401);
  });

  it("gives assertions another audience than sessions, for software that can't check typ", async () => {
    for (const ORIGIN_URL of ["", "https://origin.example"]) {
      const browser = openBrowser(openSite({ vars: { ORIGIN_URL } }));
      await browser.logIn();
      const { headers } = await browser.get("/auth/verify");
      const [assertion, session] = [
        headers.get("session-assertion") ?? "",
        browser.cookies.get(SESSION_COOKIE) ?? "",
      ].map((token) => decodeJwt(token));
      expect(session?.aud).toBe(SITE);
      expect(assertion?.aud).toBe(ORIGIN_URL || `${SITE}/auth/verify`);
      expect(assertion?.iss).toBe(session?.iss);
    }
  });

  describe("meets a preflight (CORS)", () => {
    const preflight = {
      origin: "https://app.site.example",
      "access-control-request-method": "PUT",
    };
    const verify = (query: string, headers: Record<string, string>, method = "GET") =>
      openBrowser(openSite()).request(`/auth/verify${query}`, { method, headers });

    it("with a 204 that says nobody where the proxy asks for it", async () => {
      for (const response of [
        await verify("?preflight=allow", { ...preflight, "x-forwarded-method": "OPTIONS" }),
        await verify("?preflight=allow&login=redirect", preflight, "OPTIONS"),
      ]) {
        expect(response.status).toBe(204);
        const names = [...response.headers.keys()];
        expect(
          names.filter((name) => /^(?:remote-|session-|set-cookie|location|access-control-)/.test(name)),
        ).toEqual([]);
      }
    });

    it.each([
      ["", { ...preflight, "x-forwarded-method": "OPTIONS" }],
      ["?preflight=allow", { ...preflight, "x-forwarded-method": "GET" }],
      ["?preflight=allow", { ...preflight, "x-forwarded-method": "OPTIONS, GET" }],
      ["?preflight=allow", { ...preflight, "x-forwarded-method": "GET, OPTIONS" }],
      ["?preflight=allow", { origin: preflight.origin, "x-forwarded-method": "OPTIONS" }],
      ["?preflight=allow", { "access-control-request-method": "PUT", "x-forwarded-method": "OPTIONS" }],
      ["?preflight=allow", preflight],
      ["?preflight=yes", { ...preflight, "x-forwarded-method": "OPTIONS" }],
    ])("with 401 to %j %j", async (query, headers) => {
      expect((await verify(query, headers as Record<string, string>)).status).toBe(401);
    });
  });

  describe("finds the way back", () => {
    const options = { vars: { RETURN_TO_ORIGINS: "https://app.site.example" } };

    it.each([
      [{}, "/"],
      [{ "x-original-uri": "/a?b" }, "/a?b"],
      [
        { "x-forwarded-uri": "/a?b", "x-forwarded-host": "site.example", "x-forwarded-proto": "https" },
        "/a?b",
      ],
      [{ "x-forwarded-uri": "/a", "x-forwarded-host": "app.site.example" }, "https://app.site.example/a"],
      [
        { "x-forwarded-uri": "/a", "x-forwarded-host": "site.example", "x-forwarded-proto": "https,http" },
        "/a",
      ],
      [{ "x-forwarded-uri": "/a,b", "x-forwarded-host": "site.example, proxy.internal:8080" }, "/a,b"],
      [
        {
          "x-forwarded-uri": "/a",
          "x-forwarded-host": "app.site.example,site.example",
          "x-forwarded-proto": "https , http , http",
        },
        "https://app.site.example/a",
      ],
      [
        { "x-forwarded-uri": "/a", "x-forwarded-host": "SITE.example:443", "x-forwarded-proto": "HTTPS" },
        "/a",
      ],
      [{ "x-forwarded-uri": "/a", "x-forwarded-host": "", "x-forwarded-proto": "," }, "/a"],
    ])("from %j to %s", async (headers, expected) => {
      expect(back(await openBrowser(openSite(options)).get("/auth/verify", headers))).toBe(expected);
    });

    it.each([
      [{ "x-original-uri": "//evil.example/" }],
      [{ "x-original-uri": "https://evil.example/" }],
      [{ "x-forwarded-uri": "/a", "x-forwarded-host": "evil.example" }],
      [{ "x-forwarded-uri": "/a", "x-forwarded-host": "evil.example, site.example" }],
      [{ "x-forwarded-uri": "/a", "x-forwarded-host": "site.example", "x-forwarded-proto": "javascript" }],
      [{ "x-forwarded-uri": "@evil.example/", "x-forwarded-host": "app.site.example" }],
      [{ "x-original-uri": "/auth/logout" }],
    ])("to the front page from %j", async (headers) => {
      expect(back(await openBrowser(openSite(options)).get("/auth/verify", headers))).toBe("/");
    });
  });

  describe("with login=redirect", () => {
    const verify = (headers: Record<string, string>) =>
      openBrowser(openSite()).get("/auth/verify?login=redirect", {
        "x-forwarded-uri": "/members/?a",
        ...headers,
      });

    it("sends pages to the login", async () => {
      const response = await verify({ "x-forwarded-method": "GET", "sec-fetch-dest": "document" });
      expect(response.status).toBe(302);
      expect(response.headers.get("cache-control")).toBe("no-store");
      expect(back(response)).toBe("/members/?a");
    });

    it("sends pages of apps that have a browser inside to the login: they put their name where scripts do", async () => {
      for (const app of ["com.example.app", "com.facebook.katana", ""]) {
        const response = await verify({ "x-requested-with": app, accept: "text/html" });
        expect(response.status, app).toBe(302);
        expect(back(response)).toBe("/members/?a");
      }
    });

    it.each([
      [{ "x-forwarded-method": "POST" }],
      [{ accept: "text/html", "x-requested-with": "XMLHttpRequest" }],
      [{ accept: "text/html", "x-requested-with": "xmlhttprequest" }],
      [{ "sec-fetch-dest": "empty" }],
      [{ accept: "application/json" }],
    ])("says 401 to %j", async (headers) => {
      expect((await verify(headers)).status).toBe(401);
    });

    it("says 204 to somebody with a session", async () => {
      const browser = openBrowser(openSite());
      await browser.logIn();
      expect((await browser.get("/auth/verify?login=redirect")).status).toBe(204);
    });
  });
});
