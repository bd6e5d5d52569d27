import { fromStorage } from "../storage-call.ts";

/** The least version of a site's document that is believed. */
export interface LeastVersion {
  /** Milliseconds since the epoch. */
  readonly version: number;
  /** Since when, in seconds since the epoch. */
  readonly raisedAt: number;
}

/** The database is asked behind KV, and for one row. In milliseconds. */
const TIME_LIMIT = 1_500;

/**
 * The least version of a host's document, from a store that whoever can write to KV cannot write to.
 * @returns `undefined` where none was noted.
 * @throws {Failure} `storage_unavailable` when the database does not answer in time.
 */
export async function leastVersion(database: D1Database, host: string): Promise<LeastVersion | undefined> {
  const statement = database
    .prepare("SELECT version, raised_at FROM site_versions WHERE host = ?1")
    .bind(host);
  const reading = { store: "accounts_db", stage: "settings", timeLimit: TIME_LIMIT } as const;
  const row = await fromStorage(reading, () => statement.first<{ version: number; raised_at: number }>());
  return row === null ? undefined : { version: row.version, raisedAt: row.raised_at };
}

/**
 * How long a document older than the least version still counts after that was raised: KV may take a minute and
 * more to show a new document everywhere. In milliseconds.
 */
const SPREADING = 5 * 60_000;

/**
 * Until when an older document counts.
 * @returns milliseconds since the epoch.
 */
export function countsUntil({ raisedAt }: LeastVersion): number {
  return raisedAt * 1000 + SPREADING;
}
