import { retryable } from "cloudflare:durable-objects";
import { DurableObject } from "cloudflare:workers";
import { newEventId, type SessionEnd } from "../events/event.ts";
import { sendNotices } from "../events/notice.ts";
import { eventStatement } from "../events/outbox.ts";
import type { SessionClient } from "../http/request.ts";
import { ALL_SITES, logEvent } from "../log.ts";
import { type ObjectTable, openTables } from "../object-tables.ts";
import { outboxOf, settingsOfAddress } from "../settings.ts";
import { faultFields, fromDatabase } from "../storage-call.ts";
import type { BroughtClaims } from "../vipps/claims.ts";
import { now, sessionBegin } from "./session.ts";

/**
 * The objects that hold sessions, one for each account: what they keep, with all SQL for it, and how the end of a
 * session is told.
 */

/** A session as it begins. Times in seconds since the epoch. */
export interface NewStoredSession extends SessionClient {
  readonly sid: string;
  readonly startedAt: number;
  /** What the person shared for a purpose of the site's when it began. */
  readonly brought?: BroughtClaims | undefined;
  /** SHA-256 of the cookie of the browser that it begins in. */
  readonly browserId?: string | undefined;
}

/** A session that lives. */
export interface StoredSession extends Omit<NewStoredSession, "brought" | "browserId"> {
  readonly lastSeenAt: number;
  /** When it ends if it is not used again. */
  readonly expiresAt: number;
}

/** SESSION_TTL and SESSION_IDLE, in seconds. */
export interface Lifetime {
  readonly ttl: number;
  readonly idle: number;
  /** Whose sessions they are, where their ends are told; nobody is told where it is left out. */
  readonly told?: ToldOwner | undefined;
}

type SessionRow = {
  sid: string;
  started_at: number;
  last_seen_at: number;
  ends_at: number;
  idle: number;
  browser: string | null;
  system: string | null;
  city: string | null;
  country: string | null;
  brought: string | null;
  told: string | null;
};

/** Columns to be added stand at the end, and need no value from a release that does not know them. */
const TABLE: ObjectTable = {
  name: "sessions",
  columns: [
    "sid TEXT PRIMARY KEY",
    "started_at INTEGER NOT NULL",
    "last_seen_at INTEGER NOT NULL",
    "ends_at INTEGER NOT NULL",
    "idle INTEGER NOT NULL",
    "browser TEXT",
    "system TEXT",
    "city TEXT",
    "country TEXT",
    "brought TEXT",
    // Whose it is, as JSON, where its end is to be told whoever ends it.
    "told TEXT",
    "browser_id TEXT",
  ],
  options: "WITHOUT ROWID",
};

/** Sessions that have ended and whose end has yet to be told: a table that is made where there is one. */
const ENDED: ObjectTable = {
  name: "ended_sessions",
  columns: ["event TEXT PRIMARY KEY", "sid TEXT NOT NULL", "reason TEXT NOT NULL", "told TEXT NOT NULL"],
  options: "WITHOUT ROWID",
};

/** Seconds until ends are told again that could not be. */
const TELL_AGAIN_AFTER = 60;

/** Sessions a user may have at a time; a further login ends the one that was unused for longest. */
const LIMIT = 100;

/** The key of the moment before which no session may have begun, in milliseconds since the epoch. */
const REFUSED_BEFORE = "refusedBefore";
/** How long that moment is remembered: no login takes longer. In seconds. */
const REFUSAL_LIFETIME = 3600;

/**
 * All sessions of one user, in one object found by the account id. It alone knows whether a session still
 * lives: a signed token is only trusted for SESSION_FRESH seconds before this object is asked again.
 *
 * A session ends by the lifetime it was last seen under or by that of today, whichever is shorter.
 */
export class UserSessions extends DurableObject<Cloudflare.Env> {
  static {
    // All but `endFrom`, whose caller has to know whether the first call was done.
    const { record, renew, list, brought, end, endAll, refuseBegunBefore, ping } = UserSessions.prototype;
    retryable(record, renew, list, brought, end, endAll, refuseBegunBefore, ping);
  }

  readonly #sql: SqlStorage;
  /** An object that nobody has a session in stores nothing, not even an empty table. */
  #hasTable: boolean;

  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    super(ctx, env);
    this.#sql = ctx.storage.sql;
    this.#hasTable = openTables(this.#sql, [TABLE]).areMade;
  }

  /**
   * Records a new session. Recording it twice is the same.
   * @returns the ids of other sessions that began in the same browser: one that it does not hold got lost on its way
   *   there. False when this one began before its account was erased, and so does not live.
   */
  async record(
    { sid, startedAt, device, place, brought, browserId }: NewStoredSession,
    { ttl, idle, told }: Lifetime,
  ): Promise<readonly string[] | false> {
    if (sessionBegin(sid) < (this.ctx.storage.kv.get<number>(REFUSED_BEFORE) ?? 0)) return false;
    this.#createTable();
    const at = now();
    this.#sql.exec(
      `INSERT INTO sessions
         (sid, started_at, last_seen_at, ends_at, idle, browser, system, city, country, brought, told, browser_id)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
      ...[sid, startedAt, at, startedAt + ttl, idle],
      ...[device.browser, device.system, place.city, place.country].map((name) => name ?? null),
      ...[brought, told].map((value) => (value === undefined ? null : JSON.stringify(value))),
      browserId ?? null,
    );
    // One pass over all of them, of which there may be many, for one row.
    const { count, here } = this.#sql
      .exec<{ count: number; here: string }>(
        `SELECT count(*) AS count, json_group_array(sid) FILTER (WHERE browser_id = ? AND sid <> ?) AS here
         FROM sessions`,
        browserId ?? null,
        sid,
      )
      .one();
    const isTold = count > LIMIT && this.#endTooMany();
    await this.#sweepLater(isTold ? at : Math.min(startedAt + ttl, at + idle));
    // By their ids, which begin with the time.
    return (JSON.parse(here) as string[]).sort().reverse();
  }

  /**
   * Notes that a session is in use.
   * @returns whether it lives; false when it has ended, whatever the reason.
   */
  renew(sid: string, { ttl, idle, told }: Lifetime): boolean {
    if (!this.#hasTable) return false;
    const at = now();
    const [row] = this.#sql.exec<SessionRow>("SELECT * FROM sessions WHERE sid = ?", sid).toArray();
    if (row === undefined || at >= expiry(row, { ttl, idle })) return false;
    const endsAt = row.started_at + ttl;
    const owner = told === undefined ? null : JSON.stringify(told);
    // Requests of one page come in the same second, and a write costs more than a read.
    if (row.last_seen_at !== at || row.idle !== idle || row.ends_at !== endsAt || row.told !== owner) {
      this.#sql.exec(
        "UPDATE sessions SET last_seen_at = MAX(last_seen_at, ?), ends_at = ?, idle = ?, told = ? WHERE sid = ?",
        at,
        endsAt,
        idle,
        owner,
        sid,
      );
    }
    return true;
  }

  /** The sessions that live, the one used last first. */
  list(lifetime: Lifetime): StoredSession[] {
    return this.#living(lifetime, now()).map((row) => ({
      sid: row.sid,
      startedAt: row.started_at,
      lastSeenAt: row.last_seen_at,
      expiresAt: expiry(row, lifetime),
      device: { browser: row.browser ?? undefined, system: row.system ?? undefined },
      place: { city: row.city ?? undefined, country: row.country ?? undefined },
    }));
  }

  /** What the person shared for purposes of the site's: of each session that lives and has something, as JSON. */
  brought(lifetime: Lifetime): { readonly sid: string; readonly brought: string }[] {
    return this.#living(lifetime, now()).flatMap(({ sid, brought }) =>
      brought === null ? [] : [{ sid, brought }],
    );
  }

  /** Ends one session; ending it twice is the same. */
  async end(sid: string, told?: ToldEnd): Promise<void> {
    await this.#end([sid], told);
  }

  /**
   * Ends one other session or all others, if the one that asks lives.
   * @returns the ids of those that lived and have now ended, or `undefined` when the one that asks does not live.
   */
  async endFrom(
    by: string,
    target: { readonly sid: string } | "others",
    lifetime: Lifetime,
  ): Promise<string[] | undefined> {
    const living = this.#living(lifetime, now()).map(({ sid }) => sid);
    if (!living.includes(by)) return undefined;
    const ended = living.filter((sid) => (target === "others" ? sid !== by : sid === target.sid));
    await this.#end(ended, lifetime.told && { owner: lifetime.told, reason: "ended_elsewhere" });
    return ended;
  }

  /** Ends all sessions. @returns their ids, so that the caller can refuse their tokens at once. */
  async endAll(told?: ToldEnd): Promise<string[]> {
    if (!this.#hasTable) return [];
    const all = this.#sql.exec<{ sid: string }>("SELECT sid FROM sessions").toArray();
    return this.#end(
      all.map(({ sid }) => sid),
      told,
    );
  }

  /**
   * Ends all sessions, and refuses those that began before a moment: logins that are under way while the account
   * is erased.
   * @param begunBefore in milliseconds since the epoch.
   */
  async refuseBegunBefore(begunBefore: number, told?: ToldEnd): Promise<string[]> {
    const ended = await this.endAll(told);
    this.ctx.storage.kv.put(REFUSED_BEFORE, begunBefore);
    await this.#sweepLater(Math.ceil(begunBefore / 1000) + REFUSAL_LIFETIME);
    return ended;
  }

  /** Answers the health check. */
  ping(): true {
    return true;
  }

  override async alarm(): Promise<void> {
    const at = now();
    const refusedBefore = this.ctx.storage.kv.get<number>(REFUSED_BEFORE);
    const refusalEnds =
      refusedBefore === undefined ? undefined : Math.ceil(refusedBefore / 1000) + REFUSAL_LIFETIME;
    if (refusalEnds !== undefined && refusalEnds <= at) this.ctx.storage.kv.delete(REFUSED_BEFORE);
    const due = refusalEnds !== undefined && refusalEnds > at ? [refusalEnds] : [];
    if (this.#hasTable) {
      const expired = this.#sql
        .exec<EndedRow>(
          "DELETE FROM sessions WHERE ends_at <= ?1 OR last_seen_at + idle <= ?1 RETURNING sid, told",
          at,
        )
        .toArray();
      this.#noteEnded(expired, "expired");
      const isTold = await this.#tellEnded();
      // Others may have ended while that took its time.
      if (this.#endedSessions().length > 0) due.push(isTold ? at : at + TELL_AGAIN_AFTER);
      const { first } = this.#sql
        .exec<{ first: number | null }>(
          "SELECT MIN(MIN(ends_at, last_seen_at + idle)) AS first FROM sessions",
        )
        .one();
      if (first !== null) due.push(first);
    }
    if (due.length === 0) {
      this.#hasTable = false;
      await this.ctx.storage.deleteAll();
    } else await this.#sweepLater(Math.min(...due));
  }

  /** @param at seconds since the epoch. */
  #living(lifetime: Lifetime, at: number): SessionRow[] {
    if (!this.#hasTable) return [];
    return this.#sql
      .exec<SessionRow>("SELECT * FROM sessions ORDER BY last_seen_at DESC, sid DESC")
      .toArray()
      .filter((row) => at < expiry(row, lifetime));
  }

  /** Ends those that were unused for longest. @returns whether that is to be told. */
  #endTooMany(): boolean {
    const tooMany = this.#sql
      .exec<EndedRow>(
        `DELETE FROM sessions WHERE sid IN
           (SELECT sid FROM sessions ORDER BY last_seen_at DESC, sid DESC LIMIT -1 OFFSET ?)
         RETURNING sid, told`,
        LIMIT,
      )
      .toArray();
    return this.#noteEnded(tooMany, "too_many");
  }

  /** @returns the ids of those that lived. */
  async #end(sids: readonly string[], told: ToldEnd | undefined): Promise<string[]> {
    if (!this.#hasTable || sids.length === 0) return [];
    const ended = this.#sql
      .exec<EndedRow>(
        "DELETE FROM sessions WHERE sid IN (SELECT value FROM json_each(?)) RETURNING sid, told",
        JSON.stringify(sids),
      )
      .toArray();
    const owner = told === undefined ? null : JSON.stringify(told.owner);
    if (
      told !== undefined &&
      this.#noteEnded(
        ended.map(({ sid }) => ({ sid, told: owner })),
        told.reason,
      )
    )
      await this.#sweepLater(now());
    return ended.map(({ sid }) => sid);
  }

  /** Notes whose end is to be told, in the transaction in which they end. @returns whether there are any. */
  #noteEnded(ended: readonly EndedRow[], reason: SessionEnd): boolean {
    const told = ended.filter((row) => row.told !== null);
    if (told.length > 0) openTables(this.#sql, [ENDED]).make();
    for (const { sid, told: owner } of told)
      this.#sql.exec(
        "INSERT INTO ended_sessions (event, sid, reason, told) VALUES (?, ?, ?, ?)",
        ...[newEventId(), sid, reason, owner],
      );
    return told.length > 0;
  }

  /** Tells of the sessions that have ended. @returns whether that was possible. */
  async #tellEnded(): Promise<boolean> {
    const ended = this.#endedSessions();
    try {
      await tellEndedSessions(this.env, ended, (work) => this.ctx.waitUntil(work));
    } catch (error) {
      logEvent("warn", "session_ends_not_told", ALL_SITES, faultFields(error));
      return false;
    }
    for (const { event } of ended) this.#sql.exec("DELETE FROM ended_sessions WHERE event = ?", event);
    return true;
  }

  #endedSessions(): EndedSession[] {
    if (!openTables(this.#sql, [ENDED]).areMade) return [];
    return this.#sql.exec<EndedSession>("SELECT event, sid, reason, told FROM ended_sessions").toArray();
  }

  #createTable(): void {
    if (this.#hasTable) return;
    openTables(this.#sql, [TABLE]).make();
    this.#hasTable = true;
  }

  /** @param due seconds since the epoch. An earlier alarm stays: it will look again. */
  async #sweepLater(due: number): Promise<void> {
    const set = await this.ctx.storage.getAlarm();
    if (set === null || set > due * 1000) await this.ctx.storage.setAlarm(due * 1000);
  }
}

/** A session that has ended, and whose it was where that is to be told. */
type EndedRow = { sid: string; told: string | null };

/** When a session ends if it is not used again, in seconds since the epoch. */
function expiry(row: SessionRow, { ttl, idle }: Lifetime): number {
  const absolute = Math.min(row.ends_at, row.started_at + ttl);
  return Math.min(absolute, row.last_seen_at + Math.min(row.idle, idle));
}

/** Whose sessions an object holds: an object does not know its own name. */
export interface ToldOwner {
  /** An address of the site, under which its settings are found. */
  readonly address: string;
  readonly account: string;
}

/** How sessions end whose ends are told. */
export interface ToldEnd {
  readonly owner: ToldOwner;
  readonly reason: SessionEnd;
}

/** The end of a session, as its object has noted it. */
type EndedSession = {
  /** The id of the event that tells of it. */
  readonly event: string;
  readonly sid: string;
  readonly reason: SessionEnd;
  /** A {@link ToldOwner} as JSON. */
  readonly told: string;
};

/**
 * Tells of sessions of one person that have ended. Told twice it is the same event.
 * @throws {Failure} `storage_unavailable`, `settings_invalid`, or what the queue throws; then it is to be done again.
 */
async function tellEndedSessions(
  env: Cloudflare.Env,
  ended: readonly EndedSession[],
  background: (work: Promise<unknown>) => void,
): Promise<void> {
  for (const [told, sessions] of Map.groupBy(ended, (session) => session.told)) {
    const { address, account } = JSON.parse(told) as ToldOwner;
    const settings = await settingsOfAddress(env, address, background);
    const outbox = outboxOf(settings);
    const { events: queue } = settings.storage;
    if (outbox === undefined || queue === undefined) continue;
    await fromDatabase(outbox.site, () =>
      outbox.database.batch(
        sessions.map(({ event, sid, reason }) =>
          eventStatement(
            outbox,
            account,
            "session.ended",
            { account, session: sid, reason },
            undefined,
            event,
          ),
        ),
      ),
    );
    await sendNotices(queue, [{ address: settings.site.origin, about: account }]);
  }
}
