import * as v from "valibot";
import { fromBase64url, toBase64url, utf8 } from "../crypto-text.ts";
import { isSealed } from "../settings/table.ts";
import type { MasterKeys } from "./master-keys.ts";

/**
 * One site of many, as it stands in KV under {@link siteKey}: its settings in the open, its secrets sealed. The
 * secrets are bound to the host and to every other setting: in another site's document, or beside an issuer that
 * somebody put in, they do not open.
 */
const siteDocument = () =>
  v.object({
    version: v.literal(1),
    settings: v.record(v.string(), v.string()),
    sealed: v.object({ kid: v.string(), iv: v.string(), data: v.string() }),
  });

export type SiteDocument = v.InferOutput<ReturnType<typeof siteDocument>>;

/**
 * When a document was written, in milliseconds since the epoch: its version, which only grows. It stands among the
 * settings, so that the seal covers it and code that knows nothing of it passes it over.
 */
const VERSION = "DOCUMENT_VERSION";
/** Under which key the rows of the site stand, where that is not its host: it was renamed, or came from elsewhere. */
const PARTITION = "DOCUMENT_PARTITION";
/** The host whose site this is another address of. */
const ALIAS_OF = "DOCUMENT_ALIAS_OF";
/** `true` in the document that stands in the place of a site which is being removed. */
const REMOVED = "DOCUMENT_REMOVED";
const MARKS: readonly string[] = [VERSION, PARTITION, ALIAS_OF, REMOVED];

/** What a document says of itself beside its settings. */
export interface DocumentMarks {
  /** Under which key the rows of the site stand; its host where undefined. */
  readonly partition?: string | undefined;
  /** The host whose site this is another address of. */
  readonly aliasOf?: string | undefined;
  /** Stands in the place of a site that is being removed. */
  readonly isRemoved?: boolean | undefined;
}

/** Settings by their names, as text. */
export type SiteValues = Readonly<Record<string, string>>;

/** Where the document of a host stands in KV. */
export const siteKey = (host: string): string => `site:${host}`;

/**
 * Writes the document of a site, its secrets sealed with the first of the master keys.
 * @param version milliseconds since the epoch, more than that of the document before.
 */
export async function writeSiteDocument(
  keys: MasterKeys,
  host: string,
  values: SiteValues,
  version: number,
  { partition, aliasOf, isRemoved }: DocumentMarks = {},
): Promise<SiteDocument> {
  const marks = {
    [VERSION]: String(version),
    ...(partition !== undefined && partition !== host && { [PARTITION]: partition }),
    ...(aliasOf !== undefined && { [ALIAS_OF]: aliasOf }),
    ...(isRemoved === true && { [REMOVED]: "true" }),
  };
  const entries = Object.entries({ ...values, ...marks }).sort(([one], [other]) => (one < other ? -1 : 1));
  const settings = Object.fromEntries(entries.filter(([name]) => !isSealed(name)));
  const secrets = Object.fromEntries(entries.filter(([name]) => isSealed(name)));
  return { version: 1, settings, sealed: await sealSecrets(keys, secrets, binding(host, settings)) };
}

/** Reads a document without its secrets. @returns `undefined` for anything that is not one. */
export function readSiteDocument(text: string): SiteDocument | undefined {
  try {
    const parsed = v.safeParse(siteDocument(), JSON.parse(text));
    return parsed.success ? parsed.output : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Everything a document says, secrets included.
 * @param host under whose key the document stood.
 * @returns `undefined` when it was changed since it was written, was written for another host, or was sealed with
 *   a key that SITES_KEYS does not hold.
 */
export async function openSiteDocument(
  keys: MasterKeys,
  host: string,
  { settings, sealed }: SiteDocument,
): Promise<SiteValues | undefined> {
  const secrets = await openSecrets(keys, sealed, binding(host, settings));
  if (secrets === undefined) return undefined;
  return { ...openSettings({ settings }), ...secrets };
}

/** The settings of a document that are no secrets, as they were written. */
export function openSettings({ settings }: Pick<SiteDocument, "settings">): SiteValues {
  return Object.fromEntries(Object.entries(settings).filter(([name]) => !MARKS.includes(name)));
}

/** What a document says of itself; true only of one that opens. */
export function marksOf({ settings }: Pick<SiteDocument, "settings">): DocumentMarks {
  return {
    partition: settings[PARTITION],
    aliasOf: settings[ALIAS_OF],
    isRemoved: settings[REMOVED] === "true",
  };
}

/**
 * The version of a document; true only of one that opens.
 * @returns milliseconds since the epoch; 0 for a document without, which is older than any that has one.
 */
export function versionOf({ settings }: SiteDocument): number {
  const version = Number(settings[VERSION]);
  return Number.isSafeInteger(version) && version > 0 ? version : 0;
}

/** The version of the next document. @param before that of the present one, 0 for none. @param now milliseconds */
export function versionAfter(before: number, now: number): number {
  return Math.max(now, before + 1);
}

/** JSON keeps the order of names, so a document says the same after it was stored. */
function binding(host: string, settings: SiteValues): string {
  return JSON.stringify(["vipps-login-worker site", 1, host, settings]);
}

/** Secrets encrypted with a master key: AES-256-GCM, all members but `kid` in base64url. */
export interface SealedSecrets {
  /** Which of the master keys sealed them. */
  readonly kid: string;
  /** 96 random bits, new each time (NIST SP 800-38D section 8.2.2). */
  readonly iv: string;
  readonly data: string;
}

/**
 * Encrypts the secrets of one site.
 * @param boundTo what the secrets belong to: they open with exactly this and nothing else.
 */
async function sealSecrets(
  keys: MasterKeys,
  secrets: Readonly<Record<string, string>>,
  boundTo: string,
): Promise<SealedSecrets> {
  const { kid, bytes } = keys.sealing;
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const key = await crypto.subtle.importKey("raw", bytes, "AES-GCM", false, ["encrypt"]);
  const data = await crypto.subtle.encrypt(parameters(iv, boundTo), key, utf8(JSON.stringify(secrets)));
  return { kid, iv: toBase64url(iv), data: toBase64url(new Uint8Array(data)) };
}

/**
 * Decrypts the secrets of one site.
 * @returns `undefined` when no master key has sealed them, or when they or what they are bound to was changed.
 */
async function openSecrets(
  keys: MasterKeys,
  sealed: SealedSecrets,
  boundTo: string,
): Promise<Readonly<Record<string, string>> | undefined> {
  const master = keys.all.find(({ kid }) => kid === sealed.kid);
  if (master === undefined) return undefined;
  try {
    const key = await crypto.subtle.importKey("raw", master.bytes, "AES-GCM", false, ["decrypt"]);
    const iv = fromBase64url(sealed.iv);
    const data = fromBase64url(sealed.data);
    const text = await crypto.subtle.decrypt(parameters(iv, boundTo), key, data);
    return JSON.parse(new TextDecoder().decode(text));
  } catch {
    return undefined;
  }
}

function parameters(iv: Uint8Array<ArrayBuffer>, boundTo: string) {
  return { name: "AES-GCM", iv, additionalData: utf8(boundTo), tagLength: 128 };
}
