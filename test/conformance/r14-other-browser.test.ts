import { describe, expect, it, vi } from "vitest";
import type { PersonChoices } from "../../simulator/person.ts";
import { BROWSER_COOKIE, type Browser, openBrowser, SESSION_COOKIE } from "../worker/browser.ts";
import {
  keptOfLogins,
  nextLoginAlarm,
  restartLoginObjects,
  runLoginAlarms,
} from "../worker/login-objects.ts";
import { formOf, textOf } from "../worker/page-form.ts";
import { openSite, SITE, type TestSite } from "../worker/site.ts";

/** A login that `starter` begins, the person finishes at Vipps, and `finisher` brings back. */
async function bringTo(
  finisher: Browser,
  starter: Browser,
  choices: PersonChoices & { returnTo?: string } = {},
): Promise<{ readonly callback: URL; readonly response: Response }> {
  const { returnTo = "/members/", ...person } = choices;
  const callback = await starter.atProvider(await starter.startLogin(returnTo), person);
  return { callback, response: await finisher.get(callback.href) };
}

async function answer(browser: Browser, page: string, choice: "yes" | "no"): Promise<Response> {
  const { action, fields } = formOf(page);
  return browser.post(action, { ...fields, answer: choice });
}

function storedSessions(site: TestSite): number {
  return site.counts.durableObjectCalls.filter((call) => call === "sessions.record").length;
}

describe("R14 the callback in a browser that did not start the login", () => {
  describe("CROSS_BROWSER=confirm", () => {
    it("names who is logging in, says why it asks, and makes no session before the answer", async () => {
      const site = openSite();
      const [starter, finisher] = [openBrowser(site), openBrowser(site)];
      const { response } = await bringTo(finisher, starter);
      expect(response.status).toBe(200);
      const page = await response.text();
      expect(textOf(page)).toContain("Kari N. is about to be logged in to site.example in this browser.");
      expect(textOf(page)).toContain("started in another browser or app");
      expect(textOf(page)).not.toContain("Nordmann");
      expect(formOf(page)).toMatchObject({ action: "/auth/continue", buttons: ["yes", "no"] });
      expect([...finisher.cookies.keys()]).toEqual([BROWSER_COOKIE]);
      expect(storedSessions(site)).toBe(0);
    });

    it("makes the session where the person said yes, and only there", async () => {
      const site = openSite();
      const [starter, finisher] = [openBrowser(site), openBrowser(site)];
      const { callback, response } = await bringTo(finisher, starter);
      const yes = await answer(finisher, await response.text(), "yes");
      expect(yes.status).toBe(303);
      expect(yes.headers.get("location")).toBe("/members/");
      expect((await finisher.session()).user?.name).toBe("Kari Nordmann");

      const back = await starter.get(callback.href);
      expect(back.status).toBe(400);
      expect(await back.text()).not.toContain("http-equiv");
      expect((await starter.session()).authenticated).toBe(false);
      expect(starter.cookies.has(SESSION_COOKIE)).toBe(false);
    });

    it("throws the login away when the person says no, for good", async () => {
      const site = openSite();
      const [starter, finisher] = [openBrowser(site), openBrowser(site)];
      const { callback, response } = await bringTo(finisher, starter);
      const page = await response.text();
      const no = await answer(finisher, page, "no");
      expect(no.status).toBe(403);
      expect(textOf(await no.text())).toContain("We stopped that login");
      expect(site.log.at(-1)).toMatchObject({ level: "info", code: "login_declined", stage: "continue" });

      expect((await answer(finisher, page, "yes")).status).toBe(403);
      const reload = await finisher.get(callback.href);
      expect(reload.status).toBe(403);
      expect(await reload.text()).not.toContain("http-equiv");
      expect((await finisher.session()).authenticated).toBe(false);
      expect(storedSessions(site)).toBe(0);
    });

    it("takes the answer only from the browser that brought the code", async () => {
      const site = openSite();
      const [starter, finisher, stranger] = [openBrowser(site), openBrowser(site), openBrowser(site)];
      const { response } = await bringTo(finisher, starter);
      const page = await response.text();
      for (const thief of [starter, stranger]) {
        const stolen = await answer(thief, page, "yes");
        expect(stolen.status).toBe(400);
        expect(thief.cookies.has(SESSION_COOKIE)).toBe(false);
      }
      expect((await answer(stranger, page, "no")).status).toBe(400);
      expect((await answer(finisher, page, "yes")).status).toBe(303);
    });

    it("takes the answer only from our own page", async () => {
      const site = openSite();
      const [starter, finisher] = [openBrowser(site), openBrowser(site)];
      const { response } = await bringTo(finisher, starter);
      const { action, fields } = formOf(await response.text());
      const form = { ...fields, answer: "yes" };
      for (const headers of [
        { origin: "https://attacker.example", "sec-fetch-site": "cross-site" },
        { origin: "https://other.site.example", "sec-fetch-site": "same-site" },
        { origin: "null", "sec-fetch-site": "cross-site" },
        { origin: `${SITE}.attacker.example`, "sec-fetch-site": "cross-site" },
      ]) {
        const response = await finisher.post(action, form, headers);
        expect(response.status).toBe(403);
      }
      expect((await finisher.get(`${action}?${new URLSearchParams(form)}`)).status).toBe(405);
      expect(finisher.cookies.has(SESSION_COOKIE)).toBe(false);
      expect((await finisher.post(action, form)).status).toBe(303);
    });

    it("refuses an answer that is not one, and one about no login", async () => {
      const site = openSite();
      const [starter, finisher] = [openBrowser(site), openBrowser(site)];
      const { response } = await bringTo(finisher, starter);
      const { action, fields } = formOf(await response.text());
      expect((await finisher.post(action, fields)).status).toBe(400);
      expect((await finisher.post(action, { ...fields, answer: "maybe" })).status).toBe(400);
      expect((await finisher.post(action, { answer: "yes" })).status).toBe(400);
      expect((await finisher.post(action, { answer: "yes", attempt: "f".repeat(64) })).status).toBe(400);
      const open = (await starter.startLogin()).searchParams.get("state") ?? "";
      expect((await starter.post(action, { answer: "yes", attempt: open })).status).toBe(400);
      expect(storedSessions(site)).toBe(0);
    });

    it("asks again after a reload, and gives up after ten minutes", async () => {
      vi.useFakeTimers({ toFake: ["Date"] });
      const site = openSite({});
      const [starter, finisher] = [openBrowser(site), openBrowser(site)];
      const { callback, response } = await bringTo(finisher, starter);
      const page = await response.text();
      vi.setSystemTime(Date.now() + 9 * 60_000);
      const again = await finisher.get(callback.href);
      expect(formOf(await again.text()).fields).toEqual(formOf(page).fields);
      vi.setSystemTime(Date.now() + 61_000);
      const late = await answer(finisher, page, "yes");
      expect(late.status).toBe(400);
      expect(site.log.at(-1)).toMatchObject({ code: "state_expired" });
      expect(finisher.cookies.has(SESSION_COOKIE)).toBe(false);
    });

    it("waits ten minutes from when the login came back, however long it was at Vipps", async () => {
      vi.useFakeTimers({ toFake: ["Date"] });
      const site = openSite({});
      const [starter, finisher, stranger] = [openBrowser(site), openBrowser(site), openBrowser(site)];
      const atVipps = await starter.startLogin("/members/");
      vi.setSystemTime(Date.now() + 9 * 60_000);
      const callback = await starter.atProvider(atVipps);
      const page = await (await finisher.get(callback.href)).text();
      // The state is too old for a code by now, the question is not.
      vi.setSystemTime(Date.now() + 9 * 60_000);
      for (const other of [starter, stranger]) expect((await other.get(callback.href)).status).toBe(400);
      const again = await finisher.get(callback.href);
      expect(again.status).toBe(200);
      expect(formOf(await again.text()).fields).toEqual(formOf(page).fields);
      vi.setSystemTime(Date.now() + 61_000);
      expect((await finisher.get(callback.href)).status).toBe(400);
      expect(site.log.at(-1)).toMatchObject({ code: "state_expired" });
      expect(storedSessions(site)).toBe(0);
    });

    it("makes one session of two answers, and takes the second click home", async () => {
      const site = openSite();
      const [starter, finisher] = [openBrowser(site), openBrowser(site)];
      const { response } = await bringTo(finisher, starter);
      const page = await response.text();
      const responses = await Promise.all([answer(finisher, page, "yes"), answer(finisher, page, "yes")]);
      expect(responses.map(({ status }) => status).sort()).toEqual([303, 400]);
      expect(storedSessions(site)).toBe(1);
      const third = await answer(finisher, page, "yes");
      expect(third.headers.get("location")).toBe("/members/");
      expect(third.headers.getSetCookie()).toEqual([]);
      expect(storedSessions(site)).toBe(1);
    });

    it("says whom the login would replace, and ends that session when the answer is yes", async () => {
      const site = openSite();
      const [starter, finisher] = [openBrowser(site), openBrowser(site)];
      await finisher.logIn({ user: "mette" });
      const replaced = finisher.cookies.get(SESSION_COOKIE) ?? "";
      const { response } = await bringTo(finisher, starter);
      const page = await response.text();
      expect(textOf(page)).toContain("Kari N. is about to be logged in");
      expect(textOf(page)).toContain("Mette-Marie Ø. is logged in here now, and will be logged out.");
      expect((await finisher.session()).user?.name).toBe("Mette-Marie Østergaard-Sørensen");
      await answer(finisher, page, "yes");
      expect((await finisher.session()).user?.name).toBe("Kari Nordmann");
      const remains = openBrowser(site);
      remains.cookies.set(SESSION_COOKIE, replaced);
      expect((await remains.session()).authenticated).toBe(false);
    });

    it("keeps the other user's session when the answer is no", async () => {
      const site = openSite();
      const [starter, finisher] = [openBrowser(site), openBrowser(site)];
      await finisher.logIn({ user: "mette" });
      const { response } = await bringTo(finisher, starter);
      await answer(finisher, await response.text(), "no");
      expect((await finisher.session()).user?.name).toBe("Mette-Marie Østergaard-Sørensen");
    });

    it("asks anew when somebody else has logged in since the page was shown", async () => {
      const site = openSite();
      const [starter, finisher] = [openBrowser(site), openBrowser(site)];
      const { response } = await bringTo(finisher, starter);
      const page = await response.text();
      await finisher.logIn({ user: "aino" });
      const hasty = await answer(finisher, page, "yes");
      expect(hasty.status).toBe(200);
      const renewed = await hasty.text();
      expect(textOf(renewed)).toContain("Aino M. is logged in here now");
      expect((await finisher.session()).user?.name).toBe("Aino Mäkelä");
      expect((await answer(finisher, renewed, "yes")).status).toBe(303);
      expect((await finisher.session()).user?.name).toBe("Kari Nordmann");
    });

    it("has nothing to ask where the very same user is logged in already", async () => {
      const site = openSite();
      const [starter, finisher] = [openBrowser(site), openBrowser(site)];
      await finisher.logIn();
      const { id } = (await finisher.session()).session ?? {};
      finisher.cookies.delete(BROWSER_COOKIE);
      const { callback, response } = await bringTo(finisher, starter);
      expect(response.status).toBe(303);
      expect(response.headers.get("location")).toBe("/members/");
      expect((await finisher.session()).session?.id).toBe(id);
      expect((await finisher.get(callback.href)).headers.get("location")).toBe("/members/");
    });

    it("names a person without a name by the end of the phone number", async () => {
      const site = openSite({ vars: { VIPPS_SCOPE: "openid phoneNumber", SESSION_CLAIMS: "email" } });
      const [starter, finisher] = [openBrowser(site), openBrowser(site)];
      await finisher.logIn({ user: "mette" });
      const { response } = await bringTo(finisher, starter);
      const page = textOf(await response.text());
      expect(page).toContain("The owner of the phone number ending in 01 is about to be logged in");
      expect(page).toContain("Somebody else is logged in here now");
      expect(page).not.toContain("99999901");
    });

    it("may go on to an allowed origin after the answer", async () => {
      const site = openSite({ vars: { RETURN_TO_ORIGINS: "https://shop.example" } });
      const [starter, finisher] = [openBrowser(site), openBrowser(site)];
      const { response } = await bringTo(finisher, starter, { returnTo: "https://shop.example/cart" });
      expect(response.headers.get("content-security-policy")).toContain(
        "form-action 'self' https://shop.example",
      );
      const yes = await answer(finisher, await response.text(), "yes");
      expect(yes.headers.get("location")).toBe("https://shop.example/cart");
    });

    it("asks the same of a browser that carries two browser cookies", async () => {
      const site = openSite();
      const [starter, finisher] = [openBrowser(site), openBrowser(site)];
      for (const plantedComesFirst of [true, false]) {
        const callback = await starter.atProvider(await starter.startLogin());
        const own = `${BROWSER_COOKIE}=${starter.cookies.get(BROWSER_COOKIE)}`;
        const planted = `${BROWSER_COOKIE}=${"a".repeat(43)}`;
        const cookie = plantedComesFirst ? `${planted}; ${own}` : `${own}; ${planted}`;
        const response = await finisher.get(callback.href, { cookie });
        expect(response.status).toBe(200);
        expect(finisher.cookies.has(SESSION_COOKIE)).toBe(false);
      }
    });

    it("asks in five languages, with the page's own headers against framing and caching", async () => {
      const site = openSite();
      for (const [language, title] of Object.entries({
        nb: "Er dette deg?",
        da: "Er det dig?",
        fi: "Oletko tämä sinä?",
        sv: "Är det här du?",
        en: "Is this you?",
      })) {
        const finisher = openBrowser(site, { "accept-language": language });
        const { response } = await bringTo(finisher, openBrowser(site));
        expect(await response.text()).toContain(`<h1>${title}</h1>`);
        expect(response.headers.get("cache-control")).toBe("no-store");
        expect(response.headers.get("x-frame-options")).toBe("DENY");
        expect(response.headers.get("content-security-policy")).toContain("frame-ancestors 'none'");
      }
    });
  });

  describe("CROSS_BROWSER=allow", () => {
    const vars = { CROSS_BROWSER: "allow" };

    it("makes the session in the browser that brought the code; the starting one gets nothing", async () => {
      const site = openSite({ vars });
      const [starter, finisher] = [openBrowser(site), openBrowser(site)];
      const { callback, response } = await bringTo(finisher, starter);
      expect(response.status).toBe(303);
      expect((await finisher.session()).user?.name).toBe("Kari Nordmann");
      expect((await starter.get(callback.href)).status).toBe(400);
      expect((await starter.session()).authenticated).toBe(false);
      expect((await finisher.get(callback.href)).headers.get("location")).toBe("/members/");
    });

    it("still asks before it replaces another user's session", async () => {
      const site = openSite({ vars });
      const [starter, finisher] = [openBrowser(site), openBrowser(site)];
      await finisher.logIn({ user: "mette" });
      const { response } = await bringTo(finisher, starter);
      expect(response.status).toBe(200);
      const page = await response.text();
      expect(textOf(page)).toContain("Mette-Marie Ø. is logged in here now");
      expect((await finisher.session()).user?.name).toBe("Mette-Marie Østergaard-Sørensen");
      expect((await answer(finisher, page, "yes")).status).toBe(303);
    });
  });

  describe("CROSS_BROWSER=deny", () => {
    const vars = { CROSS_BROWSER: "deny" };

    it("refuses before the code is sent, and leaves the login to the browser that began it", async () => {
      const site = openSite({ vars });
      const [starter, finisher] = [openBrowser(site), openBrowser(site)];
      const { callback, response } = await bringTo(finisher, starter);
      expect(response.status).toBe(400);
      const page = await response.text();
      expect(page).toContain("return_to=%2Fmembers%2F");
      expect(textOf(page)).toContain("The login came back in another browser");
      expect(site.simulator.control.journal.count("token")).toBe(0);
      expect(finisher.cookies.has(SESSION_COOKIE)).toBe(false);
      expect((await starter.get(callback.href)).status).toBe(303);
    });

    it("tells a person who cancelled so, whichever browser it is", async () => {
      const site = openSite({ vars });
      const { response } = await bringTo(openBrowser(site), openBrowser(site), { cancelAt: "app" });
      expect(response.status).toBe(403);
      expect(textOf(await response.text())).toContain("You cancelled the login");
    });
  });

  it("forgets a person who never answers within twenty minutes, though the object is started anew", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const site = openSite({ vars: { LOGIN_SHARDS: "1" } });
    await bringTo(openBrowser(site), openBrowser(site));
    const askedAt = Date.now();
    await restartLoginObjects();
    await openBrowser(site).logIn({ user: "mette" });
    for (let sweep = 0; sweep < 2; sweep += 1) {
      expect(JSON.stringify(await keptOfLogins())).toContain("Nordmann");
      const due = (await nextLoginAlarm()) ?? Number.POSITIVE_INFINITY;
      expect(due).toBeLessThanOrEqual(askedAt + (sweep + 1) * 10 * 60_000);
      vi.setSystemTime(due);
      await runLoginAlarms();
      if (due > askedAt + 10 * 60_000) break;
    }
    expect(JSON.stringify(await keptOfLogins())).not.toContain("Nordmann");
    expect(await keptOfLogins()).toHaveLength(2);
  });

  it("leaves no name and no secret behind in the attempt once the answer is given", async () => {
    const site = openSite();
    const [starter, finisher] = [openBrowser(site), openBrowser(site)];
    const { response } = await bringTo(finisher, starter);
    expect(JSON.stringify(await keptOfLogins())).toContain("Nordmann");
    await answer(finisher, await response.text(), "yes");
    expect(await keptOfLogins()).toEqual([
      {
        table: "used_logins",
        id: expect.stringMatching(/^[0-9a-f]{32}$/),
        browser: expect.stringMatching(/^[\w-]{43}$/),
        sid: expect.stringMatching(/^[0-9a-f-]{36}$/),
        used_at: expect.any(Number),
        declined: 0,
        held: 0,
      },
    ]);
  });
});
