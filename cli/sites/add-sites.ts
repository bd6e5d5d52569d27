// `site add`: one site from the command line, or many from a file.

import { writtenAsText } from "../../src/settings/kinds.ts";
import { leadingBack } from "../../src/settings/read-settings.ts";
import type { DeploymentValues } from "../../src/sites/deployment-settings.ts";
import type { MasterKeys } from "../../src/sites/master-keys.ts";
import { marksOf, readSiteDocument, type SiteValues } from "../../src/sites/site-document.ts";
import { siteHost } from "../../src/sites/site-host.ts";
import type { D1Session } from "../d1-session.ts";
import { startProgress } from "../progress-bar.ts";
import { isPutBack, type OpenedSite, openSite } from "./opened-site.ts";
import { noteRowKeys, spentKeys } from "./row-key-history.ts";
import { type AliasedSite, aliasedSite, aliasFaults, writeAliases } from "./site-aliases.ts";
import { type Claim, withClaims } from "./site-claims.ts";
import {
  newPartition,
  noteRecords,
  partitionOf,
  type RecordChange,
  revokedKeys,
  siteRecords,
} from "./site-records.ts";
import { sitesWithRows, siteTables } from "./site-rows.ts";
import { listEntries, readSites, type SiteEntry, type StoredDocument, writeSites } from "./site-store.ts";
import {
  aliasesOf,
  cookieDomainOf,
  documentOf,
  faultsOf,
  fingerprintOf,
  isSharedDomain,
  originHostOf,
  thumbprintsOf,
  withNormalUrl,
  withSessionKeys,
} from "./site-values.ts";
import { keysOfOthers } from "./stray-rows.ts";

/** What stands for a site that says no address. */
export const NO_URL = "(no SITE_URL)";

/** What becomes of a site. */
export type Outcome = "added" | "changed" | "unchanged" | "refused";

export interface SiteResult {
  readonly host: string;
  readonly outcome: Outcome;
  /** Why it was refused; no values in it. */
  readonly faults: readonly string[];
}

export interface AddRequest {
  readonly session: D1Session;
  readonly keys: MasterKeys;
  /** The deployment's settings, as far as they are known here. */
  readonly deployment: DeploymentValues;
  /** Whether the worker can show pages in a language. */
  readonly isLanguage: (code: string) => boolean;
  readonly sites: readonly SiteValues[];
  /** Keeps the settings of a site that is there already, but for those that are given; an empty one goes. */
  readonly update: boolean;
  /** Gives a new site the rows that a site of that host left in the database. */
  readonly takeOver: boolean;
  /** The keys of the rows of new hosts, where they have rows of their own already. */
  readonly partitions?: ReadonlyMap<string, string>;
  readonly dryRun: boolean;
  /** Seconds since the epoch. */
  readonly at: number;
}

/** What was looked up once for all the sites of a request. */
interface Known {
  readonly entries: ReadonlyMap<string, SiteEntry>;
  readonly records: Awaited<ReturnType<typeof siteRecords>>;
  readonly revoked: ReadonlyMap<string, number>;
  readonly present: ReadonlyMap<string, OpenedSite>;
  /** The keys of rows that documents name which do not open, by host. */
  readonly claimed: ReadonlyMap<string, string>;
  /** Hosts that are new and whose name rows in the database bear. */
  readonly leftovers: ReadonlySet<string>;
  /** Hosts that are new and were never the key of any rows: nothing tells of a site or address of theirs. */
  readonly unseen: ReadonlySet<string>;
  /** By cookie domain, the hosts that set their session for it. */
  readonly cookieDomains: ReadonlyMap<string, readonly string[]>;
}

/**
 * Adds sites, and changes those that are there with other settings. Sites with faults are refused and the others
 * added. What was written before a run is cut off is recognised by the next one and left as it is.
 * @throws {CommandError}
 */
export async function addSites(request: AddRequest): Promise<readonly SiteResult[]> {
  const { session, keys, update, takeOver, dryRun } = request;
  const deeds = new Map<string, string>();
  for (const values of request.sites.map(withNormalUrl)) {
    const host = siteHost(values.SITE_URL);
    if (host === undefined) continue;
    // The same host with other settings is another deed, but for one that stands in the file twice, which is refused.
    const deed = `add ${host} ${fingerprintOf(keys, { ...values, update: `${update}`, takeOver: `${takeOver}` })}`;
    for (const one of [host, ...aliasesOf(values)]) if (!deeds.has(one)) deeds.set(one, deed);
  }
  const claims = Array.from(deeds, ([host, deed]): Claim => ({ host, deed }));
  return withClaims(session, dryRun ? [] : claims, () => addToClaimed(request));
}

/**
 * The same, for a command that has claimed the hosts itself.
 * @throws {CommandError}
 */
export async function addToClaimed(request: AddRequest): Promise<readonly SiteResult[]> {
  const { session, keys, dryRun } = request;
  const sites = request.sites.map(withNormalUrl);
  const known = await lookUp(request, sites);
  const { entries, records, present } = known;
  const twice = repeated(sites.map((values) => siteHost(values.SITE_URL)));
  const aliased = new Set(sites.flatMap(aliasesOf));
  const givenHosts = new Set([...aliased, ...sites.flatMap((values) => siteHost(values.SITE_URL) ?? [])]);
  const accepted: AliasedSite[] = [];
  const results: SiteResult[] = [];
  const waiting: StoredDocument[] = [];
  const partitions: RecordChange[] = [];
  for (const given of sites) {
    const host = siteHost(given.SITE_URL);
    if (host === undefined) {
      results.push(
        refused(
          given.SITE_URL ?? NO_URL,
          faultsOf(given, request.deployment, request.isLanguage).slice(0, 1),
        ),
      );
      continue;
    }
    const before = present.get(host);
    const said = request.update ? merged(before?.values, given) : given;
    const values = withSessionKeys(said, before?.values);
    const faults = twice.has(host)
      ? ["SITE_URL stands in the file twice"]
      : [
          ...faultsOf(values, request.deployment, request.isLanguage),
          ...(await keyFaults(values, known)),
          ...placeFaults(request, known, host),
          ...rowFaults(request, known, host),
          ...cookieFaults(known, host, values),
          ...originFaults(entries, givenHosts, host, values),
          ...aliasFaults(entries, aliasedSite(values)),
          ...(aliased.has(host) ? ["it is another address of a site of the same file"] : []),
        ];
    if (faults.length === 0) accepted.push(aliasedSite(values));
    if (faults.length > 0) {
      results.push(refused(host, faults));
    } else if (isSame(request, known, host, said)) {
      results.push({ host, outcome: "unchanged", faults: [] });
    } else {
      const partition =
        before?.partition ?? request.partitions?.get(host) ?? nextPartition(request, known, host);
      if (partition !== (records?.get(host)?.site ?? host))
        partitions.push({ host, version: 0, site: partition });
      waiting.push(
        await documentOf(keys, host, {
          ...{ values, said, partition, at: request.at },
          before: Math.max(before?.version ?? 0, records?.get(host)?.version ?? 0),
        }),
      );
      results.push({ host, outcome: entries.has(host) ? "changed" : "added", faults: [] });
    }
  }
  if (!dryRun && waiting.length > 0) {
    // Before the documents that name them.
    await noteRowKeys(
      session,
      partitions.map(({ host, site }) => ({ host, key: site ?? host })),
    );
    if (records !== undefined) await noteRecords(session, partitions, request.at);
    const progress = startProgress("Adding");
    const tell = (count: number) => progress.update(count / waiting.length, `${count} of ${waiting.length}`);
    tell(0);
    try {
      await writeSites(session, waiting, tell);
    } finally {
      progress.done();
    }
    await noteRecords(session, waiting, request.at);
  }
  if (!dryRun) await writeAliases(request, { entries, records }, accepted);
  return results;
}

async function lookUp(request: AddRequest, sites: readonly SiteValues[]): Promise<Known> {
  const { session } = request;
  const [entries, records, revoked] = await Promise.all([
    listEntries(session),
    siteRecords(session),
    revokedKeys(session),
  ]);
  const hosts = sites.flatMap((values) => siteHost(values.SITE_URL) ?? []);
  const changed = sites.flatMap((values) => {
    const host = siteHost(values.SITE_URL);
    const isThere = host !== undefined && entries.get(host)?.kind === "site";
    return isThere && (request.update || !isSame(request, { entries, records }, host, values)) ? [host] : [];
  });
  const fresh = hosts.filter((host) => !entries.has(host));
  return {
    ...{ entries, records, revoked },
    ...(await presentSites(request, records, changed)),
    leftovers: await leftoversOf(session, { entries, records }, fresh),
    unseen: await unseenAmong(session, { entries, records }, fresh),
    cookieDomains: cookieDomains(request, entries, sites),
  };
}

/** Which of these new hosts have rows in the database already. */
async function leftoversOf(
  session: D1Session,
  { entries, records }: Pick<Known, "entries" | "records">,
  hosts: readonly string[],
): Promise<ReadonlySet<string>> {
  if (records === undefined || hosts.length === 0) return new Set();
  const partitions = new Map(
    hosts.map((host) => {
      const noted = partitionOf(records, host);
      return [
        host,
        noted !== undefined && keysOfOthers(entries, host).has(noted) ? undefined : noted,
      ] as const;
    }),
  );
  const named = [...partitions.values()].filter((partition) => partition !== undefined);
  const filled = await sitesWithRows(session, await siteTables(session), named);
  return new Set(hosts.filter((host) => filled.has(partitions.get(host) ?? "")));
}

/** Which of these new hosts nothing tells of: neither what the database notes of hosts, nor the keys of earlier sites. */
async function unseenAmong(
  session: D1Session,
  { entries, records }: Pick<Known, "entries" | "records">,
  hosts: readonly string[],
): Promise<ReadonlySet<string>> {
  const unnoted = hosts.filter((host) => records?.has(host) !== true);
  if (unnoted.length === 0) return new Set();
  const isSpent = await spentKeys(session, records);
  const had = new Set([...(records?.values() ?? [])].map(({ site }) => site));
  // A new host is none of the entries, so what these have is others'.
  const taken = keysOfOthers(entries, "");
  return new Set(unnoted.filter((host) => !isSpent(host, host) && !had.has(host) && !taken.has(host)));
}

/** Whether a site stands in KV just as it is given, and the database has noted that version of it. */
function isSame(
  { keys, dryRun }: AddRequest,
  { entries, records }: Pick<Known, "entries" | "records">,
  host: string,
  values: SiteValues,
): boolean {
  const entry = entries.get(host);
  if (entry?.kind !== "site" || entry.summary === undefined) return false;
  const { version, kid, print } = entry.summary;
  // A document whose version the database has not noted is written anew: that run was cut off.
  const isNoted =
    dryRun || records === undefined || (version !== undefined && records.get(host)?.version === version);
  return isNoted && kid === keys.sealing.kid && print === fingerprintOf(keys, values);
}

/**
 * The key for the rows of a site that is written and whose document does not say one. A new site gets one that no
 * site has had, whichever hosts that was at, but for the rows that it is to take over.
 */
function nextPartition({ takeOver }: AddRequest, known: Known, host: string): string {
  if (known.entries.has(host) || (takeOver && known.leftovers.has(host)))
    return standingPartition(known, host);
  return known.unseen.has(host) ? host : newPartition(host);
}

/**
 * The key of the rows that a host has already. Another site may have those that stand under its name, for it was
 * renamed; that site's document says so even where the database was put back to a time before.
 */
function standingPartition({ entries, records }: Pick<Known, "entries" | "records">, host: string): string {
  const noted = records === undefined ? host : partitionOf(records, host);
  return noted === undefined || keysOfOthers(entries, host).has(noted) ? newPartition(host) : noted;
}

/** A document that is written anew because it does not open must not lead its site to the rows of another. */
function rowFaults({ partitions }: AddRequest, known: Known, host: string): readonly string[] {
  // Rows that were brought for this host are nobody else's.
  const brought = partitions?.get(host);
  const there = known.present.get(host)?.partition;
  if (brought !== undefined && there !== undefined && there !== brought)
    return ["another command has made a site of this host in the meantime"];
  const claimed = known.claimed.get(host);
  if (claimed === undefined || claimed === standingPartition(known, host)) return [];
  return [
    `its document does not open with SITES_KEYS here and names other rows than the database, as after a database was put back. Take the SITES_KEYS that sealed it, or let "site remove ${host}" take it away`,
  ];
}

/** A key that leaked signs nowhere again, whatever file still names it. */
async function keyFaults({ SESSION_KEYS: text }: SiteValues, { revoked }: Known): Promise<readonly string[]> {
  if (revoked.size === 0) return [];
  for (const thumbprint of await thumbprintsOf(text)) {
    const at = revoked.get(thumbprint);
    if (at === undefined) continue;
    const day = new Date(at * 1000).toISOString().slice(0, 10);
    return [`SESSION_KEYS holds a key that was dropped as compromised on ${day}`];
  }
  return [];
}

function placeFaults(
  { takeOver }: AddRequest,
  { entries, leftovers }: Known,
  host: string,
): readonly string[] {
  const entry = entries.get(host);
  if (entry?.kind === "removed") return [`it is being removed. Let "site remove ${host}" finish first`];
  if (entry?.kind === "alias")
    return [`it is another address of ${entry.of}. "site remove ${host}" ends that`];
  if (leftovers.has(host) && !takeOver)
    return [
      `the database holds rows of a site that had this host. "site remove ${host}" deletes them, --take-over gives them to this site`,
    ];
  return [];
}

function cookieFaults({ cookieDomains }: Known, host: string, values: SiteValues): readonly string[] {
  const domain = cookieDomainOf(values);
  if (domain === undefined) return [];
  const others = [...cookieDomains]
    .filter(([other]) => isSharedDomain(domain, other))
    .flatMap(([, hosts]) => hosts)
    .filter((other) => other !== host);
  const [other] = others;
  return other === undefined
    ? []
    : [`SESSION_COOKIE_DOMAIN is shared with ${other}: they would log each other's people out`];
}

/**
 * That an origin is one of the deployment's own sites. Refused whenever a site is written, so that no ring of them can
 * come about: the last of them would have to name one that is there.
 */
export function originFaults(
  entries: ReadonlyMap<string, SiteEntry>,
  givenHosts: ReadonlySet<string>,
  host: string,
  values: SiteValues,
): readonly string[] {
  const origin = originHostOf(values);
  if (origin === undefined || origin === host || aliasesOf(values).includes(origin)) return [];
  return entries.has(origin) || givenHosts.has(origin) ? [leadingBack(values.ORIGIN_URL ?? "")] : [];
}

/** Who sets a session for which domain: the sites that stay as they are, those that are given, and the own site. */
function cookieDomains(
  { deployment, update }: AddRequest,
  entries: ReadonlyMap<string, SiteEntry>,
  sites: readonly SiteValues[],
): ReadonlyMap<string, readonly string[]> {
  const all: [domain: string, host: string][] = [];
  const note = (domain: string | undefined, host: string) => domain && all.push([domain, host]);
  note(
    cookieDomainOf({ SESSION_COOKIE_DOMAIN: writtenAsText(deployment.SESSION_COOKIE_DOMAIN) }),
    siteHost(writtenAsText(deployment.SITE_URL)) ?? "the deployment's own site",
  );
  const given = new Map(sites.map((values) => [siteHost(values.SITE_URL) ?? "", values]));
  for (const [host, entry] of entries) {
    const isKept = !given.has(host) || (update && given.get(host)?.SESSION_COOKIE_DOMAIN === undefined);
    if (entry.kind === "site" && isKept) note(entry.summary?.cookie, host);
  }
  for (const [host, values] of given) note(cookieDomainOf(values), host);
  return new Map(
    [...Map.groupBy(all, ([domain]) => domain)].map(([domain, pairs]) => [
      domain,
      pairs.map(([, host]) => host),
    ]),
  );
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
  const seen = new Set<string | undefined>();
  return new Set(hosts.filter((host) => seen.size === seen.add(host).size));
}

/** What the sites say now; a document that does not open, or is an old one put back, is written anew. */
async function presentSites(
  { session, keys }: AddRequest,
  records: Known["records"],
  hosts: readonly string[],
): Promise<Pick<Known, "present" | "claimed">> {
  const present = new Map<string, OpenedSite>();
  const claimed = new Map<string, string>();
  for (const [host, text] of await readSites(session, hosts)) {
    const site = await openSite(keys, host, text, records);
    if (!("fault" in site)) present.set(host, site);
    else {
      const document = readSiteDocument(text);
      if (document !== undefined && !isPutBack(host, document, records))
        claimed.set(host, marksOf(document).partition ?? host);
    }
  }
  return { present, claimed };
}
