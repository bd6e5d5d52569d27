// `site check`: the doctor, for sites in KV.

import { writtenAsText } from "../../src/settings/kinds.ts";
import { type DeploymentValues, withDeployment } from "../../src/sites/deployment-settings.ts";
import type { MasterKeys } from "../../src/sites/master-keys.ts";
import type { SiteValues } from "../../src/sites/site-document.ts";
import type { D1Session } from "../d1-session.ts";
import type { Network } from "../doctor/bounded-request.ts";
import { examine, type Finding } from "../doctor/checks.ts";
import type { SettingsSource } from "../doctor/settings-source.ts";
import { isProblem, verdictOf } from "../findings/finding.ts";
import { startProgress } from "../progress-bar.ts";
import { openSite } from "./opened-site.ts";
import { siteRecords } from "./site-records.ts";
import { readSites } from "./site-store.ts";
import { ALIASES } from "./site-values.ts";
import { whyNoSite } from "./sites-command.ts";

export interface SiteCheck {
  readonly session: D1Session;
  readonly keys: MasterKeys;
  readonly hosts: readonly string[];
  /** The deployment's settings, as far as they can be had here. */
  readonly deployment: DeploymentValues;
  /** Whether its secrets may be at Cloudflare, where nobody can read them. */
  readonly isDeployed: boolean;
  /** Whether the Worker can show pages in a language. */
  readonly isLanguage: (code: string) => boolean;
  /** Leaves the deployed sites out. */
  readonly offline: boolean;
  /** Asks Vipps and the sites. */
  readonly fetch: typeof fetch;
}

/** What one site's check came to. */
export interface CheckedSite {
  readonly host: string;
  readonly healthy: boolean;
  /** Why it could not be examined at all. */
  readonly fault?: string;
  readonly findings: readonly Finding[];
}

/** Sites that are examined side by side: enough to hide the waiting, and not so many that Vipps would mind. */
const SIDE_BY_SIDE = 12;

/**
 * Examines sites, several side by side. What is the same for all of them (the provider's metadata and keys, the
 * partner's access token) is asked for once.
 * @throws {CommandError}
 */
export async function checkSites(check: SiteCheck): Promise<readonly CheckedSite[]> {
  const { session, keys, hosts } = check;
  const [texts, records] = await Promise.all([readSites(session, hosts), siteRecords(session)]);
  const shared: NonNullable<Network["shared"]> = new Map();
  const results = new Map<string, CheckedSite>();
  const waiting = hosts.values();
  const progress = startProgress("Checking");
  async function work(): Promise<void> {
    for (const host of waiting) {
      const text = texts.get(host);
      const site =
        text === undefined
          ? { fault: await whyNoSite(session, host) }
          : await openSite(keys, host, text, records);
      results.set(
        host,
        "fault" in site
          ? { host, healthy: false, fault: site.fault, findings: [] }
          : await checkSite(check, host, site.values, shared),
      );
      progress.update(results.size / hosts.length, `${results.size} of ${hosts.length}`);
    }
  }
  try {
    await Promise.all(Array.from({ length: SIDE_BY_SIDE }, work));
  } finally {
    progress.done();
  }
  return hosts.flatMap((host) => results.get(host) ?? []);
}

async function checkSite(
  check: SiteCheck,
  host: string,
  values: SiteValues,
  shared: NonNullable<Network["shared"]>,
): Promise<CheckedSite> {
  const { offline, fetch } = check;
  const findings = await examine({
    source: sourceOf(host, values, check),
    target: offline ? undefined : values.SITE_URL,
    fetch,
    now: Date.now,
    shared,
  });
  return { host, healthy: verdictOf(findings, false).isHealthy, findings };
}

/** A site's settings as the doctor takes them: the deployment's own files are not the site's affair. */
function sourceOf(
  host: string,
  { [ALIASES]: _hosts, ...values }: SiteValues,
  { deployment, isDeployed, isLanguage }: SiteCheck,
): SettingsSource {
  const all = withDeployment(values, deployment);
  const read = "values" in all ? all.values : values;
  return {
    name: `the site ${host}`,
    environment: undefined,
    values: textsOf(read),
    // What SITE_DEFAULTS has as a number or a list reaches the worker as that.
    vars: Object.fromEntries(Object.entries(read).filter(([, value]) => typeof value !== "string")),
    isLanguage,
    ...("faults" in all && { faults: all.faults }),
    // A partner's keys may be known to the deployed worker alone.
    secretsElsewhere: isDeployed && values.VIPPS_KEYS === "partner",
    deployedSecrets: undefined,
    otherEnvironments: {},
    settingsFiles: [],
    configName: "the configuration",
    trackedFiles: undefined,
    worker: undefined,
    pendingMigrations: undefined,
  };
}

function textsOf(values: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, writtenAsText(value)]],
    ),
  );
}

/** A problem, and the sites that have it. In its words `HOST` stands for the site's, where several have it. */
export interface SharedProblem {
  readonly finding: Pick<Finding, "id" | "severity" | "what" | "todo" | "link">;
  readonly hosts: readonly string[];
}

/** The problems of many sites, those of most sites first, and errors before warnings. */
export function problemsOf(sites: readonly CheckedSite[]): readonly SharedProblem[] {
  const all = sites.flatMap(({ host, findings }) =>
    findings.filter(isProblem).map((finding) => {
      const shared = withoutHost(finding, host);
      return { host, finding, shared, name: JSON.stringify([finding.id, finding.severity, shared.what]) };
    }),
  );
  const shared = [...Map.groupBy(all, ({ name }) => name).values()].flatMap((same) => {
    const [first] = same;
    return first === undefined
      ? []
      : [
          {
            finding: same.length === 1 ? first.finding : first.shared,
            hosts: [...new Set(same.map(({ host }) => host))],
          },
        ];
  });
  const rank = ({ finding, hosts }: SharedProblem) => (finding.severity === "error" ? 1e9 : 0) + hosts.length;
  return shared.toSorted((one, other) => rank(other) - rank(one));
}

/** A finding in words that are the same for every site, whose host and sales unit stand in them. */
function withoutHost(finding: Finding, host: string): Finding {
  const plain = (text: string) =>
    text
      .replaceAll(host, "HOST")
      .replaceAll(host.replace(/:\d+$/, ""), "HOST")
      .replace(/\b(sales unit|msn) \d+\b/g, "$1 MSN");
  return { ...finding, what: plain(finding.what), todo: plain(finding.todo) };
}
