// `site diff`: what a file of sites would change.

import { isSealed } from "../../src/settings/table.ts";
import type { SiteValues } from "../../src/sites/site-document.ts";
import { siteHost } from "../../src/sites/site-host.ts";
import { NO_URL } from "./add-sites.ts";
import { withNormalUrl } from "./site-values.ts";

/** A setting that the file says otherwise. Secrets are named without their values. */
export interface SettingChange {
  readonly name: string;
  readonly before?: string;
  readonly after?: string;
}

export interface SiteDifference {
  readonly host: string;
  readonly what: "new" | "changed" | "same" | "not in the file" | "refused";
  readonly changes: readonly SettingChange[];
  /** Why it would be refused. */
  readonly faults: readonly string[];
}

/**
 * Compares the sites of a file with those that are there.
 * @param present by host; undefined for a document that does not open.
 * @param faults why a site would be refused, by host, as adding the file finds them.
 */
export function differences(
  sites: readonly SiteValues[],
  present: ReadonlyMap<string, SiteValues | undefined>,
  faults: ReadonlyMap<string, readonly string[]>,
): readonly SiteDifference[] {
  const given = new Map(
    sites
      .map(withNormalUrl)
      .map((values) => [siteHost(values.SITE_URL) ?? values.SITE_URL ?? NO_URL, values]),
  );
  const compared = [...given].map(([host, values]): SiteDifference => {
    const before = present.get(host);
    const changes = changesOf(before ?? {}, values);
    const wrong = faults.get(host) ?? [];
    if (wrong.length > 0) return { host, what: "refused", changes, faults: wrong };
    const what = !present.has(host) ? "new" : changes.length === 0 ? "same" : "changed";
    return { host, what, changes, faults: [] };
  });
  const others = [...present.keys()]
    .filter((host) => !given.has(host))
    .map((host): SiteDifference => ({ host, what: "not in the file", changes: [], faults: [] }));
  return [...compared, ...others];
}

function changesOf(before: SiteValues, after: SiteValues): readonly SettingChange[] {
  // Session keys are made for a site whose file says nothing of them.
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((name) => name !== "SESSION_KEYS" || after.SESSION_KEYS !== undefined)
    .toSorted();
  return names.flatMap((name): SettingChange[] => {
    const [was, is] = [before[name], after[name]];
    if (was === is) return [];
    if (isSealed(name))
      return [{ name, ...(was && { before: "(secret)" }), ...(is && { after: "(secret)" }) }];
    return [{ name, ...(was !== undefined && { before: was }), ...(is !== undefined && { after: is }) }];
  });
}
