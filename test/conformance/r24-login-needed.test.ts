import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { openBrowser } from "../worker/browser.ts";
import { openOrigin } from "../worker/recording-origin.ts";
import { openSite, SITE } from "../worker/site.ts";

const open = () => openSite({ vars: { PROTECTED_PATHS: "/members/*" } });

describe("R24: a page that needs a session", () => {
  it("sends a visitor to the login and back to exactly the page wanted", async () => {
    const browser = openBrowser(open());
    const wanted = "/members/?week=12&q=a%20b%26c&r=%2Fx#board";
    const response = await browser.get(wanted);
    expect(response.status).toBe(302);
    const location = response.headers.get("location") ?? "";
    expect(location).toMatch(/^\/auth\/login\?return_to=/);
    const back = new URL(location, SITE).searchParams.get("return_to");
    expect(back).toBe("/members/?week=12&q=a%20b%26c&r=%2Fx");
    expect(response.headers.get("cache-control")).toBe("no-store");

    const toVipps = await browser.get(location);
    const callback = await browser.atProvider(new URL(toVipps.headers.get("location") ?? ""));
    const home = await browser.get(callback.href);
    expect(home.headers.get("location")).toBe(back);
    const page = await browser.get(back ?? "");
    expect(page.status).toBe(200);
    expect(await page.text()).toContain("The gate");
  });

  it("answers a HEAD request like a GET request", async () => {
    const response = await openBrowser(open()).request("/members/", { method: "HEAD" });
    expect(response.status).toBe(302);
  });

  it("sends a visitor who came by another name of the site to its login at the right one", async () => {
    const response = await open().fetch(
      new Request("https://www.site.example/members/x", { redirect: "manual" }),
    );
    expect(response.headers.get("location")).toBe(`${SITE}/auth/login?return_to=%2Fmembers%2Fx`);
  });

  it("removes the cookie of a session that has ended", async () => {
    const site = open();
    const browser = openBrowser(site);
    await browser.logIn();
    const other = openBrowser(site);
    for (const [name, value] of browser.cookies) other.cookies.set(name, value);
    await browser.post("/auth/logout");
    const response = await other.get("/members/");
    expect(response.status).toBe(302);
    expect(response.headers.getSetCookie()).toEqual([
      "__Host-vipps-session=; Max-Age=0; Path=/; HttpOnly; Secure; SameSite=Lax",
    ]);
  });

  it("is not shown while the session store cannot say whether the session lives", async () => {
    let isDown = false;
    const store = {
      getByName: (name: string) =>
        isDown ? { renew: () => Promise.reject(new Error("down")) } : env.USER_SESSIONS.getByName(name),
    };
    const vars = { PROTECTED_PATHS: "/members/*", USER_SESSIONS: store as never };
    const browser = openBrowser(openSite({ vars }));
    await browser.logIn();
    vi.useFakeTimers({ now: Date.now() + 600_000, toFake: ["Date"] });
    isDown = true;
    const response = await browser.get("/members/");
    expect(response.status).toBe(503);
    expect(response.headers.get("cache-control")).toBe("no-store");
  });
});

describe("R24: a request for a page", () => {
  it.each([
    [{ accept: "text/html,*/*;q=0.8", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" }],
    [{ accept: "text/html,application/xhtml+xml,*/*;q=0.8" }],
    [{ accept: "text/html", "sec-fetch-mode": "cors" }],
    [{ accept: "*/*" }],
    [{ accept: "" }],
    // Android's web views, which put the name of their app there.
    [{ accept: "text/html", "x-requested-with": "com.example.app" }],
  ])("is one with %j", async (headers) => {
    expect((await openBrowser(open()).get("/members/", headers)).status).toBe(302);
  });
});

describe("R24: a preflight (CORS) on a protected path", () => {
  const LISTED = "https://app.site.example";
  const preflight = {
    "access-control-request-method": "PUT",
    "access-control-request-headers": "x-a, content-type",
  };
  const openFor = (answer = () => new Response("what is behind the login")) =>
    openOrigin({ RETURN_TO_ORIGINS: LISTED }, answer);

  it("of an origin of RETURN_TO_ORIGINS is answered here, and never reaches what is behind", async () => {
    const { browser, requests } = openFor();
    const headers = { ...preflight, origin: LISTED };
    const response = await browser.request("/members/api", { method: "OPTIONS", headers });
    expect([response.status, await response.text()]).toEqual([204, ""]);
    expect(Object.fromEntries(response.headers)).toEqual({
      "access-control-allow-origin": LISTED,
      "access-control-allow-credentials": "true",
      "access-control-allow-methods": "PUT",
      "access-control-allow-headers": "x-a, content-type",
      "access-control-max-age": "600",
      "cache-control": "no-store",
      vary: "origin",
    });
    expect(requests).toEqual([]);
  });

  it.each([
    { ...preflight, origin: "https://evil.example" },
    { ...preflight, origin: "null" },
    { ...preflight, origin: "https://app.site.example.evil.example" },
    preflight,
    { origin: LISTED },
  ])("is refused with 401 as %j", async (headers) => {
    const { browser, requests } = openFor();
    const init = { method: "OPTIONS", headers: headers as Record<string, string> };
    const response = await browser.request("/members/api", init);
    expect(response.status).toBe(401);
    expect(response.headers.has("access-control-allow-methods")).toBe(false);
    expect(requests).toEqual([]);
  });

  it("passes as it is on public paths: the origin says what it allows", async () => {
    const { browser, requests } = openFor(
      () => new Response(null, { headers: { "access-control-allow-origin": "*" } }),
    );
    const headers = { ...preflight, origin: "https://evil.example" };
    const response = await browser.request("/", { method: "OPTIONS", headers });
    expect(response.headers.get("access-control-allow-origin")).toBe("*");
    expect(requests).toHaveLength(1);
  });

  it("is followed by a request whose 401 a listed origin can read, and nobody else", async () => {
    const { browser } = openFor();
    for (const [origin, allowed] of [
      [LISTED, LISTED],
      ["https://evil.example", null],
    ] as const) {
      const response = await browser.get("/members/api", { origin, accept: "application/json" });
      expect(response.status).toBe(401);
      expect(response.headers.get("access-control-allow-origin")).toBe(allowed);
    }
  });
});

describe("R24: a request that is no page", () => {
  const requests: Record<string, RequestInit & { headers?: Record<string, string> }> = {
    "asks for JSON": { headers: { accept: "application/json" } },
    "is a fetch of a script": { headers: { accept: "*/*", "sec-fetch-mode": "cors" } },
    "is a fetch of a script of the same origin": {
      headers: { accept: "*/*", "sec-fetch-mode": "same-origin" },
    },
    "is a fetch of a script that wants HTML": {
      headers: { accept: "text/html", "sec-fetch-mode": "cors", "sec-fetch-dest": "empty" },
    },
    "loads an image": {
      headers: { accept: "image/*,*/*;q=0.8", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image" },
    },
    "is an XMLHttpRequest of a library": { headers: { accept: "*/*", "x-requested-with": "XMLHttpRequest" } },
    "posts JSON": {
      method: "POST",
      headers: { accept: "*/*", "content-type": "application/json" },
      body: "{}",
    },
    deletes: { method: "DELETE", headers: { accept: "*/*" } },
    "asks what is allowed": { method: "OPTIONS", headers: { accept: "*/*" } },
    "opens a websocket": { headers: { accept: "*/*", upgrade: "websocket", connection: "upgrade" } },
  };

  it.each(Object.entries(requests))("gets 401 JSON when it %s", async (_what, init) => {
    const site = open();
    const response = await openBrowser(site).request("/members/api?x=1", init);
    expect(response.status).toBe(401);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    expect(response.headers.get("www-authenticate")).toBe(`Bearer realm="${SITE}"`);
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(response.headers.get("location")).toBeNull();
    const problem = await response.json<Record<string, unknown>>();
    expect(problem).toMatchObject({ status: 401, code: "session_required", login_url: `${SITE}/auth/login` });
    expect(site.log).toMatchObject([
      { event: "request_failed", level: "info", reference: problem.reference },
    ]);
    expect(site.counts).toMatchObject({ kvReads: 0, durableObjectCalls: [], fetches: [] });
  });

  it("gets a page when a person sent a form, with a way to log in", async () => {
    const response = await openBrowser(open(), { "accept-language": "da" }).post(
      "/members/sign-up",
      { day: "Sunday" },
      { "sec-fetch-mode": "navigate" },
    );
    expect(response.status).toBe(401);
    expect(response.headers.get("content-type")).toContain("text/html");
    const html = await response.text();
    expect(html).toContain("Du skal logge ind først");
    expect(html).toContain('href="/auth/login?return_to=%2Fmembers%2Fsign-up"');
    expect(html).toContain("Log ind");
  });

  it("of somebody who is logged in passes", async () => {
    const browser = openBrowser(open());
    await browser.logIn();
    const response = await browser.get("/members/", { accept: "application/json" });
    expect(response.status).toBe(200);
  });
});
