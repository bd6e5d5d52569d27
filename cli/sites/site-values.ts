// The settings of one site: whether the worker could serve it with them, and how they are told from others.

import { createHmac } from "node:crypto";
import { calculateJwkThumbprint } from "jose";
import { getDomain } from "tldts";
import { readOrigin, writtenAsText } from "../../src/settings/kinds.ts";
import { type Bindings, isLocalHost, leadingBack } from "../../src/settings/read-settings.ts";
import { isSealed, isSettingName, rowOf, siteNames } from "../../src/settings/table.ts";
import {
  type DeploymentValues,
  furtherSettings,
  isOwnAddress,
  partnerKeys,
} from "../../src/sites/deployment-settings.ts";
import type { MasterKeys } from "../../src/sites/master-keys.ts";
import {
  type DocumentMarks,
  type SiteValues,
  versionAfter,
  writeSiteDocument,
} from "../../src/sites/site-document.ts";
import { originOfHost, siteHost, siteHostNamed } from "../../src/sites/site-host.ts";
import { newKeySet } from "../session-key-set.ts";
import type { StoredDocument } from "./site-store.ts";

const isDeployments = (name: string): boolean => isSettingName(name) && rowOf(name).scope === "deployment";

/** Further hosts of a site, which lead to the first: the commands' affair, for each has a document of its own. */
export const ALIASES = "SITE_ALIASES";

/** What a site may set. */
const SITE_SETTINGS: readonly string[] = [...siteNames(), ALIASES];

/** The further hosts of a site, in their one form where they have one. */
export function aliasesOf({ [ALIASES]: text = "" }: SiteValues): readonly string[] {
  const words = text.startsWith("[") ? listIn(text) : text.split(/[\s,]+/);
  return [...new Set(words.filter((word) => word !== "").map((word) => siteHostNamed(word) ?? word))];
}

function listIn(text: string): readonly string[] {
  try {
    const list: unknown = JSON.parse(text);
    return Array.isArray(list) ? list.map(String) : [text];
  } catch {
    return [text];
  }
}

/**
 * Everything that would keep the worker from serving a site, by the worker's own rules.
 * @param deployment the deployment's settings, as far as they are known here.
 * @param isLanguage whether the worker can show pages in a language.
 * @returns one line for each fault; none for a site that can be served.
 */
export function faultsOf(
  values: SiteValues,
  deployment: DeploymentValues,
  isLanguage: (code: string) => boolean,
): readonly string[] {
  const unknown = Object.keys(values)
    .filter((name) => !SITE_SETTINGS.includes(name))
    .map((name) => `${name} is ${isDeployments(name) ? "the deployment's" : "no setting of a site"}`);
  // Whether the deployment really has the partner's keys is the doctor's affair.
  const around = { ...SURROUNDINGS, partition: "check", isLanguage };
  const read = furtherSettings(values, { ...STAND_INS, ...deployment }, around);
  return [...unknown, ...hostFaults(values, deployment), ...("faults" in read ? read.faults : [])];
}

/** What is wrong with the names under which a site is to be reached, by the public suffix list (publicsuffix.org). */
function hostFaults(values: SiteValues, deployment: DeploymentValues): readonly string[] {
  const faults: string[] = [];
  const host = siteHost(values.SITE_URL);
  if (host === undefined)
    return [
      "SITE_URL must be the address of one host, such as https://www.example.com: letters, digits, hyphens and dots",
    ];
  const { hostname } = new URL(`https://${host}`);
  if (isOwnHost(deployment, host))
    faults.push(`SITE_URL is the deployment's own site: the worker answers ${host} with that`);
  for (const alias of aliasesOf(values)) {
    const name = siteHost(`https://${alias}`);
    const isServed =
      name !== undefined && name !== host && !isUnservable(new URL(`https://${name}`).hostname);
    if (name !== undefined && isOwnHost(deployment, name))
      faults.push(
        `${ALIASES}: ${alias} is the deployment's own site, which the worker answers with that and not with this one`,
      );
    else if (!isServed) faults.push(`${ALIASES} must be further hosts of this site, and ${alias} is none`);
  }
  const originHost = originHostOf(values);
  if (originHost !== undefined && aliasesOf(values).includes(originHost))
    faults.push(leadingBack(values.ORIGIN_URL ?? ""));
  if (isUnservable(hostname))
    faults.push(
      "SITE_URL must be a host below a domain that somebody can own, not an address or a suffix of many",
    );
  const domain = cookieDomainOf(values);
  if (domain !== undefined && !isLocalHost(domain) && isPublicSuffix(domain))
    faults.push(
      `SESSION_COOKIE_DOMAIN must be a domain that one owner has: no browser keeps a cookie for all of ${domain}`,
    );
  return faults;
}

/**
 * Whether the worker answers a host with the deployment's own site. On this machine it has every port: `npm start` may
 * put the site on another than SITE_URL says, and nothing but names below localhost is left to further sites.
 */
export function isOwnHost(deployment: DeploymentValues, host: string): boolean {
  const own = siteHost(writtenAsText(deployment.SITE_URL));
  return isOwnAddress(deployment, originOfHost(host)) || (own !== undefined && isSameOwnHost(own, host));
}

/** Whether a host is that of the deployment's own site, on this machine whatever its port. */
export const isSameOwnHost = (own: string, host: string): boolean =>
  own === host || (isUnnamed(own) && isUnnamed(host));

/** Whether a host is this machine itself, and no name below localhost. */
function isUnnamed(host: string): boolean {
  const { hostname } = new URL(`https://${host}`);
  return isLocalHost(hostname) && !hostname.endsWith(".localhost");
}

/** Whether nobody can have this very name: addresses, and suffixes of many owners. */
const isUnservable = (hostname: string): boolean => !isLocalHost(hostname) && isPublicSuffix(hostname);

/** Whether what is below a name belongs to many owners. */
const isPublicSuffix = (name: string): boolean => getDomain(name, { allowPrivateDomains: true }) === null;

/** The host of ORIGIN_URL in its one form; undefined where there is none. */
export const originHostOf = ({ ORIGIN_URL: written = "" }: Readonly<{ ORIGIN_URL?: string }>) =>
  siteHost(readOrigin(written.trim()));

/** SESSION_COOKIE_DOMAIN in one form. */
export function cookieDomainOf({ SESSION_COOKIE_DOMAIN: domain }: SiteValues): string | undefined {
  return domain?.trim().replace(/^\./, "").toLowerCase() || undefined;
}

/** Whether a browser sends the cookie of one domain to hosts that get the other's as well. */
export const isSharedDomain = (one: string, other: string): boolean =>
  one === other || one.endsWith(`.${other}`) || other.endsWith(`.${one}`);

/** SITE_URL in its one form; as it was given where it is none. */
export function withNormalUrl(values: SiteValues): SiteValues {
  const { SITE_URL: given = "" } = values;
  const host = siteHost(given.trim());
  const url = URL.parse(given.trim());
  if (
    host === undefined ||
    url === null ||
    !/^\/?$/.test(url.pathname) ||
    url.search ||
    url.hash ||
    url.username
  )
    return values;
  return { ...values, SITE_URL: `${url.protocol}//${host}` };
}

/** The thumbprints of a set of session keys (RFC 7638); none for what is no set. */
export async function thumbprintsOf(keySet: string | undefined): Promise<readonly string[]> {
  try {
    const { keys } = JSON.parse(keySet ?? "") as { keys: Parameters<typeof calculateJwkThumbprint>[0][] };
    return await Promise.all(keys.map((key) => calculateJwkThumbprint(key)));
  } catch {
    return [];
  }
}

const STAND_INS = Object.fromEntries(partnerKeys().map((name) => [name, "known-to-the-deployment"]));

const object: DurableObjectBinding = { jurisdiction: () => object };

/** Bindings as the settings know them: only that they are there matters here. */
const SURROUNDINGS = {
  storage: {
    metadata: { binding: "kv" },
    loginAttempts: object,
    userSessions: object,
    assets: undefined,
    accounts: { binding: "d1" },
    events: { binding: "queue" },
  } satisfies Bindings,
  limiters: { start: undefined, finish: undefined, wide: undefined, site: undefined },
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
  readonly partition: string;
  readonly at: number;
}

/**
 * The document of a site, ready for KV.
 * @param said the settings as somebody wrote them down, by which a later run sees whether they have changed.
 * @param before the version of the document that is there now, 0 for none.
 * @param partition the key of the site's rows.
 * @param at seconds since the epoch.
 */
export async function documentOf(
  keys: MasterKeys,
  host: string,
  { values, said, before, partition, at }: NextDocument,
): Promise<StoredDocument> {
  const version = versionAfter(before, Date.now());
  const cookie = cookieDomainOf(values);
  return {
    host,
    version,
    text: JSON.stringify(await writeSiteDocument(keys, host, values, version, { partition })),
    summary: {
      msn: values.VIPPS_MSN ?? "",
      keys: values.VIPPS_KEYS === "partner" ? "partner" : "own",
      ...(values.VIPPS_MARKET !== undefined && { market: values.VIPPS_MARKET }),
      ...(values.LOGIN_EVENTS_DAYS !== undefined && { days: Number(values.LOGIN_EVENTS_DAYS) }),
      ...(cookie !== undefined && { cookie }),
      ...(partition !== host && { partition }),
      kid: keys.sealing.kid,
      print: fingerprintOf(keys, said),
      version,
      at,
    },
  };
}

interface Marker extends DocumentMarks {
  /** The version of the document that is there now, 0 for none. */
  readonly before: number;
  /** Where another address leads to. */
  readonly siteUrl?: string;
}

/**
 * The document that stands where no site of its own is: for another address of a site, or for one that is being
 * removed. It is sealed like any other, and holds no settings.
 */
export async function markerOf(
  keys: MasterKeys,
  host: string,
  { before, siteUrl, ...marks }: Marker,
): Promise<StoredDocument> {
  const version = versionAfter(before, Date.now());
  const values: SiteValues = siteUrl === undefined ? {} : { SITE_URL: siteUrl };
  const text = JSON.stringify(await writeSiteDocument(keys, host, values, version, marks));
  const { aliasOf: of } = marks;
  return {
    ...{ host, text, version },
    summary: of === undefined ? { kind: "removed", version } : { kind: "alias", of, version },
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
