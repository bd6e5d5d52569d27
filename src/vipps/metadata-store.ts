import { fromBase64url, toBase64url, utf8 } from "../crypto-text.ts";
import { isolateMap, putBounded } from "../isolate-state.ts";
import type { MetadataStore } from "../settings/types.ts";
import { fromStorage } from "../storage-call.ts";

/** What a look into the store came to. */
export type StoredCopy = { readonly copy: unknown } | { readonly refused: string } | undefined;

/** KV has no time limit of its own; beyond this the provider itself is the faster source. In milliseconds. */
const TIME_LIMIT = 1_000;
const IN_KV = { store: "kv", stage: "start", timeLimit: TIME_LIMIT } as const;

/** Part of what is authenticated, so that a MAC made for something else, or in another form, is none here. */
const PURPOSE = "vipps-login-worker provider metadata 1";

/**
 * Reads the copy of this name.
 * @param cacheTtl for how long KV may answer from a copy near here, in seconds; 30 at least.
 * @returns `undefined` where there is none.
 * @throws {Failure} `storage_unavailable` when KV does not answer in time.
 */
export async function readCopy(store: MetadataStore, name: string, cacheTtl: number): Promise<StoredCopy> {
  const { id, key } = await storeKey(store.secret);
  const reading = fromStorage({ ...IN_KV, site: store.site }, () =>
    store.namespace.get(placeOf(id, name), { type: "text", cacheTtl }),
  );
  const [text, macKey] = await Promise.all([reading, key]);
  if (text === null) return undefined;
  const stored = parsed(text);
  if (stored === undefined) return { refused: "not a copy of ours" };
  const { data, mac } = stored;
  const isOurs = await crypto.subtle.verify("HMAC", macKey, mac, authenticated(name, data));
  return isOurs ? { copy: parsedJson(data) } : { refused: "not authenticated" };
}

/**
 * Writes the copy of this name.
 * @param keptFor when KV forgets it, in seconds.
 * @throws {Failure} `storage_unavailable` when KV does not take it in time.
 */
export async function writeCopy(
  store: MetadataStore,
  name: string,
  copy: unknown,
  keptFor: number,
): Promise<void> {
  const { id, key } = await storeKey(store.secret);
  const data = JSON.stringify(copy);
  const mac = new Uint8Array(await crypto.subtle.sign("HMAC", await key, authenticated(name, data)));
  const text = JSON.stringify({ data, mac: toBase64url(mac) });
  await fromStorage({ ...IN_KV, site: store.site }, () =>
    store.namespace.put(placeOf(id, name), text, { expirationTtl: keptFor }),
  );
}

/**
 * Names the secret too: after a rotation there is no copy yet rather than one that does not verify, and isolates
 * that still have the secret before go on with theirs.
 */
const placeOf = (id: string, name: string): string => `provider:${id} ${name}`;

function authenticated(name: string, data: string): Uint8Array<ArrayBuffer> {
  return utf8(JSON.stringify([PURPOSE, name, data]));
}

function parsed(text: string): { data: string; mac: Uint8Array<ArrayBuffer> } | undefined {
  const { data, mac } = Object(parsedJson(text)) as Record<string, unknown>;
  if (typeof data !== "string" || typeof mac !== "string") return undefined;
  try {
    return { data, mac: fromBase64url(mac) };
  } catch {
    return undefined;
  }
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

interface StoreKey {
  /** Tells the secret from others and tells nothing of it. */
  readonly id: string;
  readonly key: Promise<CryptoKey>;
}

/** By secret: derived once in an isolate, for all sites that have the same. */
const storeKeys = isolateMap<string, Promise<StoreKey>>();
const LIMIT = 100;

function storeKey(secret: string): Promise<StoreKey> {
  const known = storeKeys.get(secret);
  if (known !== undefined) return known;
  const derived = deriveKey(secret);
  putBounded(storeKeys, secret, derived, LIMIT);
  return derived;
}

/** HKDF (RFC 5869): 256 bits for HMAC-SHA-256, and 64 that name the secret. */
async function deriveKey(secret: string): Promise<StoreKey> {
  const material = await crypto.subtle.importKey("raw", utf8(secret), "HKDF", false, ["deriveBits"]);
  const parameters = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info: utf8(PURPOSE) };
  const bits = new Uint8Array(await crypto.subtle.deriveBits(parameters, material, 320));
  const hmac = { name: "HMAC", hash: "SHA-256" };
  return {
    id: toBase64url(bits.subarray(32)),
    key: crypto.subtle.importKey("raw", bits.slice(0, 32), hmac, false, ["sign", "verify"]),
  };
}
