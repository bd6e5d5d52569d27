// `npm run site -- add`: one site from the command line, or many from a file.

import type { MasterKeys } from "../../src/sites/master-keys.ts";
import {
  openSiteDocument,
  readSiteDocument,
  type SiteValues,
  versionOf,
} from "../../src/sites/site-document.ts";
import { startProgress } from "../progress-bar.ts";
import { listSites, readSites, type StoredDocument, writeSites } from "./site-store.ts";
import { documentOf, faultsOf, fingerprintOf, hostOf, withSessionKeys } from "./site-values.ts";
import { leastVersions, raiseVersions } from "./site-versions.ts";
import type { SitesPlace } from "./sites-place.ts";

/** What becomes of a site. */
export type Outcome = "added" | "changed" | "unchanged" | "refused";

export interface SiteResult {
  readonly host: string;
  readonly outcome: Outcome;
  /** Why it was refused; no values in it. */
  readonly faults: readonly string[];
}

export interface AddRequest {
  readonly place: SitesPlace;
  readonly keys: MasterKeys;
  /** The deployment's settings, as far as they are known here. */
  readonly deployment: SiteValues;
  readonly sites: readonly SiteValues[];
  /** Keeps the settings of a site that is there already, but for those that are given; an empty one goes. */
  readonly update: boolean;
  readonly dryRun: boolean;
  /** Seconds since the epoch. */
  readonly at: number;
}

/**
 * Adds sites, and changes those that are there with other settings. Sites with faults are refused and the others
 * added. What was written before a run is cut off is recognised by the next one and left as it is.
 * @throws {CommandError}
 */
export async function addSites(request: AddRequest): Promise<readonly SiteResult[]> {
  const { place, keys, sites, dryRun } = request;
  const [stored, versions] = await Promise.all([listSites(place), dryRun ? undefined : leastVersions(place)]);
  const twice = repeated(sites.map((values) => hostOf(values.SITE_URL)));
  const isSame = (host: string, values: SiteValues) => {
    const summary = stored.get(host);
    // A document whose version the database has not noted is written anew: that run was cut off.
    const isNoted =
      versions === undefined || (summary?.version !== undefined && versions.get(host) === summary.version);
    return isNoted && summary?.kid === keys.sealing.kid && summary.print === fingerprintOf(keys, values);
  };
  const present = await presentValues(
    request,
    versions,
    sites.flatMap((values) => {
      const host = hostOf(values.SITE_URL);
      return host !== undefined && stored.has(host) && !isSame(host, values) ? [host] : [];
    }),
  );

  const results: SiteResult[] = [];
  const waiting: StoredDocument[] = [];
  for (const given of sites) {
    const host = hostOf(given.SITE_URL);
    if (host === undefined) {
      results.push(refused(given.SITE_URL ?? "(no SITE_URL)", ["SITE_URL must be the origin of the site"]));
      continue;
    }
    const before = present.get(host);
    const said = request.update ? merged(before?.values, given) : given;
    const values = withSessionKeys(said, before?.values);
    const faults = twice.has(host)
      ? ["SITE_URL stands in the file twice"]
      : faultsOf(values, request.deployment);
    if (faults.length > 0) {
      results.push(refused(host, faults));
    } else if (isSame(host, said)) {
      results.push({ host, outcome: "unchanged", faults: [] });
    } else {
      waiting.push(
        await documentOf(keys, host, {
          values,
          said,
          before: Math.max(before?.version ?? 0, versions?.get(host) ?? 0),
          at: request.at,
        }),
      );
      results.push({ host, outcome: stored.has(host) ? "changed" : "added", faults: [] });
    }
  }
  if (!dryRun && waiting.length > 0) {
    const progress = startProgress("Adding");
    const tell = (count: number) => progress.update(count / waiting.length, `${count} of ${waiting.length}`);
    tell(0);
    try {
      await writeSites(place, waiting, tell);
    } finally {
      progress.done();
    }
    await raiseVersions(place, waiting, request.at);
  }
  return results;
}

const refused = (host: string, faults: readonly string[]): SiteResult => ({
  host,
  outcome: "refused",
  faults,
});

function merged(before: SiteValues | undefined, given: SiteValues): SiteValues {
  return Object.fromEntries(Object.entries({ ...before, ...given }).filter(([, value]) => value !== ""));
}

function repeated(hosts: readonly (string | undefined)[]): ReadonlySet<string | undefined> {
  return new Set(hosts.filter((host, index) => hosts.indexOf(host) !== index));
}

/** What the sites say now; a document that does not open, or is an old one put back, is written anew. */
async function presentValues(
  { place, keys }: AddRequest,
  versions: ReadonlyMap<string, number> | undefined,
  hosts: readonly string[],
): Promise<ReadonlyMap<string, { readonly values: SiteValues; readonly version: number }>> {
  const opened = new Map<string, { readonly values: SiteValues; readonly version: number }>();
  for (const [host, text] of await readSites(place, hosts)) {
    const document = readSiteDocument(text);
    const values = document && (await openSiteDocument(keys, host, document));
    const isOld = document !== undefined && versionOf(document) < (versions?.get(host) ?? 0);
    if (document !== undefined && values !== undefined && !isOld)
      opened.set(host, { values, version: versionOf(document) });
  }
  return opened;
}
