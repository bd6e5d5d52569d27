// What the database knows of the hosts themselves, where whoever can write to KV cannot write: the least version of
// each host's document that is believed, the key of its rows, and the session keys that may never sign again.

import { randomBytes } from "node:crypto";
import { CommandError } from "../command-error.mjs";
import type { BoundStatement, D1Session } from "../d1-session.ts";

/** What is noted of a host. */
export interface SiteRecord {
  /** The least version of its document that is believed, in milliseconds since the epoch. */
  readonly version: number;
  /** The key of its rows, where that is not the host itself. */
  readonly site: string | undefined;
}

/** What wrangler says where there is no database to keep records in, or none of its tables yet. */
const NO_RECORDS = /no such table|has no D1 database/i;

const isDatabaseError = (error: unknown): error is CommandError =>
  error instanceof CommandError && error.code === "database";

/** Hosts whose records are written in one statement. */
const PORTION = 500;

/**
 * What is noted of every host.
 * @returns undefined where the database keeps nothing: no database, or its migrations are not applied.
 * @throws {CommandError}
 */
export async function siteRecords(session: D1Session): Promise<ReadonlyMap<string, SiteRecord> | undefined> {
  try {
    const [result] = await session.batch([
      { sql: "SELECT host, version, site FROM site_versions", params: [] },
    ]);
    return new Map(
      result?.rows.map(({ host, version, site }) => {
        const noted = site === null || site === undefined ? undefined : String(site);
        return [String(host), { version: Number(version), site: noted }] as const;
      }),
    );
  } catch (error) {
    if (!isDatabaseError(error)) throw error;
    if (NO_RECORDS.test(error.message)) return undefined;
    throw new CommandError(`The database could not be asked: ${error.message}`, "database");
  }
}

/**
 * The key under which the rows of a host stand.
 * @returns undefined where another host has the rows that stand under this one's name: it was renamed.
 */
export function partitionOf(records: ReadonlyMap<string, SiteRecord>, host: string): string | undefined {
  const noted = records.get(host)?.site;
  if (noted !== undefined) return noted;
  for (const [other, { site }] of records) if (other !== host && site === host) return undefined;
  return host;
}

/** A key for the rows of a host that nobody's rows ever had: not in the database, and in no Durable Object. */
export const newPartition = (host: string): string => `${host}~${randomBytes(6).toString("hex")}`;

/** A change to what is noted of a host. */
export interface RecordChange {
  readonly host: string;
  /** Milliseconds since the epoch; an older one than is noted changes nothing. */
  readonly version: number;
  /** The key of its rows; `null` for the host itself. What is noted stays where undefined. */
  readonly site?: string | null | undefined;
}

/**
 * Has the worker believe no older document of these hosts from now on.
 * @param raisedAt when, in seconds since the epoch: for five minutes older documents count still. 0: they do not.
 * @throws {CommandError} with what to do; the documents stay as they are.
 */
export async function noteRecords(
  session: D1Session,
  changes: readonly RecordChange[],
  raisedAt: number,
): Promise<void> {
  if (changes.length === 0) return;
  const raise = (portion: readonly RecordChange[]): BoundStatement => ({
    sql: `INSERT INTO site_versions (host, version, raised_at)
          SELECT value ->> 'host', value ->> 'version', ?2 FROM json_each(?1) WHERE true
          ON CONFLICT (host) DO UPDATE SET version = excluded.version, raised_at = excluded.raised_at
          WHERE excluded.version > version`,
    params: [JSON.stringify(portion), Math.floor(raisedAt)],
  });
  const place = changes
    .filter(({ site }) => site !== undefined)
    .map(
      ({ host, site }): BoundStatement => ({
        sql: "UPDATE site_versions SET site = nullif(?2, '') WHERE host = ?1",
        params: [host, site ?? ""],
      }),
    );
  const portions = Array.from({ length: Math.ceil(changes.length / PORTION) }, (_, index) =>
    raise(changes.slice(index * PORTION, (index + 1) * PORTION)),
  );
  try {
    await session.batch([...portions, ...place]);
  } catch (error) {
    if (!isDatabaseError(error)) throw error;
    if (NO_RECORDS.test(error.message) && place.length === 0) return warnOfNoRecords();
    throw new CommandError(
      `The database did not note the versions of the documents, so that old ones could be put back: run the same again. ${error.message}`,
      "database",
    );
  }
}

function warnOfNoRecords(): void {
  console.error(
    "The database keeps no versions of sites (npx wrangler d1 migrations apply ACCOUNTS_DB): an old document that is put back is only noticed where the newer one has been seen.",
  );
}

/** When each key was revoked that may never sign again, in seconds since the epoch, by its thumbprint. @throws {CommandError} */
export async function revokedKeys(session: D1Session): Promise<ReadonlyMap<string, number>> {
  try {
    const [result] = await session.batch([
      { sql: "SELECT thumbprint, revoked_at FROM revoked_session_keys", params: [] },
    ]);
    return new Map(result?.rows.map((row) => [String(row.thumbprint), Number(row.revoked_at)] as const));
  } catch (error) {
    if (!isDatabaseError(error)) throw error;
    if (NO_RECORDS.test(error.message)) return new Map();
    throw new CommandError(`The database could not be asked: ${error.message}`, "database");
  }
}

/** A session key that may be in other hands. */
export interface RevokedKey {
  readonly thumbprint: string;
  readonly host: string;
}

/** Notes that keys may never sign again. @param at seconds since the epoch. @throws {CommandError} */
export async function revokeKeys(session: D1Session, keys: readonly RevokedKey[], at: number): Promise<void> {
  try {
    await session.batch([
      {
        sql: `INSERT INTO revoked_session_keys (thumbprint, host, revoked_at)
              SELECT value ->> 'thumbprint', value ->> 'host', ?2 FROM json_each(?1) WHERE true
              ON CONFLICT (thumbprint) DO NOTHING`,
        params: [JSON.stringify(keys), Math.floor(at)],
      },
    ]);
  } catch (error) {
    if (!isDatabaseError(error)) throw error;
    throw new CommandError(
      `The database could not note that the old keys may not sign again, and nothing was changed: ${error.message}`,
      "database",
    );
  }
}
