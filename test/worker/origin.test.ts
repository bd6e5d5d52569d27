import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { openBrowser } from "./browser.ts";
import { ORIGIN, openOrigin } from "./recording-origin.ts";
import { openSite, SITE } from "./site.ts";

describe("the origin behind the worker", () => {
  it.each(["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"])(
    "gets a %s as it is",
    async (method) => {
      const { browser, last } = openOrigin();
      const body = method === "GET" ? undefined : "å body";
      const response = await browser.request("/api/x?y=1", {
        method,
        headers: { "content-type": "text/plain;charset=utf-8" },
        ...(body && { body }),
      });
      expect(response.status).toBe(200);
      expect(await response.text()).toBe("from the origin");
      expect(last().method).toBe(method);
      expect(last().url).toBe(`${ORIGIN}/api/x?y=1`);
      expect(last().headers.get("content-type")).toBe("text/plain;charset=utf-8");
      expect(await last().text()).toBe(body ?? "");
    },
  );

  it("never gets a TRACE", async () => {
    const { site, requests } = openOrigin();
    const request = new Request(`${SITE}/`);
    const trace = new Proxy(request, {
      get: (target, name) => (name === "method" ? "TRACE" : Reflect.get(target, name)),
    });
    expect((await site.fetch(trace)).status).toBe(405);
    expect(requests).toEqual([]);
  });

  it("answers with its own status, headers and redirects", async () => {
    const answers: Record<string, () => Response> = {
      "/teapot": () => new Response("short and stout", { status: 418, headers: { "x-own": "1" } }),
      "/relative": () => new Response(null, { status: 302, headers: { location: "../x?y" } }),
      "/elsewhere": () =>
        new Response(null, { status: 301, headers: { location: "https://other.example/x" } }),
      "/itself": () => new Response(null, { status: 303, headers: { location: `${ORIGIN}/x?y#z` } }),
      "/unchanged": () => new Response(null, { status: 304, headers: { etag: '"1"' } }),
    };
    const { browser } = openOrigin(
      {},
      (request) => answers[new URL(request.url).pathname]?.() ?? new Response(),
    );
    const teapot = await browser.get("/teapot");
    expect([teapot.status, teapot.headers.get("x-own"), await teapot.text()]).toEqual([
      418,
      "1",
      "short and stout",
    ]);
    const locationOf = async (path: string) => (await browser.get(path)).headers.get("location");
    expect(await locationOf("/relative")).toBe("../x?y");
    expect(await locationOf("/elsewhere")).toBe("https://other.example/x");
    expect(await locationOf("/itself")).toBe(`${SITE}/x?y#z`);
    expect((await browser.get("/unchanged")).status).toBe(304);
  });

  it("that does not answer is a page that says so, and a line in the log", async () => {
    const { browser, site } = openOrigin({}, () => Promise.reject(new TypeError("connection refused")));
    const response = await browser.get("/", { "accept-language": "fi" });
    expect(response.status).toBe(502);
    expect(await response.text()).toContain("Sivusto ei vastaa juuri nyt");
    expect(site.log).toMatchObject([{ event: "request_failed", level: "error", code: "origin_unavailable" }]);
  });

  it("shows public pages to strangers while the session store does not answer", async () => {
    let isDown = false;
    const store = {
      getByName: (name: string) =>
        isDown ? { renew: () => Promise.reject(new Error("down")) } : env.USER_SESSIONS.getByName(name),
    };
    const { browser, site, last } = openOrigin({ USER_SESSIONS: store as never });
    await browser.logIn();
    site.log.length = 0;
    vi.useFakeTimers({ now: Date.now() + 600_000, toFake: ["Date"] });
    isDown = true;
    const response = await browser.get("/");
    expect(response.status).toBe(200);
    expect(response.headers.getSetCookie()).toEqual([]);
    expect(last().headers.has("remote-user")).toBe(false);
    expect(site.log).toEqual([{ level: "warn", event: "session_not_read", code: "storage_unavailable" }]);
  });

  it("gets what the static assets lack, where there are both", async () => {
    const { browser, requests } = openOrigin({ ASSETS: env.ASSETS as never });
    expect(await (await browser.get("/about")).text()).toContain("Svaberget");
    expect(requests).toEqual([]);
    expect(await (await browser.get("/api/x")).text()).toBe("from the origin");
    expect(await (await browser.post("/about")).text()).toBe("from the origin");
    expect((await browser.get("/members/")).status).toBe(302);
    expect((await browser.get("/members/api")).status).toBe(302);
    await browser.logIn();
    expect(await (await browser.get("/members/")).text()).toContain("The gate");
    expect(await (await browser.get("/members/api")).text()).toBe("from the origin");
  });
});

describe("static assets", () => {
  it("keep their redirects, their 404 page and their methods", async () => {
    const browser = openBrowser(openSite());
    const redirect = await browser.get("/about.html?x=1");
    expect([redirect.status, redirect.headers.get("location")]).toEqual([307, "/about?x=1"]);
    const missing = await browser.get("/nothing/here");
    expect([missing.status, await missing.text()]).toEqual([404, expect.stringContaining("Svaberget")]);
    expect((await browser.post("/about")).status).toBe(405);
    expect((await browser.request("/about", { method: "HEAD" })).status).toBe(200);
  });
});
