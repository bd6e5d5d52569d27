// Under which keys the rows of a host's sites have stood. An erasure is noted under the key of its day, so whoever
// asks for it later has to know that key. Kept in KV beside the documents, where a database that is put back to an
// earlier time changes nothing of it. Holds nothing about anybody.

import type { D1Session } from "../d1-session.ts";
import { siteRecords } from "./site-records.ts";
import { claimedKeys, hostOfKey } from "./stray-rows.ts";

/** What the names begin with; the host and the key follow, with a stroke between them, which neither has. */
const PREFIX = "rows:";

/** Keys that are written at a time. */
const PORTION = 100;

/** The key of a host's rows. */
export interface RowKey {
  readonly host: string;
  readonly key: string;
}

/** Notes keys for good; that rows stand under the host itself goes without saying. @throws {CommandError} */
export async function noteRowKeys(session: D1Session, keys: readonly RowKey[]): Promise<void> {
  const told = keys.filter(({ host, key }) => key !== host);
  for (let start = 0; start < told.length; start += PORTION)
    await session.sites.write(
      told
        .slice(start, start + PORTION)
        .map(({ host, key }) => ({ key: `${PREFIX}${host}/${key}`, value: "", metadata: {} })),
    );
}

/**
 * For the key of rows, every key under which the rows of the same host, or of the one it was made for, have stood.
 * @throws {CommandError}
 */
export async function earlierKeys(session: D1Session): Promise<(key: string) => ReadonlySet<string>> {
  const [listed, records, claimed] = await Promise.all([
    session.sites.list(PREFIX),
    siteRecords(session),
    claimedKeys(session),
  ]);
  const byHost = Map.groupBy(
    listed.map(({ name }) => {
      const [host = "", key = ""] = name.slice(PREFIX.length).split("/");
      return { host, key };
    }),
    ({ host }) => host,
  );
  return (key) => {
    const hosts = [claimed.get(key), hostOfKey(key)].filter((host) => host !== undefined);
    return new Set([
      ...hosts,
      ...hosts.flatMap((host) => (byHost.get(host) ?? []).map((one) => one.key)),
      ...hosts.flatMap((host) => records?.get(host)?.site ?? []),
    ]);
  };
}
