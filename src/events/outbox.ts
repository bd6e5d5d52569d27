import { ALL_SITES } from "../log.ts";
import { fromDatabase } from "../storage-call.ts";
import { type EventData, type EventType, newEventId } from "./event.ts";

/** The table in which events wait, and the key of this site's rows. */
export interface Outbox {
  readonly database: D1Database;
  readonly site: string;
}

/** What an event hangs on: SQL for `FROM` and what follows it, with its own parameters from `?7` on. */
export interface EventSource {
  /** Such as `accounts WHERE site = ?1 AND id = ?2`: where it finds nothing, nothing happened. */
  readonly from: string;
  readonly values?: readonly (string | number | null)[];
  /** The JSON of `data` in place of `?5`, which it may change. */
  readonly data?: string;
  /** The id in place of `?3`, where `from` may find several rows, each of which is an event. */
  readonly id?: string;
}

/**
 * The statement that writes an event, for the batch of the change it tells of. Carried out twice it writes one.
 * @param about the account (`?2` in `source`), or the reference of a request that waits; the site is `?1`.
 * @param source what must be there for it to have happened; nothing where it has whatever is there.
 */
export function eventStatement<Type extends EventType>(
  { database, site }: Outbox,
  about: string,
  type: Type,
  data: EventData[Type],
  { from, values = [], data: json = "?5", id = "?3" }: EventSource = { from: "(SELECT 1)" },
  eventId = newEventId(),
): D1PreparedStatement {
  return database
    .prepare(
      `INSERT INTO events (site, about, id, type, data, due_at) SELECT ?1, ?2, ${id}, ?4, ${json}, ?6 FROM ${from}
       ${from.includes(" WHERE ") ? "" : "WHERE true"} ON CONFLICT DO NOTHING`,
    )
    .bind(site, about, eventId, type, JSON.stringify(data), Date.now(), ...values);
}

/** One event as it is to be sent. */
export interface DueEvent {
  readonly id: string;
  readonly type: EventType;
  /** JSON. */
  readonly data: string;
  /** Which try this is, from 1. */
  readonly tries: number;
  /** Until when nobody else sends it: tells this try from another. Milliseconds since the epoch. */
  readonly due_at: number;
}

/** Nobody else sends an event while somebody does: for this long, in milliseconds. Longer than a receiver may take. */
const CLAIMED_FOR = 60_000;

const OLDEST = `(SELECT id FROM events WHERE site = ?1 AND about = ?2 AND state = 'waiting' ORDER BY id LIMIT 1)`;

/**
 * Takes the oldest event about somebody that has not been delivered, if it is due: no later one overtakes it, and
 * nobody else takes it for a minute.
 * @throws {Failure} `storage_unavailable`.
 */
export async function claimEvent({ database, site }: Outbox, about: string): Promise<DueEvent | undefined> {
  const now = Date.now();
  const statement = database
    .prepare(
      `UPDATE events SET tries = tries + 1, due_at = ?4
       WHERE site = ?1 AND about = ?2 AND id = ${OLDEST} AND state = 'waiting' AND due_at <= ?3
       RETURNING id, type, data, tries, due_at`,
    )
    .bind(site, about, now, now + CLAIMED_FOR);
  return (await fromDatabase(site, () => statement.first<DueEvent>())) ?? undefined;
}

/** Days for which what was delivered can be sent again, and what was given up. */
const DELIVERED_DAYS = 7;
const GIVEN_UP_DAYS = 30;
const DAY = 24 * 3600 * 1000;

/** What became of a try. */
export type Settled =
  | { readonly state: "delivered" }
  | { readonly state: "given_up"; readonly fault: string }
  /** @param delay until the next try, in milliseconds. */
  | { readonly state: "waiting"; readonly fault: string; readonly delay: number };

/**
 * Notes what became of a try, unless somebody has had the event sent again meanwhile.
 * @throws {Failure} `storage_unavailable`; then it is sent again, with the same id.
 */
export async function settleEvent(
  { database, site }: Outbox,
  about: string,
  { id, due_at: claimedUntil }: Pick<DueEvent, "id" | "due_at">,
  settled: Settled,
): Promise<void> {
  const later = { delivered: DELIVERED_DAYS * DAY, given_up: GIVEN_UP_DAYS * DAY };
  const delay = settled.state === "waiting" ? settled.delay : later[settled.state];
  const statement = database
    .prepare(
      `UPDATE events SET state = ?4, due_at = ?5, fault = ?6
       WHERE site = ?1 AND about = ?2 AND id = ?3 AND due_at = ?7`,
    )
    .bind(
      ...[site, about, id, settled.state, Date.now() + delay],
      ...["fault" in settled ? settled.fault : null, claimedUntil],
    );
  await fromDatabase(site, () => statement.run());
}

/** Somebody about whom there are events. */
export interface Concerned {
  readonly site: string;
  readonly about: string;
}

/** So many events are looked at in one go; who is left is looked for in the next. */
const LOOKED_AT = 500;

/**
 * Whose events a site has written lately.
 * @param within how long ago at most, in milliseconds.
 * @throws {Failure} `storage_unavailable`.
 */
export async function freshEvents({ database, site }: Outbox, within: number): Promise<readonly Concerned[]> {
  const now = Date.now();
  const statement = database
    .prepare(
      `SELECT DISTINCT site, about FROM
         (SELECT site, about FROM events INDEXED BY events_by_due
          WHERE state = 'waiting' AND due_at > ?2 AND due_at <= ?3 AND site = ?1 LIMIT ${LOOKED_AT})`,
    )
    .bind(site, now - within, now);
  return (await fromDatabase(site, () => statement.all<Concerned>())).results;
}

/**
 * Whose events, at whichever site, have been due for long. They go to the end of the row, so that those which cannot
 * be delivered keep nobody else from it.
 * @param since how long at least, in milliseconds.
 * @throws {Failure} `storage_unavailable`.
 */
export async function overdueEvents(database: D1Database, since: number): Promise<readonly Concerned[]> {
  const now = Date.now();
  const statement = database
    .prepare(
      `UPDATE events SET due_at = ?2 WHERE (site, about, id) IN
         (SELECT site, about, id FROM events INDEXED BY events_by_due
          WHERE state = 'waiting' AND due_at <= ?1 ORDER BY due_at LIMIT ${LOOKED_AT})
       RETURNING site, about`,
    )
    .bind(now - since, now);
  const { results } = await fromDatabase(ALL_SITES, () => statement.all<Concerned>());
  return [...new Map(results.map((row) => [JSON.stringify(row), row])).values()];
}
