import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { withFailing } from "../conformance/failing-storage.ts";
import { type Browser, openBrowser, SESSION_COOKIE } from "./browser.ts";
import { seconds, stopClock, wait } from "./clock.ts";
import { claimsOf, tokenOf } from "./session-tokens.ts";
import { openSite, SITE, type TestSite } from "./site.ts";

beforeEach(stopClock);

/** A browser elsewhere with a copy of this one's session cookie. */
function copyOf(browser: Browser, site: TestSite): Browser {
  const copy = openBrowser(site);
  copy.cookies.set(SESSION_COOKIE, tokenOf(browser));
  return copy;
}

const storeOf = (token: string) => env.USER_SESSIONS.getByName(String(claimsOf(token).sub));

const rowsOf = (token: string) =>
  runInDurableObject(storeOf(token), (_object, { storage }) => {
    const table = storage.sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'sessions'").toArray();
    return table.length === 0 ? undefined : storage.sql.exec("SELECT * FROM sessions").toArray();
  });

describe("a fresh token", () => {
  it("is verified once and then believed without I/O until half of SESSION_FRESH is over", async () => {
    const site = openSite();
    const browser = openBrowser(site);
    await browser.logIn();
    const token = tokenOf(browser);
    const verify = vi.spyOn(crypto.subtle, "verify");
    site.resetCounts();

    for (const pause of [0, 0, 100, 50]) {
      wait(pause);
      expect((await browser.session()).authenticated).toBe(true);
    }
    expect(verify).toHaveBeenCalledTimes(1);
    expect(site.counts).toMatchObject({ kvReads: 0, kvWrites: 0, durableObjectCalls: [], fetches: [] });
    expect(tokenOf(browser)).toBe(token);

    wait(1);
    expect((await browser.session()).authenticated).toBe(true);
    expect(site.counts.durableObjectCalls).toEqual(["sessions.renew"]);
    expect(tokenOf(browser)).toBe(token);
    expect((await browser.session()).authenticated).toBe(true);
    expect(site.counts.durableObjectCalls).toEqual(["sessions.renew"]);
    expect(tokenOf(browser)).not.toBe(token);
  });

  it("is still good where it cannot be renewed behind the answer, and the store is left alone a while", async () => {
    const sessions = withFailing(env.USER_SESSIONS, "renew", "rejects");
    const site = openSite({ vars: { USER_SESSIONS: sessions } });
    const browser = openBrowser(site);
    await browser.logIn();
    const token = tokenOf(browser);
    wait(200);
    for (let time = 0; time < 5; time += 1) expect((await browser.session()).authenticated).toBe(true);
    expect(sessions.failures.count).toBe(1);
    expect(tokenOf(browser)).toBe(token);
    sessions.failures.on = false;
    wait(11);
    for (let time = 0; time < 2; time += 1) expect((await browser.session()).authenticated).toBe(true);
    expect(tokenOf(browser)).not.toBe(token);
  });

  it("of a session that ended elsewhere is dead here as soon as the store has said so behind an answer", async () => {
    const site = openSite();
    const browser = openBrowser(site);
    await browser.logIn();
    const { user, session } = await browser.session();
    await env.USER_SESSIONS.getByName(user?.sub ?? "").end(session?.id ?? "");
    wait(151);
    expect((await browser.session()).authenticated).toBe(true);
    expect((await browser.session()).authenticated).toBe(false);
  });

  it("expires for origins in the second in which the worker asks the store again", async () => {
    const browser = openBrowser(openSite({ vars: { SESSION_FRESH: "10" } }));
    await browser.logIn();
    const { iat = 0, exp } = claimsOf(tokenOf(browser));
    expect([iat, exp]).toEqual([seconds(), seconds() + 10]);
  });

  it("stands for what these settings made of it: another site's settings look for themselves", async () => {
    const browser = openBrowser(openSite());
    await browser.logIn();
    expect((await browser.session()).authenticated).toBe(true);
    const other = openSite({ vars: { AUTH_PATH: "/login" } });
    const copy = copyOf(browser, other);
    expect(await (await copy.get("/login/session")).json()).toEqual({ authenticated: false });
  });

  it("is stale at once where the owner shortens SESSION_FRESH", async () => {
    const browser = openBrowser(openSite({ vars: { SESSION_FRESH: "3600" } }));
    await browser.logIn();
    wait(60);
    const strict = openSite({ vars: { SESSION_FRESH: "60" } });
    const copy = copyOf(browser, strict);
    expect((await copy.session()).authenticated).toBe(true);
    expect(strict.counts.durableObjectCalls).toEqual(["sessions.renew"]);
  });
});

describe("a stale token", () => {
  it("is renewed by one call to the store, with the same session and a later expiry", async () => {
    const site = openSite();
    const browser = openBrowser(site);
    await browser.logIn();
    const first = claimsOf(tokenOf(browser));
    wait(1000);
    site.resetCounts();
    const response = await browser.get("/auth/session");
    expect(response.headers.get("set-cookie")).toContain("; Max-Age=604800;");
    expect(site.counts.durableObjectCalls).toEqual(["sessions.renew"]);
    const second = claimsOf(tokenOf(browser));
    expect(second).toEqual({ ...first, iat: seconds(), exp: seconds() + 300 });
  });

  it("meets twenty requests at once: all are logged in, and later ones ask the store no more", async () => {
    const site = openSite();
    const browser = openBrowser(site);
    await browser.logIn();
    const token = tokenOf(browser);
    wait(400);
    const copies = Array.from({ length: 20 }, () => copyOf(browser, site));
    const answers = await Promise.all(copies.map((copy) => copy.session()));
    expect(answers.every(({ authenticated }) => authenticated)).toBe(true);

    site.resetCounts();
    const late = openBrowser(site);
    late.cookies.set(SESSION_COOKIE, token);
    expect((await late.session()).authenticated).toBe(true);
    expect(site.counts.durableObjectCalls).toEqual([]);
    expect(copies.map(tokenOf)).toContain(tokenOf(late));
    expect(await rowsOf(token)).toHaveLength(1);
  });

  it("asks the store again when what it was renewed to is stale too", async () => {
    const site = openSite();
    const browser = openBrowser(site);
    await browser.logIn();
    const token = tokenOf(browser);
    wait(400);
    await browser.session();
    wait(300);
    site.resetCounts();
    const late = openBrowser(site);
    late.cookies.set(SESSION_COOKIE, token);
    expect((await late.session()).authenticated).toBe(true);
    expect(site.counts.durableObjectCalls).toEqual(["sessions.renew"]);
  });

  it("whose session has ended asks the store once, not at every request", async () => {
    const home = openSite();
    const browser = openBrowser(home);
    await browser.logIn();
    const elsewhere = openSite();
    const thief = copyOf(browser, elsewhere);
    const token = tokenOf(thief);
    await copyOf(browser, openSite()).post("/auth/logout");
    wait(301);
    for (let round = 0; round < 3; round += 1) {
      thief.cookies.set(SESSION_COOKIE, token);
      const response = await thief.get("/auth/session");
      expect(await response.json()).toEqual({ authenticated: false });
      expect(response.headers.get("set-cookie")).toMatch(/^__Host-vipps-session=; Max-Age=0; /);
    }
    expect(elsewhere.counts.durableObjectCalls).toEqual(["sessions.renew"]);
  });

  it("takes along the claims that SESSION_CLAIMS names now, not those it had", async () => {
    const browser = openBrowser(openSite({ vars: { SESSION_CLAIMS: "name email" } }));
    await browser.logIn();
    expect(claimsOf(tokenOf(browser))).toHaveProperty("email");
    wait(301);
    const copy = copyOf(browser, openSite({ vars: { SESSION_CLAIMS: "name" } }));
    await copy.session();
    expect(claimsOf(tokenOf(copy))).not.toHaveProperty("email");
    expect(claimsOf(tokenOf(copy))).toHaveProperty("name");
  });

  it("is not renewed when its session ends here while the store is on its way to say yes", async () => {
    let held = Promise.resolve();
    const site = openSite({ vars: { USER_SESSIONS: withSlowAnswers(() => held) } });
    const browser = openBrowser(site);
    await browser.logIn();
    const old = copyOf(browser, site);
    wait(400);
    const { promise, resolve: letGo } = Promise.withResolvers<void>();
    held = promise;
    const answer = old.session();
    await vi.waitUntil(() => renewals > 0);
    held = Promise.resolve();
    await browser.post("/auth/logout");
    letGo();
    expect((await answer).authenticated).toBe(false);
  });
});

let renewals = 0;

/** The session store, its answers to `renew` held back on their way. */
function withSlowAnswers(held: () => Promise<void>): Cloudflare.Env["USER_SESSIONS"] {
  renewals = 0;
  const slow = (stub: ReturnType<Cloudflare.Env["USER_SESSIONS"]["getByName"]>) =>
    new Proxy(stub, {
      get(target, name) {
        const method = Reflect.get(target, name);
        return async (...args: unknown[]) => {
          const wait = held();
          const answer = await Reflect.apply(method, target, args);
          if (name === "renew") {
            renewals += 1;
            await wait;
          }
          return answer;
        };
      },
    });
  return new Proxy(env.USER_SESSIONS, {
    get: (target, name) =>
      name === "getByName" ? (account: string) => slow(target.getByName(account)) : Reflect.get(target, name),
  });
}

describe("the life of a session", () => {
  it("ends when nobody uses it for SESSION_IDLE seconds, and not a second earlier", async () => {
    const vars = { SESSION_IDLE: "600", SESSION_FRESH: "60" };
    const browser = openBrowser(openSite({ vars }));
    await browser.logIn();
    wait(599);
    expect((await browser.session()).authenticated).toBe(true);
    wait(600);
    expect((await browser.session()).authenticated).toBe(false);
    expect(browser.cookies.has(SESSION_COOKIE)).toBe(false);
  });

  it("goes idle in the store too, whatever token is shown", async () => {
    const site = openSite({ vars: { SESSION_IDLE: "600", SESSION_FRESH: "60" } });
    const browser = openBrowser(site);
    await browser.logIn();
    const store = storeOf(tokenOf(browser));
    const { sid } = claimsOf(tokenOf(browser));
    const lifetime = { ttl: 2_592_000, idle: 600 };
    wait(599);
    expect(await store.renew(String(sid), lifetime)).toBe(true);
    wait(600);
    expect(await store.renew(String(sid), lifetime)).toBe(false);
  });

  it("lasts while somebody is active, also with SESSION_FRESH as long as SESSION_IDLE", async () => {
    const browser = openBrowser(openSite({ vars: { SESSION_IDLE: "60", SESSION_FRESH: "60" } }));
    await browser.logIn();
    for (let round = 0; round < 10; round += 1) {
      wait(29);
      expect((await browser.session()).authenticated).toBe(true);
    }
  });

  it("ends SESSION_TTL seconds after the login, however active somebody is", async () => {
    const vars = { SESSION_TTL: "1000", SESSION_IDLE: "1000", SESSION_FRESH: "100" };
    const browser = openBrowser(openSite({ vars }));
    await browser.logIn();
    const end = seconds() + 1000;
    for (let round = 0; round < 9; round += 1) {
      wait(105);
      const { authenticated, session } = await browser.session();
      expect([authenticated, session?.expires_at]).toEqual([true, end]);
    }
    expect(claimsOf(tokenOf(browser)).exp).toBe(end);
    wait(end - seconds() - 1);
    expect((await browser.session()).authenticated).toBe(true);
    wait(1);
    const response = await browser.get("/auth/session");
    expect(await response.json()).toEqual({ authenticated: false });
  });

  it("tells the browser to forget the cookie when the session can be over at the latest", async () => {
    const vars = { SESSION_TTL: "1000", SESSION_IDLE: "600", SESSION_FRESH: "100" };
    const browser = openBrowser(openSite({ vars }));
    expect((await browser.logIn()).headers.get("set-cookie")).toContain("; Max-Age=600;");
    wait(500);
    const renewed = await browser.get("/auth/session");
    expect(renewed.headers.get("set-cookie")).toContain("; Max-Age=500;");
    // The next answer begins with none of this one's headers.
    const next = await browser.get("/auth/session");
    expect(next.headers.get("set-cookie")).toBeNull();
    expect([...next.headers]).toEqual([...renewed.headers].filter(([name]) => name !== "set-cookie"));
  });

  it.each([
    ["idle", { SESSION_IDLE: "600" }],
    ["absolute", { SESSION_TTL: "600" }],
  ])("follows a shortened %s lifetime without asking the store", async (_which, vars) => {
    const browser = openBrowser(openSite());
    await browser.logIn();
    wait(600);
    const strict = openSite({ vars });
    expect((await copyOf(browser, strict).session()).authenticated).toBe(false);
    expect(strict.counts.durableObjectCalls).toEqual([]);
  });

  it("counts from the answer on the confirm page, not from the question before it", async () => {
    const site = openSite({ vars: { SESSION_TTL: "300" } });
    const starter = openBrowser(site);
    const callback = await starter.atProvider(await starter.startLogin());
    const other = openBrowser(site);
    const page = await (await other.get(callback.href)).text();
    const attempt = /name="attempt" value="([\w.-]+)"/.exec(page)?.[1] ?? "";
    wait(400);
    expect((await other.post("/auth/continue", { attempt, answer: "yes", confirm: "yes" })).status).toBe(303);
    expect(await other.session()).toMatchObject({
      authenticated: true,
      session: { expires_at: seconds() + 300 },
    });
  });
});

describe("the session store", () => {
  const begun = (sid: string) => ({
    sid,
    startedAt: seconds(),
    device: { browser: undefined, system: undefined },
    place: { city: undefined, country: undefined },
  });

  it("deletes an object when its last session is over, and takes a new login right afterwards", async () => {
    const site = openSite({ vars: { SESSION_IDLE: "600" } });
    const browser = openBrowser(site);
    await browser.logIn();
    const token = tokenOf(browser);
    wait(601);
    expect(await runDurableObjectAlarm(storeOf(token))).toBe(true);
    expect(await rowsOf(token)).toBeUndefined();
    expect((await openBrowser(site).logIn()).status).toBe(303);
    expect(await rowsOf(token)).toHaveLength(1);
  });

  it("keeps what still lives when it looks, and looks again when that may be over", async () => {
    const site = openSite({ vars: { SESSION_IDLE: "600", SESSION_FRESH: "60" } });
    const active = openBrowser(site);
    const idle = openBrowser(site);
    await active.logIn();
    await idle.logIn();
    const token = tokenOf(active);
    wait(500);
    await active.session();
    wait(101);
    expect(await runDurableObjectAlarm(storeOf(token))).toBe(true);
    expect(await rowsOf(token)).toMatchObject([{ sid: claimsOf(token).sid }]);
    const next = await runInDurableObject(storeOf(token), (_object, { storage }) => storage.getAlarm());
    expect(next).toBe((seconds() + 499) * 1000);
  });

  it("stores nothing for an account that has no session", async () => {
    const store = env.USER_SESSIONS.getByName("nobody");
    expect(await store.renew("01890a5d-ac96-774b-bcce-b302099a8057", { ttl: 60, idle: 60 })).toBe(false);
    await store.end("01890a5d-ac96-774b-bcce-b302099a8057");
    const tables = await runInDurableObject(store, (_object, { storage }) =>
      storage.sql.exec("SELECT name FROM sqlite_master").toArray(),
    );
    expect(tables).toEqual([]);
  });

  it("keeps a hundred sessions of a user; another login ends the one unused for longest", async () => {
    const store = env.USER_SESSIONS.getByName("busy");
    const lifetime = { ttl: 86_400, idle: 86_400 };
    for (let number = 0; number < 101; number += 1) {
      wait(1);
      await store.record(begun(`session ${number}`), lifetime);
      if (number === 50) await store.renew("session 0", lifetime);
    }
    expect(await store.renew("session 0", lifetime)).toBe(true);
    expect(await store.renew("session 1", lifetime)).toBe(false);
    expect(await store.renew("session 2", lifetime)).toBe(true);
  });

  it("writes once for requests of the same second", async () => {
    const store = env.USER_SESSIONS.getByName("writer");
    const lifetime = { ttl: 86_400, idle: 86_400 };
    await store.record(begun("one"), lifetime);
    const written = () =>
      runInDurableObject(
        store,
        (_object, { storage }) => storage.sql.exec<{ n: number }>("SELECT total_changes() AS n").one().n,
      );
    wait(10);
    const before = await written();
    for (let request = 0; request < 5; request += 1) await store.renew("one", lifetime);
    expect((await written()) - before).toBe(1);
  });
});

describe("a session store that does not answer", () => {
  /** Fails every call, or never answers. */
  function brokenStore(how: "fails" | "hangs"): Cloudflare.Env["USER_SESSIONS"] {
    const call = () =>
      how === "fails" ? Promise.reject(new Error("object unreachable")) : new Promise(() => undefined);
    const stub = new Proxy({}, { get: () => call });
    return new Proxy(env.USER_SESSIONS, { get: () => () => stub });
  }

  it("does not trouble a fresh token", async () => {
    const browser = openBrowser(openSite());
    await browser.logIn();
    wait(299);
    const broken = openSite({ vars: { USER_SESSIONS: brokenStore("fails") } });
    expect((await copyOf(browser, broken).session()).authenticated).toBe(true);
  });

  it("makes a stale token a 503 that leaves the cookie alone, and all is well when it answers again", async () => {
    const browser = openBrowser(openSite());
    await browser.logIn();
    wait(301);
    const broken = openSite({ vars: { USER_SESSIONS: brokenStore("fails") } });
    const copy = copyOf(browser, broken);
    const response = await copy.get("/auth/session");
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ code: "storage_unavailable" });
    expect(response.headers.getSetCookie()).toEqual([]);
    expect(broken.log).toMatchObject([{ code: "storage_unavailable", stage: "session" }]);
    expect((await copyOf(copy, openSite()).session()).authenticated).toBe(true);
  });

  it("is given up after five seconds", async () => {
    const browser = openBrowser(openSite());
    await browser.logIn();
    wait(301);
    const copy = copyOf(browser, openSite({ vars: { USER_SESSIONS: brokenStore("hangs") } }));
    vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"] });
    const asked = Date.now();
    const { response, took } = await untilSettled(copy.get("/auth/session"), asked);
    expect(response.status).toBe(503);
    expect(took).toBeGreaterThanOrEqual(5_000);
    expect(took).toBeLessThan(6_000);
  });

  it("lets nobody in: a login without a recorded session sets no session cookie", async () => {
    const browser = openBrowser(openSite({ vars: { USER_SESSIONS: brokenStore("fails") } }));
    const response = await browser.logIn();
    expect(response.status).toBe(503);
    expect(browser.cookies.has(SESSION_COOKIE)).toBe(false);
  });

  it("does not stop a logout, and hears of it as soon as it answers again", async () => {
    let held = false;
    const flaky = new Proxy(env.USER_SESSIONS, {
      get: (target, name) =>
        name === "getByName" && held
          ? () => ({ end: () => Promise.reject(new Error("object unreachable")) })
          : (Reflect.get(target, name) as (account: string) => object).bind(target),
    });
    const site = openSite({ vars: { USER_SESSIONS: flaky } });
    const browser = openBrowser(site);
    await browser.logIn();
    const token = tokenOf(browser);
    vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"] });
    held = true;
    const response = browser.post("/auth/logout");
    await vi.waitUntil(() => site.log.some(({ event }) => event === "logout_not_recorded"), PATIENCE);
    held = false;
    expect((await untilSettled(response, Date.now())).response.status).toBe(303);
    expect(browser.cookies.has(SESSION_COOKIE)).toBe(false);
    expect(site.log).toMatchObject([
      { event: "login_finished" },
      { level: "error", event: "logout_not_recorded", code: "storage_unavailable" },
      { level: "info", event: "session_end_recorded_late" },
    ]);
    expect(await storeOf(token).renew(String(claimsOf(token).sid), { ttl: 3600, idle: 3600 })).toBe(false);
  });
});

/** Each look turns a stopped clock on by the interval, in milliseconds. */
const PATIENCE = { interval: 50, timeout: 20_000 };

/** Turns a stopped clock on until an answer is there. @returns it, and how long it took in milliseconds */
async function untilSettled(answer: Promise<Response>, from: number) {
  let response: Response | undefined;
  answer.then((settled) => {
    response = settled;
  });
  await vi.waitUntil(() => response, PATIENCE);
  return { response: await answer, took: Date.now() - from };
}

describe("a native app's Bearer token", () => {
  const asApp = (token: string) => ({ authorization: `Bearer ${token}`, accept: "application/json" });

  it("counts before any cookie, gets no cookie, and finds its successor in the answer", async () => {
    const site = openSite();
    const [app, browser] = [openBrowser(site), openBrowser(site)];
    await app.logIn({ user: "mette" });
    await browser.logIn({ user: "kari" });
    const token = tokenOf(app);
    expect(await (await browser.get("/auth/session", asApp(token))).json()).toMatchObject({
      user: { name: "Mette-Marie Østergaard-Sørensen" },
      session: { id: claimsOf(token).sid },
    });
    wait(301);
    const response = await browser.get("/auth/session", asApp(token));
    expect(response.headers.getSetCookie()).toEqual([]);
    const { session } = await response.json<{ session: { token: string } }>();
    expect(claimsOf(session.token)).toMatchObject({ sid: claimsOf(token).sid, iat: seconds() });
  });

  it("of the site behind is none of ours, so the cookie counts", async () => {
    const browser = openBrowser(openSite());
    await browser.logIn();
    const response = await browser.get("/auth/session", asApp("eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl"));
    expect(await response.json()).toMatchObject({ authenticated: true });
  });

  it("is never handed to a browser's script", async () => {
    const browser = openBrowser(openSite());
    await browser.logIn();
    wait(301);
    expect((await browser.session()).session).toEqual({
      id: expect.any(String),
      expires_at: expect.any(Number),
    });
  });

  it("ends with a logout that carries it", async () => {
    const site = openSite();
    const app = openBrowser(site);
    await app.logIn();
    const token = tokenOf(app);
    const stranger = openBrowser(site);
    const logout = { method: "POST", headers: asApp(token) };
    expect((await stranger.request("/auth/logout", logout)).status).toBe(204);
    const answer = await stranger.get("/auth/session", asApp(token));
    expect(await answer.json()).toEqual({ authenticated: false });
  });
});

describe("logging out without a place to go to", () => {
  it.each([
    ["nb", "Vipps kan huske den som sist logget inn i denne nettleseren"],
    ["da", "kan huske den, der sidst loggede ind i denne browser"],
    ["sv", "Vipps kan komma ihåg den som senast loggade in i den här webbläsaren"],
    ["fi", "voi muistaa tässä selaimessa viimeksi kirjautuneen"],
    ["en", "Vipps MobilePay may remember whoever logged in last in this browser"],
  ])("ends at a page that says in %s that Vipps may remember the browser", async (language, sentence) => {
    const browser = openBrowser(openSite(), { "accept-language": language });
    await browser.logIn();
    const left = await browser.post("/auth/logout");
    expect([left.status, left.headers.get("location")]).toEqual([303, "/auth/logged-out"]);
    const page = await browser.get("/auth/logged-out");
    expect(page.status).toBe(200);
    expect(await page.text()).toContain(sentence);
    const named = await browser.post("/auth/logout", { return_to: "/auth/logged-out" });
    expect(named.headers.get("location")).toBe("/auth/logged-out");
  });

  it("is told in a status to scripts, forms that they send included, and by a redirect to who shows pages", async () => {
    const elsewhere = "https://static.example";
    const browser = openBrowser(openSite({ vars: { RETURN_TO_ORIGINS: elsewhere } }));
    const script = { "sec-fetch-mode": "cors", "sec-fetch-dest": "empty", accept: "*/*" };
    const form = "application/x-www-form-urlencoded;charset=UTF-8";
    const asTurbo = { ...script, accept: "text/vnd.turbo-stream.html, text/html, application/xhtml+xml" };
    const statuses: unknown[] = [];
    for (const headers of [
      { ...script, "content-type": form, origin: elsewhere, "sec-fetch-site": "same-site" },
      { ...script, "content-type": form },
      { accept: "application/json", "content-type": form },
      { ...asTurbo, "content-type": form },
      { accept: "*/*", "content-type": form },
    ]) {
      await browser.logIn();
      const init = { method: "POST", headers: { origin: SITE, ...headers }, body: "return_to=%2Fbye" };
      const answer = await browser.request("/auth/logout", init);
      statuses.push([answer.status, answer.headers.get("location")]);
      expect((await browser.session()).authenticated).toBe(false);
    }
    expect(statuses).toEqual([
      [204, null],
      [204, null],
      [204, null],
      [303, "/bye"],
      [303, "/bye"],
    ]);
  });

  it("is offered at the page that would say it is done, to whoever has logged in again and comes back to it", async () => {
    const browser = openBrowser(openSite(), { "accept-language": "en" });
    await browser.logIn();
    await browser.post("/auth/logout");
    expect(await (await browser.get("/auth/logged-out")).text()).toContain("You are logged out");
    await browser.logIn();
    const page = await browser.get("/auth/logged-out");
    expect(page.status).toBe(200);
    const text = await page.text();
    expect(text).toContain("Log out?");
    expect(text).not.toContain("You are logged out");
    expect((await browser.session()).authenticated).toBe(true);
  });
});
