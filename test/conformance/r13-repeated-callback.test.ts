import { describe, expect, it, vi } from "vitest";
import { BROWSER_COOKIE, openBrowser, SESSION_COOKIE } from "../worker/browser.ts";
import { keptOfLogins, nextLoginAlarm, runLoginAlarms } from "../worker/login-objects.ts";
import { textOf } from "../worker/page-form.ts";
import { openSite } from "../worker/site.ts";

/** Where a page sends the browser by itself. */
function refreshOf(page: string): string | undefined {
  return /http-equiv="refresh" content="\d+; url=([^"]+)"/.exec(page)?.[1]?.replaceAll("&amp;", "&");
}

describe("R13 a callback that is loaded again", () => {
  it("takes a reload or the back button in the logged-in browser to the return URL, and makes nothing", async () => {
    const site = openSite();
    const browser = openBrowser(site);
    const callback = await browser.atProvider(await browser.startLogin("/members/?page=2"));
    await browser.get(callback.href);
    const { id } = (await browser.session()).session ?? {};
    site.resetCounts();
    for (let time = 0; time < 3; time += 1) {
      const again = await browser.get(callback.href);
      expect(again.status).toBe(303);
      expect(again.headers.get("location")).toBe("/members/?page=2");
      expect(again.headers.getSetCookie()).toEqual([]);
    }
    expect(site.counts.fetches).toEqual([]);
    expect(new Set(site.counts.durableObjectCalls)).toEqual(new Set(["attempt.finish"]));
    expect((await browser.session()).session?.id).toBe(id);
  });

  it("does so hours later, until the login is forgotten after a day", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const browser = openBrowser(openSite());
    const callback = await browser.atProvider(await browser.startLogin("/members/"));
    await browser.get(callback.href);
    const finishedAt = Date.now();
    vi.setSystemTime(finishedAt + 23 * 3600_000);
    expect((await browser.get(callback.href)).headers.get("location")).toBe("/members/");

    await runLoginAlarms();
    expect(await keptOfLogins()).toHaveLength(1);
    expect(await nextLoginAlarm()).toBeLessThanOrEqual(Date.now() + 3600_000);
    vi.setSystemTime(finishedAt + 25 * 3600_000);
    await runLoginAlarms();
    expect(await keptOfLogins()).toEqual([]);
    expect(await nextLoginAlarm()).toBeUndefined();
    expect((await browser.get(callback.href)).status).toBe(400);
  });

  it("takes every tab home by whichever of its logins, when the last one made the session", async () => {
    const browser = openBrowser(openSite());
    const callbacks = [];
    for (const tab of ["/a", "/b"]) callbacks.push(await browser.atProvider(await browser.startLogin(tab)));
    for (const callback of callbacks) await browser.get(callback.href);
    const locations = [];
    for (const callback of callbacks) {
      locations.push((await browser.get(callback.href)).headers.get("location"));
    }
    expect(locations).toEqual(["/a", "/b"]);
  });

  it("makes one session and one token request of ten callbacks at once, and sends the rest after it", async () => {
    const site = openSite();
    const browser = openBrowser(site);
    const callback = await browser.atProvider(await browser.startLogin("/members/"));
    const responses = await Promise.all(Array.from({ length: 10 }, () => browser.get(callback.href)));
    const finished = responses.filter(({ status }) => status === 303);
    expect(finished.length).toBe(1);
    expect(finished[0]?.headers.get("location")).toBe("/members/");
    expect(site.simulator.control.journal.count("token")).toBe(1);
    for (const response of responses.filter((each) => each !== finished[0])) {
      expect(response.status).toBe(400);
      expect(response.headers.getSetCookie()).toEqual([]);
      const next = refreshOf(await response.text());
      expect(next).toBe("/auth/login?return_to=%2Fmembers%2F");
      expect((await browser.get(next ?? "")).headers.get("location")).toBe("/members/");
    }
  });

  it("starts a new login for the browser whose first answer was lost on the way", async () => {
    const site = openSite();
    const browser = openBrowser(site);
    const callback = await browser.atProvider(await browser.startLogin("/members/"));
    await browser.get(callback.href);
    browser.cookies.delete(SESSION_COOKIE);
    const second = await browser.get(callback.href);
    expect(second.status).toBe(400);
    const next = await browser.get(refreshOf(await second.text()) ?? "");
    expect(next.status).toBe(302);
    expect((await browser.session()).authenticated).toBe(false);
    const callback2 = await browser.atProvider(new URL(next.headers.get("location") ?? ""));
    expect((await browser.get(callback2.href)).headers.get("location")).toBe("/members/");
  });

  it("does not send anyone round again once the first answer has had its time", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const browser = openBrowser(openSite());
    const callback = await browser.atProvider(await browser.startLogin());
    await browser.get(callback.href);
    browser.cookies.delete(SESSION_COOKIE);
    vi.setSystemTime(Date.now() + 31_000);
    const late = await browser.get(callback.href);
    expect(late.status).toBe(400);
    expect(refreshOf(await late.text())).toBeUndefined();
  });

  it("does not log in again after logging out, by the back button", async () => {
    const site = openSite();
    const browser = openBrowser(site);
    const callback = await browser.atProvider(await browser.startLogin());
    await browser.get(callback.href);
    await browser.post("/auth/logout");
    const back = await browser.get(callback.href);
    expect(back.status).toBe(400);
    const page = await back.text();
    expect(textOf(page)).toContain("This login has already been used");
    expect(refreshOf(page)).toBeUndefined();
    expect([...browser.cookies.values()]).toEqual([expect.stringMatching(/^out-\d+$/)]);
  });

  it("shows the same page again to a person who cancelled and reloads, without a new login", async () => {
    const browser = openBrowser(openSite());
    const callback = await browser.atProvider(await browser.startLogin("/members/"), { cancelAt: "app" });
    for (let time = 0; time < 2; time += 1) {
      const response = await browser.get(callback.href);
      expect(response.status).toBe(403);
      const page = await response.text();
      expect(textOf(page)).toContain("You cancelled the login");
      expect(page).toContain("return_to=%2Fmembers%2F");
      expect(refreshOf(page)).toBeUndefined();
    }
  });

  it("gives the callback of a finished login to no other browser, not even with the browser cookie alone", async () => {
    const site = openSite();
    const browser = openBrowser(site);
    const callback = await browser.atProvider(await browser.startLogin());
    await browser.get(callback.href);
    const [stranger, withCookie, loggedIn] = [openBrowser(site), openBrowser(site), openBrowser(site)];
    withCookie.cookies.set(BROWSER_COOKIE, browser.cookies.get(BROWSER_COOKIE) ?? "");
    await loggedIn.logIn({ user: "mette" });
    for (const other of [stranger, withCookie, loggedIn]) {
      const response = await other.get(callback.href);
      expect(response.status).toBe(400);
      expect(response.headers.getSetCookie().join()).not.toContain(SESSION_COOKIE);
    }
  });

  describe("by a service worker and its navigation preload", () => {
    const PRELOAD = {
      "sec-fetch-mode": "navigate",
      "sec-fetch-dest": "document",
      "service-worker-navigation-preload": "true",
    };
    const PASSED_ON = { "sec-fetch-mode": "navigate", "sec-fetch-dest": "empty" };

    it("is one login, and leads straight on by either answer", async () => {
      const site = openSite();
      const browser = openBrowser(site);
      await browser.logIn();
      const before = browser.cookies.get(SESSION_COOKIE) ?? "";
      const login = await browser.get("/auth/login?prompt=login&return_to=/members/");
      const callback = await browser.atProvider(new URL(login.headers.get("location") ?? ""));
      const tokens = site.simulator.control.journal.count("token");
      const answers = await Promise.all([
        browser.get(callback.href, PRELOAD),
        browser.get(callback.href, PASSED_ON),
      ]);
      for (const answer of answers)
        expect([answer.status, answer.headers.get("location")]).toEqual([303, "/members/"]);
      const cookies = answers.map(
        ({ headers }) => /=([\w.-]+)/.exec(headers.getSetCookie()[0] ?? "")?.[1] ?? "",
      );
      const sids = [];
      for (const cookie of cookies) {
        const one = openBrowser(site);
        one.cookies.set(SESSION_COOKIE, cookie);
        sids.push((await one.session()).session?.id);
      }
      expect(sids[0]).toMatch(/^[\da-f-]{36}$/);
      expect(sids[1]).toBe(sids[0]);
      expect(site.simulator.control.journal.count("token")).toBe(tokens + 1);
      const finished = site.log.filter(({ event }) => event === "login_finished");
      expect(finished).toHaveLength(2);
      const counted = site.env.ACCOUNTS_DB?.prepare("SELECT count(*) AS n FROM logins WHERE uncounted = 1");
      expect(await counted?.first("n")).toBe(2);

      const replaced = openBrowser(site);
      replaced.cookies.set(SESSION_COOKIE, before);
      expect((await replaced.session()).authenticated).toBe(false);
      expect((await browser.session()).session?.id).toBe(sids[0]);
    });

    it("asks twice what it asks", async () => {
      const site = openSite({ vars: { TERMS_URL: "/terms", TERMS_VERSION: "1" } });
      const browser = openBrowser(site);
      const callback = await browser.atProvider(await browser.startLogin());
      const asked = await Promise.all([
        browser.get(callback.href, PASSED_ON),
        browser.get(callback.href, PRELOAD),
      ]);
      expect(asked.map(({ status }) => status)).toEqual([200, 200]);
    });

    it("brings no token of a session that has ended since", async () => {
      const site = openSite();
      const browser = openBrowser(site);
      const callback = await browser.atProvider(await browser.startLogin());
      const asBefore = openBrowser(site);
      asBefore.cookies.set(BROWSER_COOKIE, browser.cookies.get(BROWSER_COOKIE) ?? "");
      await browser.get(callback.href, PRELOAD);
      expect((await asBefore.get(callback.href, PASSED_ON)).status).toBe(303);
      await browser.post("/auth/logout");
      const late = await asBefore.get(callback.href, PASSED_ON);
      expect(late.status).toBe(400);
      expect(late.headers.getSetCookie().join()).not.toContain(SESSION_COOKIE);
    });

    it("is no way around 'used once' for another browser, nor later", async () => {
      vi.useFakeTimers({ toFake: ["Date"] });
      const site = openSite();
      const browser = openBrowser(site);
      const callback = await browser.atProvider(await browser.startLogin());
      await browser.get(callback.href, PRELOAD);
      for (const other of [openBrowser(site), openBrowser(site)])
        expect((await other.get(callback.href, PASSED_ON)).status).toBe(400);
      browser.cookies.delete(SESSION_COOKIE);
      vi.setSystemTime(Date.now() + 61_000);
      await openBrowser(site).logIn({ user: "mette" });
      expect((await browser.get(callback.href, PASSED_ON)).status).toBe(400);
    });
  });
});
