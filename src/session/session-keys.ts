import { type CryptoKey, importJWK } from "jose";
import { Failure } from "../failure.ts";
import type { SessionKey, SessionSettings } from "../settings.ts";

/** The algorithm of the session token: short signatures, and public keys that any JOSE library reads. */
export const SESSION_ALGORITHM = "ES256";

/** A public key as published at `/.well-known/jwks.json`. */
export interface PublicSessionKey {
  readonly kty: "EC";
  readonly crv: "P-256";
  readonly x: string;
  readonly y: string;
  readonly kid: string;
  readonly use: "sig";
  readonly alg: typeof SESSION_ALGORITHM;
}

interface ImportedKeys {
  readonly signing: { readonly kid: string; readonly key: CryptoKey };
  readonly verifying: ReadonlyMap<string, CryptoKey>;
}

/** Imported once per settings object; settings themselves are parsed once per isolate. */
const imported = new WeakMap<SessionSettings, Promise<ImportedKeys>>();

/**
 * The keys of SESSION_KEYS, ready to sign and verify.
 * @throws {Failure} `settings_invalid` when a key that looked right cannot be imported: a point off the curve.
 */
export function importedKeys(settings: SessionSettings): Promise<ImportedKeys> {
  const known = imported.get(settings);
  if (known !== undefined) return known;
  const keys = importKeys(settings.keys).catch(() => {
    const details = ["SESSION_KEYS holds a key that cannot be used"];
    throw new Failure("settings_invalid", { stage: "settings", details });
  });
  imported.set(settings, keys);
  return keys;
}

async function importKeys(keys: readonly SessionKey[]): Promise<ImportedKeys> {
  const verifying = new Map<string, CryptoKey>();
  for (const key of keys) verifying.set(key.kid, await importKey(publicKey(key)));
  const [first] = keys;
  if (first === undefined) throw new Error("SESSION_KEYS holds no key");
  return {
    signing: { kid: first.kid, key: await importKey({ ...first, alg: SESSION_ALGORITHM }) },
    verifying,
  };
}

async function importKey(jwk: Parameters<typeof importJWK>[0]): Promise<CryptoKey> {
  const key = await importJWK(jwk, SESSION_ALGORITHM);
  if (key instanceof Uint8Array) throw new Error("SESSION_KEYS holds a symmetric key");
  return key;
}

/** The public half, named member by member so that no private member can ever slip out. */
export function publicKey({ kty, crv, x, y, kid }: SessionKey): PublicSessionKey {
  return { kty, crv, x, y, kid, use: "sig", alg: SESSION_ALGORITHM };
}
