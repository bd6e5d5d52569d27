import { writtenAsText } from "../../src/settings/kinds.ts";
import { type Bindings, isLocalHost, isUnset, settingsFrom } from "../../src/settings/read-settings.ts";
import { defaultOf, rowOf, type SettingName, secretNames } from "../../src/settings/table.ts";
import type { Settings } from "../../src/settings/types.ts";
import {
  type DeploymentValues,
  furtherSettings,
  hasOwnSite,
  siteDefaults,
} from "../../src/sites/deployment-settings.ts";
import { CommandError } from "../command-error.mjs";
import { DEFAULT_SITE_PORT } from "../dev-vars.mjs";
import { newEventSecret } from "../event-secret.ts";
import { newKeySet } from "../session-key-set.ts";
import { withNewMasterKey } from "../sites/master-key-place.ts";
import type { SettingsSource } from "./settings-source.ts";

/** The settings as the worker reads them, or every fault in them. */
export type ReadSettings =
  | { readonly settings: Settings; readonly hidden: ReadonlySet<SettingName> }
  | { readonly faults: readonly string[] }
  /** The deployment has no site of its own, only those in KV (docs/many-sites.md). */
  | { readonly noSite: true };

/** Where the worker is on this machine unless told otherwise: only there it may do without SITE_URL. */
const LOCAL_SITE = `http://localhost:${DEFAULT_SITE_PORT}`;

/**
 * Reads the settings by the worker's own rules. A secret that only Cloudflare has is taken for right: it is named
 * in `hidden`, and what is in its place in the settings says nothing.
 */
export function readAsWorker(source: SettingsSource): ReadSettings {
  const { values, deployedSecrets, secretsElsewhere } = source;
  if (source.faults !== undefined) return { faults: source.faults };
  if (hasNoSite(source)) return { noSite: true };
  const isHidden = (name: SettingName) =>
    !values[name] &&
    (deployedSecrets === undefined
      ? secretsElsewhere && isNeeded(name, values)
      : deployedSecrets.includes(name));
  const hidden = new Set(secretNames().filter(isHidden));
  const read = settingsFrom({ ...givenBy(source), ...standInsFor([...hidden]) }, surroundingsOf(source));
  return "faults" in read ? read : { settings: read.settings, hidden };
}

/**
 * For a run of the worker on this machine, which answers everything with an error page where a setting is wrong.
 * @throws {CommandError} which names every fault
 */
export function refuseFaults(values: Readonly<Record<string, string>>, origin: string): void {
  const read = settingsFrom(
    values,
    surroundings(
      origin,
      () => true,
      () => true,
    ),
  );
  if ("faults" in read)
    throw new CommandError(
      `The settings are not right: ${read.faults.join("; ")}. The doctor says what to do.`,
    );
}

/** What keeps the worker from serving every further site, whatever it says itself, in the worker's words. */
export function faultsOfFurtherSites(source: SettingsSource): readonly string[] {
  const { values, deployedSecrets, secretsElsewhere } = source;
  if (source.worker === undefined) return [];
  const mayBeThere = (name: SettingName) =>
    !values[name] && (deployedSecrets === undefined ? secretsElsewhere : deployedSecrets.includes(name));
  const mayServe =
    servesFurtherSites(source) || (mayBeThere("SITES_KEYS") && values.SITE_DEFAULTS !== undefined);
  if (!mayServe) return [];
  const standIns = standInsFor(secretNames().filter(mayBeThere));
  return faultsOfAnySite({ ...givenBy(source), ...standIns }, surroundingsOf(source));
}

/** What stands in wrangler.toml as a number, a boolean or a list reaches the worker as that. */
function givenBy({ values, vars }: SettingsSource): DeploymentValues {
  const given = Object.entries(values).map(([name, text]) => {
    const isAsThere = text === writtenAsText(vars[name]);
    return [name, isAsThere ? vars[name] : text] as const;
  });
  return Object.fromEntries(given);
}

const standInsFor = (names: readonly SettingName[]): Readonly<Record<string, string>> =>
  Object.fromEntries(names.map((name) => [name, standIn(name)]));

function surroundingsOf({ secretsElsewhere, worker, isLanguage }: SettingsSource) {
  // Bindings that no login works without are examined by themselves.
  const isBound = (name: string) => NEEDED.has(name) || worker?.bindings.has(name) !== false;
  return surroundings(secretsElsewhere ? undefined : LOCAL_SITE, isBound, isLanguage);
}

const NEEDED = new Set(["VIPPS_METADATA", "LOGIN_ATTEMPTS", "USER_SESSIONS"]);

/** Whether further sites stand in KV (docs/many-sites.md), as far as their master key is known of here. */
export function servesFurtherSites({ values, deployedSecrets }: SettingsSource): boolean {
  return Boolean(values.SITES_KEYS) || deployedSecrets?.includes("SITES_KEYS") === true;
}

function hasNoSite(source: SettingsSource): boolean {
  return servesFurtherSites(source) && !hasOwnSite({ ...source.values, SITES_KEYS: "somewhere" });
}

/** Whether the worker cannot do without a secret, by what else is set. */
function isNeeded(name: SettingName, values: Readonly<Record<string, string>>): boolean {
  const { needed } = rowOf(name);
  if (typeof needed !== "object") return needed === true;
  const other = values[needed.with]?.trim() || defaultOf(needed.with);
  return needed.is === undefined ? other !== undefined : other === needed.is;
}

function standIn(name: SettingName): string {
  if (name === "SESSION_KEYS") return JSON.stringify(newKeySet());
  if (name === "SITES_KEYS") return withNewMasterKey(undefined);
  return name === "EVENTS_SECRET" ? newEventSecret() : "x".repeat(32);
}

/** What the worker runs in, as the settings know it: of a binding only whether it is there matters here. */
function surroundings(
  origin: string | undefined,
  has: (name: string) => boolean,
  isLanguage: (code: string) => boolean,
) {
  const object: DurableObjectBinding = { jurisdiction: () => object };
  const storage = {
    metadata: has("VIPPS_METADATA") ? { binding: "kv" } : undefined,
    loginAttempts: has("LOGIN_ATTEMPTS") ? object : undefined,
    userSessions: has("USER_SESSIONS") ? object : undefined,
    assets: has("ASSETS") ? { binding: "assets" } : undefined,
    accounts: has("ACCOUNTS_DB") ? { binding: "d1" } : undefined,
    events: has("EVENTS_QUEUE") ? { binding: "queue" } : undefined,
  };
  const limiters = { start: undefined, finish: undefined, wide: undefined, site: undefined };
  return { origin, partition: "default", storage: storage as Bindings, limiters, isLanguage };
}

/**
 * What the worker reads of a further site that says nothing but who it is: what is wrong then is wrong with what all
 * of them have from the deployment.
 */
function faultsOfAnySite(
  deployment: DeploymentValues,
  { origin, ...around }: ReturnType<typeof surroundings>,
): readonly string[] {
  if (isUnset(deployment.SITES_KEYS)) return [];
  const read = siteDefaults(deployment);
  if ("faults" in read) return read.faults;
  const { values: defaults } = read;
  const any = furtherSettings(anySite(defaults, deployment, origin), deployment, around);
  if (!("faults" in any)) return [];
  const isDefault = (fault: string) => Object.hasOwn(defaults, /^\w*/.exec(fault)?.[0] ?? "");
  return any.faults.map((fault) => (isDefault(fault) ? `SITE_DEFAULTS: ${fault}` : fault));
}

/** A further site with what only a site can say, or what it can still add to the defaults. */
function anySite(
  defaults: DeploymentValues,
  deployment: DeploymentValues,
  origin: string | undefined,
): Readonly<Record<string, string>> {
  const own = URL.parse(writtenAsText(deployment.SITE_URL) || (origin ?? ""));
  const isLocal = own !== null && isLocalHost(own.hostname);
  const secrets = secretNames().filter((name) => rowOf(name).scope === "site");
  const added = { REGISTRY_URL: "https://registry.example", TERMS_URL: "/terms", TERMS_VERSION: "1" };
  return {
    ...Object.fromEntries(Object.entries(added).filter(([name]) => isUnset(defaults[name]))),
    ...standInsFor(secrets),
    SITE_URL: isLocal ? "http://site.localhost" : "https://site.example",
    VIPPS_MSN: "123456",
    VIPPS_CLIENT_ID: "any",
  };
}

/**
 * What the worker on this machine will find wrong with its settings, in the same words.
 * @param values as TOML, JSON and settings files have them.
 * @param bindings the names of what wrangler.toml binds.
 * @param isLanguage whether the worker can show pages in a language.
 * @param origin where it is, should the settings not say it.
 */
export function faultsOfLocalWorker(
  values: Readonly<Record<string, unknown>>,
  bindings: ReadonlySet<string>,
  isLanguage: (code: string) => boolean,
  origin = LOCAL_SITE,
): readonly string[] {
  const around = surroundings(origin, (name) => bindings.has(name), isLanguage);
  const own = hasOwnSite(values) ? settingsFrom(values, around) : undefined;
  const ownFaults = own !== undefined && "faults" in own ? own.faults : [];
  return [...new Set([...ownFaults, ...faultsOfAnySite(values, around)])];
}
