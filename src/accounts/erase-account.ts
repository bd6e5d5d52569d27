import { eventStatement } from "../events/outbox.ts";
import { fromDatabase } from "../storage-call.ts";
import type { AccountId, LinkedIdentity } from "./account.ts";
import { type AuditEntry, auditStatement } from "./audit-log.ts";
import type { Records } from "./records.ts";
import type { Registry } from "./registry.ts";
import { accountSubject, personSubject } from "./vipps-person.ts";

/** Rows that one statement deletes: none holds the database for long, however much there is of a person. */
const PORTION = 500;

/** How long an erasure may take at most until sessions may begin again if it fails, in milliseconds. */
const PATIENCE = 30_000;

/**
 * Ends every session of the account, and refuses those that began before a moment.
 * @param begunBefore in milliseconds since the epoch.
 */
export type EndSessions = (begunBefore: number) => Promise<void>;

/**
 * Removes everything that is kept about a person, for good, except one audit line: that this account was
 * erased, when and by whom. Digests of its Vipps users stay for a day, so that logins which were under way make nothing anew, and
 * counts of guesses until their time is over.
 *
 * Sessions end first, so that the person is logged out should the registry fail, and once more when the rows are
 * gone: a login that runs beside it has found the account before, and is refused its session. Takes bounded steps,
 * and may be begun again wherever it stopped: the account itself goes last.
 * @param note writes down outside the database that the account is erased, and says whether it could; what is not
 *   noted is marked, to be noted later.
 * @returns whether the registry had such an account; records of one that is gone are removed all the same.
 * @throws {Failure} `storage_unavailable`; then the account is still there, and it can be tried again.
 */
export async function eraseAccount(
  registry: Registry,
  records: Records,
  accountId: AccountId,
  by: Pick<AuditEntry, "actor" | "actorRole" | "details">,
  endSessions: EndSessions,
  note: () => Promise<boolean> = async () => true,
): Promise<boolean> {
  await endSessions(Date.now() + PATIENCE);
  const identities = (await registry.get(accountId))?.identities ?? [];
  const isNoted = await note();
  await deleteHistory(records, accountId, identities);
  const existed = await registry.erase(accountId, [
    ...(await lastStatements(records, accountId, identities)),
    ...(isNoted ? [] : [markStatement(records, await accountSubject(records.site, accountId), -Date.now())]),
    ...(records.outbox === undefined
      ? []
      : [eventStatement(records.outbox, accountId, "account.erased", { account: accountId })]),
    auditStatement(records, { ...by, action: "erased", accountId }),
  ]);
  await endSessions(Date.now());
  return existed;
}

/** The Vipps users of an account, as JSON. Where nobody is registered the account itself is the `sub`. */
const subsOf = (accountId: AccountId, identities: readonly Pick<LinkedIdentity, "sub">[]): string =>
  JSON.stringify([accountId, ...identities.map(({ sub }) => sub)]);

/** What there may be any number of, in portions until nothing is left. */
async function deleteHistory(
  { database, site }: Records,
  accountId: AccountId,
  identities: readonly Pick<LinkedIdentity, "sub">[],
): Promise<void> {
  const subs = subsOf(accountId, identities);
  const run = async (statements: readonly string[]): Promise<boolean> => {
    const prepared = statements.map((sql) => database.prepare(sql).bind(site, accountId, subs));
    const results = await fromDatabase(site, () => database.batch(prepared));
    return results.some(({ meta }) => meta.changes >= PORTION);
  };
  let isMore: boolean;
  do {
    // First what is found by way of the account's own events.
    while (await run(EVENT_TABLES.map(inItsBrowsers)));
    isMore = await run(history());
  } while (isMore);
}

/** Where events are, their key, and what their indexes are ordered by. */
const EVENT_TABLES = [
  { name: "logins", key: "site, id", time: "id" },
  { name: "login_events", key: "id", time: "at" },
] as const;

type EventTable = (typeof EVENT_TABLES)[number];

/** The portion of the account's own events that goes next. */
const ownEvents = ({ name, time }: EventTable, columns: string) =>
  `SELECT ${columns} FROM ${name} INDEXED BY ${name}_by_account
   WHERE site = ?1 AND account_id = ?2 ORDER BY ${time} DESC LIMIT ${PORTION}`;

/**
 * Failures of nobody known in a browser in which this person logged in. Others may have used it too: whose failure
 * it was cannot be told, and what may be this person's goes.
 */
const inItsBrowsers = (table: EventTable) => {
  const { name, key } = table;
  const columns = key === "id" ? "f.id" : "f.site, f.id";
  // Every statement takes the same three parameters.
  return `DELETE FROM ${name} WHERE ?3 IS NOT NULL AND (${key}) IN (SELECT ${columns} FROM
    (SELECT DISTINCT browser AS one FROM (${ownEvents(table, "browser")}) WHERE browser IS NOT NULL)
    CROSS JOIN ${name} f INDEXED BY ${name}_by_browser
      ON f.site = ?1 AND f.browser = one AND f.browser IS NOT NULL AND f.account_id IS NULL AND f.sub IS NULL
    LIMIT ${PORTION})`;
};

const history = (): readonly string[] => [
  ...EVENT_TABLES.flatMap((table) => {
    const { name, key } = table;
    const columns = key === "id" ? "f.id" : "f.site, f.id";
    return [
      `DELETE FROM ${name} WHERE ?3 IS NOT NULL AND (${key}) IN (${ownEvents(table, key)})`,
      `DELETE FROM ${name} WHERE ?2 IS NOT NULL AND (${key}) IN (SELECT ${columns} FROM json_each(?3) one
         CROSS JOIN ${name} f INDEXED BY ${name}_by_sub
           ON f.site = ?1 AND f.sub = one.value AND f.sub IS NOT NULL AND f.account_id IS NULL
         LIMIT ${PORTION})`,
    ];
  }),
  ...["consents", "audit_log"].map(
    (name) => `DELETE FROM ${name} WHERE ?3 IS NOT NULL AND id IN
      (SELECT id FROM ${name} INDEXED BY ${name}_by_account WHERE site = ?1 AND account_id = ?2 LIMIT ${PORTION})`,
  ),
];

/** What there are only a few of, and the marks for logins that are under way: in one transaction with the account. */
async function lastStatements(
  { database, site }: Records,
  accountId: AccountId,
  identities: readonly Pick<LinkedIdentity, "msn" | "sub">[],
): Promise<D1PreparedStatement[]> {
  const ofAccount = [
    `UPDATE link_requests
       SET candidates = (SELECT json_group_array(value) FROM json_each(candidates) WHERE value <> ?2)
     WHERE (site, msn, sub) IN
       (SELECT site, msn, sub FROM link_candidates WHERE site = ?1 AND account_id = ?2)`,
    "DELETE FROM events WHERE site = ?1 AND about = ?2 AND state = 'delivered'",
    "DELETE FROM terms_acceptances WHERE site = ?1 AND account_id = ?2",
    "DELETE FROM vipps_consents INDEXED BY vipps_consents_by_account WHERE site = ?1 AND account_id = ?2",
    "DELETE FROM delegated_consents WHERE site = ?1 AND account_id = ?2",
  ].map((sql) => database.prepare(sql).bind(site, accountId));
  const waiting = database
    .prepare(
      `DELETE FROM vipps_consents INDEXED BY vipps_consents_waiting
       WHERE site = ?1 AND account_id IS NULL AND sub IN (SELECT value FROM json_each(?2))`,
    )
    .bind(site, subsOf(accountId, identities));
  const requests = identities.map(({ msn, sub }) =>
    database
      .prepare("DELETE FROM link_requests WHERE site = ?1 AND msn = ?2 AND sub = ?3")
      .bind(site, msn, sub),
  );
  const subjects = await Promise.all(identities.map((person) => personSubject(site, person)));
  const marks = subjects.map((subject) => markStatement({ database, site }, subject, Date.now()));
  // What was written since the portions were taken.
  const written = [...EVENT_TABLES.map(inItsBrowsers), ...history()].map((sql) =>
    database.prepare(sql).bind(site, accountId, subsOf(accountId, identities)),
  );
  return [...written, ...ofAccount, waiting, ...requests, ...marks];
}

/** @param at in milliseconds since the epoch; negative for what is still to be noted outside the database. */
function markStatement({ database, site }: Records, subject: string, at: number): D1PreparedStatement {
  return database
    .prepare(
      `INSERT INTO erasures (site, subject, erased_at) VALUES (?1, ?2, ?3)
       ON CONFLICT DO UPDATE SET erased_at = excluded.erased_at`,
    )
    .bind(site, subject, at);
}
