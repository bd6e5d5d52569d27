import { toBase64url } from "./crypto-text.ts";
import type { VippsLoginEvent } from "./events/event.ts";
import type { Outbox } from "./events/outbox.ts";
import { Failure } from "./failure.ts";
import { logEvent, nameSite } from "./log.ts";
import { isLanguage } from "./pages/language.ts";
import {
  isLocalHost,
  isUnset,
  missingForEvents,
  type Surroundings,
  settingsFrom,
} from "./settings/read-settings.ts";
import { settingTable } from "./settings/table.ts";
import type { Settings, SettingsResult } from "./settings/types.ts";
import { furtherSettings, hasOwnSite, isOwnAddress, siteDefaults } from "./sites/deployment-settings.ts";
import { type MasterKeys, readMasterKeys } from "./sites/master-keys.ts";
import {
  type DocumentMarks,
  marksOf,
  openSiteDocument,
  readSiteDocument,
  type SiteValues,
  siteKey,
  versionOf,
} from "./sites/site-document.ts";
import { originOfHost, siteHost } from "./sites/site-host.ts";
import { countsUntil, hostsOfRows, leastVersion } from "./sites/site-versions.ts";
import { createValueByHost, type Parsed, STORE_CACHE_TTL, type ValueByHost } from "./sites/value-by-host.ts";
import { faultFields } from "./storage-call.ts";

export type * from "./settings/types.ts";

/** A host that is another address of a site: where that is, as an origin. */
export interface Moved {
  readonly movedTo: string;
}

/** The settings of the site a host belongs to, where else it leads, or that it belongs to none. */
export type ResolvedSettings = SettingsResult | Moved | "unknownHost";

/** Under which key everything kept of the deployment's own site stands. */
export const OWN_PARTITION = "default";

/**
 * The settings of the site a request came to: the deployment's own, or, where SITES_KEYS is set, those of the
 * document that stands in KV for the host.
 *
 * The host is that of the request's URL, which on Cloudflare is one that was routed to this Worker; whatever is
 * built from it (the redirect URI) comes from the document all the same.
 * @param background keeps work alive after the answer is sent (`waitUntil`).
 * @returns the settings, every fault at once, or that no site has this host.
 * @throws {Failure} `storage_unavailable` when the document of a host cannot be had.
 */
export function settingsOfHost(
  env: Cloudflare.Env,
  requestUrl: string,
  background: (work: Promise<unknown>) => void,
): ResolvedSettings | Promise<ResolvedSettings> {
  if (isUnset(env.SITES_KEYS)) return readSettings(env, requestUrl);
  const host = siteHost(requestUrl);
  const isDotted = new URL(requestUrl).hostname.endsWith(".");
  if (isOwnAddress(env, requestUrl)) {
    const own = readSettings(env, requestUrl);
    return isDotted ? withoutDot(own) : own;
  }
  const sites = sitesOf(env);
  if ("faults" in sites) return sites;
  if (host === undefined) return "unknownHost";
  const found = sites.get(host, background).then((site) => site?.resolved ?? "unknownHost");
  return isDotted ? found.then(withoutDot) : found;
}

/**
 * The settings of the site at an address of its own making, where no request came to: that of a message, or of an
 * object. A site that has moved is found where it is now.
 * @throws {Failure} `settings_invalid` where no site is there, or its settings are wrong; `storage_unavailable`.
 */
export async function settingsOfAddress(
  env: Cloudflare.Env,
  address: string,
  background: (work: Promise<unknown>) => void,
): Promise<Settings> {
  const found = await settingsOfHost(env, address, background);
  const moved = found !== "unknownHost" && "movedTo" in found ? found.movedTo : undefined;
  const resolved = moved === undefined ? found : await settingsOfHost(env, moved, background);
  if (resolved !== "unknownHost" && "settings" in resolved) return resolved.settings;
  const details = resolved !== "unknownHost" && "faults" in resolved ? resolved.faults : [];
  throw new Failure("settings_invalid", { stage: "settings", details });
}

/** A site has one name. With a dot behind it, it would have cookies of its own. */
function withoutDot(resolved: ResolvedSettings): ResolvedSettings {
  return resolved !== "unknownHost" && "settings" in resolved
    ? { movedTo: resolved.settings.site.origin }
    : resolved;
}

/** What the daily work goes by, which no request brings a host to. */
export interface DailySettings {
  /** The deployment's own site, if it is one. */
  readonly own: SettingsResult | undefined;
  /** Where the documents of further sites are. */
  readonly sites: KVNamespace | undefined;
  /** How long a further site keeps login events that says nothing about it, in days. */
  readonly defaultDays: number;
  readonly database: D1Database | undefined;
  /** Where erasures are noted. */
  readonly metadata: KVNamespace;
  /** What has events delivered. */
  readonly events: Queue | undefined;
}

/** Everything the daily work needs. Never throws. */
export function dailySettings(env: Cloudflare.Env): DailySettings {
  return {
    // Without SITE_URL the own site is on localhost.
    own: hasOwnSite(env) ? readSettings(env, "http://localhost/") : undefined,
    sites: isUnset(env.SITES_KEYS) ? undefined : env.SITES,
    defaultDays: defaultDays(env),
    database: env.ACCOUNTS_DB,
    metadata: env.VIPPS_METADATA,
    events: env.EVENTS_QUEUE,
  };
}

/**
 * The settings of the sites that have the rows of these keys now, by the key. Sites whose settings have faults, and
 * rows that no site has any more, are left out.
 * @throws {Failure} `storage_unavailable`.
 */
export async function settingsOfRows(
  env: Cloudflare.Env,
  partitions: readonly string[],
  background: (work: Promise<unknown>) => void,
): Promise<ReadonlyMap<string, Settings>> {
  const { own, database } = dailySettings(env);
  const hosts = database === undefined ? [] : await hostsOfRows(database, partitions);
  const further = hosts.map((host) => settingsOfHost(env, originOfHost(host), background));
  const resolved = [...(own === undefined ? [] : [own]), ...(await Promise.all(further))];
  return new Map(
    resolved.flatMap((one) => {
      if (one === "unknownHost" || !("settings" in one)) return [];
      const { partition } = one.settings.site;
      return partitions.includes(partition) ? [[partition, one.settings] as const] : [];
    }),
  );
}

/** LOGIN_EVENTS_DAYS of SITE_DEFAULTS, where it makes sense. */
function defaultDays(env: Cloudflare.Env): number {
  const defaults = siteDefaults({ ...env });
  const days = "values" in defaults ? Number(defaults.values.LOGIN_EVENTS_DAYS) : 0;
  return Number.isInteger(days) && days >= 1 ? days : settingTable().LOGIN_EVENTS_DAYS.default;
}

/**
 * Reads and checks the deployment's own settings.
 * @param env the Worker's environment.
 * @param requestUrl only looked at when SITE_URL is missing: then a request to localhost is its own site, and to
 *   any other host it is a fault. The redirect URI must never depend on a header (RFC 9700 section 4.1).
 * @returns the settings, or every fault at once. Never throws.
 */
export function readSettings(env: Cloudflare.Env, requestUrl: string): SettingsResult {
  const local = isUnset(env.SITE_URL) ? localOrigin(requestUrl) : undefined;
  const key = local ?? "";
  const known = ownSettings.get(env)?.get(key);
  if (known !== undefined) return known;
  // What is wrong with the keys of further sites is told where one of those is asked for.
  const { SITES_KEYS: _others, ...values } = env;
  const result = fitForCode(
    settingsFrom(values, { ...surroundings(env), origin: local, partition: OWN_PARTITION }),
  );
  const perOrigin = ownSettings.get(env) ?? new Map<string, SettingsResult>();
  if (perOrigin.size < 10) perOrigin.set(key, result);
  ownSettings.set(env, perOrigin);
  return result;
}

/** Settings together with what the code that is deployed brings of its own: whether it takes events. */
function fitForCode(result: SettingsResult): SettingsResult {
  if ("faults" in result) return result;
  const { site, storage } = result.settings;
  nameSite(site.partition, site.origin);
  const faults = ownEvents() === undefined ? [] : missingForEvents("The option events", storage);
  return faults.length === 0 ? result : { faults };
}

/** One `env` object per isolate and deployment, so its settings are parsed once. */
const ownSettings = new WeakMap<Cloudflare.Env, Map<string, SettingsResult>>();

function localOrigin(requestUrl: string): string | undefined {
  const url = new URL(requestUrl);
  return isLocalHost(url.hostname) ? url.origin : undefined;
}

function surroundings(env: Cloudflare.Env): Omit<Surroundings, "origin" | "partition"> {
  return {
    isLanguage,
    deploymentSecret: masterSecret(env.SITES_KEYS),
    storage: {
      metadata: env.VIPPS_METADATA,
      loginAttempts: env.LOGIN_ATTEMPTS,
      userSessions: env.USER_SESSIONS,
      assets: env.ASSETS,
      accounts: env.ACCOUNTS_DB,
      events: env.EVENTS_QUEUE,
    },
    limiters: {
      start: env.LOGIN_LIMITER,
      finish: env.LOGIN_FINISH_LIMITER,
      wide: env.LOGIN_WIDE_LIMITER,
      site: isUnset(env.SITES_KEYS) ? undefined : env.LOGIN_SITE_LIMITER,
    },
  };
}

/** The key that seals now; a set that cannot be read is told where a further site is asked for. */
function masterSecret(set: unknown): string | undefined {
  const keys = readMasterKeys(set);
  return keys && toBase64url(keys.sealing.bytes);
}

/** Code of a project's own that takes events. One that throws is given the event again later. */
export type TakeEvent = (
  event: VippsLoginEvent,
  env: Cloudflare.Env,
  ctx: ExecutionContext,
) => Promise<void> | void;

let taker: TakeEvent | undefined;

/** Gives events to code of the project's own in place of EVENTS_URL, from now on and for the whole Worker. */
export function useEvents(take: TakeEvent | undefined): void {
  taker = take;
}

/** The project's own code that takes events, if there is any. */
export const ownEvents = (): TakeEvent | undefined => taker;

/** Whether anybody is told of what happens at a site: its EVENTS_URL, or code of the project's own. */
export const tellsEvents = ({ events }: Pick<Settings, "events">): boolean =>
  events.receiver !== undefined || ownEvents() !== undefined;

/** Where events of a site are written; `undefined` for one that tells nobody. */
export function outboxOf(settings: Settings): Outbox | undefined {
  const { accounts: database } = settings.storage;
  return database !== undefined && tellsEvents(settings)
    ? { database, site: settings.site.partition }
    : undefined;
}

/** A further site, from its document. */
interface Site {
  readonly resolved: ResolvedSettings;
  /** Of the document it is from, in milliseconds since the epoch; 0 for one that does not open. */
  readonly version: number;
}

type Sites = ValueByHost<Site> | { readonly faults: readonly string[] };

const sitesPerEnv = new WeakMap<Cloudflare.Env, Sites>();

function sitesOf(env: Cloudflare.Env): Sites {
  const known = sitesPerEnv.get(env);
  if (known !== undefined) return known;
  const sites = openSites(env);
  sitesPerEnv.set(env, sites);
  return sites;
}

function openSites(env: Cloudflare.Env): Sites {
  const { SITES: store, SITES_KEYS } = env;
  const keys = readMasterKeys(SITES_KEYS);
  if (store === undefined) return { faults: ["SITES is not bound, which SITES_KEYS needs"] };
  if (keys === undefined)
    return { faults: ["SITES_KEYS must be a JSON Web Key Set of 256-bit keys, each with its own kid"] };
  return createValueByHost(
    (host) => store.get(siteKey(host), { type: "text", cacheTtl: STORE_CACHE_TTL }),
    async (document, host, before) => {
      const judged = await readSite(env, keys, document, host, before);
      if (!("refused" in judged)) return judged;
      logEvent("warn", "site_document_refused", originOfHost(host), { reason: judged.refused });
      // Who has seen a good document goes on with it.
      if (before !== undefined && before.version >= (judged.least ?? 0)) return { value: before };
      return { value: { resolved: { faults: [judged.refused] }, version: 0 } };
    },
  );
}

/** Why a document is not believed. */
interface Refused {
  readonly refused: string;
  /** The version that a document must have at least to be believed, where that was asked. */
  readonly least?: number;
}

/** For how long a document is believed while the database does not say whether it is an old one. In milliseconds. */
const UNCHECKED_FOR = 60_000;

/**
 * The site that a document makes, or why the document is not believed: it is of somebody else's making, or an old
 * one that was put back. The database is asked for the least version once for each document an isolate gets to see.
 */
async function readSite(
  env: Cloudflare.Env,
  keys: MasterKeys,
  text: string,
  host: string,
  before: Site | undefined,
): Promise<Parsed<Site> | Refused> {
  const document = readSiteDocument(text);
  if (document === undefined) return { refused: "the site's document is not readable" };
  const values = await openSiteDocument(keys, host, document);
  if (values === undefined)
    return {
      refused: "the site's document was changed by hand, or SITES_KEYS lacks the key that sealed it",
    };
  const version = versionOf(document);
  const old = (least: number): Refused => {
    return { refused: "the site's document is older than one that was here before", least };
  };
  if (version < (before?.version ?? 0)) return old(version);
  const value = { resolved: resolvedFrom(env, values, host, marksOf(document)), version };
  if (env.ACCOUNTS_DB === undefined) return { value };
  try {
    const least = await leastVersion(env.ACCOUNTS_DB, host);
    if (least === undefined || version >= least.version) return { value };
    const judgedUntil = countsUntil(least);
    return Date.now() < judgedUntil ? { value, judgedUntil } : old(least.version);
  } catch (error) {
    logEvent("warn", "site_version_unchecked", originOfHost(host), faultFields(error));
    return { value, judgedUntil: Date.now() + UNCHECKED_FOR };
  }
}

/** What a document makes of its host: a site with its settings, another address of one, or nobody's. */
function resolvedFrom(
  env: Cloudflare.Env,
  values: SiteValues,
  host: string,
  { partition = host, aliasOf, isRemoved }: DocumentMarks,
): ResolvedSettings {
  if (isRemoved) return "unknownHost";
  const url = URL.parse(values.SITE_URL ?? "");
  if (aliasOf !== undefined)
    return siteHost(url?.href) === aliasOf && url !== null ? { movedTo: url.origin } : "unknownHost";
  if (siteHost(url?.href) !== host) return { faults: ["SITE_URL is not this host's"] };
  const around = surroundings(env);
  // The deployment's own pages are not the site's.
  const storage = { ...around.storage, assets: undefined };
  return fitForCode(furtherSettings(values, { ...env }, { ...around, storage, partition }));
}
