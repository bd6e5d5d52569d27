import { beforeEach, describe, expect, it, vi } from "vitest";
import { appendAudit, readAudit } from "../../src/accounts/audit-log.ts";
import { consentHistory, currentConsents, recordConsents } from "../../src/accounts/consents.ts";
import { eraseAccount } from "../../src/accounts/erase-account.ts";
import { exportAccount } from "../../src/accounts/export-account.ts";
import {
  forgetStranger,
  linkRequestByReference,
  linkRequests,
  requestLink,
} from "../../src/accounts/link-requests.ts";
import {
  firstIdOf,
  loginEventByReference,
  loginEventsOf,
  normalReference,
  recordLoginEvent,
} from "../../src/accounts/login-events.ts";
import { countLogins, loginFigures } from "../../src/accounts/login-figures.ts";
import type { Records } from "../../src/accounts/records.ts";
import type { Registry } from "../../src/accounts/registry.ts";
import { deleteExpired } from "../../src/accounts/retention.ts";
import { d1Registry } from "../../src/accounts/site-accounts.ts";
import { acceptTerms, termsAcceptances } from "../../src/accounts/terms.ts";
import { adoptVippsConsents, keepVippsConsents } from "../../src/accounts/vipps-consents.ts";
import type { VippsPerson } from "../../src/accounts/vipps-person.ts";
import { accountsDatabase } from "./database.ts";
import { recordCosts } from "./recorded-database.ts";
import "./site.ts";

const PERSON: VippsPerson = {
  msn: "123456",
  sub: "sub-kari",
  name: "Kari Nordmann",
  givenName: "Kari",
  familyName: "Nordmann",
  phone: "4799999901",
  phoneVerified: true,
  email: "kari@example.com",
  emailVerified: true,
  profile: {},
};
/** 2026-06-01 10:30:00 UTC. */
const START = 1_780_309_800;
const HOUR = 3600;

let records: Records;
let registry: Registry;
let accountId: string;

/** Lets the clock stand at so many seconds after the start of the test. */
const at = (seconds: number) => vi.setSystemTime((START + seconds) * 1000);

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  at(0);
  records = { database: accountsDatabase(), site: "default" };
  registry = d1Registry(records.database, records.site);
  accountId = (await registry.create(PERSON, {})) ?? "";
});

describe("terms", () => {
  const version = (name: string) => ({
    version: name,
    url: `https://site.example/terms/${name}`,
    language: "nb",
  });

  it("keep who accepted which version, when, the first time counting", async () => {
    await acceptTerms(records, accountId, version("1"));
    at(10);
    await acceptTerms(records, accountId, version("2"));
    await acceptTerms(records, accountId, version("1"));
    expect(await termsAcceptances(records, accountId)).toEqual([
      { ...version("2"), acceptedAt: START + 10 },
      { ...version("1"), acceptedAt: START },
    ]);
    expect(await termsAcceptances(records, "acc_other")).toEqual([]);
    expect(await termsAcceptances({ ...records, site: "other" }, accountId)).toEqual([]);
  });

  it("are known to the registry at the next login, without a further round trip", async () => {
    await acceptTerms(records, accountId, version("1"));
    expect((await registry.find(PERSON)).known?.acceptedTerms).toEqual(["1"]);
  });
});

describe("consents", () => {
  const english = { language: "en", required: false };
  const newsletter = { consent: "newsletter", granted: true, wording: "Send me news", ...english };

  it("keep every answer, the newest counting", async () => {
    const sms = { consent: "sms", granted: false, wording: "Send me texts", ...english };
    await recordConsents(records, accountId, [newsletter, sms], "login");
    at(60);
    await recordConsents(records, accountId, [{ ...newsletter, granted: false }], "my_page");
    const kept = { answeredAt: START };
    const withdrawn = { ...newsletter, granted: false, source: "my_page", answeredAt: START + 60 };
    expect(await currentConsents(records, accountId)).toEqual([
      withdrawn,
      { ...sms, ...kept, source: "login" },
    ]);
    expect(await consentHistory(records, accountId)).toEqual([
      { ...newsletter, ...kept, source: "login" },
      { ...sms, ...kept, source: "login" },
      withdrawn,
    ]);
  });
});

describe("login events", () => {
  it("are found by account, by the Vipps user behind it, and by a browser it logs in with", async () => {
    await recordLoginEvent(records, { outcome: "logged_in", accountId, sid: "s1", browser: "b1" });
    at(1);
    await recordLoginEvent(records, {
      outcome: "storage_unavailable",
      sub: "sub-kari",
      reference: "AAAA-0001",
    });
    at(2);
    await recordLoginEvent(records, { outcome: "access_denied", browser: "b1", reference: "AAAA-0002" });
    await recordLoginEvent(records, { outcome: "access_denied", browser: "b2", reference: "AAAA-0003" });
    await recordLoginEvent(records, { outcome: "logged_in", accountId: "acc_other", browser: "b1" });
    const found = await loginEventsOf(records, accountId);
    expect(found.map(({ outcome, about }) => [outcome, about])).toEqual([
      ["access_denied", "browser"],
      ["storage_unavailable", "person"],
      ["logged_in", "person"],
    ]);
    expect(found.at(-1)).toMatchObject({ at: START, sid: "s1" });
  });

  it("are found by the reference as people read it out", async () => {
    await recordLoginEvent(records, { outcome: "access_denied", stage: "callback", reference: "K7Q0-1M2P" });
    for (const typed of ["K7Q0-1M2P", " k7qo im2p ", "k7q0lm2p"]) {
      expect(await loginEventByReference(records, typed)).toMatchObject({ outcome: "access_denied" });
    }
    for (const typed of ["", "K7Q0-1M2", "K7Q0-1M2U", "'; --"]) {
      expect(normalReference(typed)).toBeUndefined();
      expect(await loginEventByReference(records, typed)).toBeUndefined();
    }
  });

  it("are counted by the hour and outcome", async () => {
    for (const [seconds, outcome] of [
      [0, "logged_in"],
      [10, "logged_in"],
      [20, "access_denied"],
      [HOUR, "logged_in"],
    ] as const) {
      at(seconds);
      await recordLoginEvent(records, { outcome });
    }
    const hour = START - 1800;
    expect(await loginFigures(records, hour, hour + 24 * HOUR)).toEqual([
      { hour, outcome: "access_denied", count: 1 },
      { hour, outcome: "logged_in", count: 2 },
      { hour: hour + HOUR, outcome: "logged_in", count: 1 },
    ]);
    expect(await loginFigures(records, hour + HOUR, hour + HOUR)).toEqual([]);
  });

  it("are counted once, whoever counts and whenever", async () => {
    const { database, site } = records;
    const counted = async () => {
      const { results } = await database
        .prepare("SELECT outcome, sum(count) AS n FROM login_figures GROUP BY outcome")
        .all();
      return results;
    };
    const shown = async () =>
      (await loginFigures(records, START - 1800, START + HOUR)).reduce((sum, { count }) => sum + count, 0);
    await recordLoginEvent(records, { outcome: "logged_in", accountId });
    expect(await shown()).toBe(1);
    // As young as this, others may be written that are older still.
    expect(await counted()).toEqual([]);
    at(14);
    await recordLoginEvent(records, { outcome: "logged_in" });
    at(16);
    await Promise.all([countLogins(database, [site]), countLogins(database, [site, "other"]), shown()]);
    expect(await counted()).toEqual([{ outcome: "logged_in", n: 1 }]);
    expect(await shown()).toBe(2);
    at(1000);
    // By an earlier version, which has counted it.
    await database
      .prepare("INSERT INTO logins (site, id, outcome) VALUES (?1, ?2, 'logged_in')")
      .bind(site, firstIdOf(START + 500))
      .run();
    await countLogins(database, [site]);
    await countLogins(database, [site]);
    expect(await counted()).toEqual([{ outcome: "logged_in", n: 2 }]);
    expect(await shown()).toBe(2);
  });

  it("are counted when they go before anybody has counted them", async () => {
    const { database, site } = records;
    await recordLoginEvent(records, { outcome: "logged_in", accountId });
    await recordLoginEvent(records, { outcome: "access_denied" });
    const shown = async () => loginFigures(records, START - 1800, START + HOUR);
    const before = await shown();
    expect(before).toHaveLength(2);
    await database.prepare("DELETE FROM logins WHERE outcome = 'logged_in'").run();
    expect(await shown()).toEqual(before);
    at(100);
    await countLogins(database, [site]);
    await database.prepare("DELETE FROM logins").run();
    expect(await shown()).toEqual(before);
  });

  it("are counted in portions", async () => {
    const { database, site } = records;
    await database
      .prepare(
        `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 12000)
         INSERT INTO logins (site, id, outcome, uncounted) SELECT ?1, ?2 + i, 'logged_in', 1 FROM n`,
      )
      .bind(site, firstIdOf(START))
      .run();
    at(100);
    const recorded = recordCosts(database);
    await countLogins(recorded.database, [site]);
    expect(Math.max(...recorded.costs.map(({ read }) => read))).toBeLessThan(10_100);
    expect(await database.prepare("SELECT sum(count) AS n FROM login_figures").first("n")).toBe(12000);
  });

  it("go when they are old, while their figures stay", async () => {
    await recordLoginEvent(records, { outcome: "logged_in", accountId });
    await requestLink(records, { person: PERSON, reason: "name", candidates: [], reference: "AAAA-0001" });
    at(89 * 24 * HOUR);
    await recordLoginEvent(records, { outcome: "logged_in", accountId });
    at(90 * 24 * HOUR + 1);
    await countLogins(records.database, [records.site]);
    expect(await deleteExpired(records.database, { sites: [records.site], loginEventsDays: 90 })).toEqual({
      loginEvents: 1,
      linkRequests: 1,
      waitingConsents: 0,
    });
    expect(await deleteExpired(records.database, { sites: [records.site], loginEventsDays: 90 })).toEqual({
      loginEvents: 0,
      linkRequests: 0,
      waitingConsents: 0,
    });
    expect(await loginEventsOf(records, accountId)).toHaveLength(1);
    expect(await loginFigures(records, 0, START * 2)).toHaveLength(2);
  });

  it("go in portions", async () => {
    const { database } = records;
    await database
      .prepare(
        `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 12000)
         INSERT INTO logins (site, id, outcome) SELECT 'default', i, 'logged_in' FROM n`,
      )
      .run();
    expect(
      (await deleteExpired(records.database, { sites: [records.site], loginEventsDays: 1 })).loginEvents,
    ).toBe(12_000);
  });
});

describe("the audit log", () => {
  it("keeps who did what to whom, the newest first", async () => {
    const entry = {
      actor: "acc_staff",
      actorRole: "staff",
      action: "corrected",
      details: { fields: ["email"] },
    };
    await appendAudit(records, { ...entry, accountId } as Parameters<typeof appendAudit>[1]);
    at(5);
    await appendAudit(records, {
      actor: "acc_staff",
      actorRole: "staff",
      action: "searched",
      accountId: undefined,
      details: { by: "phone" },
    });
    expect(await readAudit(records, accountId)).toEqual([{ ...entry, accountId, at: START }]);
    expect((await readAudit(records, undefined)).map(({ action }) => action)).toEqual([
      "searched",
      "corrected",
    ]);
    expect(await readAudit(records, undefined, 1)).toHaveLength(1);
  });
});

describe("a link request", () => {
  const request = { person: PERSON, reason: "several", candidates: ["acc_a", "acc_b"] } as const;

  it("is found by its reference and by its candidates, and renewed rather than repeated", async () => {
    expect(await requestLink(records, { ...request, reference: "AAAA-0001" })).toBe("AAAA-0001");
    at(7);
    expect(await requestLink(records, { ...request, reason: "name", reference: "AAAA-0002" })).toBe(
      "AAAA-0001",
    );
    const kept = { ...request, reason: "name", reference: "AAAA-0001", requestedAt: START + 7 };
    expect(await linkRequestByReference(records, "aaaa 0001")).toEqual(kept);
    expect(await linkRequestByReference(records, "AAAA-0002")).toBeUndefined();
    expect(await linkRequests(records, "acc_b")).toEqual([kept]);
    expect(await linkRequests(records, "acc_c")).toEqual([]);
    expect(await linkRequests(records, undefined)).toEqual([kept]);
  });

  it("is forgotten, and what was noted of its person, when they say no; not of somebody with an account", async () => {
    const stranger = { ...PERSON, sub: "stranger" };
    for (const person of [stranger, PERSON]) {
      await requestLink(records, { ...request, person, reference: `AAAA-${person.sub}` });
      const { msn, sub } = person;
      await recordLoginEvent(records, { outcome: "account_unclear", msn, sub, reference: "AAAA-0001" });
    }
    await forgetStranger(records, stranger);
    await forgetStranger(records, PERSON);
    expect((await linkRequests(records, "acc_b")).map(({ person }) => person.sub)).toEqual(["sub-kari"]);
    expect(await loginEventsOf(records, accountId)).toHaveLength(1);
    const left = records.database.prepare("SELECT sub FROM logins").all();
    expect((await left).results).toEqual([{ sub: "sub-kari" }]);
  });

  it("is over when its person has an account", async () => {
    const person = { ...PERSON, sub: "new", phone: "4799999902", email: "new@example.com" };
    await requestLink(records, { ...request, person, reference: "AAAA-0001" });
    await registry.create(person, {});
    expect(await linkRequests(records, undefined)).toEqual([]);
  });
});

describe("a person's data", () => {
  async function leaveTraces(id: string, sub: string, browser: string): Promise<void> {
    await acceptTerms(records, id, { version: "1", url: "https://site.example/terms", language: "nb" });
    const newsletter = { consent: "newsletter", granted: true, wording: undefined };
    await recordConsents(records, id, [{ ...newsletter, language: "nb", required: false }], "login");
    const person = { msn: "123456", sub };
    await keepVippsConsents(records, person, { delegatedConsents: { timeOfConsent: "t", consents: [] } });
    await adoptVippsConsents(records, id, person);
    await keepVippsConsents(records, person, { flowResult: { timeOfConsent: "t", screens: [] } });
    await recordLoginEvent(records, { outcome: "logged_in", accountId: id, sub, browser });
    await recordLoginEvent(records, { outcome: "id_token_invalid", sub });
    await recordLoginEvent(records, { outcome: "access_denied", browser });
    await appendAudit(records, {
      actor: "acc_staff",
      actorRole: "staff",
      action: "viewed",
      accountId: id,
      details: {},
    });
  }

  it("can be taken away whole, without what belongs to others", async () => {
    await leaveTraces(accountId, PERSON.sub, "b1");
    const data = JSON.parse(JSON.stringify(await exportAccount(registry, records, accountId)));
    expect(data).toMatchObject({
      account: { id: accountId, name: "Kari Nordmann", email: "kari@example.com" },
      identities: [{ sub: "sub-kari" }],
      terms: [{ version: "1" }],
      consents: [{ consent: "newsletter", granted: true }],
      delegatedConsents: [{ timeOfConsent: "t" }],
      logins: [{ outcome: "id_token_invalid" }, { outcome: "logged_in" }],
      actions: [{ action: "viewed", actorRole: "staff" }],
    });
    expect(JSON.stringify(data)).not.toContain("acc_staff");
  });

  it("is erased but for one audit line", async () => {
    const other = { ...PERSON, sub: "sub-other", phone: "4799999902", email: "other@example.com" };
    const otherId = (await registry.create(other, {})) ?? "";
    await leaveTraces(accountId, PERSON.sub, "b1");
    await leaveTraces(otherId, other.sub, "b2");
    await requestLink(records, {
      person: { ...PERSON, sub: "waiting" },
      reason: "several",
      candidates: [accountId, otherId],
      reference: "AAAA-0001",
    });
    expect(
      await eraseAccount(
        registry,
        records,
        accountId,
        { actor: accountId, actorRole: "self", details: {} },
        async () => undefined,
      ),
    ).toBe(true);
    const traces = await tracesOf(accountId, PERSON.sub, "b1");
    expect(traces).toEqual({ audit_log: 1 });
    expect(await readAudit(records, accountId)).toMatchObject([
      { action: "erased", actorRole: "self", details: {} },
    ]);
    expect(await linkRequests(records, undefined)).toMatchObject([{ candidates: [otherId] }]);
    expect(await tracesOf(otherId, other.sub, "b2")).toEqual({
      accounts: 1,
      identities: 1,
      link_requests: 1,
      terms_acceptances: 1,
      consents: 1,
      vipps_consents: 2,
      logins: 3,
      audit_log: 1,
      account_names: 2,
      link_candidates: 1,
    });
  });

  it("is whole or gone: nothing is erased when the database fails on the way", async () => {
    await leaveTraces(accountId, PERSON.sub, "b1");
    const before = await tracesOf(accountId, PERSON.sub, "b1");
    const failing = records.database.prepare("INSERT INTO accounts (site) VALUES (?1)").bind("x");
    await expect(registry.erase(accountId, [failing])).rejects.toMatchObject({ code: "storage_unavailable" });
    expect(await tracesOf(accountId, PERSON.sub, "b1")).toEqual(before);
  });

  /** Rows, by table, that have one of these values in any column. */
  async function tracesOf(...values: string[]): Promise<Record<string, number>> {
    const { database } = records;
    const { results: tables } = await database
      .prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE '%site TEXT%'")
      .all<{ name: string }>();
    const counts: Record<string, number> = {};
    for (const { name } of tables) {
      const { results } = await database.prepare(`SELECT * FROM ${name}`).all();
      const count = results.filter((row) =>
        values.some((value) => JSON.stringify(row).includes(`${value}`)),
      ).length;
      if (count > 0) counts[name] = count;
    }
    return counts;
  }
});
