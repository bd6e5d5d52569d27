import { ALL_SITES } from "../log.ts";
import { fromDatabase } from "../storage-call.ts";
import { SECOND_BITS } from "./account-row.ts";
import { firstIdOf, type LoginOutcome } from "./login-events.ts";
import { now, type Records } from "./records.ts";

/** How many logins of one hour ended one way. */
export interface LoginFigure {
  /** When the hour began, in seconds since the epoch. */
  readonly hour: number;
  readonly outcome: LoginOutcome;
  readonly count: number;
}

/** Logins that are counted in one step: no statement holds the database for long. */
const PORTION = 5_000;
/** Steps of one run: a Worker may ask a database a thousand times. What is left is counted the next time. */
const PORTIONS = 200;
/** Seconds for which a login may still be written, late, before others that are there: so young ones are not gone past. */
const SETTLED_AFTER = 15;

const HOUR = `(id >> ${SECOND_BITS}) - (id >> ${SECOND_BITS}) % 3600`;
/** From which login on those of a site have yet to be counted. */
const countedUntil = (site: string) => `coalesce((SELECT until FROM counted_logins WHERE site = ${site}), 0)`;

/** The logins of the sites (?1) that are counted next, before a moment (?2). */
const NEXT = `SELECT l.site, l.id, l.outcome, l.uncounted FROM json_each(?1) one
  CROSS JOIN logins l ON l.site = one.value AND l.id >= ${countedUntil("one.value")} AND l.id < ?2 LIMIT ${PORTION}`;

const COUNT_NEXT = [
  `SELECT count(*) AS due FROM (${NEXT})`,
  `INSERT INTO login_figures (site, hour, outcome, count)
     SELECT site, ${HOUR} AS hour, outcome, count(*) FROM (${NEXT}) WHERE uncounted = 1 GROUP BY site, hour, outcome
     ON CONFLICT DO UPDATE SET count = count + excluded.count`,
  `INSERT INTO counted_logins (site, until) SELECT site, max(id) + 1 FROM (${NEXT}) WHERE true GROUP BY site
     ON CONFLICT DO UPDATE SET until = excluded.until`,
];

/**
 * Brings the figures of sites up to date with their logins, each of which is looked at once. In bounded steps, and
 * whoever does the same at that time counts nothing twice.
 * @param sites under which keys their rows stand.
 * @throws {Failure} `storage_unavailable`; what is left is counted the next time.
 */
export async function countLogins(database: D1Database, sites: readonly string[]): Promise<void> {
  const [only = ALL_SITES, another] = sites;
  const logged = another === undefined ? only : ALL_SITES;
  const before = firstIdOf(now() - SETTLED_AFTER);
  const statements = COUNT_NEXT.map((sql) => database.prepare(sql).bind(JSON.stringify(sites), before));
  for (let portion = 0; portion < PORTIONS; portion += 1) {
    const [due] = await fromDatabase(logged, () => database.batch<{ readonly due: number }>(statements));
    if ((due?.results[0]?.due ?? 0) < PORTION) return;
  }
}

/**
 * The figures of a span of time, hour by hour. They hold nothing about anybody and outlive the events.
 * @param from first hour, in seconds since the epoch. @param until the hour after the last one.
 * @throws {Failure} `storage_unavailable`.
 */
export async function loginFigures(
  { database, site }: Records,
  from: number,
  until: number,
): Promise<readonly LoginFigure[]> {
  await countLogins(database, [site]);
  const statement = database
    .prepare(
      `SELECT hour, outcome, sum(count) AS count FROM (
         SELECT hour, outcome, count FROM login_figures WHERE site = ?1 AND hour >= ?2 AND hour < ?3
         UNION ALL SELECT ${HOUR}, outcome, 1 FROM logins
         WHERE site = ?1 AND id >= max(${countedUntil("?1")}, ?4) AND id < ?5 AND uncounted = 1)
       GROUP BY hour, outcome ORDER BY hour, outcome`,
    )
    .bind(site, from, until, firstIdOf(from), firstIdOf(until));
  return (await fromDatabase(site, () => statement.all<LoginFigure>())).results;
}
