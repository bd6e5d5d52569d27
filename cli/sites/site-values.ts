// The settings of one site: whether the worker could serve it with them, and how they are told from others.

import { createHmac } from "node:crypto";
import { type Bindings, settingsFrom } from "../../src/settings/read-settings.ts";
import { defaultOf, isSealed, isSettingName, rowOf, siteNames } from "../../src/settings/table.ts";
import { partnerKeys, withDeployment } from "../../src/sites/deployment-settings.ts";
import type { MasterKeys } from "../../src/sites/master-keys.ts";
import { type SiteValues, versionAfter, writeSiteDocument } from "../../src/sites/site-document.ts";
import { newKeySet } from "../session-key-set.ts";
import type { StoredDocument } from "./site-store.ts";

const isDeployments = (name: string): boolean => isSettingName(name) && rowOf(name).scope === "deployment";

/** What a site may set. */
const SITE_SETTINGS: readonly string[] = siteNames();

/** The host under which a site is stored. @returns undefined for what is no origin */
export function hostOf(url: string | undefined): string | undefined {
  const parsed = URL.parse(url ?? "");
  return parsed !== null && /^https?:$/.test(parsed.protocol) ? parsed.host : undefined;
}

/**
 * Everything that would keep the worker from serving a site, by the worker's own rules.
 * @param deployment the deployment's settings, as far as they are known here.
 * @returns one line for each fault; none for a site that can be served.
 */
export function faultsOf(values: SiteValues, deployment: SiteValues): readonly string[] {
  const unknown = Object.keys(values)
    .filter((name) => !SITE_SETTINGS.includes(name))
    .map((name) => `${name} is ${isDeployments(name) ? "the deployment's" : "no setting of a site"}`);
  // Whether the deployment really has the partner's keys is the doctor's affair.
  const all = withDeployment(values, { ...STAND_INS, ...deployment });
  if ("faults" in all) return [...unknown, ...all.faults];
  const read = settingsFrom(all.values, { ...SURROUNDINGS, partition: "check" });
  return [...unknown, ...("faults" in read ? read.faults : [])];
}

const STAND_INS = Object.fromEntries(partnerKeys().map((name) => [name, "known-to-the-deployment"]));

const object: DurableObjectBinding = { jurisdiction: () => object };

/** Bindings as the settings know them: only that they are there matters here. */
const SURROUNDINGS = {
  origin: undefined,
  storage: {
    metadata: { binding: "kv" },
    loginAttempts: object,
    userSessions: object,
    assets: undefined,
    accounts: { binding: "d1" },
  } satisfies Bindings,
  limiters: { start: undefined, finish: undefined, wide: undefined },
} as const;

/** Without a word about them a site keeps its session keys, and a new one gets its own. */
export function withSessionKeys(values: SiteValues, before: SiteValues | undefined): SiteValues {
  const SESSION_KEYS = values.SESSION_KEYS ?? before?.SESSION_KEYS ?? JSON.stringify(newKeySet());
  return { ...values, SESSION_KEYS };
}

/**
 * A digest by which a site that has not changed is recognised without opening it. It is keyed, so that it tells
 * nobody else anything of a short secret.
 */
export function fingerprintOf({ sealing }: MasterKeys, values: SiteValues): string {
  const sorted = Object.entries(values).sort(([one], [other]) => (one < other ? -1 : 1));
  return createHmac("sha256", sealing.bytes).update(JSON.stringify(sorted)).digest("base64url").slice(0, 22);
}

interface NextDocument {
  readonly values: SiteValues;
  readonly said: SiteValues;
  readonly before: number;
  readonly at: number;
}

/**
 * The document of a site, ready for KV.
 * @param said the settings as somebody wrote them down, by which a later run sees whether they have changed.
 * @param before the version of the document that is there now, 0 for none.
 * @param at seconds since the epoch.
 */
export async function documentOf(
  keys: MasterKeys,
  host: string,
  { values, said, before, at }: NextDocument,
): Promise<StoredDocument> {
  const version = versionAfter(before, Date.now());
  return {
    host,
    version,
    text: JSON.stringify(await writeSiteDocument(keys, host, values, version)),
    summary: {
      msn: values.VIPPS_MSN ?? "",
      keys: values.VIPPS_KEYS === "partner" ? "partner" : "own",
      ...(values.VIPPS_MARKET !== undefined && { market: values.VIPPS_MARKET }),
      days: Number(values.LOGIN_EVENTS_DAYS ?? defaultOf("LOGIN_EVENTS_DAYS")),
      kid: keys.sealing.kid,
      print: fingerprintOf(keys, said),
      version,
      at,
    },
  };
}

/** The settings of a site as they may be shown. */
export function blanked(
  values: SiteValues,
  sealedNames: readonly string[],
): Readonly<Record<string, string>> {
  const shown = Object.entries(values).filter(([name]) => !isSealed(name));
  return Object.fromEntries([...shown, ...sealedNames.map((name) => [name, "(secret, set)"] as const)]);
}
