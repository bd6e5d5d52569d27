// `site rename`: gives a site another host, and leaves its rows where they are.

import type { DeploymentValues } from "../../src/sites/deployment-settings.ts";
import type { MasterKeys } from "../../src/sites/master-keys.ts";
import type { SiteValues } from "../../src/sites/site-document.ts";
import { CommandError } from "../command-error.mjs";
import type { D1Session } from "../d1-session.ts";
import { originFaults } from "./add-sites.ts";
import { openSite } from "./opened-site.ts";
import { noteRowKeys } from "./row-key-history.ts";
import { withClaims } from "./site-claims.ts";
import { noteRecords, partitionOf, siteRecords } from "./site-records.ts";
import { sitesWithRows, siteTables } from "./site-rows.ts";
import { deleteSites, listEntries, readSites, type SiteEntry, writeSites } from "./site-store.ts";
import { ALIASES, aliasesOf, documentOf, faultsOf, markerOf } from "./site-values.ts";
import { hostOfKey, keysOfOthers } from "./stray-rows.ts";

export interface Renaming {
  readonly session: D1Session;
  readonly keys: MasterKeys;
  readonly deployment: DeploymentValues;
  /** Whether the worker can show pages in a language. */
  readonly isLanguage: (code: string) => boolean;
  readonly from: string;
  readonly to: string;
  /** Leaves nothing at the old host, where visitors would otherwise be led to the new one. */
  readonly noRedirect: boolean;
  readonly dryRun: boolean;
  /** Seconds since the epoch. */
  readonly at: number;
}

export interface Renamed {
  /** Settings that name the old host still. */
  readonly mentions: readonly string[];
  /** Whether it had been done before. */
  readonly isDone: boolean;
}

/**
 * Renames a site: the new document first, which names the rows of the old one, then the old host leads to the new
 * one. Members, consents, terms, events and the audit log stay where they are, under the key they have; so does the
 * list of everybody's sessions. Cut off, the same again goes on.
 * @throws {CommandError}
 */
export async function renameSite(renaming: Renaming): Promise<Renamed> {
  const { session, from, to, dryRun } = renaming;
  const claims = [
    { host: from, deed: `rename to ${to}` },
    { host: to, deed: `rename ${from}` },
  ];
  return withClaims(session, dryRun ? [] : claims, () => renameClaimed(renaming));
}

async function renameClaimed(renaming: Renaming): Promise<Renamed> {
  const { session, keys, deployment, isLanguage, from, to, noRedirect, dryRun, at } = renaming;
  if (from === to) throw new CommandError("The old host and the new one are the same.", "usage");
  const [entries, records] = await Promise.all([listEntries(session), siteRecords(session)]);
  if (records === undefined)
    throw new CommandError("A site can only be renamed where there is a database with all its migrations.");
  const [old, present] = [entries.get(from), entries.get(to)];
  const texts = await readSites(session, [from, to]);
  const [site, next] = await Promise.all(
    [from, to].map((host) => openSite(keys, host, texts.get(host) ?? "", records)),
  );
  const there = next === undefined || "fault" in next ? undefined : next.partition;
  if (old?.kind === "alias" && old.of === to && present?.kind === "site")
    return { mentions: [], isDone: true };
  if (old === undefined && noRedirect && there !== undefined && there !== to && hostOfKey(there) === from)
    return { mentions: [], isDone: true };
  if (old?.kind !== "site") throw new CommandError(notRenamable(from, old));
  if (site === undefined || "fault" in site)
    throw new CommandError(`${from} ${site?.fault ?? "is no site"}.`);
  const { partition, values, version } = site;
  // A run that was cut off has written the new document already: it has the rows of the old one.
  const isHalfDone = there === partition;
  refuseTaken(renaming, present, isHalfDone);
  // A list of KV may be a minute behind.
  if (present === undefined && there !== undefined && !isHalfDone)
    throw new CommandError(`${to} is a site already.`);
  const renamed = renamedValues(values, renaming);
  const faults = [
    ...faultsOf(renamed, deployment, isLanguage),
    ...originFaults(entries, new Set(), to, renamed),
  ];
  if (faults.length > 0) throw new CommandError(`${to}: ${faults.join("; ")}.`);
  const before = records.get(to)?.site ?? to;
  const isFree = before === partition || keysOfOthers(entries, to).has(before);
  if (!isHalfDone && !isFree && partitionOf(records, to) !== undefined) {
    if ((await sitesWithRows(session, await siteTables(session), [before])).size > 0)
      throw new CommandError(
        `The database holds rows of a site that had the host ${to}. "site remove ${to}" deletes them.`,
      );
  }
  const mentions = Object.entries(renamed)
    .filter(([name, value]) => name !== ALIASES && mentionsHost(value, from))
    .map(([name]) => name);
  if (dryRun) return { mentions, isDone: false };

  const written = await documentOf(keys, to, {
    ...{ values: renamed, said: withoutKeys(renamed), partition, at },
    before: Math.max(records.get(to)?.version ?? 0, version),
  });
  await noteRowKeys(session, [{ host: to, key: partition }]);
  await noteRecords(session, [{ host: to, version: 0, site: partition === to ? null : partition }], at);
  await writeSites(session, [written]);
  await noteRecords(session, [written], at);
  const marker = await markerOf(keys, from, {
    before: version,
    ...(noRedirect ? { isRemoved: true } : { aliasOf: to, siteUrl: renamed.SITE_URL ?? "" }),
  });
  await writeSites(session, [marker]);
  await noteRecords(session, [{ host: from, version: marker.version, site: null }], 0);
  if (noRedirect) await deleteSites(session, [from]);
  await moveAliases(renaming, entries, renamed);
  return { mentions, isDone: false };
}

/** Whatever led to the old host leads to the new one. */
async function moveAliases(
  { session, keys, from, to, at }: Renaming,
  entries: ReadonlyMap<string, SiteEntry>,
  { SITE_URL: siteUrl = "" }: SiteValues,
): Promise<void> {
  const markers = await Promise.all(
    [...entries].flatMap(([host, entry]) =>
      entry.kind === "alias" && entry.of === from && host !== to
        ? [markerOf(keys, host, { before: entry.version, aliasOf: to, siteUrl })]
        : [],
    ),
  );
  await writeSites(session, markers);
  await noteRecords(session, markers, at);
}

function refuseTaken({ from, to }: Renaming, present: SiteEntry | undefined, isHalfDone: boolean): void {
  if (present === undefined || isHalfDone || (present.kind === "alias" && present.of === from)) return;
  const why = {
    site: "is a site already",
    alias: "is another address of another site",
    removed: "is being removed",
  }[present.kind];
  throw new CommandError(`${to} ${why}.`);
}

function notRenamable(host: string, entry: SiteEntry | undefined): string {
  if (entry?.kind === "alias") return `${host} is another address of ${entry.of}: rename that.`;
  if (entry?.kind === "removed") return `${host} is being removed.`;
  return `${host} is no site.`;
}

/** The settings at the new host; what else names the old one is the person's to change. */
function renamedValues(values: SiteValues, { from, to, noRedirect }: Renaming): SiteValues {
  const { protocol } = new URL(values.SITE_URL ?? `https://${from}`);
  const aliases = [...aliasesOf(values), ...(noRedirect ? [] : [from])].filter((host) => host !== to);
  const { [ALIASES]: _before, ...others } = values;
  return {
    ...others,
    SITE_URL: `${protocol}//${to}`,
    ...(aliases.length > 0 && { [ALIASES]: aliases.join(" ") }),
  };
}

const mentionsHost = (value: string, host: string): boolean => value.includes(host);

function withoutKeys({ SESSION_KEYS: _made, ...values }: SiteValues): SiteValues {
  return values;
}
