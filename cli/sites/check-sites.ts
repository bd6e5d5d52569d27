// `npm run site -- check`: the doctor, for sites in KV.

import { withDeployment } from "../../src/sites/deployment-settings.ts";
import type { MasterKeys } from "../../src/sites/master-keys.ts";
import { openSiteDocument, readSiteDocument, type SiteValues } from "../../src/sites/site-document.ts";
import type { CommandContext } from "../command-line.ts";
import { examine, verdictOf } from "../doctor/examine.ts";
import type { Finding } from "../doctor/finding.ts";
import { createReport } from "../doctor/report.ts";
import type { SettingsSource } from "../doctor/settings-source.ts";
import { readSites } from "./site-store.ts";
import type { SitesPlace } from "./sites-place.ts";

export interface SiteCheck {
  readonly context: CommandContext;
  readonly place: SitesPlace;
  readonly keys: MasterKeys;
  readonly hosts: readonly string[];
  /** The deployment's settings, as far as they are known here. */
  readonly deployment: SiteValues;
  /** Leaves the deployed site out. */
  readonly offline: boolean;
  readonly json: boolean;
}

/** Columns of a report without a terminal. */
const WIDTH = 100;

/**
 * Examines sites one after the other and prints what is found.
 * @returns whether nothing is wrong with any of them.
 * @throws {CommandError}
 */
export async function checkSites(check: SiteCheck): Promise<boolean> {
  const { context, place, keys, hosts, json } = check;
  const texts = await readSites(place, hosts);
  const results: { host: string; healthy: boolean; findings: readonly Finding[] }[] = [];
  for (const host of hosts) {
    const document = readSiteDocument(texts.get(host) ?? "");
    const values = document && (await openSiteDocument(keys, host, document));
    if (values === undefined) {
      const why = texts.has(host) ? "does not open with SITES_KEYS" : "is no site";
      if (!json) context.tell(`${host} ${why}.`);
      results.push({ host, healthy: false, findings: [] });
      continue;
    }
    results.push({ host, ...(await checkSite(check, host, values)) });
  }
  if (json) context.print(JSON.stringify({ sites: results }));
  return results.every(({ healthy }) => healthy);
}

async function checkSite(
  { context, deployment, offline, json }: SiteCheck,
  host: string,
  values: SiteValues,
): Promise<{ readonly healthy: boolean; readonly findings: readonly Finding[] }> {
  if (!json) context.print(`\n${host}`);
  const report = createReport({ stream: context.stdout, width: context.stdout.columns ?? WIDTH });
  const findings = await examine({
    source: sourceOf(host, values, deployment),
    target: offline ? undefined : values.SITE_URL,
    fetch,
    now: Date.now,
    ...(!json && { onFinding: report.add }),
  });
  if (!json) report.end();
  return { healthy: verdictOf(findings, false).isHealthy, findings };
}

/** A site's settings as the doctor takes them: the deployment's own files are not the site's affair. */
function sourceOf(host: string, values: SiteValues, deployment: SiteValues): SettingsSource {
  const all = withDeployment(values, deployment);
  return {
    name: `the site ${host}`,
    environment: undefined,
    values: textsOf("values" in all ? all.values : values),
    vars: {},
    // A partner's keys may be known to the deployed worker alone.
    secretsElsewhere: values.VIPPS_KEYS === "partner",
    deployedSecrets: undefined,
    otherEnvironments: {},
    settingsFiles: [],
    trackedFiles: undefined,
    worker: undefined,
    pendingMigrations: undefined,
  };
}

function textsOf(values: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) => (typeof value === "string" ? [[name, value]] : [])),
  );
}
