import { createLocalJWKSet, jwtVerify } from "jose";
import { describe, expect, it, vi } from "vitest";
import { headerText } from "../../src/site/identity-headers.ts";
import { openBrowser, SESSION_COOKIE } from "../worker/browser.ts";
import { ORIGIN, openOrigin } from "../worker/recording-origin.ts";
import { SITE } from "../worker/site.ts";

/** Spellings that some server takes for one of the identity headers. */
const SPOOFED = [
  ...[
    "Remote-User",
    "remote-user",
    "REMOTE-USER",
    "Remote_User",
    "remote_USER",
    "Remote.User",
    "remote~user",
  ],
  ...[
    "Remote-Name",
    "Remote_Name",
    "Remote-Email",
    "REMOTE_EMAIL",
    "Remote-Groups",
    "X-Remote-User",
    "X_Remote_User",
  ],
  ...["Session-Assertion", "session_assertion", "SESSION-ASSERTION", "Session.Assertion"],
  ...[
    "X-Forwarded-User",
    "X_Forwarded_Email",
    "X-Forwarded-Access-Token",
    "X-Auth-Request-User",
    "x_auth_request_email",
  ],
];

/** Headers with which a request for one path is taken for another path, host or scheme. */
const ADDRESSES = [
  ...[
    "X-Original-URL",
    "X_Original_URL",
    "X-Rewrite-URL",
    "X-Forwarded-Uri",
    "X-Forwarded-Prefix",
    "X-Original-URI",
  ],
  ...["Forwarded", "X-Forwarded-Port", "X-Forwarded-Server", "X-Host"],
  // gunicorn takes it off the path of the request, and so does a much copied piece of code for Flask.
  ...["Script-Name", "SCRIPT_NAME", "X-Script-Name"],
  ...["X-Forwarded-Context", "X-Scheme", "X-Url-Scheme", "Front-End-Https"],
  // The proxy that a CGI program is to use.
  "Proxy",
];

const evil = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, "evil"]));

describe("R23: identity headers that a visitor sends", () => {
  it.each(["/", "/members/"])("never reach the origin on %s, in no spelling", async (path) => {
    const { browser, last } = openOrigin();
    await browser.logIn();
    await browser.get(path, evil(SPOOFED));
    expect([...last().headers.values()].join()).not.toContain("evil");
    expect(last().headers.get("remote-user")).toMatch(/^[\w-]+$/);
  });

  it("never reach the origin without a session", async () => {
    const { browser, last } = openOrigin();
    await browser.get("/", evil([...SPOOFED, ...ADDRESSES]));
    expect([...last().headers.values()].join()).not.toContain("evil");
    expect([...last().headers.keys()].filter((name) => /remote|assertion|auth/i.test(name))).toEqual([]);
  });

  it("never reach the origin twice: duplicates go together", async () => {
    const { site, last } = openOrigin();
    const headers = new Headers([
      ["remote-user", "evil"],
      ["Remote-User", "evil too"],
    ]);
    await site.fetch(new Request(`${SITE}/`, { headers }));
    expect(last().headers.has("remote-user")).toBe(false);
  });

  it("can't take ours away by naming them in Connection", async () => {
    const { browser, last } = openOrigin();
    await browser.logIn();
    await browser.get("/", {
      connection: "close, Remote-User, Session-Assertion",
      "keep-alive": "timeout=5",
    });
    expect(last().headers.has("remote-user")).toBe(true);
    expect(last().headers.has("session-assertion")).toBe(true);
    for (const name of ["connection", "keep-alive"]) expect(last().headers.has(name)).toBe(false);
  });

  it("leave the visitor's other headers as they are", async () => {
    const { browser, last } = openOrigin();
    const headers = {
      "x-remotely": "1",
      "user-agent": "x",
      authorization: "Basic YTpi",
      "x-forwarded-for": "192.0.2.1",
      remote: "2",
      "x-user": "3",
    };
    await browser.get("/", headers);
    expect(Object.fromEntries(last().headers)).toMatchObject(headers);
  });

  it("can't tell the origin another host or scheme", async () => {
    const { browser, last } = openOrigin();
    await browser.get("/", {
      "x-forwarded-host": "evil.example",
      "x-forwarded-proto": "http",
      x_forwarded_host: "e",
    });
    expect(last().headers.get("x-forwarded-host")).toBe("site.example");
    expect(last().headers.get("x-forwarded-proto")).toBe("https");
    expect(last().headers.has("x_forwarded_host")).toBe(false);
    expect(new URL(last().url).origin).toBe(ORIGIN);
  });
});

describe("R23: the worker's cookies", () => {
  it("are not forwarded, all others are", async () => {
    const { browser, last } = openOrigin();
    await browser.logIn();
    browser.cookies.set("theme", "dark");
    browser.cookies.set("__Secure-vipps-session", "x");
    browser.cookies.set("__host-VIPPS-browser", "y");
    browser.cookies.set("vipps", "z");
    await browser.get("/members/");
    expect(last().headers.get("cookie")).toBe("theme=dark; vipps=z");
    expect(last().headers.get("remote-user")).not.toBeNull();
  });

  it("are forwarded where the setting asks for it: the session alone, once, as it is now", async () => {
    const { browser, last } = openOrigin({ FORWARD_SESSION_COOKIE: "true", SESSION_FRESH: "60" });
    await browser.logIn();
    const first = browser.cookies.get(SESSION_COOKIE);
    await browser.get("/members/", {
      cookie: `a=1; ${SESSION_COOKIE}=planted; ${SESSION_COOKIE}=${first}; b=2`,
    });
    expect(last().headers.get("cookie")).toBe(`a=1; b=2; ${SESSION_COOKIE}=${first}`);

    vi.useFakeTimers({ now: Date.now() + 61_000, toFake: ["Date"] });
    const response = await browser.get("/members/");
    const renewed = browser.cookies.get(SESSION_COOKIE);
    expect(renewed).not.toBe(first);
    expect(last().headers.get("cookie")).toBe(`${SESSION_COOKIE}=${renewed}`);
    expect(response.headers.getSetCookie()).toHaveLength(1);
  });

  it("are not forwarded from a visitor whose session is none, even where the setting asks for it", async () => {
    const { browser, last } = openOrigin({ FORWARD_SESSION_COOKIE: "true" });
    browser.cookies.set(SESSION_COOKIE, "planted");
    await browser.get("/");
    expect(last().headers.get("cookie")).toBeNull();
  });

  it("are not forwarded as the Bearer token of an app, but the origin's own Bearer tokens are", async () => {
    const { browser, last } = openOrigin();
    await browser.logIn();
    const token = browser.cookies.get(SESSION_COOKIE) ?? "";
    browser.cookies.clear();
    await browser.get("/members/", { authorization: `Bearer ${token}` });
    expect(last().headers.has("authorization")).toBe(false);
    expect(last().headers.has("remote-user")).toBe(true);
    await browser.get("/", { authorization: "Bearer of-the-site" });
    expect(last().headers.get("authorization")).toBe("Bearer of-the-site");
  });

  it("cannot be set by the origin, which sets its own as it likes", async () => {
    const { browser } = openOrigin({}, () => {
      const headers = new Headers([
        ["set-cookie", `${SESSION_COOKIE}=planted; Path=/; Secure`],
        ["set-cookie", "basket=7; Path=/"],
        // Without a name: some browsers send back its value alone.
        ["set-cookie", `=${SESSION_COOKIE}=planted; Path=/; Secure`],
        ["set-cookie", ` = ${SESSION_COOKIE}=planted; Path=/; Secure`],
        ["set-cookie", "__Host-vipps-browser=planted; Path=/; Secure"],
      ]);
      return new Response("", { headers });
    });
    const response = await browser.get("/");
    expect(response.headers.getSetCookie()).toEqual(["basket=7; Path=/"]);
  });
});

describe("R23: what the origin learns of a visitor with a session", () => {
  it("is who it is, in words, on public pages too", async () => {
    const { browser, last } = openOrigin({ SESSION_CLAIMS: "name email email_verified" });
    await browser.logIn();
    const { user } = await browser.session();
    for (const path of ["/", "/members/"]) {
      await browser.get(path);
      expect(Object.fromEntries(last().headers)).toMatchObject({
        "remote-user": user?.sub,
        "remote-name": "Kari Nordmann",
        "remote-email": "kari.nordmann@example.com",
      });
    }
  });

  it("is no more than the settings say", async () => {
    const { browser, last } = openOrigin({ SESSION_CLAIMS: "given_name" });
    await browser.logIn();
    await browser.get("/");
    expect(last().headers.has("remote-user")).toBe(true);
    expect(last().headers.has("remote-name")).toBe(false);
    expect(last().headers.has("remote-email")).toBe(false);
  });

  it.each([
    ["Kari Nordmann", "Kari Nordmann"],
    ["Åse Bjørnæs", "%C3%85se Bj%C3%B8rn%C3%A6s"],
    ["100% 名", "100%25 %E5%90%8D"],
    ["a\r\nRemote-User: b", "a%0D%0ARemote-User: b"],
    ["lone \ud800 surrogate", "lone %EF%BF%BD surrogate"],
  ])("is %j as %s in a header", (text, header) => {
    expect(headerText(text)).toBe(header);
    expect(decodeURIComponent(header)).toBe(text.toWellFormed());
    expect(new Headers({ "remote-name": header }).get("remote-name")).toBe(header);
  });

  it("is signed with the published keys, for this origin alone, for as long as clocks differ", async () => {
    const { browser, last } = openOrigin();
    await browser.logIn();
    await browser.get("/members/");
    const assertion = last().headers.get("session-assertion") ?? "";
    const keys = createLocalJWKSet(await (await browser.get("/auth/.well-known/jwks.json")).json());
    const { payload, protectedHeader } = await jwtVerify(assertion, keys, {
      issuer: `${SITE}/auth`,
      audience: ORIGIN,
      typ: "session-assertion+jwt",
      algorithms: ["ES256"],
      requiredClaims: ["sub", "sid", "iat", "exp", "auth_time"],
    });
    expect(protectedHeader.kid).toBeTypeOf("string");
    const { user, session } = await browser.session();
    expect(payload).toMatchObject({ sub: user?.sub, sid: session?.id, name: "Kari Nordmann", aud: ORIGIN });
    expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(150);
  });

  it("is believed without any tolerance by clocks that are a minute off, as long as it is handed out", async () => {
    const { browser, last } = openOrigin();
    await browser.logIn();
    const keys = createLocalJWKSet(await (await browser.get("/auth/.well-known/jwks.json")).json());
    const start = Math.ceil(Date.now() / 1000) * 1000;
    for (const age of [0, 19]) {
      vi.useFakeTimers({ now: start + age * 1000, toFake: ["Date"] });
      await browser.get("/");
      const assertion = last().headers.get("session-assertion") ?? "";
      for (const difference of [-60, -2, 0, 2, 60]) {
        const currentDate = new Date(Date.now() + difference * 1000);
        const { payload } = await jwtVerify(assertion, keys, { clockTolerance: 0, currentDate });
        const at = currentDate.getTime() / 1000;
        expect(payload.iat, `${difference} s`).toBeLessThanOrEqual(at);
        expect(payload.nbf, `${difference} s`).toBeLessThanOrEqual(at);
      }
      const tooLate = jwtVerify(assertion, keys, { currentDate: new Date(start + 91_000) });
      await expect(tooLate).rejects.toThrow("exp");
    }
  });

  it("is for /auth/verify where there is no other origin, never for what sessions are for", async () => {
    const { browser, last } = openOrigin({ ORIGIN_URL: "" });
    await browser.logIn();
    await browser.get("/members/");
    const [, payload = ""] = (last().headers.get("session-assertion") ?? "").split(".");
    expect(JSON.parse(atob(payload.replaceAll("-", "+").replaceAll("_", "/")))).toMatchObject({
      aud: `${SITE}/auth/verify`,
    });
    expect(last().url).toBe(`${SITE}/members/`);
  });

  it("is signed once for the requests of twenty seconds", async () => {
    const { browser, last } = openOrigin();
    await browser.logIn();
    const start = Math.ceil(Date.now() / 1000) * 1000;
    const assertions: (string | null)[] = [];
    for (const seconds of [0, 19, 20, 39]) {
      vi.useFakeTimers({ now: start + seconds * 1000, toFake: ["Date"] });
      await browser.get("/");
      assertions.push(last().headers.get("session-assertion"));
    }
    expect(new Set(assertions.slice(0, 2)).size).toBe(1);
    expect(new Set(assertions.slice(2)).size).toBe(1);
    expect(assertions[0]).not.toBe(assertions[3]);
  });

  it("is never accepted as a session: not as a cookie, not as a Bearer token", async () => {
    const { browser, last, site } = openOrigin({ ORIGIN_URL: "" });
    await browser.logIn();
    await browser.get("/");
    const assertion = last().headers.get("session-assertion") ?? "";
    const thief = openBrowser(site);
    thief.cookies.set(SESSION_COOKIE, assertion);
    expect(await thief.session()).toEqual({ authenticated: false });
    expect((await thief.get("/members/")).status).toBe(302);
    thief.cookies.clear();
    expect((await thief.get("/members/", { authorization: `Bearer ${assertion}` })).status).toBe(302);
  });
});
