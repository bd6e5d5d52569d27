import * as v from "valibot";
import { fromBase64url } from "../crypto-text.ts";

/** One key of SITES_KEYS, as bytes. */
interface MasterKey {
  /** Under which name a sealed secret says what sealed it. */
  readonly kid: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** SITES_KEYS: the key that seals the secrets of site documents, and those that sealed before and still open. */
export interface MasterKeys {
  readonly sealing: MasterKey;
  readonly all: readonly MasterKey[];
}

/** Symmetric keys of 256 bits (RFC 7517 section 4, RFC 7518 section 6.4). */
const keySet = () =>
  v.object({
    keys: v.pipe(
      v.array(
        v.object({
          kty: v.literal("oct"),
          k: v.pipe(v.string(), v.regex(/^[\w-]{43}$/)),
          kid: v.pipe(v.string(), v.minLength(1), v.maxLength(100)),
        }),
      ),
      v.minLength(1),
      v.maxLength(10),
      v.check((keys) => new Set(keys.map((key) => key.kid)).size === keys.length),
    ),
  });

/**
 * Reads SITES_KEYS: JSON in a text, or the structure itself.
 * @returns `undefined` for what is not a JSON Web Key Set of 256-bit keys, each with its own kid.
 */
export function readMasterKeys(value: unknown): MasterKeys | undefined {
  try {
    const all = v
      .parse(keySet(), typeof value === "string" ? JSON.parse(value) : value)
      .keys.map(({ k, kid }) => ({ kid, bytes: fromBase64url(k) }));
    const [sealing] = all;
    return sealing && { sealing, all };
  } catch {
    return undefined;
  }
}
