import { Failure } from "../failure.ts";
import { type ObjectTable, openTables } from "../object-tables.ts";
import { firstIdAt, LOGIN_LIFETIME, MEMORY_LIFETIME } from "./login-state.ts";
import type { Question, WaitingLogin } from "./question.ts";

/** A login whose code has been brought. Its secrets can no longer be used, and it makes one session at most. */
export interface UsedLogin {
  readonly id: string;
  /** SHA-256 of the cookie of the browser that brought the code. The one that began the login counts no more. */
  readonly browser: string;
  /** The session that this login makes, if it makes one. */
  readonly sid: string;
  /** Milliseconds since the epoch. */
  readonly usedAt: number;
  /** Whether the person said that it was not them, or declined the terms. */
  readonly declined: boolean;
  /** Whether it waits for an answer, or waited for one that never came. */
  readonly held: boolean;
}

/** What an object keeps of logins, and all SQL for it. Everything but the sweep is synchronous: nothing comes between. */
export interface LoginStore {
  used(id: string): UsedLogin | undefined;
  /**
   * Uses a login up.
   * @returns how it was used before, if it was: then nothing changes.
   * @throws {Failure} `state_used` where that is about to be forgotten.
   */
  use(login: Pick<UsedLogin, "id" | "browser" | "sid">): UsedLogin | undefined;
  /** Keeps a used login until the person has answered, or for ten minutes. */
  hold(login: WaitingLogin): void;
  waiting(id: string): WaitingLogin | undefined;
  /** Takes a waiting login out, once. @returns whether it was still waiting. */
  release(id: string, end: Pick<UsedLogin, "sid" | "declined">): boolean;
  keepReturnUrl(id: string, returnTo: string): void;
  returnUrl(id: string): string | undefined;
  /** Forgets what has been kept long enough, and comes again where something is left. */
  sweep(): Promise<void>;
}

/** How often what waits is looked through, in milliseconds. */
const SWEEP_SOON = LOGIN_LIFETIME;
/** How often what has been used is looked through, in milliseconds. */
const SWEEP_LATER = 3600_000;

/** Columns to be added stand at the end, and need no value from a release that does not know them. */
const TABLES: readonly ObjectTable[] = [
  {
    name: "used_logins",
    columns: [
      "id TEXT PRIMARY KEY",
      "browser TEXT NOT NULL",
      "sid TEXT NOT NULL",
      "used_at INTEGER NOT NULL",
      "declined INTEGER NOT NULL DEFAULT 0",
      "held INTEGER NOT NULL DEFAULT 0",
    ],
    options: "WITHOUT ROWID",
  },
  {
    name: "waiting_logins",
    columns: [
      "id TEXT PRIMARY KEY",
      "question TEXT NOT NULL",
      "identity TEXT NOT NULL",
      "answers TEXT NOT NULL",
      "state TEXT",
      "held_at INTEGER NOT NULL",
    ],
    options: "WITHOUT ROWID",
  },
  { name: "return_urls", columns: ["id TEXT PRIMARY KEY", "url TEXT NOT NULL"], options: "WITHOUT ROWID" },
];

type UsedRow = {
  browser: string;
  sid: string;
  used_at: number;
  declined: number;
  held: number;
};
type WaitingRow = {
  question: Question;
  identity: string;
  answers: string;
  state: string | null;
  held_at: number;
};

/** @param storage of the object. One that no login has come to stores nothing, not even an empty table. */
export function openLoginStore(storage: DurableObjectStorage): LoginStore {
  const { sql } = storage;
  const tables = openTables(sql, TABLES);
  let hasTables = tables.areMade;
  let sweepAt = Number.POSITIVE_INFINITY;

  function rows<Row extends Record<string, SqlStorageValue>>(
    query: string,
    ...values: SqlStorageValue[]
  ): Row[] {
    return hasTables ? sql.exec<Row>(query, ...values).toArray() : [];
  }

  function write(query: string, ...values: SqlStorageValue[]): number {
    if (!hasTables) tables.make();
    hasTables = true;
    return sql.exec(query, ...values).rowsWritten;
  }

  const isLeft = (table: string) => rows(`SELECT 1 FROM ${table} LIMIT 1`).length > 0;

  /** How soon what is kept has to be looked through; `undefined` where nothing is kept. */
  function sweepPeriod(): number | undefined {
    if (isLeft("waiting_logins") || isLeft("return_urls")) return SWEEP_SOON;
    return isLeft("used_logins") ? SWEEP_LATER : undefined;
  }

  /** On the full hour or ten minutes, so that an object which has just been started need not ask what is set. */
  function sweepWithin(period: number): void {
    const due = (Math.floor(Date.now() / period) + 1) * period;
    if (due >= sweepAt) return;
    sweepAt = due;
    void storage.setAlarm(due);
  }

  function used(id: string): UsedLogin | undefined {
    const [row] = rows<UsedRow>(
      "SELECT browser, sid, used_at, declined, held FROM used_logins WHERE id = ?",
      id,
    );
    if (row === undefined || Date.now() - row.used_at > MEMORY_LIFETIME) return undefined;
    return {
      id,
      browser: row.browser,
      sid: row.sid,
      usedAt: row.used_at,
      declined: row.declined === 1,
      held: row.held === 1,
    };
  }

  return {
    used,
    use({ id, browser, sid }) {
      const written = write(
        "INSERT INTO used_logins (id, browser, sid, used_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        id,
        browser,
        sid,
        Date.now(),
      );
      if (written === 0) {
        const before = used(id);
        if (before !== undefined) return before;
        throw new Failure("state_used", { stage: "callback" });
      }
      // What waited before the object was started anew is not to wait longer for that.
      sweepWithin((sweepAt === Number.POSITIVE_INFINITY ? sweepPeriod() : undefined) ?? SWEEP_LATER);
      return undefined;
    },
    hold({ id, question, identity, answers, state }) {
      write(
        `INSERT OR REPLACE INTO waiting_logins (id, question, identity, answers, state, held_at)
         VALUES (?, ?, ?, ?, ?, ?)`,
        id,
        question,
        JSON.stringify(identity),
        JSON.stringify(answers),
        state ?? null,
        Date.now(),
      );
      write("UPDATE used_logins SET held = 1 WHERE id = ?", id);
      sweepWithin(SWEEP_SOON);
    },
    waiting(id) {
      const [row] = rows<WaitingRow>(
        "SELECT question, identity, answers, state, held_at FROM waiting_logins WHERE id = ?",
        id,
      );
      if (row === undefined || Date.now() - row.held_at > LOGIN_LIFETIME) return undefined;
      return {
        id,
        question: row.question,
        identity: JSON.parse(row.identity),
        answers: JSON.parse(row.answers),
        state: row.state ?? undefined,
      };
    },
    release(id, { sid, declined }) {
      if (rows("DELETE FROM waiting_logins WHERE id = ? RETURNING id", id).length === 0) return false;
      write(
        "UPDATE used_logins SET sid = ?, used_at = ?, declined = ?, held = 0 WHERE id = ?",
        sid,
        Date.now(),
        declined ? 1 : 0,
        id,
      );
      return true;
    },
    keepReturnUrl(id, returnTo) {
      write("INSERT INTO return_urls (id, url) VALUES (?, ?) ON CONFLICT DO NOTHING", id, returnTo);
      sweepWithin(SWEEP_SOON);
    },
    returnUrl(id) {
      return rows<{ url: string }>("SELECT url FROM return_urls WHERE id = ?", id)[0]?.url;
    },
    async sweep() {
      sweepAt = Number.POSITIVE_INFINITY;
      const now = Date.now();
      const abandoned = firstIdAt(now - LOGIN_LIFETIME);
      const forgotten = firstIdAt(now - LOGIN_LIFETIME - MEMORY_LIFETIME);
      rows("DELETE FROM used_logins WHERE id < ?", forgotten);
      rows("DELETE FROM waiting_logins WHERE held_at < ?", now - LOGIN_LIFETIME);
      rows(
        "DELETE FROM return_urls WHERE id < ? AND (id < ? OR id NOT IN (SELECT id FROM used_logins))",
        abandoned,
        forgotten,
      );
      const period = sweepPeriod();
      if (period !== undefined) sweepWithin(period);
    },
  };
}
