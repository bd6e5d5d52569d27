// `npm run site -- rotate`: new session keys for sites, or a new master key for all of them.

import { SETTINGS } from "../../src/settings/table.ts";
import type { MasterKeys } from "../../src/sites/master-keys.ts";
import {
  openSiteDocument,
  readSiteDocument,
  type SiteValues,
  versionOf,
} from "../../src/sites/site-document.ts";
import { CommandError } from "../command-error.mjs";
import { startProgress } from "../progress-bar.ts";
import { newKeySet, parseKeySet, rotated } from "../session-key-set.ts";
import { readSites, type StoredDocument, writeSites } from "./site-store.ts";
import { documentOf } from "./site-values.ts";
import { leastVersions, raiseVersions } from "./site-versions.ts";
import type { SitesPlace } from "./sites-place.ts";

/** The sites that are meant, and what opens and seals them. */
export interface KeyChange {
  readonly place: SitesPlace;
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
 * @param compromised drops the old keys instead: everybody of these sites must log in again.
 * @throws {CommandError}
 */
export function rotateSessionKeys(change: KeyChange, compromised: boolean): Promise<KeyChangeResult> {
  return rewrite(change, (values) => {
    if (compromised) return { ...values, SESSION_KEYS: JSON.stringify(newKeySet()) };
    const present = parseKeySet(values.SESSION_KEYS ?? "", "SESSION_KEYS");
    const idle = Number(values.SESSION_IDLE ?? SETTINGS.SESSION_IDLE.default);
    return { ...values, SESSION_KEYS: JSON.stringify(rotated(present, { at: change.at, idle })) };
  });
}

/** Seals each site's secrets anew, with the first of the master keys. @throws {CommandError} */
export function resealSites(change: KeyChange): Promise<KeyChangeResult> {
  return rewrite(change, (values) => values);
}

async function rewrite(
  { place, keys, hosts, dryRun, at }: KeyChange,
  changed: (values: SiteValues) => SiteValues,
): Promise<KeyChangeResult> {
  const [texts, versions] = await Promise.all([readSites(place, hosts), leastVersions(place)]);
  const waiting: StoredDocument[] = [];
  const failed: { host: string; fault: string }[] = [];
  for (const host of hosts) {
    const document = readSiteDocument(texts.get(host) ?? "");
    const values = document && (await openSiteDocument(keys, host, document));
    if (document === undefined || values === undefined) {
      const fault = texts.has(host) ? "does not open with these master keys" : "is no site";
      failed.push({ host, fault });
      continue;
    }
    if (versionOf(document) < (versions?.get(host) ?? 0)) {
      failed.push({ host, fault: "is an old document that somebody put back: add the site again" });
      continue;
    }
    try {
      const next = changed(values);
      waiting.push(
        await documentOf(keys, host, {
          values: next,
          said: withoutMadeKeys(next),
          before: versionOf(document),
          at,
        }),
      );
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      failed.push({ host, fault: error.message });
    }
  }
  if (!dryRun && waiting.length > 0) {
    const progress = startProgress("Writing");
    try {
      await writeSites(place, waiting, (count) =>
        progress.update(count / waiting.length, `${count} of ${waiting.length}`),
      );
    } finally {
      progress.done();
    }
    await raiseVersions(place, waiting, at);
  }
  return { changed: waiting.map(({ host }) => host), failed };
}

/** A file of sites usually says nothing of session keys; it goes on being recognised as it was. */
function withoutMadeKeys({ SESSION_KEYS: _made, ...values }: SiteValues): SiteValues {
  return values;
}
