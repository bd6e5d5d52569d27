// Rows in the database that belong to no site there is: of one that was removed after the copy was made that was put
// back, of one that was removed with --keep-data, or of an import that was cut off.

import { marksOf, readSiteDocument } from "../../src/sites/site-document.ts";
import type { D1Session } from "../d1-session.ts";
import { siteRecords } from "./site-records.ts";
import { countRows, type RowCounts, type SiteTable, siteTables } from "./site-rows.ts";
import { listEntries, readSites, type SiteEntry } from "./site-store.ts";

/** The key of the rows of the deployment's own site. */
export const OWN_SITE = "default";

/** Rows of one key. */
export interface StrayRows {
  /** What they stand under. */
  readonly key: string;
  /** The host that a site of this key had when it began. */
  readonly host: string;
  readonly rows: RowCounts;
}

/** The host that a key was made for. */
export const hostOfKey = (key: string): string => key.split("~")[0] ?? key;

/**
 * The rows that belong to no living document, by their keys. A document that does not open keeps the rows that it
 * names all the same.
 * @throws {CommandError}
 */
export async function strayRows(session: D1Session): Promise<readonly StrayRows[]> {
  if ((await siteRecords(session)) === undefined) return [];
  const tables = await siteTables(session);
  const present = (await keysInRows(session, tables)).filter((key) => key !== OWN_SITE);
  if (present.length === 0) return [];
  const living = new Set((await claimedKeys(session)).keys());
  const stray = present.filter((key) => !living.has(key));
  return Promise.all(
    stray.map(async (key) => ({
      ...{ key, host: hostOfKey(key) },
      rows: await countRows(session, tables, key),
    })),
  );
}

/** Whether there are any rows, of the deployment's own site too, or any sites. @throws {CommandError} */
export async function holdsAnything(session: D1Session): Promise<boolean> {
  if ((await listEntries(session)).size > 0) return true;
  const tables = await siteTables(session);
  return tables.length > 0 && (await keysInRows(session, tables)).length > 0;
}

/** The keys of rows that the documents in KV name, each with its host; those of sites on their way out too. @throws {CommandError} */
export async function claimedKeys(session: D1Session): Promise<ReadonlyMap<string, string>> {
  const entries = await listEntries(session);
  // What stands in the place of a removed site names a key that a renamed one may have, and gives way to it.
  const hosts = (["removed", "site"] as const).flatMap((kind) =>
    [...entries].flatMap(([host, entry]) => (entry.kind === kind ? [host] : [])),
  );
  const texts = await readSites(session, hosts);
  return new Map(
    hosts.map((host) => {
      const document = readSiteDocument(texts.get(host) ?? "");
      return [(document && marksOf(document).partition) ?? host, host] as const;
    }),
  );
}

/** The keys of rows that other sites have, as it stands beside their documents. */
export function keysOfOthers(entries: ReadonlyMap<string, SiteEntry>, host: string): ReadonlySet<string> {
  return new Set(
    [...entries].flatMap(([other, entry]) =>
      entry.kind === "site" && other !== host ? [entry.summary?.partition ?? other] : [],
    ),
  );
}

/** Every key that rows stand under, found from one to the next in an index of each table. */
async function keysInRows(session: D1Session, tables: readonly SiteTable[]): Promise<readonly string[]> {
  const results = await session.batch(
    tables.map(({ name }) => ({
      sql: `WITH RECURSIVE found (site) AS (
              SELECT min(site) FROM ${name}
              UNION ALL SELECT (SELECT min(site) FROM ${name} WHERE site > found.site) FROM found WHERE found.site IS NOT NULL)
            SELECT site FROM found WHERE site IS NOT NULL`,
      params: [],
    })),
  );
  return [...new Set(results.flatMap(({ rows }) => rows.map(({ site }) => String(site))))].toSorted();
}

/** `h.example~a01253ca8be7: 2 in accounts, 5 in logins` */
export function strayWords({ key, rows }: StrayRows): string {
  const counted = Object.entries(rows).map(([table, count]) => `${count} in ${table}`);
  return `${key}: ${counted.join(", ")}`;
}
