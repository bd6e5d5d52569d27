// R20: a new id at each login; what has ended is dead here at once and everywhere within SESSION_FRESH.

import { beforeEach, describe, expect, it } from "vitest";
import { type Browser, openBrowser, SESSION_COOKIE } from "../worker/browser.ts";
import { stopClock, wait } from "../worker/clock.ts";
import { claimsOf, tokenOf } from "../worker/session-tokens.ts";
import { openSite, SITE, type TestSite } from "../worker/site.ts";

beforeEach(stopClock);

const FRESH = 300;

/** A browser elsewhere, where nothing is known of what has ended here, with a copy of a token. */
function elsewhere(token: string, site: TestSite = openSite()): Browser {
  const browser = openBrowser(site);
  browser.cookies.set(SESSION_COOKIE, token);
  return browser;
}

const authenticated = async (browser: Browser) => (await browser.session()).authenticated;

/** Ways to end the session of `victim`, whose account is logged in on `other` too. */
const ENDINGS: readonly [string, (victim: Browser, other: Browser) => Promise<Response>][] = [
  ["a logout", (victim) => victim.post("/auth/logout")],
  [
    "a script's logout",
    (victim) => victim.request("/auth/logout", { method: "POST", headers: { accept: "*/*", origin: SITE } }),
  ],
  [
    "its end from another device",
    (victim, other) =>
      other.request(`/auth/sessions/${claimsOf(tokenOf(victim)).sid}`, {
        method: "DELETE",
        headers: { origin: SITE },
      }),
  ],
  [
    "the end of all others",
    (_victim, other) => other.request("/auth/sessions", { method: "DELETE", headers: { origin: SITE } }),
  ],
  ["the page of sessions", (_victim, other) => other.post("/auth/sessions/end", { session: "others" })],
  [
    "a new login in the same browser, once its session is used,",
    async (victim) => {
      const start = await victim.get("/auth/login?prompt=login");
      const callback = await victim.atProvider(new URL(start.headers.get("location") ?? ""));
      await victim.get(callback.href);
      return victim.get("/auth/session");
    },
  ],
];

describe("R20", () => {
  it.each(ENDINGS)(
    "after %s the token is dead here at once, and elsewhere when it is stale",
    async (_how, end) => {
      const [away, site] = [openSite(), openSite()];
      const [victim, other] = [openBrowser(site), openBrowser(site)];
      await victim.logIn();
      await other.logIn();
      const token = tokenOf(victim);
      expect(await authenticated(elsewhere(token, away))).toBe(true);

      expect((await end(victim, other)).status).toBeLessThan(400);
      expect(await authenticated(elsewhere(token, site))).toBe(false);

      wait(FRESH - 1);
      expect(await authenticated(elsewhere(token, away))).toBe(true);
      wait(1);
      expect(await authenticated(elsewhere(token, away))).toBe(false);
      expect(await authenticated(elsewhere(token, site))).toBe(false);
      // Nothing brings it back: not another place, not time.
      wait(FRESH);
      expect(await authenticated(elsewhere(token))).toBe(false);
    },
  );

  it("lets no token that was renewed before the end outlive it by more than SESSION_FRESH", async () => {
    const site = openSite();
    const victim = openBrowser(site);
    await victim.logIn();
    wait(FRESH);
    const away = openSite();
    const copy = elsewhere(tokenOf(victim), away);
    expect(await authenticated(copy)).toBe(true);
    await victim.post("/auth/logout");
    wait(FRESH);
    expect(await authenticated(copy)).toBe(false);
  });

  it("gives a different id to every login of the same person", async () => {
    const site = openSite();
    const ids = new Set<unknown>();
    for (let login = 0; login < 5; login += 1) {
      const browser = openBrowser(site);
      await browser.logIn();
      ids.add(claimsOf(tokenOf(browser)).sid);
    }
    expect(ids.size).toBe(5);
  });

  it("never takes a session id from outside", async () => {
    const site = openSite();
    const [attacker, victim] = [openBrowser(site), openBrowser(site)];
    await attacker.logIn({ user: "mette" });
    const planted = tokenOf(attacker);
    victim.cookies.set(SESSION_COOKIE, planted);
    const start = await victim.get("/auth/login?prompt=login");
    const callback = await victim.atProvider(new URL(start.headers.get("location") ?? ""), { user: "kari" });
    await victim.get(callback.href);
    expect(claimsOf(tokenOf(victim)).sid).not.toBe(claimsOf(planted).sid);
    expect(await victim.session()).toMatchObject({ user: { name: "Kari Nordmann" } });
  });

  it("reaches every device with 'end all others' and a logout", async () => {
    const site = openSite();
    const browsers = Array.from({ length: 5 }, () => openBrowser(site));
    for (const browser of browsers) await browser.logIn();
    const tokens = browsers.map(tokenOf);
    await browsers[0]?.request("/auth/sessions", { method: "DELETE", headers: { origin: SITE } });
    await browsers[0]?.post("/auth/logout");
    wait(FRESH);
    const away = openSite();
    for (const token of tokens) expect(await authenticated(elsewhere(token, away))).toBe(false);
  });
});
