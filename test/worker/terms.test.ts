import { describe, expect, it } from "vitest";
import { currentConsents } from "../../src/accounts/consents.ts";
import { termsAcceptances } from "../../src/accounts/terms.ts";
import { type Browser, openBrowser } from "./browser.ts";
import { openSite, type TestSite } from "./site.ts";

const CONSENTS = JSON.stringify([
  { id: "newsletter", text: { nb: "Send meg nyhetsbrevet", en: "Send me the newsletter" } },
]);
const TERMS = {
  TERMS_URL: "/terms.html",
  TERMS_VERSION: "2026-11",
  PRIVACY_URL: "https://site.example/privacy",
};

const recordsOf = (site: TestSite) => {
  if (site.env.ACCOUNTS_DB === undefined) throw new Error("no database");
  return { database: site.env.ACCOUNTS_DB, site: "default" };
};

async function countAccounts(site: TestSite): Promise<unknown> {
  return recordsOf(site).database.prepare("SELECT count(*) AS n FROM accounts").first("n");
}

const attemptOf = (page: string) => /name="attempt" value="([\w.-]{100,})"/.exec(page)?.[1] ?? "";

async function answer(browser: Browser, page: string, fields: Record<string, string>): Promise<Response> {
  return browser.post("/auth/continue", { attempt: attemptOf(page), question: "terms", ...fields });
}

describe("the terms", () => {
  it("are shown before there is any session or account, with no box ticked", async () => {
    const site = openSite({ vars: { ...TERMS, CONSENTS } });
    const browser = openBrowser(site, { "accept-language": "en" });
    const response = await browser.logIn({ returnTo: "/members/" });
    const page = await response.text();
    expect(response.status).toBe(200);
    expect(page).toContain('href="/terms.html"');
    expect(page).toContain('href="https://site.example/privacy"');
    expect(page).toContain("Send me the newsletter");
    expect(page).not.toContain("checked");
    expect((await browser.session()).authenticated).toBe(false);
    expect(await countAccounts(site)).toBe(0);
  });

  it("make a session when they are accepted, and what was accepted is kept with its words", async () => {
    const site = openSite({ vars: { ...TERMS, CONSENTS } });
    const browser = openBrowser(site, { "accept-language": "nb" });
    const page = await (await browser.logIn({ returnTo: "/members/" })).text();
    const response = await answer(browser, page, {
      answer: "accept",
      terms: "accepted",
      consent: "newsletter",
    });
    expect(response.status).toBe(303);
    expect(response.headers.get("location")).toBe("/members/");
    const { user } = await browser.session();
    const accountId = user?.sub ?? "";
    expect(await termsAcceptances(recordsOf(site), accountId)).toEqual([
      { version: "2026-11", url: "/terms.html", language: "nb", acceptedAt: expect.any(Number) },
    ]);
    expect(await currentConsents(recordsOf(site), accountId)).toMatchObject([
      {
        consent: "newsletter",
        granted: true,
        wording: "Send meg nyhetsbrevet",
        language: "nb",
        source: "login",
      },
    ]);
  });

  it("are not shown at the second login, and again when the version changes", async () => {
    const first = openSite({ vars: { ...TERMS, CONSENTS } });
    const browser = openBrowser(first);
    await answer(browser, await (await browser.logIn()).text(), { answer: "accept", terms: "accepted" });
    expect((await openBrowser(first).logIn()).status).toBe(303);

    const later = openSite({ vars: { ...TERMS, CONSENTS, TERMS_VERSION: "2027-01" } });
    const again = openBrowser(later, { "accept-language": "en" });
    const page = await (await again.logIn()).text();
    expect(page).toContain("The terms have changed");
    expect(page).not.toContain("newsletter");
    expect((await answer(again, page, { answer: "accept", terms: "accepted" })).status).toBe(303);
  });

  it("keep an unticked consent as a no", async () => {
    const site = openSite({ vars: { ...TERMS, CONSENTS } });
    const browser = openBrowser(site);
    await answer(browser, await (await browser.logIn()).text(), { answer: "accept", terms: "accepted" });
    const accountId = (await browser.session()).user?.sub ?? "";
    expect(await currentConsents(recordsOf(site), accountId)).toMatchObject([
      { consent: "newsletter", granted: false },
    ]);
  });

  it("ask for voluntary consents alone where there are no terms", async () => {
    const site = openSite({ vars: { CONSENTS } });
    const browser = openBrowser(site, { "accept-language": "en" });
    const page = await (await browser.logIn()).text();
    expect(page).not.toContain('name="terms"');
    expect((await answer(browser, page, { answer: "accept" })).status).toBe(303);
    expect((await openBrowser(site).logIn()).status).toBe(303);
  });

  it("come back when the box was not ticked, and nothing is lost", async () => {
    const site = openSite({ vars: TERMS });
    const browser = openBrowser(site, { "accept-language": "en" });
    const page = await (await browser.logIn()).text();
    const incomplete = await answer(browser, page, { answer: "accept" });
    expect(incomplete.status).toBe(400);
    expect(await incomplete.clone().text()).toContain("Tick the box to accept the terms.");
    expect((await browser.session()).authenticated).toBe(false);
    expect(
      (await answer(browser, await incomplete.text(), { answer: "accept", terms: "accepted" })).status,
    ).toBe(303);
  });

  it("leave nothing behind when they are declined", async () => {
    const site = openSite({ vars: TERMS });
    const browser = openBrowser(site, { "accept-language": "en" });
    const page = await (await browser.logIn()).text();
    const declined = await answer(browser, page, { answer: "decline" });
    expect(declined.status).toBe(403);
    expect(await declined.text()).toContain("You did not accept the terms");
    expect((await answer(browser, page, { answer: "accept", terms: "accepted" })).status).toBe(403);
    expect(await countAccounts(site)).toBe(0);
    expect((await browser.session()).authenticated).toBe(false);
    expect(site.log.find(({ code }) => code === "terms_declined")).toMatchObject({ level: "info" });
  });

  it("cannot be accepted by another browser, nor from another website", async () => {
    const site = openSite({ vars: TERMS });
    const browser = openBrowser(site);
    const page = await (await browser.logIn()).text();
    const fields = { answer: "accept", terms: "accepted" };
    const stranger = openBrowser(site);
    await stranger.get("/auth/login");
    expect((await answer(stranger, page, fields)).status).toBe(400);
    const crossSite = await browser.post(
      "/auth/continue",
      { attempt: attemptOf(page), question: "terms", ...fields },
      { origin: "https://evil.example", "sec-fetch-site": "cross-site" },
    );
    expect(crossSite.status).toBe(403);
    expect((await answer(browser, page, fields)).status).toBe(303);
  });

  it("are not accepted by the answer to another question", async () => {
    const site = openSite({ vars: TERMS });
    const browser = openBrowser(site, { "accept-language": "en" });
    const page = await (await browser.logIn()).text();
    for (const question of ["confirm", "proof"]) {
      const response = await browser.post("/auth/continue", {
        attempt: attemptOf(page),
        question,
        answer: "yes",
      });
      expect(response.status).toBe(200);
      expect(await response.text()).toContain("I have read and accept");
      expect((await browser.session()).authenticated).toBe(false);
    }
  });

  it("do not stand in for the answer of another browser", async () => {
    const site = openSite({ vars: TERMS });
    const began = openBrowser(site);
    const other = openBrowser(site, { "accept-language": "en" });
    const callback = await began.atProvider(await began.startLogin());
    const page = await (await other.get(callback.href)).text();
    expect(page).toContain("Is this you?");
    const response = await answer(other, page, { answer: "accept", terms: "accepted" });
    const again = await response.text();
    expect(again).toContain("Is this you?");
    expect((await other.session()).authenticated).toBe(false);
    // What was accepted before it was shown is not accepted.
    const asked = await answer(other, again, { question: "confirm", answer: "yes", confirm: "yes" });
    expect(await asked.text()).toContain("I have read and accept");
    expect((await other.session()).authenticated).toBe(false);
  });

  it("are shown again on a reload of the callback", async () => {
    const site = openSite({ vars: TERMS });
    const browser = openBrowser(site, { "accept-language": "en" });
    const callback = await browser.atProvider(await browser.startLogin());
    await browser.get(callback.href);
    const reloaded = await browser.get(callback.href);
    expect(reloaded.status).toBe(200);
    expect(await reloaded.text()).toContain("I have read and accept");
  });

  it("need their version, and a database to keep the answers in", async () => {
    const half = openSite({ vars: { TERMS_URL: "/terms.html" } });
    expect(await (await openBrowser(half).get("/")).text()).toContain(
      "TERMS_URL and TERMS_VERSION must be set together",
    );
  });
});
