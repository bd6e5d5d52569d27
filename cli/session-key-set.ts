import { createHash, generateKeyPairSync } from "node:crypto";
import { lastSignature, neededUntil } from "../src/session/key-retirement.ts";
import { CommandError } from "./command-error.mjs";

/**
 * A key of SESSION_KEYS as a JSON Web Key (RFC 7517). Only the one that signs has its private half, and for a while
 * the one before it.
 */
export interface SessionKey {
  readonly kty: "EC";
  readonly crv: "P-256";
  readonly x: string;
  readonly y: string;
  readonly d?: string;
  readonly kid: string;
  readonly alg?: "ES256";
  readonly use?: "sig";
  /** When it stopped signing, in seconds since the epoch. Private to this project: never published. */
  readonly retired_at?: number;
}

export interface SessionKeySet {
  readonly keys: readonly SessionKey[];
}

/** As many as the worker takes. */
const LIMIT = 10;

/** A new ES256 key. Its `kid` is the thumbprint (RFC 7638 section 3). */
function newKey(): SessionKey {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const { x = "", y = "", d = "" } = privateKey.export({ format: "jwk" });
  const members = JSON.stringify({ crv: "P-256", kty: "EC", x, y });
  const kid = createHash("sha256").update(members).digest("base64url");
  return { kty: "EC", crv: "P-256", x, y, d, kid, alg: "ES256", use: "sig" };
}

/** A set with one new key. */
export function newKeySet(): SessionKeySet {
  return { keys: [newKey()] };
}

/**
 * Reads a key set.
 * @param text JSON.
 * @param where what the set is called in an error.
 * @throws {CommandError} when it is none that the worker could use.
 */
export function parseKeySet(text: string, where: string): SessionKeySet {
  const keys = keysIn(text);
  if (
    keys === undefined ||
    !keys.every(isSessionKey) ||
    new Set(keys.map(({ kid }) => kid)).size < keys.length
  ) {
    throw new CommandError(`${where} is no JSON Web Key Set of ES256 keys, each with its own kid.`);
  }
  if (keys.length === 0) throw new CommandError(`${where} holds no key.`);
  return { keys };
}

function keysIn(text: string): readonly unknown[] | undefined {
  try {
    const { keys } = JSON.parse(text) as { keys?: unknown };
    return Array.isArray(keys) ? keys : undefined;
  } catch {
    return undefined;
  }
}

function isSessionKey(value: unknown): value is SessionKey {
  const { kty, crv, x, y, d, kid, retired_at } = (value ?? {}) as Record<string, unknown>;
  const isPart = (part: unknown) => typeof part === "string" && /^[\w-]{43}$/.test(part);
  return (
    kty === "EC" &&
    crv === "P-256" &&
    isPart(x) &&
    isPart(y) &&
    (d === undefined || isPart(d)) &&
    typeof kid === "string" &&
    kid !== "" &&
    (retired_at === undefined || Number.isSafeInteger(retired_at))
  );
}

/** Times in seconds since the epoch; `idle` is SESSION_IDLE in seconds. */
interface Moment {
  readonly at: number;
  readonly idle: number;
}

/** What a key is good for at a moment. Times in seconds since the epoch. */
export type KeyStatus =
  | { readonly is: "signing" }
  | { readonly is: "verifying"; readonly until: number | undefined }
  | { readonly is: "gone"; readonly since: number };

/** The first key signs; a retired one verifies until the last token it signed is gone. */
export function statusOf({ keys }: SessionKeySet, key: SessionKey, { at, idle }: Moment): KeyStatus {
  if (key === keys[0]) return { is: "signing" };
  if (key.retired_at === undefined) return { is: "verifying", until: undefined };
  const until = neededUntil(key.retired_at, idle);
  return at < until ? { is: "verifying", until } : { is: "gone", since: until };
}

/**
 * Puts a new key first. The key that signed so far verifies on; so does any other key of which it was not known when
 * it stopped signing. Keys that nothing needs any more are left out, and private halves too.
 * @throws {CommandError} when too many keys are still needed.
 */
export function rotated(set: SessionKeySet, moment: Moment): SessionKeySet {
  const { keys } = pruned(set, moment);
  const previous = keys.map((key) => ({ ...key, retired_at: key.retired_at ?? moment.at }));
  if (previous.length >= LIMIT) {
    throw new CommandError(
      `There are ${previous.length} keys whose tokens may still be in use, and the worker takes ${LIMIT}. Wait until the first of them is gone ("list" says when).`,
    );
  }
  return { keys: [newKey(), ...previous] };
}

/** Leaves out the keys whose last token is gone, and the private halves that open nothing any more. */
export function pruned(set: SessionKeySet, moment: Moment): SessionKeySet {
  const kept = set.keys.filter((key) => statusOf(set, key, moment).is !== "gone");
  return { keys: kept.map((key) => (needsPrivateHalf(set, key, moment.at) ? key : publicHalf(key))) };
}

/**
 * Whether a key's private half is of use: it signs, or it has only just stopped, so that logins which began with it
 * are still on their way through Vipps.
 * @param at seconds since the epoch.
 */
export function needsPrivateHalf({ keys }: SessionKeySet, key: SessionKey, at: number): boolean {
  return key === keys[0] || (key.retired_at !== undefined && at < lastSignature(key.retired_at));
}

function publicHalf({ d: _private, ...key }: SessionKey): SessionKey {
  return key;
}
