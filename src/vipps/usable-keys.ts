import { fromBase64url } from "../crypto-text.ts";

/** A public RSA key of the provider that may verify RS256 signatures. */
export interface SigningKey {
  readonly kty: "RSA";
  readonly n: string;
  readonly e: string;
  readonly kid?: string;
}

/** Moduli of 2048 to 8192 bits (RFC 7518 section 3.3 wants at least 2048). In bytes. */
const MODULUS_BYTES = { least: 256, most: 1024 };
/** Far beyond 65537, which everybody uses. In bytes. */
const EXPONENT_BYTES = { least: 1, most: 8 };

/** More keys than this in a set is a broken or hostile set. */
const KEY_LIMIT = 50;

/**
 * The keys of a JWKS that may verify an ID token; everything else in it is ignored.
 * @returns `undefined` where the set is not one, is absurdly large, or holds no key that could be used: such a
 *   set must not replace a good one.
 */
export function usableKeys(jwks: unknown): readonly SigningKey[] | undefined {
  const keys = isRecord(jwks) ? jwks.keys : undefined;
  if (!Array.isArray(keys) || keys.length > KEY_LIMIT) return undefined;
  const usable = keys.flatMap((key): SigningKey[] => {
    if (!isRecord(key) || key.kty !== "RSA") return [];
    const { n, e, kid, use, alg, key_ops } = key;
    if (typeof n !== "string" || !isOddNumber(n, MODULUS_BYTES)) return [];
    if (typeof e !== "string" || e === "AQ" || !isOddNumber(e, EXPONENT_BYTES)) return [];
    if (use !== undefined && use !== "sig") return [];
    if (alg !== undefined && alg !== "RS256") return [];
    if (key_ops !== undefined && !(Array.isArray(key_ops) && key_ops.includes("verify"))) return [];
    return [{ kty: "RSA", n, e, ...(typeof kid === "string" ? { kid } : {}) }];
  });
  return usable.length === 0 ? undefined : usable;
}

/** Both numbers of an RSA key are odd; what is not cannot be a key, however it is spelled. */
function isOddNumber(text: string, bytes: { readonly least: number; readonly most: number }): boolean {
  if (!/^[\w-]+$/.test(text) || text.length > bytes.most * 2) return false;
  try {
    const number = fromBase64url(text);
    const leadingZeros = number.findIndex((byte) => byte !== 0);
    const length = leadingZeros === -1 ? 0 : number.length - leadingZeros;
    return length >= bytes.least && length <= bytes.most && ((number.at(-1) ?? 0) & 1) === 1;
  } catch {
    return false;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
