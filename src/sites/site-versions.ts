import { ALL_SITES } from "../log.ts";
import { fromStorage } from "../storage-call.ts";
import { originOfHost } from "./site-host.ts";

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
  const reading = {
    site: originOfHost(host),
    store: "accounts_db",
    stage: "settings",
    timeLimit: TIME_LIMIT,
  } as const;
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

/**
 * The hosts that may have the rows of these keys: a site that was renamed has them, and its old host had.
 * @throws {Failure} `storage_unavailable`.
 */
export async function hostsOfRows(
  database: D1Database,
  partitions: readonly string[],
): Promise<readonly string[]> {
  const statement = database
    .prepare(`SELECT host FROM site_versions WHERE coalesce(site, host) IN (SELECT value FROM json_each(?1))`)
    .bind(JSON.stringify(partitions));
  const reading = { site: ALL_SITES, store: "accounts_db", stage: "settings" } as const;
  const { results } = await fromStorage(reading, () => statement.all<{ host: string }>());
  return results.map(({ host }) => host);
}
