// Under which keys the rows of a host's sites have stood. An erasure is noted under the key of its day, so whoever
// asks for it later has to know that key; and no other site may get it, whose people would find what Durable Objects
// still keep under it. Kept in KV beside the documents, where a database that is put back to an earlier time changes
// nothing of it. Holds nothing about anybody.

import type { D1Session } from "../d1-session.ts";
import { type SiteRecord, siteRecords } from "./site-records.ts";
import { claimedKeys, hostOfKey } from "./stray-rows.ts";

/** What the names begin with; the host and the key follow, with a stroke between them, which neither has. */
const PREFIX = "rows:";

/** What follows, behind another stroke, where the site of that host and key was removed. */
const ENDED = "ended";

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
  await writeNames(
    session,
    told.map(({ host, key }) => `${PREFIX}${host}/${key}`),
  );
}

/** Notes for good that the sites of these keys are no more. @throws {CommandError} */
export async function noteEndedKeys(session: D1Session, keys: readonly RowKey[]): Promise<void> {
  await writeNames(
    session,
    keys.map(({ host, key }) => `${PREFIX}${host}/${key}/${ENDED}`),
  );
}

async function writeNames(session: D1Session, names: readonly string[]): Promise<void> {
  for (let start = 0; start < names.length; start += PORTION)
    await session.sites.write(
      names.slice(start, start + PORTION).map((key) => ({ key, value: "", metadata: {} })),
    );
}

interface NotedKey extends RowKey {
  readonly isEnded: boolean;
}

async function notedKeys(session: D1Session): Promise<readonly NotedKey[]> {
  return (await session.sites.list(PREFIX)).map(({ name }) => {
    const [host = "", key = "", ended] = name.slice(PREFIX.length).split("/");
    return { host, key, isEnded: ended === ENDED };
  });
}

/**
 * Whether a key is none for a new site of a host: a site had it that is gone, or that has or had another host.
 * @param records a key that the host had, and that is not the one noted of it now, is of a site that is gone.
 * @throws {CommandError}
 */
export async function spentKeys(
  session: D1Session,
  records: ReadonlyMap<string, SiteRecord> | undefined,
): Promise<(host: string, key: string) => boolean> {
  const byKey = Map.groupBy(await notedKeys(session), ({ key }) => key);
  const noted = (host: string) => records?.get(host)?.site;
  return (host, key) =>
    (byKey.get(key) ?? []).some((one) => one.isEnded || one.host !== host || noted(host) !== key);
}

/**
 * For the key of rows, every key under which the rows of the same host, or of the one it was made for, have stood.
 * @throws {CommandError}
 */
export async function earlierKeys(session: D1Session): Promise<(key: string) => ReadonlySet<string>> {
  const [noted, records, claimed] = await Promise.all([
    notedKeys(session),
    siteRecords(session),
    claimedKeys(session),
  ]);
  const byHost = Map.groupBy(noted, ({ host }) => host);
  return (key) => {
    const hosts = [claimed.get(key), hostOfKey(key)].filter((host) => host !== undefined);
    return new Set([
      ...hosts,
      ...hosts.flatMap((host) => (byHost.get(host) ?? []).map((one) => one.key)),
      ...hosts.flatMap((host) => records?.get(host)?.site ?? []),
    ]);
  };
}
