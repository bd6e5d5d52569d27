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
    expect(site.log).toEqual([
      {
        level: "warn",
        event: "session_not_read",
        site: SITE,
        code: "storage_unavailable",
        store: "user_sessions",
        class: "unknown",
        reason: "call failed",
        cause: "Error",
      },
    ]);
  });

  it("gets what the static assets lack, where there are both", async () => {
    const { browser, requests } = openOrigin({ ASSETS: env.ASSETS as never });
    expect(await (await browser.get("/about")).text()).toContain("Svaberget");
    expect(requests).toEqual([]);
    expect(await (await browser.get("/api/x")).text()).toBe("from the origin");
    expect(await (await browser.post("/about")).text()).toBe("from the origin");
    // Signs that the assets write in another way, and would redirect to that.
    for (const path of ["/wiki/Special:Pages?x=1", "/@kari", "/a,b;c/$", "/k%C3%A5re&+", "/(!*')"]) {
      expect(await (await browser.get(path)).text(), path).toBe("from the origin");
      expect(requests.at(-1)?.url).toBe(ORIGIN + path);
    }
    expect((await browser.get("/about.html")).headers.get("location")).toBe("/about");
    expect((await browser.get("/members/")).status).toBe(302);
    expect((await browser.get("/members/api")).status).toBe(302);
    await browser.logIn();
    expect(await (await browser.get("/members/")).text()).toContain("The gate");
    expect(await (await browser.get("/members/api")).text()).toBe("from the origin");
  });
});

describe("an origin that names itself", () => {
  const ORIGIN_URL = "https://origin.example:8443";
  const answerWith = async (headers: [string, string][]) => {
    const { browser } = openOrigin({ ORIGIN_URL }, () => new Response(null, { status: 302, headers }));
    return (await browser.get("/")).headers;
  };

  it.each([
    ["https://origin.example:8443/x?y#z", `${SITE}/x?y#z`],
    ["http://origin.example/x", `${SITE}/x`],
    ["http://origin.example:8443/x", `${SITE}/x`],
    ["https://origin.example/x", `${SITE}/x`],
    ["https://origin.example:443/x", `${SITE}/x`],
    ["//origin.example:8443/x", `${SITE}/x`],
    ["//origin.example/x", `${SITE}/x`],
    ["/\\origin.example/x", `${SITE}/x`],
    ["HTTPS://ORIGIN.EXAMPLE./x", `${SITE}/x`],
    ["https://origin.example:8443", `${SITE}/`],
    ["http://site.example/x", `${SITE}/x`],
    ["https://site.example:8443/x", `${SITE}/x`],
    ["https://origin.example:8443//evil.example/", `${SITE}//evil.example/`],
    ["https://site.example/x", "https://site.example/x"],
    ["/x", "/x"],
    ["x?to=https://origin.example/", "x?to=https://origin.example/"],
    ["https://origin.example:9999/x", "https://origin.example:9999/x"],
    ["https://an.origin.example/x", "https://an.origin.example/x"],
    ["https://origin.example.evil.example/x", "https://origin.example.evil.example/x"],
    ["https://other.example/?from=//origin.example", "https://other.example/?from=//origin.example"],
    ["ftp://origin.example/x", "ftp://origin.example/x"],
  ])("by %s leads visitors to %s, wherever it says so", async (address, seen) => {
    const headers = await answerWith([
      ["location", address],
      ["content-location", address],
      ["refresh", `5; url=${address}`],
      ["link", `<${address}>; rel="next", </style.css>; rel=preload, <${address}>; rel=canonical`],
    ]);
    expect(headers.get("location")).toBe(seen);
    expect(headers.get("content-location")).toBe(seen);
    expect(headers.get("refresh")).toBe(`5; url=${seen}`);
    expect(headers.get("link")).toBe(
      `<${seen}>; rel="next", </style.css>; rel=preload, <${seen}>; rel=canonical`,
    );
  });

  it.each([
    ["http://origin.example/x", "/x"],
    ["//origin.example/x", "/x"],
    ["https://origin.example:8443/x", "/x"],
    ["https://origin.example:8787/x", "/x"],
    ["http://site.example:8787/x", "/x"],
    ["https://site.example/x", "/x"],
    ["https://origin.example:9999/x", undefined],
  ])("by %s leads visitors of a site with a port of its own to %s on it", async (location, path) => {
    const own = "https://site.example:8787";
    const answer = () => new Response(null, { status: 302, headers: { location } });
    const { site } = openOrigin({ ORIGIN_URL, SITE_URL: own }, answer);
    const { headers } = await openBrowser(site, {}, own).get("/");
    expect(headers.get("location")).toBe(path === undefined ? location : `${own}${path}`);
  });

  it.each([
    [`0;URL='${ORIGIN}/x'`, `0;URL='${SITE}/x'`],
    [`0; url="${ORIGIN}/x"`, `0; url="${SITE}/x"`],
    [`3, ${ORIGIN}/x`, `3, ${SITE}/x`],
    ["30", "30"],
    ["0; url=/x", "0; url=/x"],
  ])("in Refresh: %s is %s", async (refresh, seen) => {
    const { browser } = openOrigin({}, () => new Response("", { headers: { refresh } }));
    expect((await browser.get("/")).headers.get("refresh")).toBe(seen);
  });

  it("sets cookies that visitors can keep, and none of the worker's own", async () => {
    const cookies = [
      ["a=1; Domain=origin.example; Path=/", "a=1; Path=/"],
      ["b=2; path=/; domain=.Origin.Example; Secure", "b=2; path=/; Secure"],
      ["c=domain=origin.example; Path=/", "c=domain=origin.example; Path=/"],
      ["d=4; Domain=site.example", "d=4; Domain=site.example"],
      ["e=5; Domain=example", "e=5; Domain=example"],
      ["f=6; Domain=elsewhere.example", "f=6; Domain=elsewhere.example"],
      ["__Host-vipps-session=x; Path=/; Secure", undefined],
    ] as const;
    const headers = await answerWith(cookies.map(([cookie]) => ["set-cookie", cookie]));
    expect(headers.getSetCookie()).toEqual(cookies.flatMap(([, seen]) => seen ?? []));
  });

  it("serves a part of a file that is for members, as it was asked for", async () => {
    const { browser, last } = openOrigin({}, (request) =>
      request.headers.has("range")
        ? new Response("ten bytes.", {
            status: 206,
            headers: { "content-range": "bytes 0-9/100", etag: '"v"' },
          })
        : new Response("whole"),
    );
    await browser.logIn();
    const range = { range: "bytes=0-9", "if-range": '"v"' };
    const response = await browser.get("/members/film.mp4", range);
    expect([response.status, response.headers.get("content-range")]).toEqual([206, "bytes 0-9/100"]);
    expect(response.headers.get("cache-control")).toBe("private, no-store");
    expect(Object.fromEntries(last().headers)).toMatchObject(range);
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

  it("without a 404 page of their own get ours, for people alone", async () => {
    const assets = { fetch: async () => new Response(null, { status: 404 }) };
    const browser = openBrowser(openSite({ vars: { ASSETS: assets as never } }));
    const page = await browser.request("/nothing", { headers: { "accept-language": "nb" } });
    expect([page.status, page.headers.get("content-type")]).toEqual([404, "text/html; charset=utf-8"]);
    expect(await page.text()).toContain("Fant ikke siden");
    for (const init of [
      { method: "HEAD" },
      { headers: { "sec-fetch-dest": "image", "sec-fetch-mode": "no-cors" } },
    ])
      expect(await (await browser.request("/nothing.png", init)).text()).toBe("");
  });
});
