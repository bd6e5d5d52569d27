import { beforeEach, describe, expect, it, vi } from "vitest";
import {
  type ConsentAnswer,
  consentHistory,
  currentConsents,
  recordConsents,
} from "../../src/accounts/consents.ts";
import { listMembers } from "../../src/accounts/member-list.ts";
import type { Records } from "../../src/accounts/records.ts";
import { deleteExpired } from "../../src/accounts/retention.ts";
import {
  adoptVippsConsents,
  consentsWaitingFor,
  forgetVippsConsents,
  keepVippsConsents,
  receivedConsents,
  WAITING_DAYS,
} from "../../src/accounts/vipps-consents.ts";
import { knownClaims } from "../../src/vipps/claims.ts";
import { type Browser, openBrowser } from "./browser.ts";
import { stopClock, wait } from "./clock.ts";
import { accountsDatabase } from "./database.ts";
import { openSite, type TestSite } from "./site.ts";

const KARI = { msn: "123456", sub: "sub-kari" };
/** 2026-06-01 10:30:00 UTC. */
const START = 1_780_309_800;
const DAY = 24 * 3600;

const records = (): Records => ({ database: accountsDatabase(), site: "default" });

const FLOW = {
  language: "NB",
  screens: [
    {
      title: "Velkommen",
      description: "Litt om oss",
      terms: { links: [{ title: "Vilkår", url: "https://example.com/terms" }] },
      elements: [
        {
          type: "checkbox",
          id: "cf_accept_terms",
          title: "Jeg godtar vilkårene",
          checked: true,
          required: true,
        },
      ],
    },
    {
      title: "Nyheter",
      elements: [
        { type: "checkbox", id: "cf_news", title: "Send meg nyheter", checked: false, required: false },
      ],
    },
  ],
  timeOfConsent: "2026-06-01T10:29:58Z",
};
const LEGACY = {
  heading: "Vil du ha tilbud?",
  language: "nb",
  timeOfConsent: "2026-06-01T10:29:58Z",
  consents: [
    { id: "email", accepted: true, required: false, textDisplayedToUser: "E-post" },
    { id: "sms", accepted: false, required: false, textDisplayedToUser: "SMS" },
  ],
};

const summary = (answers: readonly ConsentAnswer[]) =>
  answers.map(({ consent, granted }) => `${consent} ${granted ? "yes" : "no"}`);

describe("consents that Vipps collected", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["Date"] });
    vi.setSystemTime(START * 1000);
  });

  it("are kept in both forms with words, language and time, once, however often they come", async () => {
    for (let times = 0; times < 2; times += 1) {
      expect(await keepVippsConsents(records(), KARI, { flowResult: FLOW, delegatedConsents: LEGACY })).toBe(
        true,
      );
      await adoptVippsConsents(records(), "acc_kari", KARI);
    }
    const answer = { source: "vipps", language: "nb", answeredAt: START - 2 };
    expect(await consentHistory(records(), "acc_kari")).toEqual([
      { consent: "vipps:email", granted: true, required: false, wording: "E-post", ...answer },
      { consent: "vipps:sms", granted: false, required: false, wording: "SMS", ...answer },
      {
        consent: "vipps:cf_accept_terms",
        granted: true,
        required: true,
        wording: "Jeg godtar vilkårene",
        ...answer,
      },
      { consent: "vipps:cf_news", granted: false, required: false, wording: "Send meg nyheter", ...answer },
    ]);
    const received = { timeOfConsent: "2026-06-01T10:29:58Z", receivedAt: START };
    expect(await receivedConsents(records(), "acc_kari")).toEqual(
      expect.arrayContaining([
        { form: "flowResult", raw: FLOW, ...received },
        { form: "delegatedConsents", raw: LEGACY, ...received },
      ]),
    );
  });

  it("that come again do not undo what the person has answered since", async () => {
    await keepVippsConsents(records(), KARI, { flowResult: FLOW });
    await adoptVippsConsents(records(), "acc_kari", KARI);
    const [terms] = await currentConsents(records(), "acc_kari");
    if (terms === undefined) throw new Error("the consent is kept");
    await recordConsents(records(), "acc_kari", [{ ...terms, granted: false }], "my_page");
    await keepVippsConsents(records(), KARI, { flowResult: FLOW });
    await adoptVippsConsents(records(), "acc_kari", KARI);
    // Given before the withdrawal, though it comes after it.
    const earlier = { ...FLOW, timeOfConsent: "2026-06-01T10:29:00Z" };
    await keepVippsConsents(records(), KARI, { flowResult: earlier });
    await adoptVippsConsents(records(), "acc_kari", KARI);
    expect(summary(await currentConsents(records(), "acc_kari"))).toContain("vipps:cf_accept_terms no");
    vi.setSystemTime((START + 60) * 1000);
    const anew = { ...FLOW, timeOfConsent: "2026-06-01T10:30:30Z" };
    await keepVippsConsents(records(), KARI, { flowResult: anew });
    await adoptVippsConsents(records(), "acc_kari", KARI);
    expect(summary(await currentConsents(records(), "acc_kari"))).toContain("vipps:cf_accept_terms yes");
  });

  it("that the first version kept are not taken for new ones, and are handed out with the others", async () => {
    await records()
      .database.prepare(
        `INSERT INTO delegated_consents (site, account_id, msn, sub, time_of_consent, raw, received_at)
         VALUES ('default', 'acc_kari', ?1, ?2, ?3, ?4, ?5)`,
      )
      .bind(KARI.msn, KARI.sub, LEGACY.timeOfConsent, JSON.stringify(LEGACY), START - 100)
      .run();
    await keepVippsConsents(records(), KARI, { delegatedConsents: LEGACY });
    await adoptVippsConsents(records(), "acc_kari", KARI);
    expect(await consentHistory(records(), "acc_kari")).toEqual([]);
    expect(await receivedConsents(records(), "acc_kari")).toMatchObject([{ raw: LEGACY }, { raw: LEGACY }]);
  });

  it("stay with their site, their sales unit and their person", async () => {
    await keepVippsConsents(records(), KARI, { flowResult: FLOW });
    await adoptVippsConsents({ ...records(), site: "other" }, "acc_kari", KARI);
    await adoptVippsConsents(records(), "acc_kari", { ...KARI, msn: "654321" });
    await adoptVippsConsents(records(), "acc_kari", { ...KARI, sub: "sub-ola" });
    expect(await consentHistory(records(), "acc_kari")).toEqual([]);
    await forgetVippsConsents(records(), { ...KARI, sub: "sub-ola" });
    await adoptVippsConsents(records(), "acc_kari", KARI);
    expect(await consentHistory(records(), "acc_kari")).toHaveLength(2);
  });

  it("wait for a person who does not come back no longer than they must", async () => {
    await keepVippsConsents(records(), KARI, { flowResult: FLOW });
    await keepVippsConsents(records(), { ...KARI, sub: "sub-ola" }, { flowResult: FLOW });
    await adoptVippsConsents(records(), "acc_ola", { ...KARI, sub: "sub-ola" });
    const clear = (days: number) => {
      vi.setSystemTime((START + days * DAY + 1) * 1000);
      return deleteExpired(accountsDatabase(), { sites: [], loginEventsDays: 90 });
    };
    expect(await clear(WAITING_DAYS - 1)).toMatchObject({ waitingConsents: 0 });
    expect(await clear(WAITING_DAYS)).toMatchObject({ waitingConsents: 1 });
    expect(await receivedConsents(records(), "acc_ola")).toHaveLength(1);
  });

  it("cost a login without them nothing: no call, and no row where the database is asked anyway", async () => {
    const untouched = { ...records(), database: undefined as unknown as D1Database };
    expect(await keepVippsConsents(untouched, KARI, { name: "Kari", flowResult: {} })).toBe(false);
    for (const sub of ["sub-ola", "sub-per"]) {
      await keepVippsConsents(records(), { ...KARI, sub }, { flowResult: FLOW });
      await adoptVippsConsents(records(), `acc_${sub}`, { ...KARI, sub });
    }
    for (const user of [KARI, { ...KARI, sub: "sub-ola" }]) {
      const { results, meta } = await accountsDatabase()
        .prepare(consentsWaitingFor({ sub: "?2", msn: "?3" }))
        .bind(records().site, user.sub, user.msn)
        .all();
      expect([results, meta.rows_read]).toEqual([[], 0]);
    }
  });

  const deep = (depth: number): unknown => {
    let structure: unknown[] = [];
    for (let level = 1; level < depth; level += 1) structure = [structure];
    return structure;
  };
  it.each<[string, Record<string, unknown>, readonly string[]]>([
    ["nothing known", { surprise: true }, []],
    ["no screens", { screens: null, timeOfConsent: null }, []],
    [
      "screens that are none",
      { screens: [null, 7, "x", [], { elements: "none" }, { elements: [null, [], 3] }] },
      [],
    ],
    [
      "answers that are no truth values",
      {
        screens: [
          {
            elements: [
              { id: "a", checked: "true" },
              { id: "b", checked: 1 },
            ],
          },
        ],
      },
      [],
    ],
    [
      "ids that are none",
      {
        screens: [
          {
            elements: [
              { id: "", checked: true },
              { id: 7, checked: true },
              { id: "a\u0000b", checked: true },
              { checked: true },
              { id: "x".repeat(201), checked: true },
            ],
          },
        ],
      },
      [],
    ],
    [
      "one question answered twice, against itself",
      { screens: [{ elements: [{ id: "a", checked: true }] }, { elements: [{ id: "a", checked: false }] }] },
      ["vipps:a no"],
    ],
    [
      "names of the language itself",
      {
        screens: [
          {
            elements: [
              { id: "__proto__", checked: true },
              { id: "constructor", checked: true },
            ],
          },
        ],
        constructor: 1,
      },
      ["vipps:__proto__ yes", "vipps:constructor yes"],
    ],
    ["no words", { screens: [{ elements: [{ id: "a", checked: true, title: null }] }] }, ["vipps:a yes"]],
    [
      "halves of characters and control characters",
      {
        language: "\ud800",
        screens: [{ title: "\ud800\u0000", elements: [{ id: "a", checked: true, title: "\u0000x\ud83d" }] }],
      },
      ["vipps:a yes"],
    ],
    [
      "a time out of this world",
      { timeOfConsent: "+275760-09-13T00:00:00Z", screens: [{ elements: [{ id: "a", checked: true }] }] },
      ["vipps:a yes"],
    ],
    [
      "a time as a number",
      { timeOfConsent: 1_780_309_700_000, screens: [{ elements: [{ id: "a", checked: true }] }] },
      ["vipps:a yes"],
    ],
    [
      "far too long a time",
      { timeOfConsent: "2".repeat(100_000), screens: [{ elements: [{ id: "a", checked: true }] }] },
      ["vipps:a yes"],
    ],
    [
      "a structure deeper than a database reads",
      { screens: [{ elements: [{ id: "a", checked: true }] }], more: deep(2_000) },
      ["vipps:a yes"],
    ],
    [
      "far too much beside it",
      { screens: [{ description: "x".repeat(200_000), elements: [{ id: "a", checked: true }] }] },
      ["vipps:a yes"],
    ],
  ])("with %s are taken as far as they can be", async (_what, flowResult, kept) => {
    const claims = knownClaims({ flowResult });
    await keepVippsConsents(records(), KARI, claims);
    await adoptVippsConsents(records(), "acc_kari", KARI);
    expect(summary(await currentConsents(records(), "acc_kari")).toSorted()).toEqual(kept.toSorted());
    for (const { answeredAt } of await currentConsents(records(), "acc_kari"))
      expect(answeredAt).toBeLessThanOrEqual(START);
    expect(await receivedConsents(records(), "acc_kari")).toHaveLength(1);
  });

  it("by the thousand are bounded, and so is how deep they go; what is no object is dropped", async () => {
    const elements = Array.from({ length: 5_000 }, (_, n) => ({ id: `c${n}`, checked: true, title: "x" }));
    await keepVippsConsents(records(), KARI, knownClaims({ flowResult: { screens: [{ elements }] } }));
    await adoptVippsConsents(records(), "acc_kari", KARI);
    expect(await currentConsents(records(), "acc_kari")).toHaveLength(200);
    const claims = knownClaims({ flowResult: { deep: deep(100_000) }, address: { deep: deep(100_000) } });
    for (const claim of Object.values(claims)) expect(JSON.stringify(claim).length).toBeLessThan(100);
    for (const flowResult of [null, [], "text", 7, true]) expect(knownClaims({ flowResult })).toEqual({});
  });
});

const TERMS = { TERMS_URL: "/terms.html", TERMS_VERSION: "2026-11" };
const english = { "accept-language": "en" };

/** The answers kept for the one account there is. */
async function answersOf(site: TestSite): Promise<readonly string[]> {
  const id = await site.env.ACCOUNTS_DB?.prepare("SELECT id FROM accounts").first<string>("id");
  return summary(await currentConsents(records(), id ?? ""));
}

const rowsOf = async (table: string) =>
  accountsDatabase().prepare(`SELECT count(*) AS n FROM ${table}`).first<number>("n");

const attemptIn = (page: string) => /name="attempt" value="([^"]+)"/.exec(page)?.[1] ?? "";

async function answerTerms(browser: Browser, page: string, answer: "accept" | "decline"): Promise<Response> {
  const form = { attempt: attemptIn(page), question: "terms", answer, terms: "accepted" };
  return browser.post("/auth/continue", form);
}

describe.each([
  ["customFlow", "flowResult"],
  ["delegatedConsents", "delegatedConsents"],
])("a login with the scope %s", (scope, form) => {
  const VIPPS_SCOPE = `openid name phoneNumber email ${scope}`;
  const GIVEN = ["vipps:membership-terms yes", "vipps:newsletter yes"];
  const choices = { accept: ["membership-terms", "newsletter"] };

  it("keeps what was answered at Vipps, shows it, hands it out, and takes a withdrawal", async () => {
    const site = openSite({ vars: { VIPPS_SCOPE } });
    const browser = openBrowser(site, english);
    expect((await browser.logIn(choices)).status).toBe(303);
    expect(await answersOf(site)).toEqual(GIVEN);

    const page = await (await browser.get("/auth/me")).text();
    expect(page).toContain("You answered these at Vipps");
    for (const id of ["membership-terms", "newsletter"])
      expect(page).toMatch(new RegExp(`value="vipps:${id}" checked`));
    expect(page.match(/requires this of everyone/g)).toHaveLength(1);
    await browser.post("/auth/me/consents", { consent: "vipps:membership-terms" });
    expect(await answersOf(site)).toEqual(["vipps:membership-terms yes", "vipps:newsletter no"]);
    await browser.post("/auth/me/consents");
    expect(await answersOf(site)).toEqual(["vipps:membership-terms no", "vipps:newsletter no"]);
    expect(await (await browser.get("/auth/me")).text()).not.toContain("checked");

    const data = await (await browser.get("/auth/me/download")).json<Record<string, unknown[]>>();
    expect(data.delegatedConsents).toMatchObject([{ form }]);
    expect(data.consents).toMatchObject([
      { consent: "vipps:membership-terms", granted: true, required: true, source: "vipps", language: "en" },
      { consent: "vipps:newsletter", granted: true, wording: "Send me the newsletter by email" },
      { consent: "vipps:newsletter", granted: false, source: "my_page" },
      { consent: "vipps:membership-terms", granted: false, source: "my_page", required: true },
    ]);
    // The next login brings none, and changes nothing.
    await openBrowser(site, english).logIn();
    expect(await answersOf(site)).toEqual(["vipps:membership-terms no", "vipps:newsletter no"]);
  });

  it("keeps them when it is left at the terms, for the login that is finished later", async () => {
    const site = openSite({ vars: { VIPPS_SCOPE, ...TERMS } });
    await openBrowser(site, english).logIn(choices);
    expect([await rowsOf("accounts"), await rowsOf("vipps_consents")]).toEqual([0, 1]);
    const browser = openBrowser(site, english);
    const page = await (await browser.logIn()).text();
    expect((await answerTerms(browser, page, "accept")).status).toBe(303);
    expect(await answersOf(site)).toEqual(GIVEN);
  });

  it("keeps them when it ends in another browser that never answers", async () => {
    const site = openSite({ vars: { VIPPS_SCOPE } });
    const browser = openBrowser(site, english);
    const callback = await browser.atProvider(await browser.startLogin(), choices);
    expect(await (await openBrowser(site, english).get(callback.href)).text()).toContain("Is this you?");
    await openBrowser(site, english).logIn();
    expect(await answersOf(site)).toEqual(GIVEN);
  });

  it("erases them when its person declines the terms, or says that it was not them", async () => {
    const site = openSite({ vars: { VIPPS_SCOPE, ...TERMS } });
    const browser = openBrowser(site, english);
    const page = await (await browser.logIn(choices)).text();
    expect(await rowsOf("vipps_consents")).toBe(1);
    expect((await answerTerms(browser, page, "decline")).status).toBe(403);
    expect(await rowsOf("vipps_consents")).toBe(0);

    site.simulator.control.forgetConsents();
    const other = openBrowser(site, english);
    const callback = await browser.atProvider(await browser.startLogin(), choices);
    const question = await (await other.get(callback.href)).text();
    expect(await rowsOf("vipps_consents")).toBe(1);
    await other.post("/auth/continue", { attempt: attemptIn(question), answer: "no" });
    expect(await rowsOf("vipps_consents")).toBe(0);
  });

  /** Everything Vipps asked is answered anew there a minute later, with no to the newsletter. */
  async function answerAnew(site: TestSite, browser = openBrowser(site, english)): Promise<URL> {
    wait(60);
    site.simulator.control.forgetConsents();
    // Userinfo is asked again.
    await accountsDatabase().prepare("UPDATE identities SET consent_revoked_at = 1").run();
    return browser.atProvider(await browser.startLogin(), { accept: ["membership-terms"] });
  }
  const ANEW = ["vipps:membership-terms yes", "vipps:newsletter no"];

  it.each(["d1", "none"] as const)(
    "counts of a member at once, whoever has the browser, and survives a no there (ACCOUNTS=%s)",
    async (ACCOUNTS) => {
      stopClock();
      const site = openSite({ vars: { VIPPS_SCOPE, ACCOUNTS } });
      const browser = openBrowser(site, english);
      await browser.logIn(choices);
      const account = await accountsDatabase().prepare("SELECT account_id FROM consents").first("account_id");
      const answers = async () => summary(await currentConsents(records(), String(account)));
      expect(await answers()).toEqual(GIVEN);
      const callback = await answerAnew(site);
      const other = openBrowser(site, english);
      const question = await (await other.get(callback.href)).text();
      expect(await answers()).toEqual(ANEW);
      const refused = await other.post("/auth/continue", { attempt: attemptIn(question), answer: "no" });
      expect(refused.status).toBe(403);
      expect(await answers()).toEqual(ANEW);
      expect(await receivedConsents(records(), String(account))).toHaveLength(2);
    },
  );

  it("counts of a member who declines new terms, and accepts them another day", async () => {
    stopClock();
    const site = openSite({ vars: { VIPPS_SCOPE, ...TERMS } });
    const browser = openBrowser(site, english);
    await answerTerms(browser, await (await browser.logIn(choices)).text(), "accept");
    const later = openSite({ vars: { VIPPS_SCOPE, ...TERMS, TERMS_VERSION: "2027-01" } });
    const visitor = openBrowser(later, english);
    const page = await (await visitor.get((await answerAnew(later, visitor)).href)).text();
    const declined = await answerTerms(visitor, page, "decline");
    expect(declined.status).toBe(403);
    expect(await declined.text()).toContain("If you are new here, nothing has been kept about you.");
    expect(await answersOf(later)).toEqual(ANEW);
    const again = await (await visitor.logIn()).text();
    expect((await answerTerms(visitor, again, "accept")).status).toBe(303);
    expect(await answersOf(later)).toEqual(ANEW);
  });

  it("gives a member, at a no, what waited for them from before they were one", async () => {
    const site = openSite({ vars: { VIPPS_SCOPE } });
    const browser = openBrowser(site, english);
    await browser.logIn(choices);
    await accountsDatabase().batch(
      ["DELETE FROM consents", "UPDATE vipps_consents SET account_id = NULL"].map((sql) =>
        accountsDatabase().prepare(sql),
      ),
    );
    const elsewhere = openBrowser(site, english);
    const callback = await elsewhere.atProvider(await elsewhere.startLogin());
    const other = openBrowser(site, english);
    const question = await (await other.get(callback.href)).text();
    await other.post("/auth/continue", { attempt: attemptIn(question), answer: "no" });
    expect(await answersOf(site)).toEqual(GIVEN);
  });

  const SECRET = "a-secret-that-nobody-guesses";

  async function removeAccess(site: TestSite): Promise<void> {
    const body = await site.simulator.control.consentRevokedBody({ user: "kari" });
    const url = `https://site.example/auth/webhooks/consent/${SECRET}`;
    const headers = { "content-type": "text/plain" };
    const request = () => new Request(url, { method: "POST", body, headers });
    for (let times = 0; times < 2; times += 1) expect((await site.fetch(request())).status).toBe(204);
  }

  it.each(["d1", "none"] as const)(
    "takes every yes back when the person removes the access at Vipps, until they answer anew (ACCOUNTS=%s)",
    async (ACCOUNTS) => {
      stopClock();
      const site = openSite({ vars: { VIPPS_SCOPE, ACCOUNTS, CONSENT_WEBHOOK_SECRET: SECRET } });
      await openBrowser(site, english).logIn(choices);
      const account = String(
        await accountsDatabase().prepare("SELECT account_id FROM consents").first("account_id"),
      );
      const own = { consent: "own", granted: true, required: false, wording: "Own", language: "en" };
      await recordConsents(records(), account, [own], "login");
      wait(60);
      const removed = Math.floor(Date.now() / 1000);
      await removeAccess(site);
      const taken = ["own yes", "vipps:membership-terms no", "vipps:newsletter no"];
      expect(summary(await currentConsents(records(), account))).toEqual(taken);
      const history = await consentHistory(records(), account);
      expect(history).toHaveLength(5);
      expect(history.slice(3)).toEqual([
        expect.objectContaining({ consent: "vipps:membership-terms", required: true, source: "webhook" }),
        {
          consent: "vipps:newsletter",
          granted: false,
          required: false,
          wording: "Send me the newsletter by email",
          language: "en",
          source: "webhook",
          answeredAt: removed,
        },
      ]);
      const yes = { consent: "vipps:newsletter", granted: true };
      expect((await listMembers(records(), { answer: yes }, undefined, 10)).members).toEqual([]);

      site.simulator.control.forgetConsents();
      wait(60);
      await openBrowser(site, english).logIn(choices);
      const given = ["own yes", ...GIVEN];
      expect(summary(await currentConsents(records(), account))).toEqual(given);
      // The same message, as late as this, says nothing about what was answered since.
      await site.fetch(lateMessage(await site.simulator.control.subject({ user: "kari" }), removed));
      expect(summary(await currentConsents(records(), account))).toEqual(given);
    },
  );

  const lateMessage = (sub: string, iat: number) =>
    new Request(`https://site.example/auth/webhooks/consent/${SECRET}`, {
      method: "POST",
      body: `e30.${btoa(JSON.stringify({ event: "CONSENT_REVOKED", sub, iat }))}`,
    });

  it("waits no longer for somebody who has removed the access before the login was finished", async () => {
    stopClock();
    const site = openSite({ vars: { VIPPS_SCOPE, ...TERMS, CONSENT_WEBHOOK_SECRET: SECRET } });
    await openBrowser(site, english).logIn(choices);
    expect(await rowsOf("vipps_consents")).toBe(1);
    const sub = await site.simulator.control.subject({ user: "kari" });
    await site.fetch(lateMessage(sub, Math.floor(Date.now() / 1000) - 1));
    expect(await rowsOf("vipps_consents")).toBe(1);
    await removeAccess(site);
    expect(await rowsOf("vipps_consents")).toBe(0);
  });

  it("keeps them where no registry is kept, and erases them with the account", async () => {
    const site = openSite({ vars: { VIPPS_SCOPE, ACCOUNTS: "none" } });
    const browser = openBrowser(site, english);
    await browser.logIn(choices);
    expect(await (await browser.get("/auth/me")).text()).toContain('value="vipps:newsletter" checked');
    await browser.post("/auth/me/erase", { confirm: "yes" });
    expect([await rowsOf("vipps_consents"), await rowsOf("consents")]).toEqual([0, 0]);
  });

  it("does not take a consent for withdrawn that came in after the page was shown", async () => {
    const site = openSite({ vars: { VIPPS_SCOPE } });
    const browser = openBrowser(site, english);
    await browser.logIn(choices);
    await browser.post("/auth/me/consents", { shown: "vipps:membership-terms" });
    expect(await answersOf(site)).toEqual(["vipps:membership-terms no", "vipps:newsletter yes"]);
  });
});

describe("a login with both scopes of consents", () => {
  const VIPPS_SCOPE = "openid name phoneNumber email customFlow delegatedConsents";

  it("keeps both forms at the login that collected them, though the ID token brings one", async () => {
    const site = openSite({ vars: { VIPPS_SCOPE } });
    const choices = { accept: ["membership-terms", "newsletter"] };
    for (const time of ["the first time", "when Vipps asks anew within a week"]) {
      await accountsDatabase().prepare("DELETE FROM vipps_consents").run();
      site.resetCounts();
      await openBrowser(site, english).logIn(choices);
      expect(site.counts.fetches, time).toContain("/vipps-userinfo-api/userinfo");
      const { results } = await accountsDatabase().prepare("SELECT form FROM vipps_consents").all();
      expect(results.map(({ form }) => form).sort(), time).toEqual(["delegatedConsents", "flowResult"]);
      site.simulator.control.forgetConsents();
    }
  });
});

describe("consents that wait for somebody who is known", () => {
  it.each(["d1", "none"] as const)("are theirs with the next login (ACCOUNTS=%s)", async (ACCOUNTS) => {
    stopClock();
    const site = openSite({ vars: { ACCOUNTS } });
    await openBrowser(site).logIn();
    const event = await accountsDatabase()
      .prepare("SELECT account_id AS account, msn, sub FROM logins WHERE outcome = 'logged_in'")
      .first<{ account: string; msn: string; sub: string }>();
    if (event === null) throw new Error("the login is kept");
    const { account, ...user } = event;
    await keepVippsConsents(records(), user, { flowResult: FLOW });
    expect(await consentHistory(records(), account)).toEqual([]);
    await openBrowser(site).logIn();
    expect(await consentHistory(records(), account)).toHaveLength(2);
  });
});
