/** A public RSA key of the provider that may verify RS256 signatures. */
export interface SigningKey {
  readonly kty: "RSA";
  readonly n: string;
  readonly e: string;
  readonly kid?: string;
}

/** RSA moduli of 2048 to 8192 bits in base64url characters (RFC 7518 section 3.3 wants at least 2048). */
const MODULUS = /^[\w-]{342,1366}$/;

/** More keys than this in a set is a broken or hostile set. */
const KEY_LIMIT = 50;

/**
 * The keys of a JWKS that may verify an ID token; everything else in it is ignored.
 * @returns `undefined` where the set itself is not one, or is absurdly large.
 */
export function usableKeys(jwks: unknown): readonly SigningKey[] | undefined {
  const keys = isRecord(jwks) ? jwks.keys : undefined;
  if (!Array.isArray(keys) || keys.length > KEY_LIMIT) return undefined;
  return keys.flatMap((key): SigningKey[] => {
    if (!isRecord(key) || key.kty !== "RSA") return [];
    const { n, e, kid, use, alg, key_ops } = key;
    if (typeof n !== "string" || !MODULUS.test(n) || typeof e !== "string" || !/^[\w-]{1,8}$/.test(e))
      return [];
    if (use !== undefined && use !== "sig") return [];
    if (alg !== undefined && alg !== "RS256") return [];
    if (key_ops !== undefined && !(Array.isArray(key_ops) && key_ops.includes("verify"))) return [];
    return [{ kty: "RSA", n, e, ...(typeof kid === "string" ? { kid } : {}) }];
  });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
