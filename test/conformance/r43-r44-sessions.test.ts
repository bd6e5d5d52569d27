import { createScheduledController, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { decodeJwt } from "jose";
import { describe, expect, it, vi } from "vitest";
import { accountSubject, ERASED } from "../../src/accounts/vipps-person.ts";
import { beginIsolate } from "../../src/isolate-state.ts";
import { runScheduledWork } from "../../src/scheduled-work.ts";
import { type Browser, openBrowser, SESSION_COOKIE } from "../worker/browser.ts";
import { stopClock, wait } from "../worker/clock.ts";
import { accountsDatabase } from "../worker/database.ts";
import { desk, FROM_HERE } from "../worker/desk.ts";
import { openSite, type TestSite } from "../worker/site.ts";
import { withFailing } from "./failing-storage.ts";
import { logInAt } from "./hostile-provider.ts";
import { openHostileSite } from "./hostile-site.ts";

/** What a database lacks that was put back to before the account was made. */
async function loseAccounts(): Promise<void> {
  await accountsDatabase().prepare("DELETE FROM identities").run();
  await accountsDatabase().prepare("DELETE FROM accounts").run();
}

describe("R43 a session whose account is missing", () => {
  it.each([
    ["at renewal", "/auth/session", 301],
    ["at a protected page", "/members/", 301],
    ["for an origin that asks", "/auth/verify", 301],
    ["on the person's own page, however fresh the token", "/auth/me", 1],
    ["on the list of sessions", "/auth/sessions", 301],
  ])("ends %s", async (_where, path, later) => {
    stopClock();
    const site = openSite();
    const browser = openBrowser(site, FROM_HERE);
    await browser.logIn();
    const { user } = await browser.session();
    await loseAccounts();
    wait(later);
    const response = await browser.get(path);
    expect([302, 401]).toContain(response.status === 200 ? await authenticated(response) : response.status);
    expect(site.log).toContainEqual(expect.objectContaining({ event: "session_without_account" }));
    expect(browser.cookies.has(SESSION_COOKIE)).toBe(false);
    const sessions = env.USER_SESSIONS.getByName(user?.sub ?? "");
    expect(await sessions.list({ ttl: 1e9, idle: 1e9 })).toEqual([]);
  });

  const authenticated = async (response: Response) =>
    (await response.json<{ authenticated: boolean }>()).authenticated ? 200 : 401;

  it("is nobody's to who only looks ahead, and ends when it is asked for", async () => {
    stopClock();
    const browser = openBrowser(openSite(), FROM_HERE);
    await browser.logIn();
    const { user } = await browser.session();
    await loseAccounts();
    wait(301);
    const kept = () => env.USER_SESSIONS.getByName(user?.sub ?? "").list({ ttl: 1e9, idle: 1e9 });
    const ahead = await browser.get("/auth/session", { "sec-purpose": "prefetch" });
    expect(await ahead.json()).toMatchObject({ authenticated: false });
    expect(await kept()).toHaveLength(1);
    expect((await browser.session()).authenticated).toBe(false);
    expect(await kept()).toEqual([]);
  });

  it("opens the console to nobody", async () => {
    const { staff } = await desk();
    expect((await staff.get("/auth/support")).status).toBe(200);
    await loseAccounts();
    expect((await staff.get("/auth/support")).status).toBe(404);
  });

  it("lives on while the database does not say, so that its failure logs nobody out", async () => {
    stopClock();
    const database = withFailing(accountsDatabase(), "first", "rejects");
    database.failures.on = false;
    const site = openSite({ vars: { ACCOUNTS_DB: database } });
    const browser = openBrowser(site);
    await browser.logIn();
    database.failures.on = true;
    wait(301);
    expect((await browser.session()).authenticated).toBe(true);
    expect(database.failures.count).toBe(1);
    expect(site.log).toContainEqual(
      expect.objectContaining({ event: "session_account_not_checked", store: "accounts_db" }),
    );
  });
});

describe("R44 a token from the future", () => {
  it.each([
    [61, false],
    [60, true],
    [3000, false],
  ])("by %i seconds: believed without asking is %s", async (ahead, isBelieved) => {
    stopClock();
    const site = openSite();
    wait(ahead);
    const browser = openBrowser(site);
    await browser.logIn();
    const { user, session } = await browser.session();
    const token = browser.cookies.get(SESSION_COOKIE) ?? "";
    wait(-ahead);
    site.resetCounts();
    expect((await browser.session()).authenticated).toBe(true);
    expect(site.counts.durableObjectCalls).toEqual(isBelieved ? [] : ["sessions.renew"]);
    // What ended in the store has ended, where the token is not believed.
    await runInDurableObject(env.USER_SESSIONS.getByName(user?.sub ?? ""), (object) => {
      object.end(session?.id ?? "");
    });
    const later = openBrowser(openSite());
    later.cookies.set(SESSION_COOKIE, token);
    expect((await later.session()).authenticated).toBe(isBelieved);
  });
});

describe("F9 logging in again", () => {
  it("whose answer gets lost leaves the old session alive, which the browser still has", async () => {
    const site = openSite();
    const browser = openBrowser(site);
    await browser.logIn();
    const old = browser.cookies.get(SESSION_COOKIE) ?? "";
    const authorize = await browser.get("/auth/login?prompt=login&return_to=/members/");
    const callback = await browser.atProvider(new URL(authorize.headers.get("location") ?? ""));
    expect((await browser.get(callback.href)).status).toBe(303);
    const renewed = browser.cookies.get(SESSION_COOKIE) ?? "";
    expect(renewed).not.toBe(old);

    // The answer never came: the browser goes on with what it had.
    browser.cookies.set(SESSION_COOKIE, old);
    expect((await browser.session()).authenticated).toBe(true);

    // It did come: the first use of the new session ends the old one.
    browser.cookies.set(SESSION_COOKIE, renewed);
    site.resetCounts();
    expect((await browser.session()).authenticated).toBe(true);
    expect(site.counts.durableObjectCalls).toEqual(["sessions.end"]);
    expect((await browser.session()).authenticated).toBe(true);
    expect(site.counts.durableObjectCalls).toEqual(["sessions.end"]);
    browser.cookies.set(SESSION_COOKIE, old);
    expect((await browser.session()).authenticated).toBe(false);
  });

  /** Logged in twice, with the token of the second session, which the browser has not used yet. */
  async function twiceLoggedIn(site: TestSite): Promise<Browser> {
    const browser = openBrowser(site);
    await browser.logIn();
    const authorize = await browser.get("/auth/login?prompt=login");
    const callback = await browser.atProvider(new URL(authorize.headers.get("location") ?? ""));
    expect((await browser.get(callback.href)).status).toBe(303);
    return browser;
  }
  const claimsOf = ({ cookies }: Browser) => decodeJwt(cookies.get(SESSION_COOKIE) ?? "");

  it.each([
    ["by the login's object", 0],
    ["at the edge, where the object has enough under way", 4],
  ])(
    "whose answer gets lost, and once more: nobody's session is not listed beside the new one, recorded %s",
    async (_where, underWay) => {
      const { provider, site, browser } = openHostileSite({ vars: { LOGIN_SHARDS: "1" } });
      let release = () => {};
      const released = new Promise<void>((resolve) => {
        release = resolve;
      });
      provider.answers.token = (_request, proper) => released.then(proper);
      const held = Array.from({ length: underWay }, async () => {
        const other = openBrowser(site);
        return other.get(provider.authorize(await other.startLogin()).href);
      });
      await vi.waitFor(() => expect(provider.count("token")).toBe(underWay));
      delete provider.answers.token;

      const callback = provider.authorize(await browser.startLogin("/members/"));
      expect((await browser.get(callback.href)).status).toBe(303);
      browser.cookies.delete(SESSION_COOKIE);
      expect((await browser.get(callback.href)).status).toBe(400);
      expect((await logInAt(provider, browser)).status).toBe(303);
      const listed = async () => {
        const list = await browser.get("/auth/sessions", { accept: "application/json" });
        return (await list.json<{ sessions: unknown[] }>()).sessions.length;
      };
      expect(await listed()).toBe(1);

      // Another browser of the same person is none of this one's business.
      const second = openBrowser(site);
      expect((await logInAt(provider, second)).status).toBe(303);
      expect(await listed()).toBe(2);
      release();
      for (const answer of await Promise.all(held)) expect(answer.status).toBe(303);
    },
  );

  it("is forgotten with the first renewal: no later token names the old session, and nobody asks again", async () => {
    stopClock();
    const site = openSite();
    const browser = await twiceLoggedIn(site);
    expect(claimsOf(browser)).toHaveProperty("replaces");
    wait(301);
    site.resetCounts();
    expect((await browser.session()).authenticated).toBe(true);
    expect(site.counts.durableObjectCalls.toSorted()).toEqual(["sessions.end", "sessions.renew"]);
    expect(claimsOf(browser)).not.toHaveProperty("replaces");
    beginIsolate();
    site.resetCounts();
    expect((await browser.session()).authenticated).toBe(true);
    expect(site.counts.durableObjectCalls).toEqual([]);
  });

  it("goes on naming the old session where the store did not say that it has ended", async () => {
    stopClock();
    const userSessions = withFailing(env.USER_SESSIONS, "end", "rejects");
    userSessions.failures.on = false;
    const site = openSite({ vars: { USER_SESSIONS: userSessions } });
    const browser = await twiceLoggedIn(site);
    userSessions.failures.on = true;
    wait(301);
    expect((await browser.session()).authenticated).toBe(true);
    expect(claimsOf(browser)).toHaveProperty("replaces");
    expect(site.log).toContainEqual(expect.objectContaining({ event: "replaced_session_not_ended" }));
  });

  it("and out at once ends both", async () => {
    const site = openSite();
    const browser = openBrowser(site);
    await browser.logIn({ user: "kari" });
    const old = browser.cookies.get(SESSION_COOKIE) ?? "";
    const authorize = await browser.get("/auth/login?prompt=login");
    await browser.get(
      (await browser.atProvider(new URL(authorize.headers.get("location") ?? ""), { user: "mette" })).href,
    );
    await browser.post("/auth/logout");
    const thief = openBrowser(site);
    thief.cookies.set(SESSION_COOKIE, old);
    expect((await thief.session()).authenticated).toBe(false);
  });
});

describe("R43 an erasure", () => {
  it("is noted outside the database, as a digest alone", async () => {
    const site = openSite();
    const browser = openBrowser(site, FROM_HERE);
    await browser.logIn();
    const { user } = await browser.session();
    expect((await browser.post("/auth/me/erase", { confirm: "yes" })).status).toBe(200);
    const { keys } = await env.VIPPS_METADATA.list({ prefix: ERASED });
    expect(keys.map(({ name }) => name)).toEqual([
      `${ERASED}${await accountSubject("default", user?.sub ?? "")}`,
    ]);
    expect(keys[0]?.expiration).toBeGreaterThan(Date.now() / 1000 + 399 * 24 * 3600);
    expect(keys[0]?.name).not.toContain(user?.sub);
    expect(await env.VIPPS_METADATA.get(keys[0]?.name ?? "")).toBe("");
  });

  it("goes on where that cannot be noted, and says so", async () => {
    const namespace = withFailing(env.VIPPS_METADATA, "put", "rejects");
    namespace.failures.on = false;
    const site = openSite({ vars: { VIPPS_METADATA: namespace } });
    const browser = openBrowser(site, FROM_HERE);
    await browser.logIn();
    namespace.failures.on = true;
    expect((await browser.post("/auth/me/erase", { confirm: "yes" })).status).toBe(200);
    expect(await accountsDatabase().prepare("SELECT count(*) AS n FROM accounts").first("n")).toBe(0);
    expect(site.log).toContainEqual(expect.objectContaining({ event: "erasure_not_noted", store: "kv" }));
    expect(namespace.failures.count).toBe(2);
  });

  it("that could not be noted is noted by a daily trigger, however many days that takes", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const namespace = withFailing(env.VIPPS_METADATA, "put", "rejects");
    namespace.failures.on = false;
    const site = openSite({ vars: { VIPPS_METADATA: namespace } });
    const browser = openBrowser(site, FROM_HERE);
    await browser.logIn();
    const subject = await accountSubject("default", (await browser.session()).user?.sub ?? "");
    const marked = async () => {
      const rows = accountsDatabase().prepare("SELECT subject FROM erasures WHERE erased_at < 0");
      return (await rows.all()).results.map((row) => row.subject);
    };
    const noted = async () =>
      (await env.VIPPS_METADATA.list({ prefix: ERASED })).keys.map(({ name }) => name);
    const nextDay = () => {
      vi.setSystemTime(Date.now() + 24 * 3600_000);
      return runScheduledWork(createScheduledController(), site.env);
    };
    namespace.failures.on = true;
    await browser.post("/auth/me/erase", { confirm: "yes" });
    for (let day = 0; day < 3; day += 1) {
      expect([await marked(), await noted()]).toEqual([[subject], []]);
      await nextDay();
    }
    namespace.failures.on = false;
    await nextDay();
    expect([await marked(), await noted()]).toEqual([[], [`${ERASED}${subject}`]]);
    expect(site.log.map(({ event }) => event)).toContain("erasure_noted_later");
    // The marks of the person are gone by now, as ever.
    expect(await accountsDatabase().prepare("SELECT count(*) AS n FROM erasures").first("n")).toBe(0);
  });
});
