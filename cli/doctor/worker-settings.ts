import { type Bindings, settingsFrom } from "../../src/settings-from-values.ts";
import type { Settings } from "../../src/settings-types.ts";
import { DEFAULT_SITE_PORT } from "../dev-vars.mjs";
import { newKeySet } from "../session-key-set.ts";
import { isSecretName, SECRET_NAMES, type SecretName, type SettingsSource } from "./settings-source.ts";

/** The settings as the worker reads them, or every fault in them. */
export type ReadSettings =
  | { readonly settings: Settings; readonly hidden: ReadonlySet<SecretName> }
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
  const isHidden = (name: SecretName) =>
    !values[name] &&
    (deployedSecrets === undefined
      ? secretsElsewhere && isNeeded(name, values)
      : deployedSecrets.includes(name));
  const hidden = new Set(SECRET_NAMES.filter(isHidden));
  const standIns = Object.fromEntries([...hidden].map((name) => [name, standIn(name)]));
  const read = settingsFrom(
    { ...values, ...standIns },
    {
      origin: secretsElsewhere ? undefined : LOCAL_SITE,
      partition: "default",
      storage: storageOf(source),
      limiters: { start: undefined, finish: undefined, wide: undefined },
    },
  );
  return "faults" in read ? read : { settings: read.settings, hidden };
}

/** As src/settings.ts decides it. */
function hasNoSite({ values, deployedSecrets }: SettingsSource): boolean {
  const servesOthers = Boolean(values.SITES_KEYS) || deployedSecrets?.includes("SITES_KEYS") === true;
  return servesOthers && !values.SITE_URL && !values.VIPPS_CLIENT_ID && !values.VIPPS_MSN;
}

/** Whether the worker cannot do without a secret, by what else is set. */
function isNeeded(name: SecretName, values: Readonly<Record<string, string>>): boolean {
  const isPartner = values.VIPPS_KEYS?.trim() === "partner";
  switch (name) {
    case "SESSION_KEYS":
      return true;
    case "VIPPS_CLIENT_SECRET":
      return !isPartner;
    case "VIPPS_PARTNER_CLIENT_SECRET":
    case "VIPPS_PARTNER_SUBSCRIPTION_KEY":
      return isPartner;
    case "REGISTRY_SECRET":
      return values.ACCOUNTS?.trim() === "remote";
    case "CONSENT_WEBHOOK_SECRET":
    case "SITES_KEYS":
      return false;
  }
}

function standIn(name: SecretName): string {
  return name === "SESSION_KEYS" ? JSON.stringify(newKeySet()) : "x".repeat(32);
}

/** Bindings as the settings know them: only whether they are there matters here. */
function storageOf({ worker }: SettingsSource): Bindings {
  const object: DurableObjectBinding = { jurisdiction: () => object };
  const has = (name: string) => worker === undefined || worker.bindings.has(name);
  return {
    metadata: { binding: "kv" },
    loginAttempts: object,
    userSessions: object,
    assets: has("ASSETS") ? { binding: "assets" } : undefined,
    accounts: has("ACCOUNTS_DB") ? { binding: "d1" } : undefined,
  };
}

/** The secrets among the values, by name. */
export function secretsIn(
  values: Readonly<Record<string, string>>,
): readonly (readonly [SecretName, string])[] {
  return Object.entries(values).flatMap(([name, value]) =>
    isSecretName(name) && value.trim() !== "" ? [[name, value.trim()] as const] : [],
  );
}
