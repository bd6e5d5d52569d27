import { DurableObject } from "cloudflare:workers";
import { type ObjectTable, openTables } from "../object-tables.ts";
import type { BroughtClaims } from "../vipps/identity.ts";
import type { SessionClient } from "./device.ts";
import { sessionBegin } from "./session.ts";

/** A session as it begins. Times in seconds since the epoch. */
export interface NewStoredSession extends SessionClient {
  readonly sid: string;
  readonly startedAt: number;
  /** What the person shared for a purpose of the site's when it began. */
  readonly brought?: BroughtClaims | undefined;
}

/** A session that lives. */
export interface StoredSession extends Omit<NewStoredSession, "brought"> {
  readonly lastSeenAt: number;
  /** When it ends if it is not used again. */
  readonly expiresAt: number;
}

/** SESSION_TTL and SESSION_IDLE, in seconds. */
export interface Lifetime {
  readonly ttl: number;
  readonly idle: number;
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
  ],
  options: "WITHOUT ROWID",
};

/** Sessions a user may have at a time; a further login ends the one that was unused for longest. */
const LIMIT = 100;

/** The key of the moment before which no session may have begun, in milliseconds since the epoch. */
const REFUSED_BEFORE = "refusedBefore";
/** How long that moment is remembered: no login takes longer. In seconds. */
const REFUSAL_LIFETIME = 3600;

const now = (): number => Math.floor(Date.now() / 1000);

/**
 * All sessions of one user, in one object found by the account id. It alone knows whether a session still
 * lives: a signed token is only trusted for SESSION_FRESH seconds before this object is asked again.
 *
 * A session ends by the lifetime it was last seen under or by that of today, whichever is shorter.
 */
export class UserSessions extends DurableObject<Cloudflare.Env> {
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
   * @returns whether it lives; false when it began before its account was erased.
   */
  async record(
    { sid, startedAt, device, place, brought }: NewStoredSession,
    { ttl, idle }: Lifetime,
  ): Promise<boolean> {
    if (sessionBegin(sid) < (this.ctx.storage.kv.get<number>(REFUSED_BEFORE) ?? 0)) return false;
    this.#createTable();
    const at = now();
    this.#sql.exec(
      `INSERT INTO sessions
         (sid, started_at, last_seen_at, ends_at, idle, browser, system, city, country, brought)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
      ...[sid, startedAt, at, startedAt + ttl, idle],
      ...[device.browser, device.system, place.city, place.country].map((name) => name ?? null),
      brought === undefined ? null : JSON.stringify(brought),
    );
    this.#sql.exec(
      `DELETE FROM sessions WHERE sid IN
         (SELECT sid FROM sessions ORDER BY last_seen_at DESC, sid DESC LIMIT -1 OFFSET ?)`,
      LIMIT,
    );
    await this.#sweepLater(Math.min(startedAt + ttl, at + idle));
    return true;
  }

  /**
   * Notes that a session is in use.
   * @returns whether it lives; false when it has ended, whatever the reason.
   */
  renew(sid: string, { ttl, idle }: Lifetime): boolean {
    if (!this.#hasTable) return false;
    const at = now();
    const [row] = this.#sql.exec<SessionRow>("SELECT * FROM sessions WHERE sid = ?", sid).toArray();
    if (row === undefined || at >= expiry(row, { ttl, idle })) return false;
    const endsAt = row.started_at + ttl;
    // Requests of one page come in the same second, and a write costs more than a read.
    if (row.last_seen_at !== at || row.idle !== idle || row.ends_at !== endsAt) {
      this.#sql.exec(
        "UPDATE sessions SET last_seen_at = MAX(last_seen_at, ?), ends_at = ?, idle = ? WHERE sid = ?",
        at,
        endsAt,
        idle,
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
  end(sid: string): void {
    if (this.#hasTable) this.#sql.exec("DELETE FROM sessions WHERE sid = ?", sid);
  }

  /**
   * Ends one other session or all others, if the one that asks lives.
   * @returns the ids of those that lived and have now ended, or `undefined` when the one that asks does not live.
   */
  endFrom(by: string, target: { readonly sid: string } | "others", lifetime: Lifetime): string[] | undefined {
    const living = this.#living(lifetime, now()).map(({ sid }) => sid);
    if (!living.includes(by)) return undefined;
    const ended = living.filter((sid) => (target === "others" ? sid !== by : sid === target.sid));
    for (const sid of ended) this.end(sid);
    return ended;
  }

  /** Ends all sessions. @returns their ids, so that the caller can refuse their tokens at once. */
  endAll(): string[] {
    if (!this.#hasTable) return [];
    return this.#sql
      .exec<{ sid: string }>("DELETE FROM sessions RETURNING sid")
      .toArray()
      .map(({ sid }) => sid);
  }

  /**
   * Ends all sessions, and refuses those that began before a moment: logins that are under way while the account
   * is erased.
   * @param begunBefore in milliseconds since the epoch.
   */
  async refuseBegunBefore(begunBefore: number): Promise<string[]> {
    const ended = this.endAll();
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
      this.#sql.exec("DELETE FROM sessions WHERE ends_at <= ?1 OR last_seen_at + idle <= ?1", at);
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

/** When a session ends if it is not used again, in seconds since the epoch. */
function expiry(row: SessionRow, { ttl, idle }: Lifetime): number {
  const absolute = Math.min(row.ends_at, row.started_at + ttl);
  return Math.min(absolute, row.last_seen_at + Math.min(row.idle, idle));
}
