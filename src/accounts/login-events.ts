import type { FailureCode, Stage } from "../failure.ts";
import { isolateMap } from "../isolate-state.ts";
import { fromDatabase } from "../storage-call.ts";
import { withinTime } from "../waiting.ts";
import type { AccountId } from "./account.ts";
import { SECOND_BITS } from "./account-row.ts";
import { now, type Records, rows } from "./records.ts";
import { adoptVippsConsents, consentsWaitingFor } from "./vipps-consents.ts";
import { erasedSince, notErasedSince, personSubject, type VippsPerson, wasErased } from "./vipps-person.ts";

/** How a login ended. */
export type LoginOutcome = "logged_in" | FailureCode;

/** How one login ended, for customer service. Holds no code, token, name, phone number or address. */
export interface LoginEvent {
  readonly outcome: LoginOutcome;
  readonly stage?: Stage | undefined;
  /** For a login: how the account was found. For a failure: why, as a fixed phrase of ours. */
  readonly reason?: string | undefined;
  /** Vipps' own error code. */
  readonly providerError?: string | undefined;
  /** The reference the customer was shown. */
  readonly reference?: string | undefined;
  readonly accountId?: AccountId | undefined;
  readonly msn?: string | undefined;
  readonly sub?: string | undefined;
  readonly sid?: string | undefined;
  /** SHA-256 of the browser cookie. */
  readonly browser?: string | undefined;
}

/** A login event as it is kept. */
export interface RecordedLoginEvent extends LoginEvent {
  /** Seconds since the epoch. */
  readonly at: number;
}

/** The smallest id of a second. Fits into a number until the year 2242. */
export const firstIdOf = (second: number): number => second * 2 ** SECOND_BITS;

/**
 * Keeps an event; the figures of its hour are worked out of it later. About an account that was erased while the login
 * was under way nothing is kept. A person who is back is given the consents that wait for them from a login they did
 * not finish.
 * @param isCurrent whether it is known that none wait for the person.
 * @throws {Failure} `storage_unavailable`; a login must not wait for this, nor fail with it.
 */
export async function recordLoginEvent(
  records: Records,
  event: LoginEvent,
  isCurrent = false,
): Promise<void> {
  const { database, site } = records;
  const at = now();
  const facts = [
    ...[event.outcome, event.stage ?? null, event.reason ?? null, event.providerError ?? null],
    ...[event.reference ?? null, event.accountId ?? null, event.msn ?? null, event.sub ?? null],
    ...[event.sid ?? null, event.browser ?? null],
  ];
  // No SELECT: one that reads the table it writes to keeps what it found in another, whose rows D1 counts. A row
  // without a site is none.
  const insert = (unlessKept: string) =>
    database
      .prepare(
        `INSERT OR IGNORE INTO logins (site, id, outcome, stage, reason, provider_error, reference, account_id, msn,
           sub, sid, browser, uncounted)
         VALUES (iif(${notErasedSince("?9", "?14")} ${unlessKept}, ?1, NULL),
           coalesce((SELECT max(id) + 1 FROM logins WHERE site = ?1 AND id >= ?2 AND id < ?3), ?2),
           ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, 1)`,
      )
      .bind(site, firstIdOf(at), firstIdOf(at + 1), ...facts, erasedSince(records));
  // An event is kept once, also where only the confirmation got lost.
  const insertOnce = (again: boolean) => insert(again ? `AND NOT EXISTS (${KEPT})` : "");
  const { outcome, accountId, msn, sub } = event;
  if (isCurrent || outcome !== "logged_in" || !accountId || !msn || !sub)
    return keepTogether(records, insertOnce);
  const waiting = database.prepare(consentsWaitingFor({ sub: "?2", msn: "?3" })).bind(site, sub, msn);
  const results = await fromDatabase(site, (again) => database.batch([insertOnce(again), waiting]));
  if (rows(results[1]).length > 0) await adoptVippsConsents(records, accountId, { msn, sub });
}

/** Makes the statement that keeps an event; `again` after a failure, when it may have been kept. */
type Insert = (again: boolean) => D1PreparedStatement;

/** A write that is under way, or events that go with the next one. */
interface Write {
  readonly inserts: Insert[];
  /** Milliseconds since the epoch. */
  readonly begunAt: number;
  readonly kept: Promise<void>;
}

/** The writes of events in a database: one is under way at a time. */
interface Writes {
  underWay?: Write | undefined;
  next?: Write | undefined;
}

const writesIn = isolateMap<D1Database, Writes>();

/** So many events go with one write, which may be made twice: the free plan allows a request 50 statements (D1, 'Limits'). */
const EVENTS_AT_ONCE = 20;

/** Longer than a write can take, in milliseconds: the platform has ended the request that was to make it. */
const ABANDONED_AFTER = 8_000;

/** How long events gather, in milliseconds, where others have just been written. Nobody waits for them. */
const GATHERED_FOR = 20;

/**
 * Keeps an event: at once where none is being written, and else with all that come until that is done and a moment
 * longer. The more logins there are at a time, the fewer round trips and commits each of them costs.
 */
async function keepTogether(records: Records, insert: Insert): Promise<void> {
  const { database } = records;
  const writes = writesIn.get(database) ?? {};
  writesIn.set(database, writes);
  const next = stillMade(writes.next);
  if (next !== undefined && next.inserts.length < EVENTS_AT_ONCE) {
    next.inserts.push(insert);
    return next.kept;
  }
  const inserts = [insert];
  const underWay = stillMade(writes.underWay);
  if (underWay === undefined) return keepNow(writes, records, inserts);
  const afterwards = async () => {
    const left = underWay.begunAt + ABANDONED_AFTER - Date.now();
    await withinTime(left, underWay.kept, () => undefined).catch(() => undefined);
    await new Promise((wake) => setTimeout(wake, GATHERED_FOR));
    if (writes.next?.inserts === inserts) delete writes.next;
    return keepNow(writes, records, inserts);
  };
  writes.next = { inserts, begunAt: Date.now(), kept: afterwards() };
  return writes.next.kept;
}

/** A write that somebody is still there to make. */
const stillMade = (write: Write | undefined) =>
  write !== undefined && Date.now() - write.begunAt < ABANDONED_AFTER ? write : undefined;

async function keepNow(writes: Writes, { database, site }: Records, inserts: Insert[]): Promise<void> {
  const results = fromDatabase(site, (again) => database.batch(inserts.map((insert) => insert(again))));
  const kept = results.then(() => undefined);
  const write = { inserts, begunAt: Date.now(), kept };
  writes.underWay = write;
  try {
    await kept;
  } finally {
    if (writes.underWay === write) delete writes.underWay;
  }
}

/** Finds this very event among those of its second. */
const KEPT = `SELECT 1 FROM logins WHERE site = ?1 AND id >= ?2 AND id < ?3 AND outcome = ?4 AND stage IS ?5
  AND reason IS ?6 AND provider_error IS ?7 AND reference IS ?8 AND account_id IS ?9 AND msn IS ?10 AND sub IS ?11
  AND sid IS ?12 AND browser IS ?13`;

/**
 * Whether somebody was erased after a moment.
 * @param since in milliseconds since the epoch.
 * @throws {Failure} `storage_unavailable`.
 */
export async function isErasedSince(
  { database, site }: Records,
  person: Pick<VippsPerson, "msn" | "sub">,
  since: number,
): Promise<boolean> {
  const erased = wasErased(database, site, await personSubject(site, person), since);
  return (await fromDatabase(site, () => erased.first())) !== null;
}

interface EventRow {
  readonly at: number;
  readonly outcome: LoginOutcome;
  readonly stage: Stage | null;
  readonly reason: string | null;
  readonly provider_error: string | null;
  readonly reference: string | null;
  readonly account_id: string | null;
  readonly msn: string | null;
  readonly sub: string | null;
  readonly sid: string | null;
  readonly browser: string | null;
}

const FACTS = "outcome, stage, reason, provider_error, reference, account_id, msn, sub, sid, browser";

/**
 * Where events are: those of version 0.1.0 in a table of their own, until LOGIN_EVENTS_DAYS are over.
 * `time` is what their indexes are ordered by.
 */
const TABLES = [
  { name: "logins", columns: `id >> ${SECOND_BITS} AS at, id, ${FACTS}`, time: "id" },
  { name: "login_events", columns: `at, id, ${FACTS}`, time: "at" },
] as const;

/** The same query of each table of events, its rows together. */
const fromEvents = (query: (table: (typeof TABLES)[number]) => string): string =>
  TABLES.map((table) => `SELECT * FROM (${query(table)})`).join(" UNION ALL ");

/** Events of an account whose browsers are looked at for failures of nobody known. */
const BROWSER_EVENTS = 100;

/** An event that is, or may be, about an account. */
export interface AccountLoginEvent extends RecordedLoginEvent {
  /**
   * `person`: it names the account or its Vipps user. `browser`: nobody was known yet, but the account logs in
   * with the same browser.
   */
  readonly about: "person" | "browser";
}

/**
 * The newest events about an account first: its own, those of its Vipps users, and failures without a known
 * person in a browser that the account has logged in with.
 * @throws {Failure} `storage_unavailable`.
 */
export async function loginEventsOf(
  { database, site }: Records,
  accountId: AccountId,
  limit = 50,
): Promise<readonly AccountLoginEvent[]> {
  const newest = fromEvents(
    ({ name, columns, time }) => `
      SELECT * FROM (SELECT ${columns} FROM ${name} INDEXED BY ${name}_by_account
        WHERE site = ?1 AND account_id = ?2 ORDER BY ${time} DESC LIMIT ?3)
      UNION ALL SELECT * FROM (SELECT ${columns} FROM
        (SELECT sub AS one FROM identities INDEXED BY identities_by_account WHERE site = ?1 AND account_id = ?2)
        CROSS JOIN ${name} INDEXED BY ${name}_by_sub
          ON site = ?1 AND sub = one AND sub IS NOT NULL AND account_id IS NULL
        ORDER BY ${time} DESC LIMIT ?3)
      UNION ALL SELECT * FROM (SELECT ${columns} FROM
        (SELECT DISTINCT browser AS one FROM (SELECT browser FROM ${name} INDEXED BY ${name}_by_account
          WHERE site = ?1 AND account_id = ?2 ORDER BY ${time} DESC LIMIT ${BROWSER_EVENTS})
          WHERE browser IS NOT NULL)
        CROSS JOIN ${name} INDEXED BY ${name}_by_browser
          ON site = ?1 AND browser = one AND browser IS NOT NULL AND account_id IS NULL AND sub IS NULL
        ORDER BY ${time} DESC LIMIT ?3)`,
  );
  const statement = database
    .prepare(`SELECT * FROM (${newest}) ORDER BY at DESC, id DESC LIMIT ?3`)
    .bind(site, accountId, limit);
  const { results } = await fromDatabase(site, () => statement.all<EventRow>());
  return results.map((row) => ({
    ...recorded(row),
    about: row.account_id === null && row.sub === null ? "browser" : "person",
  }));
}

/**
 * The event behind a reference that a customer reads out. Case, spaces and a missing hyphen don't matter.
 * @throws {Failure} `storage_unavailable`.
 */
export async function loginEventByReference(
  { database, site }: Records,
  reference: string,
): Promise<RecordedLoginEvent | undefined> {
  const normal = normalReference(reference);
  if (normal === undefined) return undefined;
  const found = fromEvents(
    ({ name, columns, time }) => `SELECT ${columns} FROM ${name} INDEXED BY ${name}_by_reference
      WHERE site = ?1 AND reference = ?2 ORDER BY ${time} DESC LIMIT 1`,
  );
  const statement = database
    .prepare(`SELECT * FROM (${found}) ORDER BY at DESC, id DESC LIMIT 1`)
    .bind(site, normal);
  const row = await fromDatabase(site, () => statement.first<EventRow>());
  return row === null ? undefined : recorded(row);
}

/** `k7qf 3m2p` as it is written: `K7QF-3M2P`. Letters that look like digits are taken for them (Crockford). */
export function normalReference(typed: string): string | undefined {
  const letters = typed.toUpperCase().replace(/[\s-]/g, "").replaceAll("O", "0").replace(/[IL]/g, "1");
  return /^[0-9A-HJKMNP-TV-Z]{8}$/.test(letters) ? `${letters.slice(0, 4)}-${letters.slice(4)}` : undefined;
}

/** Who logged in at the beginning of a session, by Vipps' word and nobody else's. */
export interface SessionLogin {
  readonly msn: string;
  readonly sub: string;
  /** The phone number that Vipps vouched for, where the account is in the registry `d1`. */
  readonly phone: string | undefined;
}

/**
 * The login that a session began with, and what Vipps said of the person: not what a registry or staff have written
 * down of the account since.
 * @returns `undefined` where the event is older than LOGIN_EVENTS_DAYS, or was never written.
 * @throws {Failure} `storage_unavailable`.
 */
export async function loginOfSession(
  { database, site }: Records,
  accountId: AccountId,
  sid: string,
): Promise<SessionLogin | undefined> {
  const statement = database
    .prepare(
      `SELECT l.msn, l.sub, iif(i.told ->> 'phoneVerified', i.told ->> 'phone', NULL) AS phone
       FROM logins l INDEXED BY logins_by_account
       LEFT JOIN identities i ON i.site = l.site AND i.msn = l.msn AND i.sub = l.sub AND i.account_id = l.account_id
       WHERE l.account_id = ?1 AND l.site = ?2 AND l.outcome = 'logged_in' AND l.sid = ?3 LIMIT 1`,
    )
    .bind(accountId, site, sid);
  const row = await fromDatabase(site, () =>
    statement.first<{ msn: string; sub: string; phone: string | null }>(),
  );
  return row === null ? undefined : { ...row, phone: row.phone ?? undefined };
}

function recorded(row: EventRow): RecordedLoginEvent {
  return {
    at: row.at,
    outcome: row.outcome,
    stage: row.stage ?? undefined,
    reason: row.reason ?? undefined,
    providerError: row.provider_error ?? undefined,
    reference: row.reference ?? undefined,
    accountId: row.account_id ?? undefined,
    msn: row.msn ?? undefined,
    sub: row.sub ?? undefined,
    sid: row.sid ?? undefined,
    browser: row.browser ?? undefined,
  };
}
