// Further hosts of sites: each has a document of its own, which leads to the first.

import type { MasterKeys } from "../../src/sites/master-keys.ts";
import type { SiteValues } from "../../src/sites/site-document.ts";
import { siteHost } from "../../src/sites/site-host.ts";
import type { D1Session } from "../d1-session.ts";
import { noteRecords, type SiteRecord } from "./site-records.ts";
import { deleteSites, type SiteEntry, writeSites } from "./site-store.ts";
import { ALIASES, aliasesOf, markerOf } from "./site-values.ts";

/** A site, and the further hosts it is to have. */
export interface AliasedSite {
  readonly host: string;
  readonly siteUrl: string;
  readonly aliases: readonly string[];
}

export const aliasedSite = (values: SiteValues): AliasedSite => ({
  host: siteHost(values.SITE_URL) ?? "",
  siteUrl: values.SITE_URL ?? "",
  aliases: aliasesOf(values),
});

/** What keeps hosts from becoming further ones of a site. */
export function aliasFaults(
  entries: ReadonlyMap<string, SiteEntry>,
  { host, aliases }: AliasedSite,
): readonly string[] {
  return aliases.flatMap((alias) => {
    const entry = entries.get(alias);
    if (entry?.kind === "site") return [`${ALIASES}: ${alias} is a site of its own`];
    if (entry?.kind === "removed") return [`${ALIASES}: ${alias} is being removed`];
    if (entry?.kind === "alias" && entry.of !== host)
      return [`${ALIASES}: ${alias} is another address of ${entry.of}`];
    return [];
  });
}

/** Which of the site's further hosts are not there yet, and which are there that it does not have any more. */
export function aliasChanges(entries: ReadonlyMap<string, SiteEntry>, { host, aliases }: AliasedSite) {
  const present = [...entries].flatMap(([other, entry]) =>
    entry.kind === "alias" && entry.of === host ? [other] : [],
  );
  return {
    missing: aliases.filter((alias) => !present.includes(alias)),
    surplus: present.filter((alias) => !aliases.includes(alias)),
  };
}

/** Has further hosts lead to their sites, and takes away those that are no more. @throws {CommandError} */
export async function writeAliases(
  { session, keys, at }: { readonly session: D1Session; readonly keys: MasterKeys; readonly at: number },
  known: {
    readonly entries: ReadonlyMap<string, SiteEntry>;
    readonly records: ReadonlyMap<string, SiteRecord> | undefined;
  },
  sites: readonly AliasedSite[],
): Promise<void> {
  const changes = sites.map((site) => ({ site, ...aliasChanges(known.entries, site) }));
  const markers = await Promise.all(
    changes.flatMap(({ site: { host, siteUrl }, missing }) =>
      missing.map((alias) =>
        markerOf(keys, alias, { before: known.records?.get(alias)?.version ?? 0, aliasOf: host, siteUrl }),
      ),
    ),
  );
  await writeSites(session, markers);
  await noteRecords(session, markers, at);
  const gone = changes.flatMap(({ surplus }) => surplus);
  await deleteSites(session, gone);
  await noteRecords(
    session,
    gone.map((host) => ({ host, version: Date.now() })),
    0,
  );
}
