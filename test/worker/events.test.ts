import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it } from "vitest";
import { recordConsents } from "../../src/accounts/consents.ts";
import { DELAYS } from "../../src/events/deliver-events.ts";
import { eventTime, newEventId } from "../../src/events/event.ts";
import { claimEvent, eventStatement } from "../../src/events/outbox.ts";
import { vippsLogin } from "../../src/index.ts";
import { runScheduledWork } from "../../src/scheduled-work.ts";
import { useEvents } from "../../src/settings.ts";
import { inFakeTime, stopTime } from "../conformance/fake-time.ts";
import { openBrowser } from "./browser.ts";
import { stopClock, wait } from "./clock.ts";
import { accountsDatabase } from "./database.ts";
import { accountPath, ENGLISH, FROM_HERE, loggedIn, records, registry, subOf, TICKED } from "./desk.ts";
import { openToldSite, type ToldSite } from "./event-receiver.ts";
import { openSite } from "./site.ts";

afterEach(() => useEvents(undefined));

const CONSENTS = JSON.stringify([{ id: "newsletter", text: "Send me the newsletter" }]);

const states = async () =>
  (
    await accountsDatabase()
      .prepare("SELECT type, state, tries, fault FROM events ORDER BY id")
      .all<{ type: string; state: string; tries: number; fault: string | null }>()
  ).results;

const types = (site: ToldSite) => site.received.map(({ type }) => type);

const sweep = (site: ToldSite, cron = "*/5 * * * *") =>
  runScheduledWork({ cron, scheduledTime: Date.now(), noRetry: () => undefined }, site.env);

/** Whatever anybody must not read in an event, a request or a log. */
const PERSONAL = /kari|sofie|nordmann|999999|@example|birthdate|\+47/i;

describe("what happens is told", () => {
  it("when somebody new has an account: once, signed by the specification, and nothing of who they are", async () => {
    const site = openToldSite();
    const { id } = await loggedIn(site, "kari");
    expect(await site.deliver()).toEqual([]);
    expect(site.received).toEqual([
      { id: expect.stringMatching(/^evt_[0-9a-f]{32}$/), type: "account.created", data: { account: id } },
    ]);
    const [request = ""] = site.requests;
    const { body } = JSON.parse(request);
    expect(Object.keys(JSON.parse(body))).toEqual(["type", "timestamp", "data", "site"]);
    expect(JSON.parse(body).site).toBe("https://site.example");
    expect(Math.abs(Date.parse(JSON.parse(body).timestamp) - Date.now())).toBeLessThan(60_000);
    expect(site.requests.join() + JSON.stringify(site.log)).not.toMatch(PERSONAL);
    await loggedIn(site, "kari");
    await site.deliver();
    expect(site.received).toHaveLength(1);
  });

  it("when Vipps says something else of a person, by the names of the fields", async () => {
    const site = openToldSite();
    const { id } = await loggedIn(site, "kari");
    await accountsDatabase()
      .prepare("UPDATE identities SET told = json_set(told, '$.email', 'old@example.com', '$.name', 'Kari')")
      .run();
    await loggedIn(site, "kari");
    await site.deliver();
    expect(site.received[1]).toMatchObject({
      type: "account.changed",
      data: { account: id, fields: ["name", "email"] },
    });
  });

  it("when consents are given, taken back and given at the login, and not when nothing changes", async () => {
    const site = openToldSite({ vars: { CONSENTS, TERMS_URL: "/terms", TERMS_VERSION: "1" } });
    const { browser, id } = await loggedIn(site, "kari");
    const page = await (await browser.get("/auth/me")).text();
    expect(page).toContain("newsletter");
    const change = (form: Record<string, string>) => browser.post("/auth/me/consents", form);
    // Pressed three times at once: each of them finds a yes before, and one of them takes it back.
    await Promise.all([1, 2, 3].map(() => change({})));
    await change({});
    await Promise.all([1, 2, 3].map(() => change({ consent: "newsletter" })));
    await site.deliver();
    expect(site.received.slice(1).map(({ type, data }) => [type, data])).toEqual([
      ["consent.given", { account: id, consent: "newsletter", source: "login" }],
      ["consent.withdrawn", { account: id, consent: "newsletter", source: "my_page" }],
      ["consent.given", { account: id, consent: "newsletter", source: "my_page" }],
    ]);
  });

  it("when Vipps reports that a person shares nothing any more: once, however often it says so", async () => {
    const secret = "sixteen-letters-or-more";
    const site = openToldSite({ vars: { CONSENT_WEBHOOK_SECRET: secret } });
    const { id } = await loggedIn(site, "kari");
    const asked = { granted: true, required: false, wording: "?", language: "en" };
    const answers = ["own", "vipps:a", "vipps:b"].map((consent) => ({ ...asked, consent }));
    await recordConsents(
      records(),
      id,
      [...answers, { ...asked, consent: "vipps:no", granted: false }],
      "vipps",
    );
    const message = btoa(JSON.stringify({ event: "CONSENT_REVOKED", sub: await subOf(id) }));
    for (const _ of [1, 2])
      await site.fetch(
        new Request(`https://site.example/auth/webhooks/consent/${secret}`, {
          method: "POST",
          body: `e30.${message}`,
        }),
      );
    await site.deliver();
    expect(site.received.slice(1).map(({ type, data }) => [type, data])).toEqual([
      ["consent.withdrawn", { account: id, consent: "vipps", source: "webhook" }],
      ["consent.withdrawn", { account: id, consent: "vipps:a", source: "webhook" }],
      ["consent.withdrawn", { account: id, consent: "vipps:b", source: "webhook" }],
    ]);
  });

  it("when staff correct, group, unlink, link and erase somebody, and when somebody waits for them", async () => {
    const site = openToldSite({ vars: { SUPPORT_STAFF: "+4799999901" } });
    const { browser: staff } = await loggedIn(site, "kari");
    const { id } = await loggedIn(site, "sofie");
    await site.deliver();
    site.received.splice(0);
    const sub = await subOf(id);
    const basis = async () => String((await registry().get(id))?.account.updatedAt);
    const post = async (path: string, form: Record<string, string>) =>
      expect((await staff.post(`${accountPath(id)}/${path}`, { ...form, ...TICKED })).status).toBe(303);
    const correction = { name: "Bjarne Olsen", memberNumber: "7" };
    const account = (await registry().get(id))?.account;
    await post("correct", {
      ...correction,
      phone: `+${account?.phone}`,
      email: account?.email ?? "",
      basis: await basis(),
    });
    await post("groups", { group: "board", basis: await basis() });
    await post("unlink", { msn: "123456", sub });
    const shown = await (await openBrowser(site, ENGLISH).logIn({ user: "sofie" })).text();
    const reference = /<code>([\w-]{9})<\/code>/.exec(shown)?.[1] ?? "";
    await openBrowser(site, ENGLISH).logIn({ user: "sofie" });
    const link = { account: id, ...TICKED };
    expect((await staff.post(`/auth/support/requests/${reference}/link`, link)).status).toBe(303);
    await post("erase", {});
    await site.deliver();
    const data = site.received.map(({ type, data: { account: _, ...rest } }) => [type, rest]);
    // Events of one person keep their order; who waits is nobody yet.
    expect(data.filter(([type]) => type !== "link.waiting")).toEqual([
      ["account.changed", { fields: ["name", "member_number"] }],
      ["account.changed", { fields: ["groups"] }],
      ["account.changed", { fields: ["vipps_user"] }],
      ["account.linked", { by: "staff" }],
      ["account.erased", {}],
    ]);
    expect(data.filter(([type]) => type === "link.waiting")).toEqual([
      ["link.waiting", { reference, reason: expect.stringMatching(/^\w+$/) }],
    ]);
    expect(site.requests.join()).not.toMatch(/olsen|sofie/i);
    // Made before, delivered before the erasure, it went with them; that they are gone can be sent again.
    const left = (await states()).map(({ type }) => type);
    expect(left.filter((type) => type === "account.created")).toHaveLength(1);
    expect(left).toContain("account.erased");
  });

  it("not at a site that tells nobody: no row, no call, no queue", async () => {
    const site = openSite();
    await loggedIn(site, "kari");
    expect(await states()).toEqual([]);
  });

  it("with one look behind the answer, and one row and its index with the account", async () => {
    const site = openToldSite();
    await loggedIn(site, "kari");
    const browser = openBrowser(site);
    const callback = await browser.atProvider(await browser.startLogin());
    site.resetCounts();
    await browser.get(callback.href);
    // One more statement in the batch of the login, which finds nothing; behind the answer a look that finds nothing.
    expect([...site.counts.databaseCalls].sort()).toEqual([1, 1, 6]);
    expect(site.counts.durableObjectCalls).toEqual(["attempt.finish", "sessions.record"]);
  });
});

describe("the end of a session is told", () => {
  /** The object of an account, in the environment of the site: its alarms run there too. */
  async function objectOf(site: ToldSite, id: string) {
    const object = env.USER_SESSIONS.getByName(id);
    await runInDurableObject(object, (instance) => void Object.assign(instance, { env: site.env }));
    return object;
  }

  it("by the object that ends it, with the reason, and again until the database has it", async () => {
    const site = openToldSite();
    const { browser, id, sid } = await loggedIn(site, "kari");
    const other = await loggedIn(site, "kari");
    // The database fails first.
    const object = env.USER_SESSIONS.getByName(id);
    const broken = { ...site.env, ACCOUNTS_DB: { batch: () => Promise.reject(new Error("no such table")) } };
    await runInDurableObject(object, (instance) => void Object.assign(instance, { env: broken }));
    await other.browser.request(`/auth/sessions/${sid}`, {
      method: "DELETE",
      headers: { origin: "https://site.example" },
    });
    await other.browser.post("/auth/logout");
    expect((await browser.session()).authenticated).toBe(false);
    await runDurableObjectAlarm(object);
    expect((await states()).map(({ type }) => type)).toEqual(["account.created"]);
    await objectOf(site, id);
    expect(await runDurableObjectAlarm(object)).toBe(true);
    await site.deliver();
    expect(site.received.slice(1).map(({ type, data }) => [type, data])).toEqual([
      ["session.ended", { account: id, session: sid, reason: "ended_elsewhere" }],
      ["session.ended", { account: id, session: other.sid, reason: "logged_out" }],
    ]);
  });

  it("also when its time is over, and of those that an erasure ends before the account is gone", async () => {
    stopClock();
    const site = openToldSite({ vars: { SESSION_IDLE: "600" } });
    const { id, sid } = await loggedIn(site, "kari");
    const object = await objectOf(site, id);
    wait(700);
    await runDurableObjectAlarm(object);
    const second = await loggedIn(site, "kari");
    await second.browser.post("/auth/me/erase", TICKED);
    await runDurableObjectAlarm(object);
    site.queued.push({ version: 1, address: "https://site.example", about: id } as never);
    await site.deliver();
    expect(site.received.map(({ type, data }) => [type, data.session, data.reason])).toEqual([
      ["account.created", undefined, undefined],
      ["session.ended", sid, "expired"],
      expect.arrayContaining([expect.stringMatching(/^(account.erased|session.ended)$/)]),
      expect.arrayContaining([expect.stringMatching(/^(account.erased|session.ended)$/)]),
    ]);
    expect(types(site).slice(2).sort()).toEqual(["account.erased", "session.ended"]);
  });
});

describe("a receiver that does not take an event", () => {
  /** Somebody with two events, of which the first is to be delivered first. */
  async function twoEvents(site: ToldSite): Promise<string> {
    const { id } = await loggedIn(site, "kari");
    await registry().get(id);
    await eventStatement({ ...records() }, id, "account.changed", { account: id, fields: ["groups"] }).run();
    return id;
  }

  const FAILING: readonly (readonly [string, () => Response | Promise<Response>, string])[] = [
    ["says 500", () => new Response("down", { status: 500 }), "answered with 500"],
    ["says 400", () => new Response("no", { status: 400 }), "answered with 400"],
    [
      "sends elsewhere",
      () => new Response(null, { status: 307, headers: { location: "https://evil.example/" } }),
      "answered with a redirect",
    ],
    ["is not there", () => Promise.reject(new Error("refused")), "no connection"],
    [
      "answers without end",
      () =>
        new Response(
          new ReadableStream({
            pull: (controller) => controller.enqueue(new Uint8Array(16_384)),
          }),
        ),
      "answer is too large",
    ],
  ];

  it("gets it again later and later, with the same id, and nothing that came after it before", async () => {
    stopClock();
    const site = openToldSite();
    await twoEvents(site);
    for (const [index, [, answer, fault]] of FAILING.entries()) {
      site.answer = answer;
      const before = site.requests.length;
      const [delay = 0] = await site.deliver();
      expect(delay * 1000).toBe(DELAYS[index]);
      // One that answers without end may have taken it: then it is taken twice, with one id.
      expect(site.requests.length).toBe(before + 1);
      expect((await states())[0]).toMatchObject({ state: "waiting", tries: index + 1, fault });
      // A message that comes early, or twice, has nothing to do.
      expect(await site.deliver()).toEqual([]);
      site.queued.push(...(await notices()));
      wait(delay);
    }
    expect(new Set(site.requests.map((request) => JSON.parse(request).headers["webhook-id"])).size).toBe(1);
    site.answer = () => new Response(null, { status: 202 });
    await site.deliver();
    expect(types(site).slice(-2)).toEqual(["account.created", "account.changed"]);
    expect((await states()).map(({ state }) => state)).toEqual(["delivered", "delivered"]);
    expect(JSON.stringify(site.log)).not.toMatch(PERSONAL);
    expect(JSON.stringify(site.log)).not.toContain("evil");
  });

  it("is given up after three days, seen in the log, and what came after it goes on", async () => {
    stopClock();
    const site = openToldSite();
    await twoEvents(site);
    site.answer = () => new Response(null, { status: 503 });
    for (const delay of DELAYS) {
      expect(await site.deliver()).toEqual([delay / 1000]);
      wait(delay / 1000);
    }
    const all = DELAYS.reduce((sum, delay) => sum + delay, 0);
    expect(all).toBeGreaterThan(2.5 * 24 * 3600 * 1000);
    // Cloudflare lets no message wait for longer than twelve hours.
    expect(Math.max(...DELAYS)).toBeLessThanOrEqual(12 * 3600 * 1000);
    expect(await site.deliver()).toEqual([5]);
    expect((await states()).map(({ state, tries }) => [state, tries])).toEqual([
      ["given_up", DELAYS.length + 1],
      ["waiting", 1],
    ]);
    expect(site.log).toContainEqual(
      expect.objectContaining({ event: "event_given_up", reason: "answered with 503" }),
    );
  });

  it("that is slow has ten seconds", async () => {
    const site = openToldSite();
    await loggedIn(site, "kari");
    stopTime();
    site.answer = () => new Promise(() => undefined);
    const { value, elapsed } = await inFakeTime(site.deliver());
    expect(value).toEqual([5]);
    expect(elapsed).toBeGreaterThanOrEqual(10_000);
    expect(elapsed).toBeLessThan(11_000);
    expect((await states())[0]).toMatchObject({ fault: "no answer in 10 seconds" });
  });

  /** What the queue would be told of everybody. */
  async function notices() {
    const { results } = await accountsDatabase()
      .prepare("SELECT DISTINCT about FROM events")
      .all<{ about: string }>();
    return results.map(({ about }) => ({ version: 1, address: "https://site.example", about }));
  }
});

describe("nothing is lost", () => {
  it("when the Worker dies after the change and before the queue knows: it is found within minutes", async () => {
    stopClock();
    const site = openToldSite();
    await loggedIn(site, "kari");
    site.queued.splice(0);
    await sweep(site);
    expect(site.queued).toEqual([]);
    wait(121);
    await sweep(site);
    expect(site.queued).toHaveLength(1);
    await sweep(site);
    expect(site.queued).toHaveLength(1);
    await site.deliver();
    expect(types(site)).toEqual(["account.created"]);
    wait(1000);
    await sweep(site);
    expect(site.queued).toEqual([]);
  });

  it("when it dies while it sends: a minute later it is sent again, with the same id", async () => {
    stopClock();
    const site = openToldSite();
    const { id } = await loggedIn(site, "kari");
    const claimed = await claimEvent(records(), id);
    expect(await site.deliver()).toEqual([]);
    wait(181);
    await sweep(site);
    await site.deliver();
    expect(site.received.map((event) => event.id)).toEqual([claimed?.id]);
  });

  it("when two take the same message at once: one of them sends", async () => {
    const site = openToldSite();
    await loggedIn(site, "kari");
    site.queued.push(...site.queued);
    await site.deliver();
    expect(site.requests).toHaveLength(1);
  });

  it("when nobody is told any more: it waits, and does not keep others from being found", async () => {
    stopClock();
    const site = openToldSite();
    await loggedIn(site, "kari");
    const { EVENTS_URL: _, ...rest } = site.env;
    Object.assign(site, { env: rest });
    wait(200);
    await sweep(site);
    expect(await site.deliver()).toEqual([5]);
    expect((await states())[0]).toMatchObject({ state: "waiting", fault: "there is no EVENTS_URL" });
  });

  it("but what was delivered goes after a week, and what was given up after a month", async () => {
    stopClock();
    const site = openToldSite();
    await loggedIn(site, "kari");
    await site.deliver();
    wait(7 * 24 * 3600 - 60);
    await sweep(site, "17 3 * * *");
    expect(await states()).toHaveLength(1);
    wait(120);
    await sweep(site, "17 3 * * *");
    expect(await states()).toEqual([]);
  });
});

describe("the option events", () => {
  it("takes them in place of EVENTS_URL, with the environment; one that throws gets the event again", async () => {
    const taken: unknown[] = [];
    let isBroken = true;
    vippsLogin({
      events: (event, given) => {
        if (isBroken) throw new Error("kari@example.com is unknown");
        taken.push([event.type, given.SITE_URL]);
      },
    });
    const site = openToldSite({ vars: { EVENTS_URL: "", EVENTS_SECRET: "" } });
    await loggedIn(site, "kari");
    expect(await site.deliver()).toEqual([5]);
    expect(JSON.stringify([site.log, await states()])).not.toMatch(PERSONAL);
    isBroken = false;
    await accountsDatabase().prepare("UPDATE events SET due_at = 0").run();
    await site.deliver();
    expect(taken).toEqual([["account.created", "https://site.example"]]);
    expect(site.requests).toEqual([]);
  });

  it("needs the queue, and says so", async () => {
    vippsLogin({ events: () => undefined });
    const answer = await openBrowser(openSite({ vars: { EVENTS_QUEUE: undefined as never } }), {
      ...ENGLISH,
      ...FROM_HERE,
    }).get("/auth/session", { accept: "application/json" });
    expect(await answer.text()).toContain("The option events needs the queue EVENTS_QUEUE");
  });
});

describe("ids of events", () => {
  it("are in the order in which they are made, and say when", () => {
    const ids = Array.from({ length: 1000 }, newEventId);
    expect(ids.toSorted()).toEqual(ids);
    expect(new Set(ids).size).toBe(1000);
    expect(Math.abs(eventTime(ids[0] ?? "") - Date.now())).toBeLessThan(1000);
  });
});
