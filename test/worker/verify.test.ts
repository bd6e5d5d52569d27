import { createLocalJWKSet, jwtVerify } from "jose";
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
      audience: SITE,
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

  it("passes the renewed cookie on", async () => {
    const browser = openBrowser(openSite({ vars: { SESSION_FRESH: "60" } }));
    await browser.logIn();
    vi.useFakeTimers({ now: Date.now() + 61_000, toFake: ["Date"] });
    const response = await browser.get("/auth/verify");
    expect(response.status).toBe(204);
    expect(response.headers.getSetCookie()).toEqual([expect.stringMatching(/^__Host-vipps-session=ey/)]);
  });

  it("takes GET and HEAD alone", async () => {
    const browser = openBrowser(openSite());
    expect((await browser.post("/auth/verify")).status).toBe(405);
    expect((await browser.request("/auth/verify", { method: "HEAD" })).status).toBe(401);
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
    ])("from %j to %s", async (headers, expected) => {
      expect(back(await openBrowser(openSite(options)).get("/auth/verify", headers))).toBe(expected);
    });

    it.each([
      [{ "x-original-uri": "//evil.example/" }],
      [{ "x-original-uri": "https://evil.example/" }],
      [{ "x-forwarded-uri": "/a", "x-forwarded-host": "evil.example" }],
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

    it.each([
      [{ "x-forwarded-method": "POST" }],
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
