// `site remove`: takes sites out of every store, wherever it is cut off and taken up again.

import type { MasterKeys } from "../../src/sites/master-keys.ts";
import { marksOf, openSiteDocument, readSiteDocument } from "../../src/sites/site-document.ts";
import { CommandError } from "../command-error.mjs";
import type { D1Session } from "../d1-session.ts";
import { startProgress } from "../progress-bar.ts";
import { isPutBack } from "./opened-site.ts";
import { noteEndedKeys } from "./row-key-history.ts";
import { withClaims } from "./site-claims.ts";
import { newPartition, noteRecords, partitionOf, type SiteRecord, siteRecords } from "./site-records.ts";
import { countRows, deleteRows, type RowCounts, type SiteTable, siteTables } from "./site-rows.ts";
import { deleteSites, listEntries, readSites, type SiteEntry, writeSites } from "./site-store.ts";
import { markerOf } from "./site-values.ts";
import { claimedKeys } from "./stray-rows.ts";

/** What is there of a host that is to go. */
export interface Leavings {
  readonly host: string;
  readonly entry: SiteEntry | undefined;
  /** The key of its rows; undefined where it has none of its own, as another address of a site. */
  readonly partition: string | undefined;
  readonly rows: RowCounts;
  /** Its other addresses, which go with it. */
  readonly aliases: readonly string[];
}

/** Where sites are removed, and how the command waits. */
export interface Removal {
  readonly session: D1Session;
  readonly keys: MasterKeys;
  /** Leaves the rows in the database. */
  readonly keepData: boolean;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Waits so many milliseconds. */
  readonly pause: (milliseconds: number) => Promise<unknown>;
  /**
   * How long after the last word of a site's document nobody goes by it any more, in milliseconds: what KV shows for
   * a while, what an isolate remembers, and a login that is under way.
   */
  readonly settling: number;
}

/** At Cloudflare, where KV shows an old value for a minute and an isolate goes by it for half a minute more. */
export const SETTLING = 100_000;
/** On one machine, where KV shows a new value at once. */
export const SETTLING_HERE = 45_000;

/** What KV and the database hold of hosts. @throws {CommandError} */
export async function leavingsOf(
  session: D1Session,
  keys: MasterKeys,
  hosts: readonly string[],
): Promise<readonly Leavings[]> {
  const [entries, records, tables] = await Promise.all([
    listEntries(session),
    siteRecords(session),
    tablesAt(session),
  ]);
  const texts = await readSites(
    session,
    hosts.filter((host) => entries.has(host)),
  );
  return Promise.all(
    hosts.map(async (host): Promise<Leavings> => {
      const entry = entries.get(host);
      const partition =
        entry?.kind === "alias"
          ? undefined
          : ((await namedPartition(keys, host, texts.get(host), records)) ??
            (await freePartition(session, host, records)));
      return {
        ...{ host, entry, partition },
        rows: partition === undefined ? {} : await countRows(session, tables, partition),
        aliases: [...entries].flatMap(([other, one]) =>
          one.kind === "alias" && one.of === host ? [other] : [],
        ),
      };
    }),
  );
}

/**
 * The key of the rows that a host's document names.
 * @returns undefined where there is none that could be gone by: no document, or one that is older than the database
 *   knows.
 * @throws {CommandError} where it does not open, and the database names other rows.
 */
async function namedPartition(
  keys: MasterKeys,
  host: string,
  text: string | undefined,
  records: ReadonlyMap<string, SiteRecord> | undefined,
): Promise<string | undefined> {
  const document = readSiteDocument(text ?? "");
  if (document === undefined || isPutBack(host, document, records)) return undefined;
  const { partition, isRemoved } = marksOf(document);
  // Those of earlier versions do not say whose place they stand in.
  if (isRemoved === true && partition === undefined) return undefined;
  const named = partition ?? host;
  if ((await openSiteDocument(keys, host, document)) !== undefined || records === undefined) return named;
  if (named !== partitionOf(records, host))
    throw new CommandError(
      `The document of ${host} does not open and names other rows than the database, as after a database was put back. Take the SITES_KEYS that sealed it.`,
    );
  return named;
}

/** The key of the rows that a host without a document left, unless they are those of another site. */
async function freePartition(
  session: D1Session,
  host: string,
  records: ReadonlyMap<string, SiteRecord> | undefined,
): Promise<string | undefined> {
  if (records === undefined) return host;
  const noted = partitionOf(records, host);
  const owner = noted === undefined ? undefined : (await claimedKeys(session)).get(noted);
  return owner === undefined || owner === host ? noted : undefined;
}

/** A deployment without a database, or with an empty one, has no rows of anybody. */
async function tablesAt(session: D1Session): Promise<readonly SiteTable[]> {
  return (await siteRecords(session)) === undefined ? [] : siteTables(session);
}

/**
 * Removes sites. In this order, so that a login beside it leaves nothing behind: a document in the place of each
 * says that it is gone; its rows are deleted; once nobody goes by the old document any more they are deleted once
 * more, with what was written in the meantime; then the document goes. Whatever fails on the way, the same again
 * goes on from there.
 * @returns how many rows of each went.
 * @throws {CommandError}
 */
export async function removeSites(
  removal: Removal,
  leavings: readonly Leavings[],
): Promise<ReadonlyMap<string, RowCounts>> {
  const claims = leavings.map(({ host }) => ({ host, deed: "remove" }));
  return withClaims(removal.session, claims, () => removeClaimed(removal, leavings));
}

async function removeClaimed(
  removal: Removal,
  leavings: readonly Leavings[],
): Promise<ReadonlyMap<string, RowCounts>> {
  const { session, keys, keepData, now } = removal;
  // Somebody was asked in between, and a site that was renamed since takes its rows along.
  for (const one of await leavingsOf(
    session,
    keys,
    leavings.map(({ host }) => host),
  )) {
    const before = leavings.find(({ host }) => host === one.host);
    if (one.partition !== before?.partition || one.entry?.kind !== before?.entry?.kind)
      throw new CommandError(`${one.host} was changed in the meantime, and nothing was deleted. Look again.`);
  }
  const records = await siteRecords(session);
  await noteEndedKeys(
    session,
    leavings.flatMap(({ host, partition }) => (partition === undefined ? [] : [{ host, key: partition }])),
  );
  const since = await markAsRemoved(removal, leavings, records);
  const tables = keepData ? [] : await tablesAt(session);
  const gone = new Map<string, Record<string, number>>();
  const clear = async () => {
    for (const { host, partition } of leavings) {
      if (partition === undefined) continue;
      const rows = await countRows(session, tables, partition);
      const sum = gone.get(host) ?? {};
      for (const [table, count] of Object.entries(rows)) sum[table] = (sum[table] ?? 0) + count;
      gone.set(host, sum);
      const filled = tables.filter(({ name }) => name in rows);
      await deleteRows(session, filled, partition);
    }
  };
  await clear();
  await settle(removal, since);
  await clear();
  for (const { host, partition } of leavings) {
    const rows = partition === undefined ? {} : await countRows(session, tables, partition);
    if (Object.keys(rows).length > 0)
      throw new CommandError(
        `The database still holds rows of ${host} (${Object.keys(rows).join(", ")}). Run the same again.`,
      );
  }
  const hosts = leavings.map(({ host }) => host);
  // Whoever gets one of these hosts begins with nothing: sessions, too, stand in their objects under that key.
  if (!keepData && records !== undefined)
    await noteRecords(
      session,
      hosts.map((host) => ({ host, version: now(), site: newPartition(host) })),
      0,
    );
  await deleteSites(session, hosts);
  return gone;
}

/** Puts a document in the place of each site that says it is gone. @returns since when the last of them stands there */
async function markAsRemoved(
  { session, keys }: Removal,
  leavings: readonly Leavings[],
  records: ReadonlyMap<string, SiteRecord> | undefined,
): Promise<number> {
  const markers = await Promise.all(
    leavings
      .filter(({ entry }) => entry?.kind !== "removed")
      .map(({ host, entry, partition }) => {
        const shown = entry?.kind === "site" ? entry.summary?.version : entry?.version;
        const before = Math.max(shown ?? 0, records?.get(host)?.version ?? 0);
        return markerOf(keys, host, { before, isRemoved: true, partition });
      }),
  );
  // Other addresses lead to a site, and there is none.
  await deleteSites(
    session,
    leavings.flatMap(({ aliases }) => aliases),
  );
  await writeSites(session, markers);
  // Nothing older is believed from now on, also where the command was cut off before it noted this.
  const earlier = leavings.flatMap(({ host, entry }) =>
    entry?.kind === "removed" ? [{ host, version: entry.version }] : [],
  );
  const marked = [...markers, ...earlier];
  await noteRecords(session, marked, 0);
  return Math.max(...marked.map(({ version }) => version));
}

async function settle({ now, pause, settling }: Removal, since: number): Promise<void> {
  const until = since + settling;
  const progress = startProgress("Waiting");
  try {
    for (let left = until - now(); left > 0; left = until - now()) {
      progress.update(1 - left / settling, "until nobody goes by the old settings any more");
      await pause(Math.min(left, 1_000));
    }
  } finally {
    progress.done();
  }
}
