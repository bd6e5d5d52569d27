import { DurableObject } from "cloudflare:workers";

/** One session of a user as the store keeps it. Times in seconds since the epoch. */
export interface StoredSession {
  readonly sid: string;
  readonly startedAt: number;
  readonly lastSeenAt: number;
  /** The end that no renewal can move. */
  readonly endsAt: number;
  /** Idle seconds after which it ends. */
  readonly idle: number;
}

type SessionRow = { sid: string; started_at: number; last_seen_at: number; ends_at: number; idle: number };

const now = (): number => Math.floor(Date.now() / 1000);

/**
 * All sessions of one user, in one object found by the account id. It alone knows whether a session still
 * lives: a signed token is only trusted for `SESSION_FRESH` seconds before this object is asked again.
 */
export class UserSessions extends DurableObject<Cloudflare.Env> {
  readonly #sql: SqlStorage;

  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    super(ctx, env);
    this.#sql = ctx.storage.sql;
    this.#sql.exec(
      `CREATE TABLE IF NOT EXISTS sessions (
        sid TEXT PRIMARY KEY, started_at INTEGER NOT NULL, last_seen_at INTEGER NOT NULL,
        ends_at INTEGER NOT NULL, idle INTEGER NOT NULL
      ) WITHOUT ROWID`,
    );
  }

  /**
   * Records a new session.
   * @param lifetime absolute (`ttl`) and idle lifetime in seconds.
   */
  async record(sid: string, lifetime: { readonly ttl: number; readonly idle: number }): Promise<void> {
    const at = now();
    this.#sql.exec(
      "INSERT INTO sessions (sid, started_at, last_seen_at, ends_at, idle) VALUES (?, ?, ?, ?, ?)",
      sid,
      at,
      at,
      at + lifetime.ttl,
      lifetime.idle,
    );
    await this.#sweepLater(at + Math.min(lifetime.ttl, lifetime.idle));
  }

  /**
   * Notes that a session is in use.
   * @returns the session, or `undefined` when it has ended, whatever the reason.
   */
  renew(sid: string): StoredSession | undefined {
    const at = now();
    const row = this.#sql
      .exec<SessionRow>(
        `UPDATE sessions SET last_seen_at = ?1 WHERE sid = ?2 AND ends_at > ?1 AND last_seen_at + idle > ?1
         RETURNING sid, started_at, last_seen_at, ends_at, idle`,
        at,
        sid,
      )
      .toArray()[0];
    return row && stored(row);
  }

  /** Ends one session; ending it twice is the same. */
  end(sid: string): void {
    this.#sql.exec("DELETE FROM sessions WHERE sid = ?", sid);
  }

  /** Answers the health check. */
  ping(): true {
    return true;
  }

  override async alarm(): Promise<void> {
    const at = now();
    this.#sql.exec("DELETE FROM sessions WHERE ends_at <= ?1 OR last_seen_at + idle <= ?1", at);
    const next = this.#sql
      .exec<{ due: number | null }>("SELECT MIN(MIN(ends_at, last_seen_at + idle)) AS due FROM sessions")
      .one().due;
    if (next === null) await this.ctx.storage.deleteAll();
    else await this.#sweepLater(next);
  }

  /** @param due seconds since the epoch. An earlier alarm stays: it will look again. */
  async #sweepLater(due: number): Promise<void> {
    const set = await this.ctx.storage.getAlarm();
    if (set === null || set > due * 1000) await this.ctx.storage.setAlarm(due * 1000);
  }
}

function stored(row: SessionRow): StoredSession {
  return {
    sid: row.sid,
    startedAt: row.started_at,
    lastSeenAt: row.last_seen_at,
    endsAt: row.ends_at,
    idle: row.idle,
  };
}
