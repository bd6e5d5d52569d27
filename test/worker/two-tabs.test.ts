// A question that waits in one tab, while something else is done in another.

import { describe, expect, it } from "vitest";
import { BROWSER_COOKIE, type Browser, openBrowser, SESSION_COOKIE } from "./browser.ts";
import { accountsDatabase } from "./database.ts";
import { formOf, textOf } from "./page-form.ts";
import { openSite, type TestSite } from "./site.ts";

const TERMS = { TERMS_URL: "/terms.html", TERMS_VERSION: "2026-11" };

/** An old member whose number somebody else has now. */
async function addMember(): Promise<void> {
  await accountsDatabase()
    .prepare(
      `INSERT INTO accounts (site, id, name, phone, phone_verified, email_verified, origin, created_at, updated_at)
       VALUES ('default', 'acc_henrik', 'Henrik Lund', '4799999921', 1, 0, 'import', 1, 1)`,
    )
    .run();
}

/** How each question comes about, and the answer that a person gives who goes on. */
const QUESTIONS = {
  "is this you?": {
    vars: {},
    goOn: { answer: "yes" },
    async ask(site: TestSite, browser: Browser): Promise<Response> {
      const starter = openBrowser(site);
      const callback = await starter.atProvider(await starter.startLogin("/members/"));
      return browser.get(callback.href);
    },
  },
  "the terms": {
    vars: TERMS,
    goOn: { answer: "accept", terms: "accepted" },
    ask: (_site: TestSite, browser: Browser) => browser.logIn({ returnTo: "/members/" }),
  },
  "the old account": {
    vars: {},
    goOn: { answer: "new" },
    async ask(_site: TestSite, browser: Browser): Promise<Response> {
      await addMember();
      return browser.logIn({ user: "espen", returnTo: "/members/" });
    },
  },
};

type Name = keyof typeof QUESTIONS;
const NAMES = Object.keys(QUESTIONS) as Name[];

/** Comes to a question; gives its page, which waits in a tab of its own. */
async function openQuestion(name: Name, language = "en") {
  const { vars, ask } = QUESTIONS[name];
  const site = openSite({ vars });
  const browser = openBrowser(site, { "accept-language": language });
  const page = await (await ask(site, browser)).text();
  const press = (answer: Record<string, string>) =>
    browser.post("/auth/continue", { ...formOf(page).fields, confirm: "yes", ...answer });
  return { site, browser, page, press };
}

const LOGGED_OUT = {
  en: [
    "This login is no longer valid",
    "You are logged out of site.example in this browser.",
    "Start again.",
  ],
  nb: ["Denne innloggingen gjelder ikke lenger", "Du er logget ut av site.example", "Start på nytt."],
  da: ["Dette login gælder ikke længere", "Du er logget ud af site.example", "Start forfra."],
  sv: ["Den här inloggningen gäller inte längre", "Du är utloggad från site.example", "Börja om."],
  fi: [
    "Tämä kirjautuminen ei ole enää voimassa",
    "Olet kirjautunut ulos sivustolta site.example",
    "Aloita alusta.",
  ],
};

describe.each(NAMES)("%s, answered after a logout in another tab", (name) => {
  it.each(Object.entries(LOGGED_OUT))(
    "is said to be over for that (%s), and nobody is logged in",
    async (language, words) => {
      const { site, browser, press } = await openQuestion(name, language);
      await browser.post("/auth/logout");
      const told = await press(QUESTIONS[name].goOn);
      expect(told.status).toBe(400);
      const page = await told.text();
      for (const text of words) expect(textOf(page)).toContain(text);
      expect(page).toContain("/auth/login?return_to=%2Fmembers%2F");
      expect(page).not.toContain("http-equiv");
      expect(site.log.at(-1)).toMatchObject({
        level: "info",
        code: "logged_out_meanwhile",
        stage: "continue",
      });
      expect(browser.cookies.has(SESSION_COOKIE)).toBe(false);
    },
  );

  it("blames the browser where its cookies went another way", async () => {
    const { site, browser, press } = await openQuestion(name);
    browser.cookies.clear();
    expect((await press(QUESTIONS[name].goOn)).status).toBe(400);
    expect(site.log.at(-1)).toMatchObject({ code: "cookies_not_kept" });
  });

  it("can be come to again at once", async () => {
    const { browser, press, page } = await openQuestion(name);
    await browser.post("/auth/logout");
    await press(QUESTIONS[name].goOn);
    const again = await (await browser.logIn({ user: "mette" })).text();
    if (name === "the terms") expect(formOf(again).buttons).toEqual(formOf(page).buttons);
    else expect((await browser.session()).authenticated).toBe(true);
    expect(browser.cookies.get(BROWSER_COOKIE)).toMatch(/^[\w-]{43}$/);
  });
});

const TOO_LATE = {
  en: ["You are logged in already", "answered with yes first", "The terms were accepted first"],
  nb: ["Du er allerede logget inn", "svart ja først", "Vilkårene ble godtatt først"],
  da: ["Du er allerede logget ind", "svaret ja først", "Vilkårene blev accepteret først"],
  sv: ["Du är redan inloggad", "Ja-svaret kom först", "Villkoren godkändes först"],
  fi: ["Olet jo kirjautunut sisään", "Kyllä-vastaus annettiin ensin", "Ehdot hyväksyttiin ensin"],
};

describe.each([
  { name: "is this you?", no: "no", which: 1 },
  { name: "the terms", no: "decline", which: 2 },
] as const)("a no to $name", ({ name, no, which }) => {
  it.each(Object.entries(TOO_LATE))(
    "after a yes is told that it is too late (%s), and how to log out",
    async (language, words) => {
      const { browser, press } = await openQuestion(name, language);
      expect((await press(QUESTIONS[name].goOn)).headers.get("location")).toBe("/members/");
      const told = await press({ answer: no });
      expect(told.status).toBe(409);
      const page = await told.text();
      expect(textOf(page)).toContain(words[0]);
      expect(textOf(page)).toContain(words[which]);
      expect(page).toContain('href="/members/"');
      expect((await browser.session()).authenticated).toBe(true);
      const { action, fields } = formOf(page);
      expect(action).toBe("/auth/logout");
      expect((await browser.post(action, fields)).headers.get("location")).toBe("/auth/logged-out");
      expect((await browser.session()).authenticated).toBe(false);
    },
  );

  it("leads nobody into a login by itself where the answer to the yes got lost", async () => {
    const { site, browser, press } = await openQuestion(name);
    await press(QUESTIONS[name].goOn);
    browser.cookies.delete(SESSION_COOKIE);
    const told = await press({ answer: no });
    expect(told.status).toBe(400);
    expect(await told.text()).not.toContain("http-equiv");
    expect(site.log.at(-1)).toMatchObject({ code: "state_used" });
  });

  it("is final: the yes after it, and the same no again, end at the same words", async () => {
    const { browser, press } = await openQuestion(name);
    const first = textOf(await (await press({ answer: no })).text());
    expect((await press(QUESTIONS[name].goOn)).status).toBe(403);
    const again = textOf(await (await press({ answer: no })).text());
    expect(again.split("Reference")[0]).toBe(first.split("Reference")[0]);
    expect((await browser.session()).authenticated).toBe(false);
  });
});

describe.each(NAMES)("%s, answered twice", (name) => {
  it("with the same answer leads home both times", async () => {
    const { press } = await openQuestion(name);
    for (let time = 0; time < 2; time += 1) {
      const answered = await press(QUESTIONS[name].goOn);
      expect([answered.status, answered.headers.get("location")]).toEqual([303, "/members/"]);
    }
  });
});

describe("a no to 'is this you?' while the terms wait, because another tab said yes", () => {
  it("stops the login, and nothing of it is left", async () => {
    const site = openSite({ vars: TERMS });
    const browser = openBrowser(site, { "accept-language": "en" });
    const page = await (await QUESTIONS["is this you?"].ask(site, browser)).text();
    const press = (answer: string) =>
      browser.post("/auth/continue", { ...formOf(page).fields, confirm: "yes", answer });
    const terms = await (await press("yes")).text();
    expect(formOf(terms).buttons).toContain("decline");
    expect(textOf(await (await press("yes")).text())).toContain("Before you go on");
    const stopped = await press("no");
    expect(stopped.status).toBe(403);
    expect(textOf(await stopped.text())).toContain("We stopped that login");
    const accepted = { ...formOf(terms).fields, answer: "accept", terms: "accepted" };
    expect((await browser.post("/auth/continue", accepted)).status).toBe(403);
    expect((await browser.session()).authenticated).toBe(false);
    expect(await accountsDatabase().prepare("SELECT count(*) AS n FROM accounts").first("n")).toBe(0);
  });
});

describe("CROSS_BROWSER=deny", () => {
  const vars = { CROSS_BROWSER: "deny" };

  it("says so of a login that this browser began before it logged out, and of no other", async () => {
    const site = openSite({ vars });
    const [browser, other] = [openBrowser(site), openBrowser(site)];
    const own = await browser.atProvider(await browser.startLogin());
    await browser.post("/auth/logout");
    expect((await browser.get(own.href)).status).toBe(400);
    expect(site.log.at(-1)).toMatchObject({ code: "logged_out_meanwhile", stage: "callback" });
    await new Promise((resolve) => setTimeout(resolve, 5));
    const others = await other.atProvider(await other.startLogin());
    expect((await browser.get(others.href)).status).toBe(400);
    expect(site.log.at(-1)).toMatchObject({ code: "browser_mismatch" });
    expect(site.simulator.control.journal.count("token")).toBe(0);
  });
});
