import { type CryptoKey, exportJWK, exportSPKI, generateKeyPair, type JWK } from "jose";
import { cryptoRandom, type Random, randomUuid } from "./random.ts";

/** A key pair with the `kid` under which it is published. */
export interface SigningKey {
  readonly kid: string;
  readonly alg: "RS256" | "ES256";
  readonly privateKey: CryptoKey;
  readonly publicKey: CryptoKey;
}

/** The signing keys of one simulator, made when first needed and kept until rotated. */
export interface SigningKeys {
  /** The RS256 key that signs ID tokens now. */
  current(): Promise<SigningKey>;
  /** An RS256 key that is never published. */
  unpublished(): Promise<SigningKey>;
  /** The ES256 key a misbehaving simulator signs with. */
  ellipticCurve(): Promise<SigningKey>;
  /**
   * Signs with a new key from now on.
   * @param keepOld whether the JWKS still lists the keys used so far
   */
  rotate(keepOld: boolean): Promise<void>;
  /** Every published RS256 key, the current one first. */
  published(): Promise<readonly SigningKey[]>;
}

/**
 * @param first keys to begin with, because making RSA keys takes time; rotating these leaves those alone
 */
export function createSigningKeys(random: Random = cryptoRandom, first?: SigningKeys): SigningKeys {
  const generate = async (alg: "RS256" | "ES256"): Promise<SigningKey> => {
    const kid = `public:${randomUuid(random)}`;
    return { kid, alg, ...(await generateKeyPair(alg, { extractable: true })) };
  };
  const once = (alg: "RS256" | "ES256") => {
    let key: Promise<SigningKey> | undefined;
    return () => {
      key ??= generate(alg);
      return key;
    };
  };
  let current = first?.current ?? once("RS256");
  let older: readonly (() => Promise<SigningKey>)[] = [];
  return {
    current: () => current(),
    unpublished: first?.unpublished ?? once("RS256"),
    ellipticCurve: first?.ellipticCurve ?? once("ES256"),
    published: () => Promise.all([current, ...older].map((key) => key())),
    async rotate(keepOld) {
      const next = once("RS256");
      await next();
      older = keepOld ? [current, ...older] : [];
      current = next;
    },
  };
}

/** The public half as a JSON Web Key with `kid`, `use` and `alg`, as the real key set lists it. */
export async function toJwk(key: SigningKey): Promise<JWK> {
  return { use: "sig", ...(await exportJWK(key.publicKey)), kid: key.kid, alg: key.alg };
}

/** The public half as PEM bytes: what an attacker would use as an HMAC key. */
export async function publicKeyBytes(key: SigningKey): Promise<Uint8Array> {
  return new TextEncoder().encode(await exportSPKI(key.publicKey));
}
