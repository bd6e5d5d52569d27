// `site rotate`: new session keys for sites, or a new master key for all of them.

import { settingTable } from "../../src/settings/table.ts";
import type { MasterKeys } from "../../src/sites/master-keys.ts";
import { openSiteDocument, readSiteDocument, type SiteValues } from "../../src/sites/site-document.ts";
import { CommandError } from "../command-error.mjs";
import type { D1Session } from "../d1-session.ts";
import { startProgress } from "../progress-bar.ts";
import { newKeySet, parseKeySet, rotated } from "../session-key-set.ts";
import { openSite } from "./opened-site.ts";
import { withClaims } from "./site-claims.ts";
import { noteRecords, revokeKeys, siteRecords } from "./site-records.ts";
import { listEntries, readSites, type StoredDocument, writeSites } from "./site-store.ts";
import { documentOf, markerOf, thumbprintsOf } from "./site-values.ts";
import { whyNoSite } from "./sites-command.ts";

/** The sites that are meant, and what opens and seals them. */
export interface KeyChange {
  readonly session: D1Session;
  readonly keys: MasterKeys;
  readonly hosts: readonly string[];
  readonly dryRun: boolean;
  /** Seconds since the epoch. */
  readonly at: number;
}

export interface KeyChangeResult {
  readonly changed: readonly string[];
  /** Sites that were left as they are, with why. */
  readonly failed: readonly { readonly host: string; readonly fault: string }[];
}

/**
 * Gives each site a new session key; the old one verifies on, so nobody is logged out.
 * @throws {CommandError}
 */
export function rotateSessionKeys(change: KeyChange): Promise<KeyChangeResult> {
  return rewrite(change, "rotate", (values) => {
    const present = parseKeySet(values.SESSION_KEYS ?? "", "SESSION_KEYS");
    const idle = Number(values.SESSION_IDLE ?? settingTable().SESSION_IDLE.default);
    return { ...values, SESSION_KEYS: JSON.stringify(rotated(present, { at: change.at, idle })) };
  });
}

/**
 * Gives each site new session keys and drops the old ones for good: everybody of these sites must log in again, and
 * no file brings the old ones back.
 * @throws {CommandError}
 */
export function replaceLeakedKeys(change: KeyChange): Promise<KeyChangeResult> {
  const fresh = (values: SiteValues) => ({ ...values, SESSION_KEYS: JSON.stringify(newKeySet()) });
  return rewrite(change, "rotate --compromised", fresh, async (sites) => {
    const leaked: { thumbprint: string; host: string }[] = [];
    for (const { host, values } of sites) {
      for (const thumbprint of await thumbprintsOf(values.SESSION_KEYS)) leaked.push({ thumbprint, host });
    }
    await revokeKeys(change.session, leaked, change.at);
  });
}

/**
 * Seals each site's secrets anew, with the first of the master keys, and looks whether that is so.
 * @throws {CommandError}
 */
export async function resealSites(change: KeyChange): Promise<KeyChangeResult> {
  const { session, keys, dryRun } = change;
  const result = await rewrite(change, "rotate --master-key", (values) => values);
  if (dryRun) return result;
  await resealMarkers(change);
  const texts = await readSites(session, result.changed);
  const sealedOtherwise: string[] = [];
  for (const host of result.changed) {
    const document = readSiteDocument(texts.get(host) ?? "");
    const opened = document && (await openSiteDocument({ ...keys, all: [keys.sealing] }, host, document));
    if (opened === undefined) sealedOtherwise.push(host);
  }
  if (sealedOtherwise.length > 0)
    throw new CommandError(
      `Not sealed with the new master key: ${sealedOtherwise.join(", ")}. Run the same again.`,
    );
  return result;
}

/** Other addresses of sites, and sites on their way out, are sealed too. */
async function resealMarkers({ session, keys, at }: KeyChange): Promise<void> {
  const markers: StoredDocument[] = [];
  for (const [host, entry] of await listEntries(session)) {
    if (entry.kind === "alias")
      markers.push(await markerOf(keys, host, { before: entry.version, aliasOf: entry.of }));
    // A removal goes on where it was: its version says since when.
  }
  await writeSites(session, markers);
  await noteRecords(session, markers, at);
}

/** A site that opened, as it stands in KV. */
interface HostedValues {
  readonly host: string;
  readonly values: SiteValues;
}

type Prepare = (sites: readonly HostedValues[]) => Promise<void>;

/** @param prepare is done with all the sites that will change before the first of them does. */
async function rewrite(
  change: KeyChange,
  deed: string,
  changed: (values: SiteValues) => SiteValues,
  prepare: Prepare = async () => undefined,
): Promise<KeyChangeResult> {
  const claims = change.hosts.map((host) => ({ host, deed }));
  return withClaims(change.session, change.dryRun ? [] : claims, () =>
    rewriteClaimed(change, changed, prepare),
  );
}

async function rewriteClaimed(
  { session, keys, hosts, dryRun, at }: KeyChange,
  changed: (values: SiteValues) => SiteValues,
  prepare: Prepare,
): Promise<KeyChangeResult> {
  const [texts, records] = await Promise.all([readSites(session, hosts), siteRecords(session)]);
  const opened: HostedValues[] = [];
  const waiting: StoredDocument[] = [];
  const failed: { host: string; fault: string }[] = [];
  for (const host of hosts) {
    const text = texts.get(host);
    const site =
      text === undefined
        ? { fault: await whyNoSite(session, host) }
        : await openSite(keys, host, text, records);
    if ("fault" in site) {
      failed.push({ host, fault: site.fault });
      continue;
    }
    const { values, version, partition } = site;
    try {
      const next = changed(values);
      waiting.push(
        await documentOf(keys, host, {
          ...{ values: next, said: withoutMadeKeys(next), partition, at },
          before: version,
        }),
      );
      opened.push({ host, values });
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      failed.push({ host, fault: error.message });
    }
  }
  if (!dryRun && waiting.length > 0) {
    await prepare(opened);
    const progress = startProgress("Writing");
    try {
      await writeSites(session, waiting, (count) =>
        progress.update(count / waiting.length, `${count} of ${waiting.length}`),
      );
    } finally {
      progress.done();
    }
    await noteRecords(session, waiting, at);
  }
  return { changed: waiting.map(({ host }) => host), failed };
}

/** A file of sites usually says nothing of session keys; it goes on being recognised as it was. */
function withoutMadeKeys({ SESSION_KEYS: _made, ...values }: SiteValues): SiteValues {
  return values;
}
