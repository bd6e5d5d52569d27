import { afterEach, describe, expect, it, vi } from "vitest";
import { openBrowser } from "../worker/browser.ts";
import { accountsDatabase } from "../worker/database.ts";
import { keptOfLogins } from "../worker/login-objects.ts";
import { formOf } from "../worker/page-form.ts";
import { inFakeTime, stopTime } from "./fake-time.ts";
import { type HostileProvider, SUB } from "./hostile-provider.ts";
import { openHostileSite } from "./hostile-site.ts";

const CUSTOM_FLOW = "openid name phoneNumber email customFlow";
const TERMS = { TERMS_URL: "/terms.html", TERMS_VERSION: "2026-11" };
const SECOND = 1_000;

/** What Vipps collected at this login and tells at no other. */
const FLOW = {
  language: "NB",
  screens: [
    { title: "Nyheter", elements: [{ type: "checkbox", id: "cf_news", title: "Nyheter", checked: true }] },
  ],
  timeOfConsent: "2026-06-01T10:29:58Z",
};

type Answer = () => Response | Promise<Response>;

const DOWN: Answer = () => new Response("down", { status: 503 });

/** Failures that a second request may not meet. */
const PASSING: readonly (readonly [string, Answer])[] = [
  ["503", DOWN],
  ["500", () => Response.json({}, { status: 500 })],
  ["no connection", () => Promise.reject(new TypeError("Network connection lost."))],
  ["a page of something in between", () => new Response("<h1>soon</h1>", { headers: HTML })],
  ["half an answer", () => new Response('{"sub":"c0', { headers: { "content-type": "application/json" } })],
  ["429 for a second", () => new Response(null, { status: 429, headers: { "retry-after": "1" } })],
];
const HTML = { "content-type": "text/html" };

/** A site that collects consents, and a provider whose userinfo fails some times before it says what it knows. */
function openCollectingSite(failures: number, failure: Answer = DOWN, vars: Partial<Cloudflare.Env> = {}) {
  const hostile = openHostileSite({ vars: { VIPPS_SCOPE: CUSTOM_FLOW, ...vars } });
  const { provider } = hostile;
  provider.userinfo = { flowResult: FLOW };
  failing(provider, failures, failure);
  return hostile;
}

function failing(provider: HostileProvider, failures: number, failure: Answer): void {
  let left = failures;
  provider.answers.userinfo = (_request, proper) => {
    left -= 1;
    return left >= 0 ? failure() : proper();
  };
}

/** Lets false time pass, with what is due in it. */
const pass = (milliseconds: number) => inFakeTime(new Promise((wake) => setTimeout(wake, milliseconds)));

const all = async (query: string) => (await accountsDatabase().prepare(query).all()).results;
const keptConsents = () => all("SELECT consent, granted FROM consents ORDER BY id");
const KEPT = [{ consent: "vipps:cf_news", granted: 1 }];

async function everythingKept(): Promise<string> {
  const tables = await all("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB '[_d]*'");
  const rows = await Promise.all(tables.map(({ name }) => all(`SELECT * FROM ${name}`)));
  return JSON.stringify([rows, await keptOfLogins()]);
}

describe("R6 consents that Vipps tells once", () => {
  afterEach(() => vi.useRealTimers());

  it.each(PASSING)("are there at once where userinfo fails a single time: %s", async (_what, failure) => {
    const { provider, site, browser } = openCollectingSite(1, failure);
    const callback = provider.authorize(await browser.startLogin());
    stopTime();
    const { value: response, elapsed } = await inFakeTime(browser.get(callback.href));
    expect(response.status).toBe(303);
    expect(elapsed).toBeLessThanOrEqual(3 * SECOND);
    expect(await keptConsents()).toEqual(KEPT);
    expect([provider.count("token"), provider.count("userinfo")]).toEqual([1, 2]);
    expect(site.log.filter(({ event }) => event === "userinfo_failed")).toEqual([]);
  });

  it.each<[string, number, Answer, number]>([
    ["fails for seconds", 3, DOWN, 1],
    ["does not answer at first", 1, () => new Promise<Response>(() => undefined), 1],
    ["wants to be left alone for half a minute", 1, () => busyFor(30), 29],
  ])("come behind the answer where userinfo %s", async (_what, failures, failure, quiet) => {
    const { provider, site, browser } = openCollectingSite(failures, failure);
    const callback = provider.authorize(await browser.startLogin());
    stopTime();
    const { value: response, elapsed } = await inFakeTime(browser.get(callback.href));
    expect(response.status).toBe(303);
    expect(elapsed).toBeLessThanOrEqual(4 * SECOND);
    const asked = provider.count("userinfo");
    await pass(quiet * SECOND);
    expect(provider.count("userinfo")).toBe(asked);
    expect(await keptConsents()).toEqual([]);
    await pass(65 * SECOND);
    expect(await keptConsents()).toEqual(KEPT);
    expect([provider.count("token"), provider.count("userinfo")]).toEqual([1, failures + 1]);
    expect(site.log.map(({ event }) => event)).toContain("userinfo_came_later");
    const kept = await everythingKept();
    for (const secret of [...provider.secrets].filter((text) => text !== "")) {
      expect(kept).not.toContain(secret);
      expect(JSON.stringify(site.log)).not.toContain(secret);
    }
  });

  it("come one after the other where many logins wait for them, those too that no object had a place for", async () => {
    const LOGINS = 8;
    const { provider, site } = openCollectingSite(0, DOWN, { LOGIN_SHARDS: "1" });
    const asked = new Map<string | null, number>();
    let [underWay, most] = [0, 0];
    provider.answers.userinfo = async (request) => {
      const token = request.headers.get("authorization");
      const times = (asked.get(token) ?? 0) + 1;
      asked.set(token, times);
      if (times <= 2) return DOWN();
      underWay += 1;
      most = Math.max(most, underWay);
      await new Promise((wake) => setTimeout(wake, 300));
      underWay -= 1;
      return Response.json({ sub: SUB, flowResult: { ...FLOW, timeOfConsent: token } });
    };
    const browsers = Array.from({ length: LOGINS }, () => openBrowser(site));
    const callbacks = await Promise.all(
      browsers.map(async (browser) => provider.authorize(await browser.startLogin()).href),
    );
    stopTime();
    const answers = Promise.all(browsers.map((browser, index) => browser.get(callbacks[index] ?? "")));
    expect((await inFakeTime(answers)).value.map(({ status }) => status)).toEqual(Array(LOGINS).fill(303));
    await pass(65 * SECOND);
    expect(most).toBe(1);
    expect(await all("SELECT account_id IS NULL AS waits FROM vipps_consents")).toEqual(
      Array(LOGINS).fill({ waits: 0 }),
    );
    expect(provider.count("token")).toBe(LOGINS);
  });

  it("are asked for a few times and no more, and that they are lost is said", async () => {
    const { provider, site, browser } = openCollectingSite(1_000);
    const callback = provider.authorize(await browser.startLogin());
    stopTime();
    expect((await inFakeTime(browser.get(callback.href))).value.status).toBe(303);
    expect(provider.count("userinfo")).toBe(2);
    await pass(90 * SECOND);
    expect(provider.count("userinfo")).toBe(5);
    expect(site.log.filter(({ event }) => event === "consents_not_fetched")).toMatchObject([
      { level: "error", code: "userinfo_unavailable", reason: "answered with 503" },
    ]);
  });

  it("are not asked for again where the answer was a refusal, nor where nothing of the kind was asked for", async () => {
    for (const [scope, failure] of [
      [CUSTOM_FLOW, () => new Response(null, { status: 401 })],
      ["openid name phoneNumber email address", DOWN],
    ] as const) {
      const { provider, browser } = openCollectingSite(1_000, failure, { VIPPS_SCOPE: scope });
      const callback = provider.authorize(await browser.startLogin());
      stopTime();
      expect((await inFakeTime(browser.get(callback.href))).value.status).toBe(303);
      const asked = provider.count("userinfo");
      await pass(90 * SECOND);
      expect(provider.count("userinfo")).toBe(asked);
      vi.useRealTimers();
      vi.unstubAllGlobals();
    }
  });

  it("wait for whoever could not be let in, and come with the next login", async () => {
    const { provider, browser } = openCollectingSite(2);
    provider.claims = { name: undefined };
    const callback = provider.authorize(await browser.startLogin());
    stopTime();
    expect((await inFakeTime(browser.get(callback.href))).value.status).toBe(502);
    await pass(5 * SECOND);
    expect(await all("SELECT form, account_id FROM vipps_consents")).toEqual([
      { form: "flowResult", account_id: null },
    ]);
    provider.userinfo = {};
    const again = provider.authorize(await browser.startLogin());
    expect((await inFakeTime(browser.get(again.href))).value.status).toBe(303);
    expect(await keptConsents()).toEqual(KEPT);
  });

  it("in the ID token are kept though userinfo fails and the person is refused", async () => {
    const vars = { VIPPS_SCOPE: "openid name phoneNumber email delegatedConsents" };
    const { provider, expectRefused } = openCollectingSite(
      1_000,
      () => new Response(null, { status: 401 }),
      vars,
    );
    const consents = [{ id: "sms", accepted: true, required: false, textDisplayedToUser: "SMS" }];
    provider.claims = { name: undefined, delegatedConsents: { consents } };
    await expectRefused("userinfo_invalid");
    expect(await all("SELECT form FROM vipps_consents")).toEqual([{ form: "delegatedConsents" }]);
  });

  it("come to the account where the person was still being asked something", async () => {
    const { provider, browser } = openCollectingSite(2, DOWN, TERMS);
    const callback = provider.authorize(await browser.startLogin());
    stopTime();
    const page = await (await inFakeTime(browser.get(callback.href))).value.text();
    const { action, fields } = formOf(page);
    const accepted = browser.post(action, { ...fields, answer: "accept", terms: "accepted" });
    expect((await inFakeTime(accepted)).value.status).toBe(303);
    await pass(5 * SECOND);
    expect(await keptConsents()).toContainEqual(KEPT[0]);
  });

  it("are not kept where a stranger has declined meanwhile", async () => {
    const { provider, browser } = openCollectingSite(2, DOWN, TERMS);
    const callback = provider.authorize(await browser.startLogin());
    stopTime();
    const page = await (await inFakeTime(browser.get(callback.href))).value.text();
    const { action, fields } = formOf(page);
    expect((await inFakeTime(browser.post(action, { ...fields, answer: "decline" }))).value.status).toBe(403);
    await pass(65 * SECOND);
    expect(provider.count("userinfo")).toBe(3);
    expect(await all("SELECT form FROM vipps_consents")).toEqual([]);
  });

  it("come to a member who has declined meanwhile: they answered at Vipps, whatever they think of new terms", async () => {
    const { provider, browser } = openCollectingSite(3, DOWN, TERMS);
    const first = provider.authorize(await browser.startLogin());
    stopTime();
    const { action, fields } = formOf(await (await inFakeTime(browser.get(first.href))).value.text());
    const accepted = { ...fields, answer: "accept", terms: "accepted" };
    expect((await inFakeTime(browser.post(action, accepted))).value.status).toBe(303);
    await pass(65 * SECOND);
    const given = await keptConsents();
    expect(given).toEqual(KEPT);
    await accountsDatabase().prepare("DELETE FROM terms_acceptances").run();
    await accountsDatabase().prepare("UPDATE identities SET consent_revoked_at = 1").run();
    const [screen] = FLOW.screens;
    const elements = screen?.elements.map((element) => ({ ...element, checked: false }));
    provider.userinfo = {
      flowResult: { screens: [{ ...screen, elements }], timeOfConsent: new Date().toISOString() },
    };
    failing(provider, 2, DOWN);
    browser.cookies.clear();
    const again = provider.authorize(await browser.startLogin());
    const asked = formOf(await (await inFakeTime(browser.get(again.href))).value.text());
    const declined = browser.post(asked.action, { ...asked.fields, answer: "decline" });
    expect((await inFakeTime(declined)).value.status).toBe(403);
    expect(await keptConsents()).toEqual(given);
    await pass(65 * SECOND);
    expect(await keptConsents()).toEqual([...given, { consent: "vipps:cf_news", granted: 0 }]);
  });

  it("are not kept where the person has been erased meanwhile", async () => {
    const { provider, browser } = openCollectingSite(2);
    const callback = provider.authorize(await browser.startLogin());
    stopTime();
    expect((await inFakeTime(browser.get(callback.href))).value.status).toBe(303);
    const erased = browser.post("/auth/me/erase", { confirm: "yes" });
    expect((await inFakeTime(erased)).value.status).toBeLessThan(400);
    expect(await all("SELECT id FROM accounts")).toEqual([]);
    await pass(65 * SECOND);
    expect(provider.count("userinfo")).toBe(3);
    expect(await all("SELECT form FROM vipps_consents")).toEqual([]);
    expect(await keptConsents()).toEqual([]);
  });
});

function busyFor(seconds: number): Response {
  return new Response(null, { status: 429, headers: { "retry-after": `${seconds}` } });
}
