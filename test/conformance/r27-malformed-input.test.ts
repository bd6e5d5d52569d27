import { describe, expect, it } from "vitest";
import { routeTable } from "../../src/app.ts";
import { openBrowser, SESSION_COOKIE } from "../worker/browser.ts";
import { openSite, SITE, type TestSite } from "../worker/site.ts";
import { openHostileSite } from "./hostile-site.ts";

/** The routes that people, scripts and servers may rely on, with the methods they take, as the documents say. */
const PUBLIC_ROUTES: Readonly<Record<string, readonly string[]>> = {
  "/auth/login": ["GET", "HEAD"],
  "/auth/callback": ["GET", "HEAD"],
  "/auth/continue": ["POST"],
  "/auth/proof": ["GET", "HEAD"],
  "/auth/session": ["GET", "HEAD"],
  "/auth/verify": ["GET", "HEAD", "OPTIONS"],
  "/auth/required": ["GET", "HEAD"],
  "/auth/logout": ["POST"],
  "/auth/logged-out": ["GET", "HEAD"],
  "/auth/sessions": ["GET", "HEAD", "DELETE"],
  "/auth/sessions/end": ["POST"],
  "/auth/sessions/:id": ["DELETE"],
  "/auth/.well-known/jwks.json": ["GET", "HEAD"],
  "/auth/health": ["GET", "HEAD"],
  "/auth/vipps-login.js": ["GET", "HEAD"],
  "/auth/app/start": ["POST"],
  "/auth/app/finish": ["POST"],
  "/auth/me": ["GET", "HEAD"],
  "/auth/me/download": ["GET", "HEAD"],
  "/auth/me/consents": ["POST"],
  "/auth/me/erase": ["POST"],
  "/auth/webhooks/consent/:secret": ["POST"],
};

/** What no person reads, as the documents say: an app, a script or a monitor. */
const JSON_ROUTES = ["/auth/session", "/auth/app/start", "/auth/app/finish", "/auth/health"];
/** What scripts of RETURN_TO_ORIGINS may read, as the documents say. */
const SHARED_ROUTES = ["/auth/session", "/auth/logout"];

const SETTINGS = {
  APP_REDIRECT_URIS: "no.fjordbyen.app:/login",
  CONSENT_WEBHOOK_SECRET: "0123456789abcdef",
  SUPPORT_STAFF: "+4799999901",
};

/** An address that a route's spelling in the router stands for. */
const addressOf = (route: string): string =>
  SITE +
  route
    .replace(":secret", SETTINGS.CONSENT_WEBHOOK_SECRET)
    .replace(/:\w+/, "01a2037a-c632-7734-bd4f-4070e3e62caa");

const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "SEARCH"];

function expectNoSession(response: Response): void {
  const cookies = response.headers.getSetCookie().filter((line) => line.startsWith(`${SESSION_COOKIE}=e`));
  expect(cookies).toEqual([]);
}

describe("R27 methods", () => {
  const ask = (site: TestSite, route: string, method: string) => {
    const body = ["GET", "HEAD"].includes(method) ? null : "x=1";
    return site.fetch(new Request(addressOf(route), { method, body, redirect: "manual" }));
  };

  it.each(Object.entries(PUBLIC_ROUTES))(
    "of %s that it does not take are a 405 that says which it takes",
    async (route, takes) => {
      const site = openSite({ vars: SETTINGS });
      for (const method of METHODS.filter((each) => !takes.includes(each))) {
        // A session may be ended by any id, whether or not there is one.
        if (route === "/auth/sessions/end" && method === "DELETE") continue;
        const response = await ask(site, route, method);
        expect([method, response.status]).toEqual([method, 405]);
        expect(response.headers.get("allow")).toBe(takes.join(", "));
        expectNoSession(response);
      }
      expect(site.counts.fetches).toEqual([]);
    },
  );

  it.each(Object.entries(PUBLIC_ROUTES))("of %s that it takes are answered by it", async (route, takes) => {
    const site = openSite({ vars: SETTINGS });
    for (const method of takes) {
      // The site has no page of its own for the proof of an account, and nobody's session has this id.
      const isAbsent = route === "/auth/proof" && method === "GET";
      const { status } = await ask(site, route, method);
      expect([method, status === 404, status]).toEqual([method, isAbsent, status]);
      expect([method, status]).not.toEqual([method, 405]);
    }
  });

  it.each(JSON_ROUTES)("are refused at %s in JSON, whatever the client says it reads", async (route) => {
    const site = openSite({ vars: SETTINGS });
    const refused = METHODS.filter((method) => !PUBLIC_ROUTES[route]?.includes(method));
    expect(refused.length).toBeGreaterThan(3);
    for (const method of refused) {
      const headers = { accept: "text/html", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" };
      const response = await site.fetch(new Request(SITE + route, { method, headers }));
      expect([method, response.status]).toEqual([method, 405]);
      if (method !== "HEAD") expect(response.headers.get("content-type")).toBe("application/problem+json");
    }
  });

  it.each(SHARED_ROUTES)(
    "are refused at %s so that another origin of the site can read it",
    async (route) => {
      const other = "https://shop.example";
      const site = openSite({ vars: { ...SETTINGS, RETURN_TO_ORIGINS: other } });
      const methods = METHODS.filter((method) => !PUBLIC_ROUTES[route]?.includes(method));
      for (const method of methods) {
        const asked = (origin: string) =>
          site.fetch(new Request(SITE + route, { method, headers: { origin, accept: "application/json" } }));
        const answer = await asked(other);
        expect([method, answer.status]).toEqual([method, method === "OPTIONS" ? 204 : 405]);
        expect(answer.headers.get("access-control-allow-origin")).toBe(other);
        expect((await asked("https://evil.example")).headers.get("access-control-allow-origin")).toBeNull();
      }
    },
  );

  it("of the console are told to nobody", async () => {
    const site = openSite({ vars: SETTINGS });
    for (const { path, guard } of routeTable()) {
      if (guard === undefined) continue;
      for (const method of METHODS) {
        const response = await ask(site, `/auth${path}`, method);
        expect([path, method, response.status]).toEqual([path, method, 404]);
        expect(response.headers.get("allow")).toBeNull();
      }
    }
  });

  it("are known of every route there is", () => {
    const known = routeTable()
      .filter(({ guard }) => guard === undefined)
      .map(({ path }) => `/auth${path}`);
    expect(known.sort()).toEqual(Object.keys(PUBLIC_ROUTES).sort());
  });
});

/** Texts that decoders, parsers and escapers stumble over. */
const JUNK = [
  "%",
  "%%",
  "%zz",
  "%E0%A4%A",
  "%ff%fe",
  "%00",
  "%0d%0aSet-Cookie:%20x=y",
  "%ED%A0%80",
  "+",
  "&",
  "=",
  "&&==&",
  "[]",
  "[object%20Object]",
  "__proto__[x]=1",
  "constructor",
  "../../../etc/passwd",
  "'%22%3E%3Cscript%3Ealert(1)%3C/script%3E",
  "%F0%9F%98%80",
  "1e999",
  "-1",
  "NaN",
  "null",
  "true",
  "a".repeat(8_000),
];

describe("R27 queries and paths", () => {
  it.each(["/auth/login", "/auth/callback", "/auth/session", "/auth/health", "/auth/sessions", "/auth/me"])(
    "of junk at %s are no 500",
    async (path) => {
      const { site, provider } = openHostileSite();
      for (const junk of JUNK) {
        for (const query of [
          junk,
          `state=${junk}`,
          `code=${junk}&state=${junk}`,
          `error=${junk}`,
          `return_to=${junk}`,
          `iss=${junk}&${junk}=${junk}`,
        ]) {
          const response = await site.fetch(new Request(`${SITE}${path}?${query}`));
          expect([query.slice(0, 60), response.status < 500]).toEqual([query.slice(0, 60), true]);
          if (path === "/auth/callback") expect(response.status).toBeGreaterThanOrEqual(400);
          expectNoSession(response);
        }
      }
      expect(provider.count("token")).toBe(0);
    },
  );

  it("of junk below /auth are a 404, and not the site's", async () => {
    const site = openSite();
    for (const path of [
      "/auth",
      "/auth/",
      "/auth/%",
      "/auth/%zz",
      "/auth/login/x",
      "/auth/.well-known/",
      "/auth/%00",
      "/auth/%ff",
      `/auth/${"a".repeat(8_000)}`,
      "/auth/__proto__",
      "/auth/constructor",
    ]) {
      const response = await site.fetch(new Request(SITE + path));
      expect([path.slice(0, 40), response.status]).toEqual([path.slice(0, 40), 404]);
      expect(await response.text()).toContain("<html lang=");
    }
  });

  it("with an id of junk end no session", async () => {
    const { site, browser, logIn } = openHostileSite();
    await logIn();
    for (const id of ["%", "%zz", "%00", "..", "x".repeat(5_000), "'%20OR%201=1--", "__proto__"]) {
      const response = await browser.request(`/auth/sessions/${id}`, {
        method: "DELETE",
        headers: { origin: SITE, "sec-fetch-site": "same-origin" },
      });
      expect([id.slice(0, 20), response.status < 500]).toEqual([id.slice(0, 20), true]);
    }
    expect((await browser.session()).authenticated).toBe(true);
    expect(site.log.filter(({ level }) => level === "error")).toEqual([]);
  });
});

describe("R27 cookies", () => {
  const token = "eyJhbGciOiJFUzI1NiJ9.e30.";
  it.each([
    ["nothing but separators", "; ; ;==;;"],
    ["a name alone", SESSION_COOKIE],
    ["an empty session", `${SESSION_COOKIE}=`],
    ["junk for a session", `${SESSION_COOKIE}=%%%"';--`],
    ["a quoted session", `${SESSION_COOKIE}="abc"`],
    ["a token cut short", `${SESSION_COOKIE}=${token}`],
    ["a token of junk", `${SESSION_COOKIE}=${token}${"A".repeat(86)}`],
    [
      "a header nested deep",
      `${SESSION_COOKIE}=${btoa("[".repeat(3_000)).replaceAll("=", "")}.e30.${"A".repeat(86)}`,
    ],
    ["a header of null", `${SESSION_COOKIE}=bnVsbA.e30.${"A".repeat(86)}`],
    [
      "a kid that is an object",
      `${SESSION_COOKIE}=${btoa('{"alg":"ES256","kid":{}}').replaceAll("=", "")}.e30.${"A".repeat(86)}`,
    ],
    [
      "a hundred sessions",
      Array(100)
        .fill(`${SESSION_COOKIE}=${token}${"A".repeat(86)}`)
        .join("; "),
    ],
    [
      "a hundred browsers",
      Array.from({ length: 100 }, (_, i) => `__Host-vipps-browser=${String(i).padStart(43, "A")}`).join("; "),
    ],
    ["a browser of junk", "__Host-vipps-browser=<script>"],
    ["bytes beyond ASCII", "__Host-vipps-browser=\u00e6\u00f8\u00e5; \u00a0=\u00ff"],
    ["fifty kilobytes", `x=${"y".repeat(50_000)}`],
  ])("of %s log nobody in, and a login still works", async (_what, cookie) => {
    const { site, provider } = openHostileSite();
    for (const path of [
      "/auth/session",
      "/auth/login",
      "/auth/callback?code=x",
      "/auth/sessions",
      "/auth/me",
      "/",
    ]) {
      const response = await site.fetch(
        new Request(SITE + path, { headers: { cookie, accept: "application/json" } }),
      );
      expect([path, response.status < 500]).toEqual([path, true]);
      expectNoSession(response);
    }
    const session = await site.fetch(new Request(`${SITE}/auth/session`, { headers: { cookie } }));
    expect(await session.json()).toEqual({ authenticated: false });
    expect(provider.count("token")).toBe(0);
  });
});

describe("R27 headers", () => {
  it.each([
    [
      "accept-language",
      [
        "",
        ",",
        ";q",
        "nb;q=x",
        "*",
        "nb;q=2",
        "a".repeat(9_000),
        "\u00ff",
        "nb,".repeat(500),
        "constructor",
        "__proto__",
        '"',
      ],
    ],
    ["accept", ["", "/", "*/*;q=0", "application/json;;;", "\u00ff", '"', "text/html".repeat(500)]],
    [
      "authorization",
      [
        "",
        "Bearer",
        "Bearer ",
        "Bearer x",
        "Bearer a.b.c",
        "Basic ==",
        `Bearer ${"a".repeat(9_000)}`,
        "bearer \u00ff",
      ],
    ],
    ["origin", ["", "null", "x", "https://", "https://site.example.attacker.example", "\u00ff"]],
    ["sec-fetch-site", ["", "x", "cross-site", "\u00ff"]],
    [
      "content-type",
      [
        "",
        "x",
        "application/x-www-form-urlencoded; charset=\u00ff",
        "multipart/form-data",
        "application/json",
      ],
    ],
    ["content-length", ["99999999999999999999"]],
    ["cf-connecting-ip", ["", "x", "::", "1.2.3.4, 5.6.7.8", "1".repeat(5_000)]],
    ["user-agent", ["", "x".repeat(9_000), "\u00ff<script>"]],
    ["range", ["bytes=0-0", "x"]],
    ["if-none-match", ["*", '"x"']],
  ])("of %s with junk are no 500", async (name, values) => {
    const { site } = openHostileSite();
    for (const value of values) {
      for (const [path, method] of [
        ["/auth/login", "GET"],
        ["/auth/callback?error=access_denied", "GET"],
        ["/auth/session", "GET"],
        ["/auth/continue", "POST"],
        ["/auth/logout", "POST"],
        ["/auth/app/start", "POST"],
        ["/auth/health", "GET"],
        ["/auth/nothing", "GET"],
      ] as const) {
        const body = method === "POST" ? "answer=yes" : null;
        const request = new Request(SITE + path, { method, body, headers: { [name]: value } });
        const response = await site.fetch(request);
        expect([value.slice(0, 30), path, response.status < 500]).toEqual([value.slice(0, 30), path, true]);
        expectNoSession(response);
      }
    }
  });
});

describe("R27 bodies", () => {
  it.each<[string, BodyInit]>([
    ["nothing", ""],
    ["junk", "%%%&&&==="],
    ["bytes that are no text", new Uint8Array([255, 254, 0, 1, 128])],
    ["a form of another kind", "attempt=x&answer=maybe"],
    ["no attempt", "answer=yes"],
    ["an attempt of junk", "answer=yes&attempt=%%%"],
    ["an attempt nobody made", `answer=yes&attempt=${"f".repeat(64)}`],
    ["everything twice", `answer=yes&answer=no&attempt=${"f".repeat(64)}&attempt=${"e".repeat(64)}`],
    ["seventeen kilobytes", `answer=yes&x=${"y".repeat(17_000)}`],
    ["a thousand fields", Array.from({ length: 1_000 }, (_, i) => `x${i}=1`).join("&")],
    ["JSON", '{"answer":"yes"}'],
    ["JSON nested deep", "[".repeat(10_000)],
    ["JSON with a prototype", '{"__proto__":{"answer":"yes"}}'],
    ["null", "null"],
  ])("of %s are a 4xx at every route that reads one", async (_what, body) => {
    const { site } = openHostileSite();
    for (const path of [
      "/auth/continue",
      "/auth/app/start",
      "/auth/app/finish",
      "/auth/sessions/end",
      "/auth/me/consents",
      "/auth/me/erase",
    ]) {
      for (const type of [
        "application/x-www-form-urlencoded",
        "application/json",
        "multipart/form-data; boundary=x",
        "text/plain",
      ]) {
        const headers = { "content-type": type, origin: SITE, "sec-fetch-site": "same-origin" };
        const response = await site.fetch(new Request(SITE + path, { method: "POST", headers, body }));
        expect([path, type, response.status >= 300 && response.status < 500]).toEqual([path, type, true]);
        expectNoSession(response);
      }
    }
  });

  it("that end too early or are sent by nobody's form log nobody out", async () => {
    const { browser, logIn } = openHostileSite();
    await logIn();
    const stranger = openBrowser(openSite());
    for (const headers of [
      { origin: "https://attacker.example" },
      { origin: "null", "sec-fetch-site": "cross-site" },
    ]) {
      expect((await stranger.post("/auth/logout", {}, headers)).status).toBe(403);
    }
    expect((await browser.session()).authenticated).toBe(true);
  });
});
