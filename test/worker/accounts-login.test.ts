import { createExecutionContext, createScheduledController, waitOnExecutionContext } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { readAudit } from "../../src/accounts/audit-log.ts";
import { currentConsents, recordConsents } from "../../src/accounts/consents.ts";
import { linkRequestByReference } from "../../src/accounts/link-requests.ts";
import { firstIdOf, loginEventByReference, loginEventsOf } from "../../src/accounts/login-events.ts";
import { loginFigures } from "../../src/accounts/login-figures.ts";
import { proofDigest } from "../../src/accounts/proof-digest.ts";
import { d1Registry } from "../../src/accounts/site-accounts.ts";
import { handleRequest } from "../../src/app.ts";
import worker from "../../src/index.ts";
import { type Browser, openBrowser } from "./browser.ts";
import { accountsDatabase } from "./database.ts";
import { formOf } from "./page-form.ts";
import { openSite, type TestSite } from "./site.ts";

const records = () => ({ database: accountsDatabase(), site: "default" });

interface Member {
  readonly id: string;
  readonly name?: string;
  readonly phone?: string;
  readonly email?: string;
  readonly memberNumber?: string;
}

/** A member of the list, as the import makes one. */
async function addMember({ id, name, phone, email, memberNumber }: Member): Promise<void> {
  const key = memberNumber === undefined ? null : `m:${memberNumber}`;
  const digest =
    key === null || memberNumber === undefined ? null : await proofDigest("default", key, memberNumber);
  await accountsDatabase()
    .prepare(
      `INSERT INTO accounts (site, id, name, phone, phone_verified, email, email_verified, member_number,
         proof_digest, import_key, origin, created_at, updated_at)
       VALUES ('default', ?1, ?2, ?3, ?3 IS NOT NULL, ?4, ?4 IS NOT NULL, ?5, ?6, ?7, 'import', 1, 1)`,
    )
    .bind(id, name ?? null, phone ?? null, email ?? null, memberNumber ?? null, digest, key)
    .run();
}

async function accountIds(): Promise<string[]> {
  const { results } = await accountsDatabase()
    .prepare("SELECT id FROM accounts ORDER BY id")
    .all<{ id: string }>();
  return results.map(({ id }) => id);
}

const subOf = async (browser: Browser) => (await browser.session()).user?.sub;

const CLOSED = { vars: { REGISTRATION: "closed" } };
const HENRIK_OLD_NUMBER = {
  id: "acc_henrik",
  name: "Henrik Lund",
  phone: "4799999921",
  memberNumber: "M-1001",
};

describe("a member of the list", () => {
  const CONSENTS = '[{"id":"newsletter","text":"Send me the newsletter"}]';
  const KARI = { id: "acc_kari", name: "Kari Nordmann", phone: "4799999901" };

  it("is asked for consents at the first login, and at no other", async () => {
    const site = openSite({ vars: { CONSENTS } });
    await addMember(KARI);
    const browser = openBrowser(site, { "accept-language": "en" });
    const page = await browser.logIn();
    expect(page.status).toBe(200);
    const { fields } = formOf(await page.text());
    expect((await browser.post("/auth/continue", { ...fields, answer: "accept" })).status).toBe(303);
    expect(await subOf(browser)).toBe("acc_kari");
    expect(await currentConsents(records(), "acc_kari")).toMatchObject([
      { consent: "newsletter", granted: false },
    ]);
    expect((await openBrowser(site).logIn()).status).toBe(303);
  });

  it("is not asked again who has answered before, and becomes the member on the list then", async () => {
    const site = openSite({ vars: { CONSENTS } });
    await addMember(KARI);
    const answer = { consent: "newsletter", granted: true, wording: "News", language: "en", required: false };
    await recordConsents(records(), "acc_kari", [answer], "login");
    const browser = openBrowser(site);
    expect((await browser.logIn()).status).toBe(303);
    expect(await subOf(browser)).toBe("acc_kari");
  });

  it.each([
    ["proves the account", false],
    ["is linked by staff", true],
  ])("is asked until there is an answer, and then no more, who %s", async (_how, byStaff) => {
    const site = openSite({ vars: { CONSENTS } });
    const browser = () => openBrowser(site, { "accept-language": "en" });
    await addMember({ ...KARI, name: "Ola Hansen", memberNumber: "M-7" });
    const first = browser();
    const page = await (await first.logIn()).text();
    if (byStaff) {
      const reference = /[A-Z0-9]{4}(?:-[A-Z0-9]{4})+/.exec(page)?.[0] ?? "";
      const request = await linkRequestByReference(records(), reference);
      if (request === undefined) throw new Error("nobody waits");
      await d1Registry(records().database, "default").link("acc_kari", request.person, "staff");
    } else {
      const given = { ...formOf(page).fields, answer: "fact", fact: "M-7" };
      expect(await (await first.post("/auth/continue", given)).text()).toContain("Send me the newsletter");
    }
    for (const last of [false, true]) {
      const next = browser();
      const asked = await (await next.logIn()).text();
      expect(asked).toContain("Send me the newsletter");
      if (!last) continue;
      const given = { ...formOf(asked).fields, answer: "accept" };
      expect((await next.post("/auth/continue", given)).status).toBe(303);
      expect(await subOf(next)).toBe("acc_kari");
    }
    const answers = await currentConsents(records(), "acc_kari");
    expect(answers).toMatchObject([{ consent: "newsletter", granted: false }]);
    expect((await openBrowser(site).logIn()).status).toBe(303);
    // Who has logged in is known: a consent that is added later is not asked for.
    await accountsDatabase().prepare("DELETE FROM consents").run();
    expect((await openBrowser(site).logIn()).status).toBe(303);
  });
});

describe("a new person", () => {
  it("gets one account, whose id is the sub of the session and none of Vipps' own", async () => {
    const site = openSite();
    const browser = openBrowser(site);
    expect((await browser.logIn()).status).toBe(303);
    const sub = await subOf(browser);
    expect(sub).toMatch(/^acc_[\w-]{22}$/);
    expect(await accountIds()).toEqual([sub]);
  });

  it("gets the same account at the next login, with a changed phone number too", async () => {
    const site = openSite();
    const first = openBrowser(site);
    await first.logIn({ user: "henrik" });
    await accountsDatabase().prepare("UPDATE accounts SET phone = '4799999921'").run();
    const second = openBrowser(site);
    await second.logIn({ user: "henrik" });
    expect(await subOf(second)).toBe(await subOf(first));
    expect(await accountIds()).toHaveLength(1);
  });

  it("gets one account however many logins finish at once", async () => {
    const site = openSite();
    await openBrowser(site).logIn({ user: "sofie" });
    const browsers = Array.from({ length: 5 }, () => openBrowser(site));
    const callbacks = await Promise.all(
      browsers.map(async (browser) => browser.atProvider(await browser.startLogin())),
    );
    const answers = await Promise.all(
      browsers.map((browser, index) => browser.get(callbacks[index]?.href ?? "")),
    );
    expect(answers.map(({ status }) => status)).toEqual([303, 303, 303, 303, 303]);
    const subs = await Promise.all(browsers.map(subOf));
    expect(new Set(subs).size).toBe(1);
    expect(await accountIds()).toHaveLength(2);
  });

  it("costs one batch before the answer, like a returning person", async () => {
    const site = openSite();
    await openBrowser(site).logIn();
    // find or create; afterwards: the event and what waited for the account.
    expect(site.counts.databaseCalls).toEqual([5, 2]);
    site.resetCounts();
    await openBrowser(site).logIn();
    // Nothing waits for somebody of whom that look has told so.
    expect(site.counts.databaseCalls).toEqual([5, 1]);
  });

  it("is refused by a closed registry, with a reference under which staff find and link them", async () => {
    const site = openSite(CLOSED);
    const browser = openBrowser(site, { "accept-language": "nb" });
    const response = await browser.logIn({ returnTo: "/members/" });
    expect(response.status).toBe(403);
    const page = await response.text();
    expect(page).toContain("Du er ikke medlem her ennå");
    const reference = /<code>([\w-]+)<\/code>/.exec(page)?.[1] ?? "";
    expect(await linkRequestByReference(records(), reference)).toMatchObject({
      reason: "not_member",
      person: { name: "Kari Nordmann", phone: "4799999901" },
    });
    expect(await loginEventByReference(records(), reference)).toMatchObject({ outcome: "not_member" });
    expect(await accountIds()).toEqual([]);
    expect((await browser.session()).authenticated).toBe(false);

    const waiting = await linkRequestByReference(records(), reference);
    if (waiting === undefined) throw new Error("no request");
    await addMember({ id: "acc_kari", name: "K. Hansen" });
    await d1Registry(records().database, "default").link("acc_kari", waiting.person, "staff");
    await browser.logIn();
    expect(await subOf(browser)).toBe("acc_kari");
  });
});

describe("a member of the list", () => {
  it("is linked by phone and name, and known by the sub from then on", async () => {
    const site = openSite(CLOSED);
    await addMember({ id: "acc_kari", name: "NORDMANN, Kari Anne", phone: "4799999901" });
    const browser = openBrowser(site);
    await browser.logIn();
    expect(await subOf(browser)).toBe("acc_kari");
    const record = await d1Registry(records().database, "default").get("acc_kari");
    expect(record?.account).toMatchObject({ email: "kari.nordmann@example.com", name: "Kari Nordmann" });
    expect(record?.identities).toMatchObject([{ linkedBy: "matched" }]);
  });

  it("is linked by a verified email address, and never by one that is not verified", async () => {
    const site = openSite(CLOSED);
    await addMember({ id: "acc_sofie", name: "Sofie Dahl", email: "sofie.dahl@example.com" });
    await addMember({ id: "acc_jonas", name: "Jonas Berg", email: "jonas.berg@example.com" });
    const sofie = openBrowser(site);
    await sofie.logIn({ user: "sofie" });
    expect(await subOf(sofie)).toBe("acc_sofie");
    const jonas = await openBrowser(site).logIn({ user: "jonas" });
    expect(jonas.status).toBe(403);
  });
});

describe("somebody whose account is in doubt", () => {
  /** Logs Espen in, who has the phone number that was Henrik's. */
  async function espen(site: TestSite): Promise<{ browser: Browser; response: Response; page: string }> {
    const browser = openBrowser(site);
    const response = await browser.logIn({ user: "espen", returnTo: "/members/" });
    return { browser, response, page: await response.text() };
  }

  it("is asked first, gets no session and no account, and learns nothing about whose it is", async () => {
    const site = openSite();
    await addMember(HENRIK_OLD_NUMBER);
    const { browser, response, page } = await espen(site);
    expect(response.status).toBe(200);
    expect(page).toContain("You may already be registered");
    expect(page).not.toMatch(/Henrik|Lund|acc_henrik|4799999921/);
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect((await browser.session()).authenticated).toBe(false);
    expect(await accountIds()).toEqual(["acc_henrik"]);
  });

  it("may prove the account by the member number, and is linked for good", async () => {
    const site = openSite();
    await addMember(HENRIK_OLD_NUMBER);
    const { browser, page } = await espen(site);
    const response = await browser.post("/auth/continue", {
      ...formOf(page).fields,
      answer: "fact",
      fact: " m 1001 ",
    });
    expect(response.status).toBe(303);
    expect(response.headers.get("location")).toBe("/members/");
    expect(await subOf(browser)).toBe("acc_henrik");
    expect(await readAudit(records(), "acc_henrik")).toMatchObject([{ action: "linked", actorRole: "self" }]);
    const next = openBrowser(site);
    await next.logIn({ user: "espen" });
    expect(await subOf(next)).toBe("acc_henrik");
  });

  it("is told when the number does not fit, five times, then no more that day", async () => {
    const site = openSite();
    await addMember(HENRIK_OLD_NUMBER);
    const { browser, page } = await espen(site);
    const form = { ...formOf(page).fields, answer: "fact" };
    for (let attempt = 1; attempt <= 5; attempt += 1) {
      const wrong = await browser.post("/auth/continue", { ...form, fact: `M-200${attempt}` });
      expect(wrong.status).toBe(403);
      expect(await wrong.text()).toContain("That does not fit");
    }
    const right = await browser.post("/auth/continue", { ...form, fact: "M-1001" });
    expect(right.status).toBe(429);
    expect(await right.text()).toContain("too many attempts");
    const again = await espen(site);
    const anew = await again.browser.post("/auth/continue", {
      ...formOf(again.page).fields,
      answer: "fact",
      fact: "M-1001",
    });
    expect(anew.status).toBe(429);
    expect((await browser.session()).authenticated).toBe(false);
  });

  it("may say that none of the accounts is theirs where registration is open", async () => {
    const site = openSite();
    await addMember(HENRIK_OLD_NUMBER);
    const { browser, page } = await espen(site);
    const response = await browser.post("/auth/continue", {
      ...formOf(page).fields,
      answer: "new",
      confirm: "yes",
    });
    expect(response.status).toBe(303);
    const sub = await subOf(browser);
    expect(sub).not.toBe("acc_henrik");
    expect(await accountIds()).toHaveLength(2);
    const twice = await browser.post("/auth/continue", {
      ...formOf(page).fields,
      answer: "new",
      confirm: "yes",
    });
    expect(twice.status).toBe(303);
    expect(await accountIds()).toHaveLength(2);
  });

  it("may not where it is closed", async () => {
    const site = openSite(CLOSED);
    await addMember(HENRIK_OLD_NUMBER);
    const { browser, page } = await espen(site);
    expect(page).not.toContain("I am new here");
    const response = await browser.post("/auth/continue", {
      ...formOf(page).fields,
      answer: "new",
      confirm: "yes",
    });
    expect(response.status).toBe(400);
    expect(await accountIds()).toEqual(["acc_henrik"]);
  });

  it("is asked to turn to the site where several accounts fit and none can be proven", async () => {
    const site = openSite(CLOSED);
    await addMember({ id: "acc_per", name: "Per Haugen", email: "familien.haugen@example.com" });
    await addMember({ id: "acc_ingrid", name: "Ingrid Haugen", email: "familien.haugen@example.com" });
    const browser = openBrowser(site);
    const page = await (await browser.logIn({ user: "per" })).text();
    expect(page).toContain("More than one account");
    expect(page).not.toContain('name="fact"');
    const reference = /<code>([\w-]+)<\/code>/.exec(page)?.[1] ?? "";
    const request = await linkRequestByReference(records(), reference);
    expect([...(request?.candidates ?? [])].sort()).toEqual(["acc_ingrid", "acc_per"]);
    expect(await loginEventByReference(records(), reference)).toMatchObject({
      outcome: "account_unclear",
      reason: "several",
    });
  });

  it("goes straight in when customer service has linked the account meanwhile", async () => {
    const site = openSite(CLOSED);
    await addMember(HENRIK_OLD_NUMBER);
    const { browser, page } = await espen(site);
    const reference = /<code>([\w-]+)<\/code>/.exec(page)?.[1] ?? "";
    const request = await linkRequestByReference(records(), reference);
    if (request === undefined) throw new Error("no request");
    await d1Registry(records().database, "default").link("acc_henrik", request.person, "staff");
    const response = await browser.post("/auth/continue", {
      ...formOf(page).fields,
      answer: "fact",
      fact: "",
    });
    expect(response.status).toBe(303);
    expect(await subOf(browser)).toBe("acc_henrik");
  });

  it("gets one session for three answers at once, each of which the registry is asked about", async () => {
    const site = openSite();
    await addMember(HENRIK_OLD_NUMBER);
    const { browser, page } = await espen(site);
    const form = { ...formOf(page).fields, answer: "fact", fact: "M-1001" };
    const answers = await Promise.all([1, 2, 3].map(() => browser.post("/auth/continue", form)));
    expect(answers.map(({ status }) => status).sort()).toEqual([303, 400, 400]);
    expect(site.counts.durableObjectCalls.filter((call) => call === "sessions.record")).toHaveLength(1);
    expect(await subOf(browser)).toBe("acc_henrik");
  });

  it("sees the question again after a reload, and nobody else ever does", async () => {
    const site = openSite();
    await addMember(HENRIK_OLD_NUMBER);
    const browser = openBrowser(site);
    const callback = await browser.atProvider(await browser.startLogin("/members/"), { user: "espen" });
    const page = await (await browser.get(callback.href)).text();
    const reloaded = await browser.get(callback.href);
    expect(await reloaded.text()).toContain("You may already be registered");
    const stranger = openBrowser(site);
    expect((await stranger.get(callback.href)).status).toBe(400);
    const form = { ...formOf(page).fields, answer: "fact", fact: "M-1001" };
    expect((await stranger.post("/auth/continue", form)).status).toBe(400);
    const crossSite = { origin: "https://evil.example", "sec-fetch-site": "cross-site" };
    expect((await browser.post("/auth/continue", form, crossSite)).status).toBe(403);
    expect(
      (await browser.post("/auth/continue", { ...form, question: "confirm", answer: "yes" })).status,
    ).toBe(200);
    expect((await browser.post("/auth/continue", form)).status).toBe(303);
  });

  it("is answered in JSON where a script asks", async () => {
    const site = openSite();
    await addMember(HENRIK_OLD_NUMBER);
    const browser = openBrowser(site, { accept: "application/json" });
    const response = await browser.logIn({ user: "espen" });
    expect(response.status).toBe(403);
    expect(await response.json()).toMatchObject({ code: "account_unclear", reference: expect.any(String) });
  });

  it("is asked about the browser first, then about the account", async () => {
    const site = openSite();
    await addMember(HENRIK_OLD_NUMBER);
    const started = openBrowser(site);
    const callback = await started.atProvider(await started.startLogin("/members/"), { user: "espen" });
    const other = openBrowser(site);
    const confirm = await (await other.get(callback.href)).text();
    const doubt = await other.post("/auth/continue", { ...formOf(confirm).fields, answer: "yes" });
    expect(doubt.status).toBe(200);
    const form = formOf(await doubt.text()).fields;
    const response = await other.post("/auth/continue", { ...form, answer: "fact", fact: "M-1001" });
    expect(response.status).toBe(303);
    expect(await subOf(other)).toBe("acc_henrik");
    expect((await started.session()).authenticated).toBe(false);
  });
});

describe("ACCOUNTS=none", () => {
  it("knows people by their sub and asks no registry", async () => {
    const site = openSite({ vars: { ACCOUNTS: "none" } });
    const browser = openBrowser(site);
    await browser.logIn();
    expect(await subOf(browser)).toMatch(/^[0-9a-f-]{36}$/);
    // The login event alone; a site that binds no database keeps none.
    expect(site.counts.databaseCalls).toEqual([2]);
    expect(await accountIds()).toEqual([]);
  });
});

describe("a database that fails", () => {
  /** A database of which some calls fail: those for which `fails` says so, by their number. */
  const failing = (fails: (call: number) => boolean, how: () => Promise<never>) => {
    const database = accountsDatabase();
    let calls = 0;
    return new Proxy(database, {
      get(target, name) {
        const member = Reflect.get(target, name);
        if (name !== "batch") return typeof member === "function" ? member.bind(target) : member;
        return (batch: D1PreparedStatement[]) => {
          calls += 1;
          return fails(calls) ? how() : target.batch(batch);
        };
      },
    });
  };
  const broken = () => Promise.reject(new Error("D1_ERROR: no reason is given"));

  it("at the batch that makes an account leaves neither half an account nor a session", async () => {
    const site = openSite({ vars: { ACCOUNTS_DB: failing((call) => call === 1, broken) } });
    const browser = openBrowser(site);
    const response = await browser.logIn();
    expect(response.status).toBe(503);
    expect(await accountIds()).toEqual([]);
    expect((await browser.session()).authenticated).toBe(false);
    expect(site.log.at(-1)).toMatchObject({ code: "storage_unavailable", stage: "account" });
    expect((await browser.logIn()).status).toBe(303);
    expect(await accountIds()).toHaveLength(1);
  });

  it.each([1, 2])("at call %i of a member's first login links nobody", async (failed) => {
    const ACCOUNTS_DB = failing((call) => call === failed, broken);
    const site = openSite({ vars: { ...CLOSED.vars, ACCOUNTS_DB } });
    await addMember({ id: "acc_kari", name: "Kari Nordmann", phone: "4799999901" });
    const browser = openBrowser(site);
    expect((await browser.logIn()).status).toBe(503);
    expect((await browser.session()).authenticated).toBe(false);
    expect((await d1Registry(records().database, "default").get("acc_kari"))?.identities).toEqual([]);
    expect((await browser.logIn()).status).toBe(303);
    expect(await subOf(browser)).toBe("acc_kari");
  });

  it("in the middle of its transaction leaves nothing behind", async () => {
    const site = openSite();
    await accountsDatabase()
      .prepare(`CREATE TRIGGER fault BEFORE INSERT ON identities BEGIN SELECT RAISE(ABORT, 'disk full'); END`)
      .run();
    const browser = openBrowser(site);
    expect((await browser.logIn()).status).toBe(503);
    expect(await accountIds()).toEqual([]);
    expect((await browser.session()).authenticated).toBe(false);
  });

  it("after the answer costs nobody their session", async () => {
    await openBrowser(openSite()).logIn();
    await accountsDatabase().prepare("UPDATE identities SET told = '{}'").run();
    const site = openSite({ vars: { ACCOUNTS_DB: failing((call) => call > 1, broken) } });
    const browser = openBrowser(site);
    expect((await browser.logIn()).status).toBe(303);
    expect((await browser.session()).authenticated).toBe(true);
    expect(site.log).toContainEqual(expect.objectContaining({ event: "login_event_not_recorded" }));
    expect(site.log).toContainEqual(expect.objectContaining({ event: "account_not_updated" }));
  });

  it("by never answering is given up within seconds", async () => {
    const site = openSite({
      vars: {
        ACCOUNTS_DB: failing(
          () => true,
          () => new Promise(() => undefined),
        ),
      },
    });
    const browser = openBrowser(site);
    const callback = await browser.atProvider(await browser.startLogin());
    const cookie = Array.from(browser.cookies, ([name, value]) => `${name}=${value}`).join("; ");
    const ctx = createExecutionContext();
    const started = performance.now();
    const request = new Request(callback, { headers: { cookie, accept: "text/html" } });
    const response = await handleRequest(request, site.env, ctx);
    expect(performance.now() - started).toBeLessThan(8_000);
    expect(response.status).toBe(503);
    await waitOnExecutionContext(ctx);
  });

  it("without its tables is reported by the health check", async () => {
    const site = openSite();
    const browser = openBrowser(site);
    const healthy = await browser.get("/auth/health");
    expect(await healthy.json()).toMatchObject({ dependencies: { accounts_db: { ok: true } } });
    await accountsDatabase().prepare("DROP TABLE identities").run();
    await accountsDatabase().prepare("DROP TABLE accounts").run();
    // What was asked a moment ago is remembered, but not by a site whose settings are read anew.
    const ill = await openBrowser(openSite()).get("/auth/health");
    expect(ill.status).toBe(503);
    expect(await ill.json()).toMatchObject({ ok: false, dependencies: { accounts_db: { ok: false } } });
  });
});

describe("login events", () => {
  it("tell how each login ended: who, in which browser, under which reference", async () => {
    const site = openSite();
    const browser = openBrowser(site);
    await browser.logIn();
    const accountId = (await subOf(browser)) ?? "";
    const start = await browser.get("/auth/login?prompt=login");
    const cancelled = await browser.atProvider(new URL(start.headers.get("location") ?? ""), {
      cancelAt: "landing",
    });
    const page = await (await browser.get(cancelled.href)).text();
    const reference = /<code>([\w-]+)<\/code>/.exec(page)?.[1] ?? "";
    expect(await loginEventByReference(records(), reference)).toMatchObject({
      outcome: "access_denied",
      stage: "callback",
    });
    const events = await loginEventsOf(records(), accountId);
    expect(events).toMatchObject([
      { outcome: "access_denied", about: "browser", reference },
      { outcome: "logged_in", about: "person", reason: "create", accountId },
    ]);
    const hour = Math.floor(Date.now() / 3_600_000) * 3600;
    const figures = await loginFigures(records(), hour - 3600, hour + 3600);
    expect(figures.map(({ outcome, count }) => [outcome, count])).toEqual([
      ["access_denied", 1],
      ["logged_in", 1],
    ]);
    const stored = JSON.stringify(events);
    expect(stored).not.toMatch(/Kari|4799999901|example\.com/);
  });

  it("name the person where a login fails after Vipps has said who it is", async () => {
    const site = openSite();
    const sessions = site.env.USER_SESSIONS;
    const browser = openBrowser(site);
    await browser.logIn();
    const accountId = (await subOf(browser)) ?? "";
    const broken = openSite({
      vars: {
        USER_SESSIONS: new Proxy(sessions, {
          get: (target, name) =>
            name === "getByName"
              ? () => ({ record: () => Promise.reject(new Error("down")) })
              : Reflect.get(target, name),
        }),
      },
    });
    expect((await openBrowser(broken).logIn()).status).toBe(503);
    const [event] = await loginEventsOf(records(), accountId);
    expect(event).toMatchObject({ outcome: "storage_unavailable", about: "person" });
  });

  it("are not made of what is no login: neither an attack nor a reload writes anything", async () => {
    const site = openSite();
    const browser = openBrowser(site);
    await browser.get("/auth/nothing");
    await browser.get("/auth/session", { cookie: "x" });
    await browser.post("/auth/login");
    for (let request = 0; request < 80; request += 1) await browser.get("/auth/callback?state=junk&code=x");
    const { href } = await browser.atProvider(await browser.startLogin());
    for (const altered of [
      href.replace(/(?<=state=)./, (first) => (first === "_" ? "-" : "_")),
      href.replace(/&state=[^&]*/, ""),
    ])
      for (const answer of ["", "&error=server_error"]) await browser.get(altered + answer);
    expect(await eventCount()).toBe(0);
    expect(site.counts.databaseCalls).toEqual([]);

    // A login that began here leaves one event however often its end is loaded.
    const state = new URL(href).searchParams.get("state");
    const cancelled = `/auth/callback?error=access_denied&state=${state}`;
    for (let time = 0; time < 20; time += 1) expect((await browser.get(cancelled)).status).toBe(403);
    expect(await eventCount()).toBe(1);
  });

  it("are deleted by the cron trigger when they are old", async () => {
    const site = openSite({ vars: { LOGIN_EVENTS_DAYS: "30" } });
    const insert = accountsDatabase().prepare(
      "INSERT INTO login_events (site, at, outcome) VALUES (?1, ?2, 'x')",
    );
    const today = Math.floor(Date.now() / 1000);
    const days = (count: number) => today - count * 24 * 3600;
    const insertAnew = accountsDatabase().prepare(
      "INSERT INTO logins (site, id, outcome) VALUES (?1, ?2, 'x')",
    );
    await accountsDatabase().batch([
      ...[31, 29].map((count) => insert.bind("default", days(count))),
      ...[31, 29].map((count) => insertAnew.bind("default", firstIdOf(days(count)))),
    ]);
    const ctx = createExecutionContext();
    await worker.scheduled(createScheduledController(), site.env);
    await waitOnExecutionContext(ctx);
    expect(await eventCount()).toBe(2);
    expect(site.log).toContainEqual(expect.objectContaining({ event: "retention_done", login_events: 2 }));
  });

  async function eventCount(): Promise<number> {
    const row = await accountsDatabase()
      .prepare("SELECT (SELECT count(*) FROM logins) + (SELECT count(*) FROM login_events) AS n")
      .first<{ n: number }>();
    return row?.n ?? -1;
  }
});
