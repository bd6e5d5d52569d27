import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { openBrowser } from "./browser.ts";
import { stopClock } from "./clock.ts";
import { CALLBACK, LOGIN_OBJECTS, openSite, SITE, type TestSite } from "./site.ts";

const LOCAL = "http://localhost:8787";

/** Turns a stopped clock on, in milliseconds. */
const pass = (milliseconds: number): void => {
  vi.setSystemTime(Date.now() + milliseconds);
};

/** A binding every call to which takes that long. */
function slow<Namespace extends object>(namespace: Namespace, milliseconds: number): Namespace {
  const slowStub = (stub: object) =>
    new Proxy(stub, {
      get(target, name) {
        const member = Reflect.get(target, name);
        if (name === "id" || name === "name") return member;
        return async (...args: unknown[]) => {
          await Promise.resolve();
          pass(milliseconds);
          return Reflect.apply(member, target, args);
        };
      },
    });
  return new Proxy(namespace, {
    get(target, name) {
      const member = Reflect.get(target, name);
      if (typeof member !== "function") return member;
      return (...args: unknown[]) => {
        const result = Reflect.apply(member, target, args);
        return name === "get" || name === "getByName" ? slowStub(result) : result;
      };
    },
  });
}

/** A site whose clock only moves while it waits: 3 ms for an attempt, 4 for a session, 41 for Vipps. */
function openSlowSite(origin: string): TestSite {
  const vars = {
    SITE_URL: origin,
    LOGIN_ATTEMPTS: slow(LOGIN_OBJECTS, 3),
    USER_SESSIONS: slow(env.USER_SESSIONS, 4),
  };
  const redirectUris = [CALLBACK.replace(SITE, origin)];
  const provider = async (request: Request) => {
    await Promise.resolve();
    pass(41);
    return site.simulator.fetch(request);
  };
  const site = openSite({ vars, salesUnit: { redirectUris }, provider });
  stopClock();
  return site;
}

describe("how long the steps of a login took", () => {
  it("stands in the log line of the login, in milliseconds", async () => {
    const site = openSlowSite(SITE);
    site.simulator.control.setBehaviour({ idTokenClaims: "emailOnly" });
    await openBrowser(site).logIn();
    expect(site.log.find(({ event }) => event === "login_finished")).toMatchObject({
      steps: { attempt: 3, metadata: 0, token: 41, keys: 0, userinfo: 41, account: 0, session: 4 },
    });
  });

  it("stands in the answers to a developer's browser, at the start and at the callback", async () => {
    const site = openSlowSite(LOCAL);
    const browser = openBrowser(site, {}, LOCAL);
    const start = await browser.get("/auth/login");
    // Discovery is waited for the first time; its keys come behind it.
    expect(start.headers.get("server-timing")).toMatch(/^metadata;dur=\d+, total;dur=\d+$/);
    const callback = await browser.atProvider(new URL(start.headers.get("location") ?? ""));
    const finish = await browser.get(callback.href);
    expect(finish.status).toBe(303);
    expect(finish.headers.get("server-timing")).toBe(
      "attempt;dur=3, metadata;dur=0, token;dur=41, keys;dur=0, account;dur=0, session;dur=4, total;dur=48",
    );
  });

  it("stands there when the login fails too", async () => {
    const site = openSlowSite(LOCAL);
    const browser = openBrowser(site, {}, LOCAL);
    const callback = await browser.atProvider(await browser.startLogin());
    await browser.get(callback.href);
    const refused = await openBrowser(site, {}, LOCAL).get(callback.href);
    expect(refused.status).toBe(400);
    expect(refused.headers.get("server-timing")).toBe("attempt;dur=3, total;dur=3");
  });

  it("is told to nobody else", async () => {
    const site = openSlowSite(SITE);
    const browser = openBrowser(site);
    const start = await browser.get("/auth/login");
    const callback = await browser.atProvider(new URL(start.headers.get("location") ?? ""));
    const answers = [start, await browser.get(callback.href), await browser.get(callback.href)];
    expect(answers.map(({ status }) => status)).toEqual([302, 303, 303]);
    for (const { headers } of answers) expect(headers.has("server-timing")).toBe(false);
  });
});
