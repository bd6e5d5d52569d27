import { writtenAsText } from "../../src/settings/kinds.ts";
import { type Bindings, settingsFrom } from "../../src/settings/read-settings.ts";
import { defaultOf, OWN_SITE, rowOf, type SettingName, secretNames } from "../../src/settings/table.ts";
import type { Settings } from "../../src/settings/types.ts";
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
  if (hasNoSite(source)) return { noSite: true };
  const isHidden = (name: SettingName) =>
    !values[name] &&
    (deployedSecrets === undefined
      ? secretsElsewhere && isNeeded(name, values)
      : deployedSecrets.includes(name));
  const hidden = new Set(secretNames().filter(isHidden));
  const standIns = Object.fromEntries([...hidden].map((name) => [name, standIn(name)]));
  // What stands in wrangler.toml as a number, a boolean or a list reaches the worker as that.
  const given = Object.entries(values).map(([name, text]) => {
    const isAsThere = text === writtenAsText(source.vars[name]);
    return [name, isAsThere ? source.vars[name] : text] as const;
  });
  // Bindings that no login works without are examined by themselves.
  const isBound = (name: string) => NEEDED.has(name) || source.worker?.bindings.has(name) !== false;
  const around = surroundings(secretsElsewhere ? undefined : LOCAL_SITE, isBound);
  const read = settingsFrom({ ...Object.fromEntries(given), ...standIns }, around);
  return "faults" in read ? read : { settings: read.settings, hidden };
}

const NEEDED = new Set(["VIPPS_METADATA", "LOGIN_ATTEMPTS", "USER_SESSIONS"]);

/** Whether further sites stand in KV (docs/many-sites.md), as far as their master key is known of here. */
export function servesFurtherSites({ values, deployedSecrets }: SettingsSource): boolean {
  return Boolean(values.SITES_KEYS) || deployedSecrets?.includes("SITES_KEYS") === true;
}

/** As src/settings.ts decides it. */
function hasNoSite(source: SettingsSource): boolean {
  return servesFurtherSites(source) && OWN_SITE.every((name) => !source.values[name]);
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
function surroundings(origin: string | undefined, has: (name: string) => boolean) {
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
  return { origin, partition: "default", storage: storage as Bindings, limiters };
}

/**
 * What the worker on this machine will find wrong with its settings, in the same words.
 * @param values as TOML, JSON and settings files have them.
 * @param bindings the names of what wrangler.toml binds.
 */
export function faultsOfLocalWorker(
  values: Readonly<Record<string, unknown>>,
  bindings: ReadonlySet<string>,
): readonly string[] {
  const read = settingsFrom(
    values,
    surroundings(LOCAL_SITE, (name) => bindings.has(name)),
  );
  return "faults" in read ? read.faults : [];
}
