import { createScheduledController } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, it, vi } from "vitest";
import { appendAudit, appendOwnDeed, readAudit } from "../../src/accounts/audit-log.ts";
import { currentConsents, recordConsents } from "../../src/accounts/consents.ts";
import { exportedConsents } from "../../src/accounts/consents-export.ts";
import { searchEverySite, sitesOfReference } from "../../src/accounts/d1-directory.ts";
import { eraseAccount } from "../../src/accounts/erase-account.ts";
import { noteLeftErasures } from "../../src/accounts/erasure-list.ts";
import { exportAccount } from "../../src/accounts/export-account.ts";
import {
  forgetStranger,
  linkRequestByReference,
  linkRequests,
  requestLink,
} from "../../src/accounts/link-requests.ts";
import {
  loginEventByReference,
  loginEventsOf,
  loginOfSession,
  recordLoginEvent,
} from "../../src/accounts/login-events.ts";
import { loginFigures } from "../../src/accounts/login-figures.ts";
import { answeredConsents, listMembers } from "../../src/accounts/member-list.ts";
import { membersExport } from "../../src/accounts/members-export.ts";
import { countProofGuess, proofGuessesAt } from "../../src/accounts/proof-guesses.ts";
import type { Records } from "../../src/accounts/records.ts";
import { deleteExpired, deleteOutdated, sitesInDatabase } from "../../src/accounts/retention.ts";
import {
  askedBefore,
  d1Registry,
  decideAccount,
  knownClaimsOf,
  settleAccount,
} from "../../src/accounts/site-accounts.ts";
import { acceptTerms } from "../../src/accounts/terms.ts";
import {
  adoptVippsConsents,
  forgetVippsConsents,
  keepVippsConsents,
  revokedConsents,
} from "../../src/accounts/vipps-consents.ts";
import { personSubject, type VippsPerson, wasErased } from "../../src/accounts/vipps-person.ts";
import { claimEvent, freshEvents, overdueEvents, settleEvent } from "../../src/events/outbox.ts";
import { runScheduledWork } from "../../src/scheduled-work.ts";
import { hasAccount } from "../../src/session/session-store.ts";
import { readSettings } from "../../src/settings.ts";
import { hostsOfRows, leastVersion } from "../../src/sites/site-versions.ts";
import { withdrawnEvent } from "../../src/webhooks/consent-revoked-route.ts";
import { failingEachOnce } from "../conformance/failing-storage.ts";
import { accountsDatabase } from "./database.ts";
import { type Cost, oneLine, recordCosts } from "./recorded-database.ts";
import { openSite, SITE } from "./site.ts";
import { patternOf, writtenSql } from "./written-sql.ts";

interface ImportStatement {
  readonly sql: string;
  readonly params: readonly unknown[];
}

/** The import's own statements. Programs of the command line are typed for Node, so they are not imported by name. */
const [memberSql] = Object.values(
  import.meta.glob<{
    readonly memberPortion: (
      members: readonly object[],
      site: string,
      at: number,
      keys: ReadonlyMap<string, string>,
    ) => Promise<{ readonly statements: readonly ImportStatement[] }>;
    readonly namedAccounts: (members: readonly object[], site: string) => ImportStatement | undefined;
  }>("../../cli/member-sql.ts", { eager: true }),
);

const SITE_KEY = "default";
/** People in the large registry. */
const PEOPLE = 20_000;
const DAY = 24 * 3600;

const person = (name: string, number: number, changes: Partial<VippsPerson> = {}): VippsPerson => ({
  msn: "123456",
  // Sorts behind all others, so that a walk through them comes by last.
  sub: `z-${name}`,
  name: `Kari ${name}sen`,
  givenName: "Kari",
  familyName: `${name}sen`,
  phone: `47${String(number).padStart(8, "0")}`,
  phoneVerified: true,
  email: `${name}@example.com`,
  emailVerified: true,
  profile: {},
  ...changes,
});

/** A registry as large as said, its rows spread over everything that grows: people, logins, requests, deeds. */
async function fill(database: D1Database, people: number): Promise<void> {
  const at = Math.floor(Date.now() / 1000) - 10 * DAY;
  const each = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${people})`;
  await database.batch(
    [
      `${each} INSERT INTO accounts (site, id, name, search_name, phone, phone_verified, email, email_verified,
         member_number, proof_digest, import_key, groups, origin, created_at, updated_at)
       SELECT '${SITE_KEY}', 'acc_' || i, 'Ola Person' || i, 'ola person' || i, 4750000000 + i, 1, 'p' || i || '@example.com', 1,
         'M' || i, 'digest', 'K' || i, '["everybody"]', 'import', ${at}, ${at} FROM n`,
      `${each} INSERT INTO identities (site, msn, sub, account_id, linked_at, linked_by)
       SELECT '${SITE_KEY}', '123456', 'sub-of-' || i, 'acc_' || i, ${at}, 'matched' FROM n`,
      `${each} INSERT INTO logins (site, id, outcome, account_id, msn, sub, browser)
       SELECT '${SITE_KEY}', ((${at} + i) << 20) + k.value, iif(k.value, 'logged_in', 'access_denied'),
         iif(k.value, 'acc_' || i, NULL), '123456', iif(k.value, 'sub-of-' || i, NULL), 'browser-' || i
       FROM n, json_each('[0,1]') k`,
      `INSERT INTO counted_logins (site, until) SELECT site, max(id) + 1 FROM logins GROUP BY site`,
      `${each} INSERT INTO login_events (site, at, outcome, account_id, msn, sub, browser)
       SELECT '${SITE_KEY}', ${at} + i, 'logged_in', 'acc_' || i, '123456', 'sub-of-' || i, 'browser-' || i FROM n WHERE i % 4 = 0`,
      `${each} INSERT INTO link_requests (site, msn, sub, reference, reason, told, candidates, window_at, requested_at)
       SELECT '${SITE_KEY}', '123456', 'waiting-' || i, 'REF-' || i, 'name', '{}', json_array('acc_' || i), 0, ${at} + i FROM n WHERE i % 4 = 0`,
      `${each} INSERT INTO audit_log (site, at, actor, actor_role, action, account_id)
       SELECT '${SITE_KEY}', ${at} + i, 'acc_staff', 'staff', 'viewed', 'acc_' || i FROM n WHERE i % 4 = 0`,
      `${each} INSERT INTO consents (site, account_id, consent, granted, source, answered_at)
       SELECT '${SITE_KEY}', 'acc_' || i, 'newsletter', 1, 'login', ${at} FROM n WHERE i % 4 = 0`,
      `${each} INSERT INTO terms_acceptances (site, account_id, version, url, language, accepted_at)
       SELECT '${SITE_KEY}', 'acc_' || i, '1', 'u', 'nb', ${at} FROM n`,
      `${each} INSERT INTO vipps_consents (site, msn, sub, form, time_of_consent, answered_at, answers, raw, received_at, account_id)
       SELECT '${SITE_KEY}', '123456', 'sub-of-' || i, 'flowResult', 't', ${at}, '[]', '{}', ${at} + i, iif(i % 8, 'acc_' || i, NULL) FROM n WHERE i % 4 = 0`,
      `${each} INSERT INTO login_figures (site, hour, outcome, count)
       SELECT '${SITE_KEY}', 3600 * i, 'logged_in', 1 FROM n WHERE i % 4 = 0`,
      `${each} INSERT INTO proof_guesses (site, subject, count, until)
       SELECT '${SITE_KEY}', 'person:' || i, 1, ${at} + 100 * ${DAY} FROM n WHERE i % 4 = 0`,
      `${each} INSERT INTO erasures (site, subject, erased_at)
       SELECT '${SITE_KEY}', 'person:' || i, ${Date.now()} FROM n WHERE i % 4 = 0`,
      `${each} INSERT INTO events (site, about, id, type, data, state, due_at)
       SELECT '${SITE_KEY}', 'acc_' || i, 'msg_' || i, 'account.created', '{}', iif(i % 8, 'delivered', 'waiting'),
         ${Date.now() + 7 * DAY * 1000} FROM n WHERE i % 4 = 0`,
    ].map((sql) => database.prepare(sql)),
  );
}

/** A database that does what it is asked, and loses every first answer. */
function losingAnswers(database: D1Database): D1Database {
  const { ACCOUNTS_DB } = failingEachOnce({ ...env, ACCOUNTS_DB: database }, "after").env;
  if (ACCOUNTS_DB === undefined) throw new Error("no database");
  return ACCOUNTS_DB;
}

/**
 * Everything that a login, the person's own page, customer service, the webhook, the import and the cron trigger
 * ask of the registry, with people of its own.
 * @param round tells its people from those of another round.
 */
async function exercise(database: D1Database, round: number): Promise<void> {
  const outbox = { database, site: SITE_KEY };
  const records: Records = { ...outbox, begunAt: Date.now(), outbox };
  const registry = d1Registry(database, SITE_KEY, true, outbox);
  const known = person(`known${round}`, 10 + round);
  const begunAt = Date.now();

  // Logins: new, known, changed, linked, in doubt and proven.
  const decision = await decideAccount(registry, "open", known, { createsAtOnce: true, begunAt });
  const settled = await settleAccount(registry, "open", known, decision);
  const accountId = "accountId" in settled ? settled.accountId : "";
  await decideAccount(registry, "open", known, { createsAtOnce: true, begunAt });
  await decideAccount(registry, "open", known);
  await registry.update(accountId, known);
  await registry.update(accountId, { ...known, phone: `4799${round}99999` });
  const double = { ...known, sub: `z-double${round}`, phone: undefined };
  await registry.link(accountId, double, "matched");
  await registry.link(accountId, double, "proven");
  await requestLink(records, {
    person: double,
    reason: "name",
    candidates: [accountId],
    reference: `AAAA-000${round}`,
  });
  const asNew = await decideAccount(
    registry,
    "open",
    { ...double, sub: `z-as-new${round}` },
    { asNew: true },
  );
  await settleAccount(registry, "open", { ...double, sub: `z-as-new${round}` }, asNew, {
    asNew: true,
    begunAt,
  });
  await countProofGuess(records, double, [accountId]);
  await proofGuessesAt(records, accountId);
  if (registry.proof.kind === "fact") await registry.proof.check([accountId], "1");
  await registry.accountOfSub("123456", known.sub);
  await askedBefore(siteSettings(database), known.sub);
  await knownClaimsOf(siteSettings(database), { ...known, authTime: 0, claims: {} }, ["name"]);
  await hasAccount(siteSettings(database), accountId);

  // What logins leave behind.
  await keepVippsConsents(records, known, { flowResult: { timeOfConsent: "t", screens: [] } });
  await adoptVippsConsents(records, accountId, known);
  await forgetVippsConsents(records, { msn: "123456", sub: "nobody" });
  await acceptTerms(records, accountId, { version: "1", url: "u", language: "nb" });
  const answer = { consent: "newsletter", granted: true, wording: "w", language: "nb", required: false };
  await recordConsents(records, accountId, [answer], "login");
  const event = { msn: "123456", sub: known.sub, browser: `b${round}` };
  await recordLoginEvent(records, { outcome: "logged_in", accountId, ...event });
  await recordLoginEvent(records, {
    outcome: "access_denied",
    browser: `b${round}`,
    reference: `AAAA-111${round}`,
  });
  await recordLoginEvent(records, { outcome: "id_token_invalid", msn: "123456", sub: known.sub });
  await forgetStranger(records, { msn: "123456", sub: `stranger${round}` });

  // The same where the answer got lost, and it is written again unless it was.
  const again: Records = { ...records, database: losingAnswers(database) };
  await recordLoginEvent(again, { outcome: "logged_in", accountId, ...event });
  await recordConsents(again, accountId, [answer], "login");
  const deed = { actor: "acc_staff", actorRole: "staff", action: "viewed", accountId, details: {} } as const;
  await appendAudit(again, deed);
  await appendOwnDeed(again, accountId, "downloaded", {});

  // Customer service.
  const by = { actor: "acc_staff", actorRole: "staff", action: "viewed", accountId, details: {} } as const;
  await appendAudit(records, by);
  await appendOwnDeed(records, accountId, "consents_changed", {});
  await readAudit(records, accountId, 50);
  await readAudit(records, undefined, 3);
  await linkRequests(records, undefined, 1);
  await linkRequests(records, accountId);
  await linkRequests(records, undefined, 1, `AAAA-000${round}`);
  await linkRequestByReference(records, `AAAA-000${round}`);
  await loginEventByReference(records, `AAAA-111${round}`);
  await loginEventsOf(records, accountId, 20);
  await loginOfSession(records, accountId, "no-such-session");
  await loginFigures(records, 0, 10 * 3600);
  await currentConsents(records, accountId);
  await registry.get(accountId);
  await registry.correct(accountId, { memberNumber: `C${round}`, name: `Kari Known${round}sen` });
  await registry.setGroups(accountId, ["board", "everybody"]);
  await registry.setGroups(accountId, ["board"]);
  expect(await registry.groupsOf(accountId)).toEqual(["board"]);
  expect(await registry.groupNames()).toContain("board");
  for (const search of [
    { phone: `4799${round}99999` },
    { email: known.email },
    { memberNumber: `C${round}` },
    { accountId },
    { name: `known${round}`, phone: `4799${round}99999` },
    { name: `known${round}` },
    { name: `kari known${round}` },
  ]) {
    expect((await registry.search(search)).map(({ id }) => id)).toContain(accountId);
  }
  await registry.unlink(accountId, "123456", double.sub);
  await registry.noteConsentRevoked("123456", known.sub);

  // The webhook, and what the site's other systems are told.
  await appendAudit(records, { ...by, action: "consent_revoked" }, [
    withdrawnEvent(outbox, accountId),
    ...revokedConsents({ ...records, outbox }, accountId, 1),
  ]);
  expect(await freshEvents(outbox, 60_000)).toContainEqual({ site: SITE_KEY, about: accountId });
  const due = await claimEvent(outbox, accountId);
  if (due === undefined) throw new Error("no event of the account is due");
  await settleEvent(outbox, accountId, due, { state: "waiting", fault: "answered with 500", delay: 0 });
  await overdueEvents(database, 0);

  // The import.
  const member = { importKey: `I${round}`, name: "Ny Medlem", phone: known.phone, memberNumber: `I${round}` };
  if (memberSql === undefined) throw new Error("cli/member-sql.ts is gone");
  const said = { givenName: undefined, familyName: undefined, email: undefined, proof: undefined };
  const members = [{ ...said, groups: ["board"], ...member }];
  for (const list of [members, members.map((one) => ({ ...one, accountId }))]) {
    const named = memberSql.namedAccounts(list, SITE_KEY);
    const keys = new Map([[accountId, member.importKey]]);
    const { statements } = await memberSql.memberPortion(list, SITE_KEY, 1, keys);
    const all = named === undefined ? statements : [named, ...statements];
    await database.batch(all.map(({ sql, params }) => database.prepare(sql).bind(...params)));
  }

  // What the operator takes out, a portion of it.
  for (const history of [false, true]) {
    const ask = async (sql: string, params: readonly (string | number)[]) =>
      (
        await database
          .prepare(sql)
          .bind(...params)
          .all()
      ).results;
    await exportedConsents(ask, { site: SITE_KEY, history, portion: 1 }).next();
  }
  for (const filter of [{}, { group: "everybody" }, { answer: { consent: "newsletter", granted: true } }]) {
    const ask = async (sql: string, params: readonly (string | number)[]) =>
      (
        await database
          .prepare(sql)
          .bind(...params)
          .all()
      ).results;
    const { portions } = membersExport(ask, { site: SITE_KEY, filter, portion: 1 });
    for await (const _portion of portions) break;
    const { next } = await listMembers(records, filter, undefined, 1);
    await listMembers(records, filter, next, 1);
  }
  await listMembers(records, {}, "-", 1);
  await listMembers(records, { group: "board", answer: { consent: "newsletter", granted: true } }, "a", 1);
  await answeredConsents(records);
  await leastVersion(database, SITE_KEY);

  // What the deployment's own people look for at all sites.
  for (const search of [
    { accountId },
    { phone: known.phone },
    { memberNumber: "M1" },
    { email: known.email },
  ])
    await searchEverySite(database, search);
  await sitesOfReference(database, "K7QF-3M2P");
  await hostsOfRows(database, [SITE_KEY]);

  // The person leaves.
  await exportAccount(registry, records, accountId);
  const self = { actor: accountId, actorRole: "self", details: {} } as const;
  const unnoted = async () => false;
  expect(await eraseAccount(registry, records, accountId, self, async () => undefined, unnoted)).toBe(true);
  await noteLeftErasures(database, env.VIPPS_METADATA);
  await wasErased(database, SITE_KEY, await personSubject(SITE_KEY, known), begunAt).all();

  // The cron trigger, with something of each to delete.
  await leaveOutdated(round);
  await deleteExpired(database, { sites: [SITE_KEY], loginEventsDays: 90 });
  await deleteOutdated(database);
  await sitesInDatabase(database);
  // Delivered, as it were: what waits is read by those who deliver it, however large the registry is.
  await accountsDatabase().exec("DELETE FROM events WHERE data <> '{}'");
}

/** Rows that are too old, of people who have newer ones and of people who have none. */
async function leaveOutdated(round: number): Promise<void> {
  const old = Math.floor(Date.now() / 1000) - 100 * DAY;
  const nobody = `nobody${round}`;
  await accountsDatabase().batch(
    [
      ...["logged_in", "access_denied"].map(
        (outcome, index) => `INSERT INTO logins (site, id, outcome, account_id, msn, sub)
          VALUES ('${SITE_KEY}', (${old} << 20) + ${10 * round + index}, '${outcome}', 'acc_1', '123456', 'sub-of-1')`,
      ),
      `INSERT INTO login_events (site, at, outcome) VALUES ('${SITE_KEY}', ${old}, 'access_denied')`,
      `INSERT INTO link_requests (site, msn, sub, reference, reason, told, candidates, window_at, requested_at)
       VALUES ('${SITE_KEY}', '123456', '${nobody}', 'R', 'name', '{}', '["acc_1"]', 0, ${old})`,
      `INSERT INTO vipps_consents (site, msn, sub, form, time_of_consent, answered_at, answers, raw, received_at)
       VALUES ('${SITE_KEY}', '123456', '${nobody}', 'flowResult', 't', ${old}, '[]', '{}', ${old})`,
      `INSERT INTO proof_guesses (site, subject, count, until) VALUES ('${SITE_KEY}', '${nobody}', 1, ${old})`,
      `INSERT INTO erasures (site, subject, erased_at) VALUES ('${SITE_KEY}', '${nobody}', ${1000 * old})`,
    ].map((sql) => accountsDatabase().prepare(sql)),
  );
}

function siteSettings(database: D1Database) {
  const site = openSite();
  const read = readSettings({ ...site.env, ACCOUNTS_DB: database }, SITE);
  if ("faults" in read) throw new Error(read.faults.join());
  return read.settings;
}

/** What each statement read at most, and returned or changed then. */
function dearest(costs: readonly Cost[]): ReadonlyMap<string, Cost> {
  const most = new Map<string, Cost>();
  for (const cost of costs) {
    if (cost.read >= (most.get(cost.sql)?.read ?? 0)) most.set(cost.sql, cost);
  }
  return most;
}

/** Rows more that a statement may read in the large registry, such as a neighbour looked at in vain. */
const SLACK = 5;

it("no statement reads more rows in a registry of 20,000 than in an empty one, and each that is written is tried", async () => {
  const { database, costs } = recordCosts(accountsDatabase());
  vi.useFakeTimers({ toFake: ["Date"] });
  await exercise(database, 1);
  const small = dearest(costs.splice(0));
  await fill(accountsDatabase(), PEOPLE);
  vi.setSystemTime(Date.now() + 5_000);
  await exercise(database, 2);
  const large = dearest(costs);

  const dearer = Array.from(large.values()).filter(
    ({ sql, read }) => read > (small.get(sql)?.read ?? 0) + SLACK,
  );
  expect(dearer).toEqual([]);

  // What the cron trigger, the health check and the command line ask besides.
  const site = openSite({ vars: { ACCOUNTS_DB: database } });
  await site.fetch(new Request(`${SITE}/auth/health`));
  await runScheduledWork(createScheduledController(), { ...site.env, ACCOUNTS_DB: database });
  const carriedOut = costs.map(({ sql }) => sql);
  const untried = writtenSql()
    .filter(({ file }) => !OF_THE_OPERATOR.has(file))
    .filter((written) => !carriedOut.some((sql) => patternOf(written).test(sql)))
    .map(({ file, parts }) => `${file}: ${oneLine(parts.join("…"))}`);
  expect(untried).toEqual([]);
});

/**
 * Programs of the operator that list sites and events, take hosts, count and delete what one site leaves behind, look
 * through everybody after a restore, or write one line: they read as many rows as they tell of.
 */
const OF_THE_OPERATOR: ReadonlySet<string> = new Set([
  "cli/events.ts",
  "cli/local-storage.ts",
  "cli/exported-file.ts",
  "cli/erased-accounts.ts",
  "cli/sites/site-claims.ts",
  "cli/sites/site-rows.ts",
  "cli/sites/stray-rows.ts",
  "cli/sites/site-records.ts",
  "cli/sites/site-transfer.ts",
  "cli/sites/move-commands.ts",
]);
