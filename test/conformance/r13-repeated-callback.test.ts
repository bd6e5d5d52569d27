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
    expect(browser.cookies.size).toBe(0);
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
});
