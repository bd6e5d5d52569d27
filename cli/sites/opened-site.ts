// The document of a site, opened: what every command goes by, and why one is not to be gone by.

import type { MasterKeys } from "../../src/sites/master-keys.ts";
import {
  marksOf,
  openSiteDocument,
  readSiteDocument,
  type SiteDocument,
  type SiteValues,
  versionOf,
} from "../../src/sites/site-document.ts";
import { CommandError } from "../command-error.mjs";
import type { SiteRecord } from "./site-records.ts";

/** A site as its document says it is. */
export interface OpenedSite {
  readonly values: SiteValues;
  /** Of the document, in milliseconds since the epoch. */
  readonly version: number;
  /** The key of its rows. */
  readonly partition: string;
}

/** Why a host's document is not that of a site. */
export interface ClosedSite {
  /** In words that go on from the host. */
  readonly fault: string;
}

/**
 * Opens the document of a site.
 * @param text as it stands in KV.
 * @param records what the database has noted: an older document than it knows is one that somebody put back.
 */
export async function openSite(
  keys: MasterKeys,
  host: string,
  text: string,
  records: ReadonlyMap<string, SiteRecord> | undefined,
): Promise<OpenedSite | ClosedSite> {
  const document = readSiteDocument(text);
  const values = document && (await openSiteDocument(keys, host, document));
  if (document === undefined || values === undefined) return { fault: whyClosed(keys, text) };
  const other = whyOther(host, document);
  if (other !== undefined) return { fault: other };
  if (isPutBack(host, document, records))
    return { fault: "is an old document that somebody put back: add the site again" };
  return { values, version: versionOf(document), partition: marksOf(document).partition ?? host };
}

/** Whether the database has noted a newer document of the host. */
export const isPutBack = (
  host: string,
  document: SiteDocument,
  records: ReadonlyMap<string, SiteRecord> | undefined,
): boolean => versionOf(document) < (records?.get(host)?.version ?? 0);

/** What a document is of, where it is not of a site of its own. */
export function whyOther(host: string, document: SiteDocument): string | undefined {
  const { aliasOf, isRemoved } = marksOf(document);
  if (isRemoved === true) return `is being removed: "site remove ${host}" goes on with it`;
  return aliasOf === undefined ? undefined : `is another address of ${aliasOf}`;
}

/** Why a document that stands in KV does not open. */
export function whyClosed(keys: MasterKeys, text: string): string {
  const document = readSiteDocument(text);
  if (document === undefined) return "is no document that can be read: add the site again";
  const { kid } = document.sealed;
  return keys.all.some((key) => key.kid === kid)
    ? "was changed by hand, or written for another host: add the site again"
    : `is sealed with ${kid}, which SITES_KEYS here does not hold`;
}

/**
 * The key of a site's rows, as its document says it. What the database has noted of it decides nothing: a database
 * that was put back to an earlier time names the rows of whoever had the host then.
 * @param keys undefined where there are none here. Then nobody can tell whether the document is as it was written,
 *   and it counts only where the database says the same.
 * @throws {CommandError} where that cannot be told.
 */
export async function rowKeyOf(
  keys: MasterKeys | undefined,
  host: string,
  text: string,
  records: ReadonlyMap<string, SiteRecord> | undefined,
): Promise<string> {
  if (keys !== undefined) {
    const site = await openSite(keys, host, text, records);
    if ("fault" in site) throw new CommandError(`${host} ${site.fault}.`);
    return site.partition;
  }
  const document = readSiteDocument(text);
  if (document === undefined)
    throw new CommandError(`${host} is no document that can be read: add the site again.`);
  const other = whyOther(host, document);
  if (other !== undefined) throw new CommandError(`${host} ${other}.`);
  const { partition = host } = marksOf(document);
  if (partition !== (records?.get(host)?.site ?? host))
    throw new CommandError(
      `The document of ${host} and the database name different rows, as after a database was put back. Give SITES_KEYS along, which tells whether the document is as it was written.`,
    );
  return partition;
}
