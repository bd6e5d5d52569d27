import { env } from "cloudflare:workers";
import { base64url, calculateJwkThumbprint, exportJWK, generateKeyPair } from "jose";
import type { SalesUnit } from "../../simulator/simulator.ts";
import { type MasterKeys, readMasterKeys } from "../../src/sites/master-keys.ts";
import {
  type DocumentMarks,
  type SiteValues,
  siteKey,
  writeSiteDocument,
} from "../../src/sites/site-document.ts";
import { openSite, type SiteOptions, type TestSite } from "./site.ts";

/** One master key in the form the setting SITES_KEYS takes. */
export function newMasterKey(kid: string) {
  return { kty: "oct", k: base64url.encode(crypto.getRandomValues(new Uint8Array(32))), kid };
}

export const SITES_KEYS = JSON.stringify({ keys: [newMasterKey("master-1")] });

export function masterKeys(text: string = SITES_KEYS): MasterKeys {
  const keys = readMasterKeys(text);
  if (keys === undefined) throw new Error("not master keys");
  return keys;
}

/** SESSION_KEYS of a site of its own. */
export async function newSessionKeys(): Promise<string> {
  const { privateKey } = await generateKeyPair("ES256", { extractable: true });
  const jwk = await exportJWK(privateKey);
  return JSON.stringify({ keys: [{ ...jwk, kid: await calculateJwkThumbprint(jwk) }] });
}

/** A site of its own: all that its document needs, and the sales unit behind it. */
export interface HostedSite {
  readonly host: string;
  readonly origin: string;
  readonly values: SiteValues;
  readonly salesUnit: SalesUnit;
  /** What its document says of itself, where it has been renamed. */
  readonly marks?: DocumentMarks;
}

/** @param number tells its sales unit from others'. */
export async function hostedSite(
  host: string,
  number: number,
  changes: SiteValues = {},
): Promise<HostedSite> {
  const origin = `https://${host}`;
  const salesUnit = {
    clientId: `client-${number}`,
    clientSecret: `secret-of-${number}`,
    msn: String(200_000 + number),
    redirectUris: [`${origin}/auth/callback`],
  };
  const values = {
    SITE_URL: origin,
    VIPPS_CLIENT_ID: salesUnit.clientId,
    VIPPS_CLIENT_SECRET: salesUnit.clientSecret,
    VIPPS_MSN: salesUnit.msn,
    SESSION_KEYS: changes.SESSION_KEYS ?? (await newSessionKeys()),
    ...changes,
  };
  return { host, origin, values, salesUnit };
}

/** Puts the document of a site into KV. */
export async function storeSite(
  { host, values, marks: own = {} }: Pick<HostedSite, "host" | "values" | "marks">,
  keys: MasterKeys = masterKeys(),
  version: number = Date.now(),
  marks: DocumentMarks = own,
): Promise<void> {
  const text = JSON.stringify(await writeSiteDocument(keys, host, values, version, marks));
  const { LOGIN_EVENTS_DAYS: days } = values;
  const { partition } = marks;
  await siteStore().put(siteKey(host), text, {
    metadata: { ...(days && { days: Number(days) }), ...(partition && { partition }) },
  });
}

export async function storeText(host: string, text: string): Promise<void> {
  await siteStore().put(siteKey(host), text);
}

export async function removeSite(host: string): Promise<void> {
  await siteStore().delete(siteKey(host));
}

/** Where the documents of sites are. */
export function siteStore(): KVNamespace {
  const { SITES } = env as Cloudflare.Env;
  if (SITES === undefined) throw new Error("wrangler.toml binds no SITES");
  return SITES;
}

/** A worker that serves these sites, in a new isolate's state. */
export async function openSites(
  sites: readonly HostedSite[],
  { vars, salesUnits = [], ...options }: SiteOptions = {},
): Promise<TestSite> {
  const opened = openSite({
    ...options,
    vars: { SITES_KEYS, ...vars },
    salesUnits: [...sites.map(({ salesUnit }) => salesUnit), ...salesUnits],
  });
  for (const site of sites) await storeSite(site);
  return opened;
}
