/**
 * What a failing store means: the platform's errors, told apart by what they say. Cloudflare documents them under
 * 'Durable Objects, Error handling' and 'D1, Debug D1'.
 */

/** A store, by the name it has in the log and in `/auth/health`. */
export type Store = "accounts_db" | "login_attempts" | "user_sessions" | "kv" | "sites" | "registry";

/** Why a store failed. */
export type FaultClass =
  /** No answer within the time limit, ours or the platform's. */
  | "timed_out"
  /** The connection to the store broke, or never came about. */
  | "connection_lost"
  /** The store was started anew. */
  | "reset"
  /** The store was started anew because a deployment changed its code. */
  | "code_updated"
  /** More is asked of the store than it can do. */
  | "overloaded"
  /** A table or column is missing: a migration was not applied, or an older database was put back. */
  | "missing_table"
  /** A limit of the account or of the plan is used up. */
  | "quota"
  /** The file of a database cannot be opened: too many are open, or it may not be read. */
  | "cannot_open"
  /** The disk, or the database, is full. */
  | "full"
  /** One call took more memory or processor time than it may. */
  | "exceeded"
  /** The store's files are damaged. */
  | "damaged"
  | "unknown";

/** A failing store: what is known of it, and fit for a log line. */
export interface StorageFault {
  readonly store: Store;
  readonly class: FaultClass;
  /** The words of the platform that tell, and nothing else of its message, which may quote what was asked. */
  readonly cause: string;
}

/** What a message says, in lower case. The first that fits counts, so that what is hopeless comes before the rest. */
const SIGNS: readonly (readonly [FaultClass, ...signs: readonly string[]])[] = [
  ["missing_table", "no such table", "no such column", "has no column named"],
  ["cannot_open", "sqlite_cantopen", "unable to open database file", "too many open files", "emfile"],
  ["damaged", "sqlite_corrupt", "sqlite_notadb", "disk image is malformed", "not a database"],
  // Before "full" and "overloaded": a database that has reached the size it may have, or a day's allowance.
  [
    "quota",
    "free tier",
    "limit exceeded for the day",
    "daily limit",
    "daily quota",
    "daily row",
    "maximum account storage limit",
    "maximum db size",
    "exceeded allowed",
    "usage limit",
    "too many subrequests",
    "too many api requests",
  ],
  ["full", "sqlite_full", "database or disk is full", "enospc", "no space left"],
  ["overloaded", "overloaded", "too many requests", "requests queued for too long", "too much data queued"],
  [
    "exceeded",
    "exceeded its memory limit",
    "exceeded its cpu",
    "cpu time limit",
    "sqlite_nomem",
    "sqlite_toobig",
  ],
  ["timed_out", "exceeded timeout", "timed out", "timeout"],
  ["code_updated", "code was updated", "code has been updated", "no longer access"],
  [
    "connection_lost",
    "network connection lost",
    "connection lost",
    "connection closed",
    "connection refused",
    "connection reset",
    "client disconnected",
    "cannot resolve",
    "transient issue",
    "service unavailable",
    "bad gateway",
  ],
  ["reset", "object to be reset", "was reset", "internal error", "internal server error"],
];

/** After these the same call may succeed a moment later. */
const PASSING: ReadonlySet<FaultClass> = new Set(["connection_lost", "reset", "code_updated"]);

/** After these it will not, whatever else the error says. */
const HOPELESS: ReadonlySet<FaultClass> = new Set([
  "overloaded",
  "quota",
  "missing_table",
  "cannot_open",
  "full",
  "exceeded",
  "damaged",
]);

/** As much of a message as is looked at. In characters. */
const MESSAGE_LIMIT = 500;

/** An error with what the platform says of those that it made itself. */
interface PlatformError {
  readonly message?: unknown;
  readonly retryable?: unknown;
  readonly overloaded?: unknown;
}

/** What an error of a store means. The error itself may hold personal data and is never logged. */
export function storageFault(store: Store, error: unknown): StorageFault {
  const { message, retryable, overloaded } = Object(error) as PlatformError;
  const text = (typeof message === "string" ? message : "").slice(0, MESSAGE_LIMIT);
  if (overloaded === true) return { store, class: "overloaded", cause: "overloaded" };
  const lower = text.toLowerCase();
  for (const [kind, ...signs] of SIGNS) {
    const sign = signs.find((one) => lower.includes(one));
    if (sign !== undefined) return { store, class: kind, cause: `${sign}${namedAfter(text, sign)}` };
  }
  if (retryable === true) return { store, class: "reset", cause: "retryable" };
  const code = /\b(?:SQLITE|D1)_[A-Z_]{1,40}\b/.exec(text)?.[0];
  return { store, class: "unknown", cause: code ?? (error instanceof Error ? error.name : "no error") };
}

/** The table or column that a message says is missing: names of ours, never values. */
function namedAfter(text: string, sign: string): string {
  if (!sign.startsWith("no such") && sign !== "has no column named") return "";
  const rest = text.slice(text.toLowerCase().indexOf(sign) + sign.length, MESSAGE_LIMIT);
  return /^:? [a-z_.0-9]{1,60}/i.exec(rest)?.[0] ?? "";
}

/** Whether asking once more may help: the platform says so, or its words do. */
export function isPassing(error: unknown, { class: kind }: StorageFault): boolean {
  if (HOPELESS.has(kind)) return false;
  return PASSING.has(kind) || (Object(error) as PlatformError).retryable === true;
}
