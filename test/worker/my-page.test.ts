import { describe, expect, it } from "vitest";
import { BROWSER_COOKIE, type Browser, openBrowser, SESSION_COOKIE } from "./browser.ts";
import { openSite, type TestSite } from "./site.ts";

const CONSENTS = JSON.stringify([{ id: "newsletter", text: "Send me the newsletter" }]);
const english = { "accept-language": "en" };

async function member(site: TestSite, user = "kari"): Promise<Browser> {
  const browser = openBrowser(site, english);
  const response = await browser.logIn({ user });
  if (response.status === 200) {
    const attempt = /name="attempt" value="([\w.-]{100,})"/.exec(await response.text())?.[1] ?? "";
    await browser.post("/auth/continue", { attempt, question: "terms", answer: "accept", terms: "accepted" });
  }
  return browser;
}

const count = async (site: TestSite, table: string) =>
  site.env.ACCOUNTS_DB?.prepare(`SELECT count(*) AS n FROM ${table}`).first("n");

describe("my page", () => {
  it("shows what the site knows, what was accepted, and is kept by no cache", async () => {
    const site = openSite({ vars: { TERMS_URL: "/terms.html", TERMS_VERSION: "2026-11", CONSENTS } });
    const browser = await member(site);
    const response = await browser.get("/auth/me");
    expect(response.status).toBe(200);
    expect(response.headers.get("cache-control")).toBe("no-store");
    const page = await response.text();
    for (const text of [
      "Kari Nordmann",
      "+47 999 99 901",
      "kari.nordmann@example.com",
      "Send me the newsletter",
      "2026-11",
    ]) {
      expect(page).toContain(text);
    }
    expect(page).not.toContain("checked");
  });

  it("sends a stranger to the login and back", async () => {
    const response = await openBrowser(openSite()).get("/auth/me");
    expect(response.status).toBe(302);
    expect(response.headers.get("location")).toBe("/auth/login?return_to=%2Fauth%2Fme");
  });

  it("is closed to a token that is fresh but whose session has ended elsewhere", async () => {
    const site = openSite();
    const browser = await member(site);
    const { user } = await browser.session();
    await site.env.USER_SESSIONS.getByName(user?.sub ?? "").endAll();
    const response = await browser.get("/auth/me");
    expect(response.status).toBe(302);
    expect(browser.cookies.has(SESSION_COOKIE)).toBe(false);
  });

  it("changes a consent, keeps the earlier answer, and writes only what changed", async () => {
    const site = openSite({ vars: { CONSENTS } });
    const browser = await member(site);
    const before = Number(await count(site, "consents"));
    const response = await browser.post("/auth/me/consents", { consent: "newsletter" });
    expect(response.headers.get("location")).toBe("/auth/me?saved=yes");
    expect(await (await browser.get("/auth/me?saved=yes")).text()).toMatch(/value="newsletter" checked/);
    await browser.post("/auth/me/consents", { consent: "newsletter" });
    expect(await count(site, "consents")).toBe(before + 1);
    await browser.post("/auth/me/consents");
    expect(await (await browser.get("/auth/me")).text()).not.toContain("checked");
    expect(await count(site, "consents")).toBe(before + 2);
  });

  it("takes no change from another website, nor for a consent nobody asks for", async () => {
    const site = openSite({ vars: { CONSENTS } });
    const browser = await member(site);
    const before = await count(site, "consents");
    const evil = { origin: "https://evil.example", "sec-fetch-site": "cross-site" };
    for (const path of ["/auth/me/consents", "/auth/me/erase"]) {
      expect((await browser.post(path, { consent: "newsletter", confirm: "yes" }, evil)).status).toBe(403);
    }
    await browser.post("/auth/me/consents", { consent: "sell-my-data" });
    expect(await count(site, "consents")).toBe(before);
    expect((await browser.session()).authenticated).toBe(true);
  });

  it("hands out everything that is kept, as a file", async () => {
    const site = openSite({ vars: { CONSENTS } });
    const browser = await member(site);
    const response = await browser.get("/auth/me/download");
    expect(response.headers.get("content-disposition")).toBe('attachment; filename="site.example.json"');
    const data = await response.json<Record<string, unknown>>();
    expect(data).toMatchObject({
      site: "https://site.example",
      account: { name: "Kari Nordmann", phone: "4799999901", email: "kari.nordmann@example.com" },
      identities: [{ msn: "123456", linkedBy: "created" }],
      consents: [{ consent: "newsletter", granted: false }],
      logins: [{ outcome: "logged_in" }],
      sessions: [{ sid: expect.any(String) }],
    });
  });

  it("deletes the account and everything with it, on every device", async () => {
    const site = openSite({ vars: { CONSENTS, TERMS_URL: "/terms.html", TERMS_VERSION: "1" } });
    const phone = await member(site);
    const laptop = await member(site);
    const unticked = await phone.post("/auth/me/erase");
    expect(unticked.status).toBe(400);
    expect(await unticked.text()).toMatch(/aria-invalid="true"[^>]* autofocus.*Tick the box first\./s);
    expect(await count(site, "accounts")).toBe(1);

    const erased = await phone.post("/auth/me/erase", { confirm: "yes" });
    expect(erased.status).toBe(200);
    expect(await erased.text()).toContain("Your account is deleted");
    expect([...phone.cookies.keys()]).not.toContain(SESSION_COOKIE);
    expect(phone.cookies.get(BROWSER_COOKIE)).toMatch(/^out-\d+$/);
    expect((await laptop.session()).authenticated).toBe(false);
    for (const table of ["accounts", "identities", "terms_acceptances", "consents", "logins"]) {
      expect([table, await count(site, table)]).toEqual([table, 0]);
    }
    const audit = await site.env.ACCOUNTS_DB?.prepare("SELECT action, actor_role FROM audit_log").all();
    expect(audit?.results).toEqual([{ action: "erased", actor_role: "self" }]);
    expect((await laptop.get("/auth/me")).status).toBe(302);
  });

  it.each([
    ["nb", "21. mars 1984"],
    ["da", "21. marts 1984"],
    ["sv", "21 mars 1984"],
    ["fi", "21. maaliskuuta 1984"],
    ["en", "21 March 1984"],
  ])("says the date of birth as the language %s does", async (language, day) => {
    const site = openSite({ vars: { VIPPS_SCOPE: "openid name phoneNumber email birthDate" } });
    const browser = openBrowser(site, { "accept-language": language });
    await browser.logIn();
    const page = await (await browser.get("/auth/me")).text();
    expect(page).toContain(day);
    expect(page).not.toContain("1984-03-21");
  });

  it("shows what the session says where no registry is kept", async () => {
    const browser = await member(openSite({ vars: { ACCOUNTS: "none" } }));
    expect(await (await browser.get("/auth/me")).text()).toContain("Kari Nordmann");
  });
});

describe("the consent webhook", () => {
  const SECRET = "a-secret-that-nobody-guesses";
  const PATH = `/auth/webhooks/consent/${SECRET}`;
  const send = async (site: TestSite, path: string, body: string) =>
    site.fetch(
      new Request(`https://site.example${path}`, {
        method: "POST",
        body,
        headers: { "content-type": "text/plain" },
      }),
    );

  it("ends the sessions of the user on every device and notes the withdrawal, once or twice", async () => {
    const site = openSite({ vars: { CONSENT_WEBHOOK_SECRET: SECRET } });
    const [phone, laptop, other] = [await member(site), await member(site), await member(site, "aino")];
    const body = await site.simulator.control.consentRevokedBody({ user: "kari" });
    for (let times = 0; times < 2; times += 1) expect((await send(site, PATH, body)).status).toBe(204);
    expect((await phone.session()).authenticated).toBe(false);
    expect((await laptop.session()).authenticated).toBe(false);
    expect((await other.session()).authenticated).toBe(true);
    const revoked = await site.env.ACCOUNTS_DB?.prepare(
      "SELECT count(*) AS n FROM identities WHERE consent_revoked_at IS NOT NULL",
    ).first("n");
    expect(revoked).toBe(1);
  });

  it("is not there without its secret, and says nothing about who is known", async () => {
    const site = openSite({ vars: { CONSENT_WEBHOOK_SECRET: SECRET } });
    const body = await site.simulator.control.consentRevokedBody({ user: "kari" });
    expect((await send(site, "/auth/webhooks/consent/wrong", body)).status).toBe(404);
    expect((await send(openSite(), PATH, body)).status).toBe(404);
    expect((await send(site, PATH, body)).status).toBe(204);
  });

  /** The message in the form of Vipps' documented example, without the final dot. */
  const twoParts = (payload: object) =>
    [{ alg: "none" }, payload]
      .map((part) => btoa(JSON.stringify(part)).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, ""))
      .join(".");

  it.each([
    ["two parts", (body: string) => body.slice(0, -1), "text/plain; charset=utf-8"],
    ["three parts", (body: string) => body, "text/plain"],
    ["a line feed behind it", (body: string) => `${body}\r\n`, "text/plain"],
    ["a byte order mark before it", (body: string) => `\ufeff${body}`, "text/plain"],
    ["something in place of a signature", (body: string) => `${body}c2ln`, "text/plain"],
    ["two parts and JSON's content type", (body: string) => body.slice(0, -1), "application/json"],
    ["the content type of a JWT", (body: string) => body, "application/jwt"],
    ["no content type", (body: string) => body, ""],
  ])("takes the message with %s", async (_what, form, type) => {
    const site = openSite({ vars: { CONSENT_WEBHOOK_SECRET: SECRET } });
    const phone = await member(site);
    const body = new TextEncoder().encode(
      form(await site.simulator.control.consentRevokedBody({ user: "kari" })),
    );
    const headers: Record<string, string> = type === "" ? {} : { "content-type": type };
    const request = new Request(`https://site.example${PATH}`, { method: "POST", body, headers });
    expect((await site.fetch(request)).status).toBe(204);
    expect((await phone.session()).authenticated).toBe(false);
  });

  it("takes a message that is long past its exp, or has none: it was late, and is no less true", async () => {
    const site = openSite({ vars: { CONSENT_WEBHOOK_SECRET: SECRET } });
    const sub = await site.simulator.control.subject({ user: "kari" });
    for (const times of [{ iat: 1_700_000_000, nbf: 1_700_000_000, exp: 1_700_000_300 }, {}]) {
      const phone = await member(site);
      const body = twoParts({ event: "CONSENT_REVOKED", sub, ...times });
      expect((await send(site, PATH, body)).status).toBe(204);
      expect((await phone.session()).authenticated).toBe(false);
    }
  });

  it.each([
    ["nothing", ""],
    ["noise", "hello"],
    ["another event", `e30.${btoa('{"sub":"x","event":"OTHER","exp":99999999999}')}.`],
    ["no sub", `e30.${btoa('{"event":"CONSENT_REVOKED","exp":99999999999}')}.`],
    ["one from the future", `e30.${btoa('{"sub":"x","event":"CONSENT_REVOKED","nbf":99999999999}')}.`],
    ["four parts", `e30.${btoa('{"sub":"x","event":"CONSENT_REVOKED"}')}..`],
    ["a payload that is no object", `e30.${btoa("null")}.`],
    ["a sub that is no text", `e30.${btoa('{"sub":7,"event":"CONSENT_REVOKED"}')}.`],
    ["far too much", "a".repeat(100_000)],
  ])("takes %s for no message", async (_what, body) => {
    const site = openSite({ vars: { CONSENT_WEBHOOK_SECRET: SECRET } });
    expect((await send(site, PATH, body)).status).toBe(400);
  });
});
