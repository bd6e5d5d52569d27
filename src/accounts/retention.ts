import { ALL_SITES } from "../log.ts";
import { fromDatabase } from "../storage-call.ts";
import { SECOND_BITS } from "./account-row.ts";
import { firstIdOf } from "./login-events.ts";
import { now, rows } from "./records.ts";
import { WAITING_DAYS } from "./vipps-consents.ts";

/** Days after which somebody who waits for customer service has to ask again. */
const LINK_REQUEST_DAYS = 30;
/** Days after which the mark of an erasure goes: no login is under way for so long. */
const ERASURE_DAYS = 1;
/** One statement must not hold the database for long. In rows. */
const PORTION = 5_000;
/** Portions of one kind in one run: a Worker may ask a database a thousand times. What is left goes the next day. */
const PORTIONS = 200;
const DAY = 24 * 3600;

/** Sites whose login events are kept for the same time. */
export interface RetentionGroup {
  /** Under which keys their rows stand. */
  readonly sites: readonly string[];
  readonly loginEventsDays: number;
}

/**
 * Deletes what has been kept long enough: login events after `loginEventsDays`, link requests after 30 days, and
 * consents from Vipps whose person never came back after 90, whichever site they are of. In bounded steps, none of
 * which looks at what stays.
 * @returns how many of each were deleted.
 * @throws {Failure} `storage_unavailable`; what is left goes the next time.
 */
export async function deleteExpired(
  database: D1Database,
  { sites, loginEventsDays }: RetentionGroup,
): Promise<{
  readonly loginEvents: number;
  readonly linkRequests: number;
  readonly waitingConsents: number;
}> {
  // One list however many sites: a statement for each would be more calls than a Worker may make.
  const list = JSON.stringify(sites);
  const eventsBefore = now() - loginEventsDays * DAY;
  const oldest = `SELECT l.site, l.id FROM json_each(?1) one CROSS JOIN logins l ON l.site = one.value AND l.id < ?2
    LIMIT ${PORTION}`;
  // When somebody was last here outlives the event that says so. Found first and kept: merged into the update, the
  // search would be made once for every account of the site.
  const keepLastLogin = (table: "accounts" | "identities", key: string, same = "") =>
    database
      .prepare(
        `WITH gone AS MATERIALIZED (
           SELECT l.* FROM (${oldest}) o CROSS JOIN logins l ON l.site = o.site AND l.id = o.id
           WHERE l.outcome = 'logged_in' AND l.account_id IS NOT NULL AND NOT EXISTS
             (SELECT 1 FROM logins newer INDEXED BY logins_by_account WHERE newer.account_id = l.account_id
               AND newer.site = l.site AND newer.id > l.id AND newer.outcome = 'logged_in' ${same}))
         UPDATE ${table} SET last_login_at = gone.id >> ${SECOND_BITS} FROM gone
         WHERE ${table}.site = gone.site AND ${key}
           AND coalesce(${table}.last_login_at, 0) < gone.id >> ${SECOND_BITS}`,
      )
      .bind(list, firstIdOf(eventsBefore));
  const portion = [
    keepLastLogin("accounts", "accounts.id = gone.account_id"),
    keepLastLogin(
      "identities",
      "identities.msn = gone.msn AND identities.sub = gone.sub",
      "AND newer.sub = l.sub",
    ),
    database
      .prepare(`DELETE FROM logins WHERE (site, id) IN (${oldest})`)
      .bind(list, firstIdOf(eventsBefore)),
  ];
  const oldPortion = [
    database
      .prepare(
        `DELETE FROM login_events WHERE id IN
           (SELECT e.id FROM json_each(?1) one CROSS JOIN login_events e INDEXED BY login_events_by_time
            ON e.site = one.value AND e.at < ?2 LIMIT ${PORTION})`,
      )
      .bind(list, eventsBefore),
  ];
  const requests = [
    database
      .prepare(
        `DELETE FROM link_requests WHERE (site, msn, sub) IN
           (SELECT r.site, r.msn, r.sub FROM json_each(?1) one
            CROSS JOIN link_requests r INDEXED BY link_requests_by_time
            ON r.site = one.value AND r.requested_at < ?2 LIMIT ${PORTION})`,
      )
      .bind(list, now() - LINK_REQUEST_DAYS * DAY),
  ];
  const loginEvents = (await inPortions(database, portion)) + (await inPortions(database, oldPortion));
  const consents = [
    database
      .prepare(
        `DELETE FROM vipps_consents WHERE (site, msn, sub, form, time_of_consent) IN
           (SELECT site, msn, sub, form, time_of_consent FROM vipps_consents
            INDEXED BY vipps_consents_waiting_by_time
            WHERE account_id IS NULL AND received_at < ?1 LIMIT ${PORTION})`,
      )
      .bind(now() - WAITING_DAYS * DAY),
  ];
  return {
    loginEvents,
    linkRequests: await inPortions(database, requests),
    waitingConsents: await inPortions(database, consents),
  };
}

/**
 * Deletes what carries its own end, whatever sites there are: counts of guesses, marks of erasures (but of those still
 * to be noted outside the database), events that were delivered or given up.
 * @throws {Failure} `storage_unavailable`; what is left goes the next time.
 */
export async function deleteOutdated(database: D1Database): Promise<void> {
  const outdated = (table: string, index: string, condition: string, before: number) => [
    database
      .prepare(
        `DELETE FROM ${table} WHERE (site, subject) IN
           (SELECT site, subject FROM ${table} INDEXED BY ${index} WHERE ${condition} LIMIT ${PORTION})`,
      )
      .bind(before),
  ];
  await inPortions(database, outdated("proof_guesses", "proof_guesses_by_time", "until <= ?1", now()));
  const settled = (state: string) => [
    database
      .prepare(
        `DELETE FROM events WHERE (site, about, id) IN
           (SELECT site, about, id FROM events INDEXED BY events_by_due
            WHERE state = ?1 AND due_at <= ?2 LIMIT ${PORTION})`,
      )
      .bind(state, Date.now()),
  ];
  await inPortions(database, settled("delivered"));
  await inPortions(database, settled("given_up"));
  const erasedBefore = Date.now() - ERASURE_DAYS * DAY * 1000;
  await inPortions(
    database,
    outdated("erasures", "erasures_by_time", "erased_at BETWEEN 0 AND ?1", erasedBefore),
  );
}

/**
 * Every site that has events or link requests, whether or not anybody still knows of it. Steps from one to the
 * next, however many rows each has.
 * @throws {Failure} `storage_unavailable`.
 */
export async function sitesInDatabase(database: D1Database): Promise<readonly string[]> {
  const sitesOf = (table: string) =>
    database.prepare(
      `WITH RECURSIVE one(site) AS (
         SELECT * FROM (SELECT site FROM ${table} ORDER BY site LIMIT 1)
         UNION ALL SELECT (SELECT t.site FROM ${table} t WHERE t.site > one.site ORDER BY t.site LIMIT 1)
         FROM one WHERE one.site IS NOT NULL)
       SELECT site FROM one WHERE site IS NOT NULL`,
    );
  const results = await fromDatabase(ALL_SITES, () =>
    database.batch([sitesOf("logins"), sitesOf("login_events"), sitesOf("link_requests")]),
  );
  return [...new Set(results.flatMap((result) => rows<{ site: string }>(result)).map(({ site }) => site))];
}

/** Runs statements, the last of which deletes a portion, until nothing is left. @returns how many rows went. */
async function inPortions(database: D1Database, statements: D1PreparedStatement[]): Promise<number> {
  let all = 0;
  for (let portion = 0; portion < PORTIONS; portion += 1) {
    const deleted =
      (await fromDatabase(ALL_SITES, () => database.batch(statements))).at(-1)?.meta.changes ?? 0;
    all += deleted;
    if (deleted < PORTION) break;
  }
  return all;
}
