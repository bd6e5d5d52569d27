// R38: a browser that does not keep our cookies is told so, at the first answer that should have brought one.

import { describe, expect, it } from "vitest";
import { BROWSER_COOKIE, type Browser, openBrowser, SESSION_COOKIE } from "../worker/browser.ts";
import { accountsDatabase } from "../worker/database.ts";
import { textOf } from "../worker/page-form.ts";
import { openSite, SITE, type TestSite } from "../worker/site.ts";

const TITLE = {
  en: "Your browser did not keep our cookie",
  nb: "Nettleseren tok ikke vare på informasjonskapselen vår",
  da: "Din browser gemte ikke vores cookie",
  sv: "Din webbläsare sparade inte vår kaka",
  fi: "Selaimesi ei säilyttänyt evästettämme",
};

/** The way of a browser that is told before it begins a second login. */
const ONE_LOGIN = [
  "/members/",
  "/auth/login",
  "/access-management-1.0/access/oauth2/auth",
  "/auth/callback",
  "/auth/login",
];

const open = (crossBrowser: "confirm" | "allow" | "deny") =>
  openSite({ vars: { PROTECTED_PATHS: "/members/*", CROSS_BROWSER: crossBrowser } });

/** A browser in which cookies are blocked: those of the site, at least. */
function forgetfulBrowser(site: TestSite, language = "en"): Browser {
  const browser = openBrowser(site, { "accept-language": language });
  browser.cookies.set = () => browser.cookies;
  return browser;
}

/** How logins ended, as it was written down. */
async function outcomes(): Promise<readonly unknown[]> {
  const { results } = await accountsDatabase().prepare("SELECT outcome FROM logins ORDER BY outcome").all();
  return results.map(({ outcome }) => outcome);
}

const attemptOf = (page: string) => /name="attempt" value="([\w.-]+)"/.exec(page)?.[1] ?? "";

const refreshOf = (page: string) =>
  /http-equiv="refresh" content="1; url=([^"]+)"/.exec(page)?.[1]?.replaceAll("&amp;", "&");

/** Goes on for as long as the browser is sent on, by a page too, to Vipps and back; gives what is shown in the end, and the way there. */
async function follow(
  browser: Browser,
  from: string,
): Promise<{ shown: Response; way: string[]; last: string }> {
  const way: string[] = [];
  let address = from;
  for (let step = 0; step < 12; step += 1) {
    way.push(new URL(address, SITE).pathname);
    const response = address.startsWith("https://apitest.vipps.no/")
      ? new Response(null, {
          headers: { location: (await browser.atProvider(new URL(address))).href },
          status: 302,
        })
      : await browser.get(address);
    const location = response.headers.get("location");
    const refresh = location === null ? refreshOf(await response.clone().text()) : undefined;
    const next = location ?? refresh;
    if (next === undefined) return { shown: response, way, last: address };
    address = next;
  }
  throw new Error(`it goes round in circles: ${way.join(" ")}`);
}

async function expectTold(
  site: TestSite,
  response: Response,
  language: keyof typeof TITLE = "en",
): Promise<string> {
  expect(response.status).toBe(400);
  const page = await response.text();
  expect(textOf(page)).toContain(TITLE[language]);
  const line = site.log.filter(({ event }) => event === "request_failed").at(-1);
  expect(line).toMatchObject({ level: "warn", code: "cookies_not_kept" });
  expect(page).toContain(`<code>${line?.reference}</code>`);
  expect(response.headers.getSetCookie().join()).not.toContain(SESSION_COOKIE);
  return page;
}

const tokenRequests = (site: TestSite) => site.simulator.control.journal.count("token");

describe.each(Object.keys(TITLE) as (keyof typeof TITLE)[])(
  "R38 cookies that do not stick (%s)",
  (language) => {
    it("are noticed at the answer to 'is this you?', which should have brought one", async () => {
      const site = open("confirm");
      const browser = forgetfulBrowser(site, language);
      const { shown } = await follow(browser, "/members/");
      const attempt = attemptOf(await shown.text());
      const answered = await browser.post("/auth/continue", { attempt, answer: "yes", armed: "yes" });
      await expectTold(site, answered, language);
      expect(tokenRequests(site)).toBe(1);
    });

    it("are noticed where a login is given to any browser, before the next one begins", async () => {
      const site = open("allow");
      const { shown, way } = await follow(forgetfulBrowser(site, language), "/members/");
      await expectTold(site, shown, language);
      expect(way).toEqual(ONE_LOGIN);
      expect(tokenRequests(site)).toBe(1);
    });
  },
);

describe.each(Object.keys(TITLE) as (keyof typeof TITLE)[])(
  "R38 where other browsers are refused (%s)",
  (language) => {
    it("cookies that do not stick are noticed before the next login begins", async () => {
      const site = open("deny");
      const { shown, way } = await follow(forgetfulBrowser(site, language), "/members/");
      const page = await expectTold(site, shown, language);
      expect(way).toEqual(ONE_LOGIN);
      expect(tokenRequests(site)).toBe(0);
      expect(refreshOf(page)).toBeUndefined();
    });
  },
);

describe("R38 a browser that keeps no cookies", () => {
  it("is told so by every login where another browser is refused, and by 'try again'", async () => {
    const site = open("deny");
    const browser = forgetfulBrowser(site);
    for (let time = 0; time < 2; time += 1)
      await expectTold(site, (await follow(browser, "/members/")).shown);
    const page = await (await follow(browser, "/members/")).shown.text();
    const again = /class="button primary" href="([^"]+)"/.exec(page)?.[1]?.replaceAll("&amp;", "&") ?? "";
    expect(again).toBe("/auth/login?return_to=%2Fmembers%2F&cookies=expected");
    await expectTold(site, await browser.get(again));
    expect(tokenRequests(site)).toBe(0);
    expect(await outcomes()).toEqual(["cookies_not_kept", "cookies_not_kept", "cookies_not_kept"]);
  });

  it("can try again, and is told at once as long as it keeps none", async () => {
    const site = open("allow");
    const browser = forgetfulBrowser(site);
    const page = await (await follow(browser, "/members/?page=2")).shown.text();
    const again = /class="button primary" href="([^"]+)"/.exec(page)?.[1]?.replaceAll("&amp;", "&") ?? "";
    expect(again).toBe("/auth/login?return_to=%2Fmembers%2F%3Fpage%3D2&cookies=expected");
    for (let time = 0; time < 3; time += 1) await expectTold(site, await browser.get(again));
    expect(tokenRequests(site)).toBe(1);
  });

  it("logs in once it keeps them: the page that told it has left one", async () => {
    const site = open("allow");
    const told = (await follow(forgetfulBrowser(site), "/members/")).shown;
    expect(told.headers.getSetCookie()).toHaveLength(1);
    const browser = openBrowser(site);
    browser.cookies.set(BROWSER_COOKIE, /=([^;]+)/.exec(told.headers.getSetCookie()[0] ?? "")?.[1] ?? "");
    const { shown } = await follow(browser, "/auth/login?return_to=%2Fmembers%2F&cookies=expected");
    expect(shown.status).toBe(200);
    expect(await shown.text()).toContain("The gate");
  });

  it("is written down with the login that it ended", async () => {
    const asked = open("confirm");
    const browser = forgetfulBrowser(asked);
    const attempt = attemptOf(await (await follow(browser, "/members/")).shown.text());
    await browser.post("/auth/continue", { attempt, answer: "yes", armed: "yes" });
    expect(await outcomes()).toEqual(["cookies_not_kept"]);
  });

  it("is written down once where the login was given to any browser, and not for what somebody made up", async () => {
    const site = open("allow");
    const { shown, last } = await follow(forgetfulBrowser(site), "/members/");
    expect(shown.status).toBe(400);
    for (const address of [
      last,
      "/auth/login?cookies=expected",
      "/auth/login?cookies=x.y",
      last.slice(0, -1),
    ])
      expect((await openBrowser(site).get(address)).status).toBe(400);
    expect(await outcomes()).toEqual(["cookies_not_kept", "logged_in"]);
    const state = new URL(last, SITE).searchParams.get("cookies") ?? "";
    expect((await openBrowser(site).get(`/auth/callback?code=x&state=${state}`)).status).toBe(400);
    expect(site.log.at(-1)).toMatchObject({ code: "state_invalid" });
  });
});

describe("R38 a browser that keeps them", () => {
  it("is not told otherwise: another browser takes a login, asked or not", async () => {
    for (const crossBrowser of ["confirm", "allow"] as const) {
      const site = open(crossBrowser);
      const callback = await openBrowser(site).startLogin("/members/");
      const other = openBrowser(site);
      const { shown } = await follow(other, callback.href);
      const page = await shown.text();
      if (crossBrowser === "confirm") {
        const answered = await other.post("/auth/continue", {
          attempt: attemptOf(page),
          answer: "yes",
          armed: "yes",
        });
        expect([answered.status, answered.headers.get("location")]).toEqual([303, "/members/"]);
      } else expect(page).toContain("The gate");
      expect((await other.session()).authenticated).toBe(true);
    }
  });

  it("is told of the other browser where that is refused, and then logs in by itself", async () => {
    const site = open("deny");
    const callback = await openBrowser(site).startLogin("/members/");
    const other = openBrowser(site, { "accept-language": "en" });
    const { shown, way } = await follow(other, callback.href);
    expect(way).toEqual(["/access-management-1.0/access/oauth2/auth", "/auth/callback", "/auth/login"]);
    expect(shown.status).toBe(400);
    const page = await shown.text();
    expect(textOf(page)).toContain("The login came back in another browser");
    expect(tokenRequests(site)).toBe(0);
    expect(await outcomes()).toEqual(["browser_mismatch"]);
    const again = /class="button primary" href="([^"]+)"/.exec(page)?.[1]?.replaceAll("&amp;", "&") ?? "";
    expect(await (await follow(other, again)).shown.text()).toContain("The gate");
  });

  it("is told at once, and stays as it is, where it is logged in and another browser's login is refused", async () => {
    const site = open("deny");
    const other = openBrowser(site);
    await other.logIn({ user: "mette" });
    other.cookies.delete(BROWSER_COOKIE);
    const begun = await openBrowser(site).startLogin("/members/");
    const { shown, way } = await follow(other, begun.href);
    expect(shown.status).toBe(400);
    expect(way).toHaveLength(2);
    expect((await other.session()).user?.name).toContain("Mette");
  });

  it("needs no way round where it had a cookie of ours already", async () => {
    const site = open("allow");
    const callback = await openBrowser(site).startLogin("/members/");
    const other = openBrowser(site);
    await other.startLogin();
    const answer = await other.get((await other.atProvider(callback)).href);
    expect([answer.status, answer.headers.get("location")]).toEqual([303, "/members/"]);
  });
});
