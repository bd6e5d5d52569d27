import { createExecutionContext } from "cloudflare:test";
import { describe, expect, it, vi } from "vitest";
import { handleRequest } from "../../src/app.ts";
import { beginIsolate } from "../../src/isolate-state.ts";
import { type Browser, openBrowser, SESSION_COOKIE } from "./browser.ts";
import { stopClock, wait } from "./clock.ts";
import { accountsDatabase } from "./database.ts";
import { type RecordedDatabase, recordCosts } from "./recorded-database.ts";
import { type Counts, openSite, SITE, type TestSite } from "./site.ts";

const TOKEN = "/access-management-1.0/access/oauth2/token";
const DISCOVERY = "/access-management-1.0/access/.well-known/openid-configuration";
const JWKS = "/access-management-1.0/access/.well-known/jwks.json";

const NOTHING: Counts = { kvReads: 0, kvWrites: 0, durableObjectCalls: [], databaseCalls: [], fetches: [] };

/** What a step asks of storage and of Vipps, work behind the answer included. */
async function costOf(site: TestSite, step: () => Promise<unknown>): Promise<Counts> {
  site.resetCounts();
  await step();
  return { ...site.counts };
}

/** A site in an isolate that has seen a login, and a browser that is at Vipps and may come back. */
async function warmSite(): Promise<{ site: TestSite; browser: Browser; callback: string }> {
  const site = openSite();
  await openBrowser(site).logIn();
  const browser = openBrowser(site);
  const { href } = await browser.atProvider(await browser.startLogin());
  return { site, browser, callback: href };
}

describe("what a step costs in a warm isolate", () => {
  it("the start of a login: nothing", async () => {
    const { site } = await warmSite();
    expect(await costOf(site, () => openBrowser(site).startLogin())).toEqual(NOTHING);
    expect(await costOf(site, () => openBrowser(site).startLogin("/members/?page=2#top"))).toEqual(NOTHING);
  });

  it("the start of a login whose return URL is too long for a state: one Durable Object call", async () => {
    const { site } = await warmSite();
    const long = `/members/?${"q".repeat(300)}`;
    expect(await costOf(site, () => openBrowser(site).startLogin(long))).toEqual({
      ...NOTHING,
      durableObjectCalls: ["attempt.keepReturnUrl"],
    });
  });

  it("a callback that is refused: nothing", async () => {
    const { site, browser, callback } = await warmSite();
    const altered = callback.replace(/(?<=state=.{40})./, (letter) => (letter === "A" ? "B" : "A"));
    for (const address of ["/auth/callback?code=x", "/auth/callback?code=x&state=invented", altered])
      expect(await costOf(site, () => browser.get(address))).toEqual(NOTHING);
  });

  it("the callback: one token request, one database batch and one call to each of two Durable Objects", async () => {
    const { site, browser, callback } = await warmSite();
    expect(await costOf(site, () => browser.get(callback))).toEqual({
      ...NOTHING,
      durableObjectCalls: ["attempt.finish", "sessions.record"],
      // One batch that finds the account, or would make it, and that no consents from Vipps wait for the person, which
      // reads no row; after the answer the login event, with those of other logins that end at the same time.
      databaseCalls: [5, 1],
      fetches: [TOKEN],
    });
  });

  it("the callback where the ID token lacks a claim: userinfo besides", async () => {
    const { site, browser, callback } = await warmSite();
    site.simulator.control.setBehaviour({ idTokenClaims: "emailOnly" });
    expect(await costOf(site, () => browser.get(callback))).toEqual({
      ...NOTHING,
      durableObjectCalls: ["attempt.finish", "sessions.record"],
      databaseCalls: [5, 1],
      fetches: [TOKEN, "/vipps-userinfo-api/userinfo"],
    });
  });

  it("a request with a fresh token: nothing, whichever route asks who it is", async () => {
    const { site, browser, callback } = await warmSite();
    await browser.get(callback);
    for (const path of ["/auth/session", "/auth/verify", "/members/", "/auth/login?return_to=/members/"]) {
      expect(await costOf(site, () => browser.get(path))).toEqual(NOTHING);
    }
  });

  it("a request with a stale token: one Durable Object call beside one row of the database, and nothing for the next", async () => {
    const { site, browser, callback } = await warmSite();
    stopClock();
    await browser.get(callback);
    for (const path of ["/auth/session", "/auth/verify", "/members/"]) {
      wait(301);
      // The database says beside it, with one row, whether the account is still there.
      expect(await costOf(site, () => browser.get(path))).toEqual({
        ...NOTHING,
        durableObjectCalls: ["sessions.renew"],
        databaseCalls: [1],
      });
      expect(await costOf(site, () => browser.get(path))).toEqual(NOTHING);
    }
  });

  it("a token past half its time: renewed behind the answer, so that nobody waits for the store", async () => {
    const { site, browser, callback } = await warmSite();
    stopClock();
    await browser.get(callback);
    for (const path of ["/auth/session", "/auth/verify", "/members/"]) {
      const before = browser.cookies.get(SESSION_COOKIE);
      wait(149);
      expect(await costOf(site, () => browser.get(path))).toEqual(NOTHING);
      wait(2);
      const behind = await costOf(site, () => browser.get(path));
      expect(behind).toEqual({
        ...NOTHING,
        durableObjectCalls: ["sessions.renew"],
        databaseCalls: [1],
      });
      expect(browser.cookies.get(SESSION_COOKIE)).toBe(before);
      expect(await costOf(site, () => browser.get(path))).toEqual(NOTHING);
      expect(browser.cookies.get(SESSION_COOKIE)).not.toBe(before);
    }
  });

  it("a public page: no look at the session at all", async () => {
    const { site, browser, callback } = await warmSite();
    stopClock();
    await browser.get(callback);
    wait(301);
    expect(await costOf(site, () => browser.get("/about"))).toEqual(NOTHING);
  });

  it("a logout: one Durable Object call", async () => {
    const { site, browser, callback } = await warmSite();
    await browser.get(callback);
    expect(await costOf(site, () => browser.post("/auth/logout"))).toEqual({
      ...NOTHING,
      durableObjectCalls: ["sessions.end"],
    });
  });
});

describe("what D1 counts", () => {
  /** Rows read and written, work behind the answer included. */
  async function rowsOf(recorded: RecordedDatabase, work: () => Promise<unknown>) {
    recorded.costs.length = 0;
    await work();
    const sum = (of: "read" | "written") => recorded.costs.reduce((all, cost) => all + cost[of], 0);
    return { read: sum("read"), written: sum("written") };
  }

  it("the login of somebody known: an event and its index", async () => {
    const recorded = recordCosts(accountsDatabase());
    const site = openSite({ vars: { ACCOUNTS_DB: recorded.database } });
    await openBrowser(site).logIn();
    const known = await rowsOf(recorded, () => openBrowser(site).logIn());
    expect(known).toEqual({ read: 7, written: 2 });
  });

  it("the first login of somebody new: an account, found in four ways, an identity and its index, and the same two", async () => {
    const recorded = recordCosts(accountsDatabase());
    const site = openSite({ vars: { ACCOUNTS_DB: recorded.database } });
    // By its phone number, its email address, and by each of the two words of its name.
    expect(await rowsOf(recorded, () => openBrowser(site).logIn())).toEqual({ read: 9, written: 9 });
  });

  it.each([
    ["phone", "its email address"],
    ["email", "its phone number"],
  ] as const)("the login of a member found by %s: identity, account, %s, event", async (by, _other) => {
    const recorded = recordCosts(accountsDatabase());
    const site = openSite({ vars: { ACCOUNTS_DB: recorded.database } });
    // Somebody comes behind in each index: whoever is last there is found with a look less.
    await accountsDatabase().exec(
      "INSERT INTO accounts (site, id, phone, phone_verified, email, email_verified, origin, created_at, updated_at) VALUES ('default', 'acc_other', '4799999999', 1, 'z@example.com', 1, 'import', 1, 1)",
    );
    const contact = by === "phone" ? "4799999901" : "kari.nordmann@example.com";
    await accountsDatabase()
      .prepare(
        `INSERT INTO accounts (site, id, name, search_name, ${by}, ${by}_verified, import_key, origin, created_at,
           updated_at) VALUES ('default', 'acc_member', 'Kari Nordmann', 'kari nordmann', ?1, 1, 'M1', 'import', 1, 1)`,
      )
      .bind(contact)
      .run();
    expect(await rowsOf(recorded, () => openBrowser(site).logIn())).toEqual({ read: 12, written: 6 });
    const member = accountsDatabase().prepare(
      "SELECT phone, phone_verified, email, email_verified FROM accounts WHERE id = 'acc_member'",
    );
    expect(await member.all()).toMatchObject({
      results: [
        { phone: "4799999901", phone_verified: 1, email: "kari.nordmann@example.com", email_verified: 1 },
      ],
    });
  });
});

describe("what a step costs in a cold isolate", () => {
  it("the first login ever: discovery and keys are fetched and kept", async () => {
    const site = openSite();
    const cost = await costOf(site, () => openBrowser(site).startLogin());
    expect(cost).toEqual({
      ...NOTHING,
      kvReads: 1,
      kvWrites: 1,
      fetches: [DISCOVERY, JWKS],
    });
  });

  it("every other login: one KV read more at the start", async () => {
    await warmSite();
    const site = openSite();
    expect(await costOf(site, () => openBrowser(site).startLogin())).toEqual({
      ...NOTHING,
      kvReads: 1,
    });
  });

  it("a login that comes back to another isolate: one KV read more at the callback", async () => {
    const { site, browser, callback } = await warmSite();
    beginIsolate();
    expect(await costOf(site, () => browser.get(callback))).toEqual({
      ...NOTHING,
      kvReads: 1,
      durableObjectCalls: ["attempt.finish", "sessions.record"],
      databaseCalls: [5, 1],
      fetches: [TOKEN],
    });
  });

  it("a request with a session: nothing", async () => {
    const { site, browser, callback } = await warmSite();
    await browser.get(callback);
    beginIsolate();
    expect(await costOf(site, () => browser.session())).toEqual(NOTHING);
  });
});

/** What is costly to make inside the isolate, besides timers and cryptography. */
const COSTLY: Readonly<Record<string, abstract new (...args: never) => object>> = {
  URL,
  URLSearchParams,
  Request,
  Response,
  Headers,
  AbortController,
  TextEncoder,
};

/** How often a request makes each of these, when one like it has been answered before. */
async function workOf(site: TestSite, path: string, headers: Record<string, string>) {
  const requests = [1, 2].map(() => new Request(SITE + path, { headers, redirect: "manual" }));
  const ctx = createExecutionContext();
  const [first, second] = requests;
  if (first === undefined || second === undefined) throw new Error("there are two requests");
  await handleRequest(first, site.env, ctx);
  const work: Record<string, number> = {};
  const count = (name: string) => {
    work[name] = (work[name] ?? 0) + 1;
  };
  for (const [name, made] of Object.entries(COSTLY)) {
    const counted = new Proxy(made, {
      construct(target, args) {
        count(name);
        return Reflect.construct(target, args);
      },
    });
    vi.stubGlobal(name, counted);
  }
  const realTimer = setTimeout;
  vi.stubGlobal("setTimeout", (...args: Parameters<typeof setTimeout>) => {
    count("setTimeout");
    return realTimer(...args);
  });
  for (const name of ["verify", "digest", "sign", "encrypt"] as const) {
    const method = crypto.subtle[name].bind(crypto.subtle) as (...args: unknown[]) => Promise<never>;
    vi.spyOn(crypto.subtle, name).mockImplementation((...args: unknown[]) => {
      count(name);
      return method(...args);
    });
  }
  const response = await handleRequest(second, site.env, ctx);
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
  return { status: response.status, ...work };
}

describe("what a request with a token seen before makes in the isolate", () => {
  async function loggedIn() {
    const { site, browser, callback } = await warmSite();
    await browser.get(callback);
    const cookie = `other=1; ${SESSION_COOKIE}=${browser.cookies.get(SESSION_COOKIE)}`;
    return { site, cookie };
  }

  it("/auth/session: its answer, and nothing else", async () => {
    const { site, cookie } = await loggedIn();
    expect(await workOf(site, "/auth/session", { cookie })).toEqual({ status: 200, Response: 1 });
  });

  it("a guarded page of the static assets that are private as they are: nothing", async () => {
    const { site, cookie } = await loggedIn();
    const work = await workOf(site, "/members/", { cookie, "sec-fetch-dest": "document" });
    expect(work).toEqual({ status: 200 });
  });

  it("a public page of the static assets: nothing", async () => {
    const { site, cookie } = await loggedIn();
    expect(await workOf(site, "/about", { cookie })).toEqual({ status: 200 });
  });
});

describe("what the start of a login makes in the isolate", () => {
  const WORK = { status: 302, Response: 1, encrypt: 1, sign: 1, digest: 2 };

  it("of a stranger: its answer, the seal, its secrets, and the digests of verifier and cookie", async () => {
    const { site } = await warmSite();
    expect(await workOf(site, "/auth/login?return_to=%2Fmembers%2F", {})).toEqual(WORK);
  });

  it("of a browser that is known, with cookies of other software: the same", async () => {
    const { site, browser } = await warmSite();
    const cookie = `other=1; ${[...browser.cookies].map((pair) => pair.join("=")).join("; ")}`;
    expect(cookie).toContain("vipps-browser");
    expect(await workOf(site, "/auth/login?return_to=/members/", { cookie })).toEqual(WORK);
  });
});
