import { Failure } from "../failure.ts";
import type { SessionSettings, SigningKey, VerifyingKey } from "../settings.ts";
import { neededUntil } from "./key-retirement.ts";
import { now } from "./session.ts";

/** The algorithm of the session token: short signatures, and public keys that any JOSE library reads. */
export const SESSION_ALGORITHM = "ES256";

/** A public key as published at `/.well-known/jwks.json`. */
export interface PublishedKey extends VerifyingKey {
  readonly use: "sig";
  readonly alg: typeof SESSION_ALGORITHM;
}

interface ImportedKeys {
  readonly signing: { readonly kid: string; readonly key: CryptoKey };
  readonly verifying: ReadonlyMap<string, ImportedKey>;
}

interface ImportedKey {
  readonly key: CryptoKey;
  readonly retiredAt: number | undefined;
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
  const keys = importKeys(settings).catch(() => {
    const details = ["SESSION_KEYS holds a key that cannot be used"];
    throw new Failure("settings_invalid", { stage: "settings", details });
  });
  imported.set(settings, keys);
  return keys;
}

/**
 * The public keys that a token of a living session may be signed with: the one that signs first, then those
 * that signed before, until the last token they signed is gone. Named member by member, so that no private
 * member can ever slip out.
 */
export function publishedKeys(settings: SessionSettings): readonly PublishedKey[] {
  const { signing, previous } = settings.keys;
  const needed = previous.filter(({ retiredAt }) => isNeeded(settings, retiredAt));
  return [signing, ...needed].map(({ kty, crv, x, y, kid }) => {
    return { kty, crv, x, y, kid, use: "sig", alg: SESSION_ALGORITHM };
  });
}

/** Whether a token of a living session may be signed by a key that stopped signing at this time. */
export function isNeeded({ idle }: SessionSettings, retiredAt: number | undefined): boolean {
  return retiredAt === undefined || now() < neededUntil(retiredAt, idle);
}

async function importKeys({ keys: { signing, previous } }: SessionSettings): Promise<ImportedKeys> {
  const verifying = new Map<string, ImportedKey>();
  for (const { kty, crv, x, y, kid, retiredAt } of [{ ...signing, retiredAt: undefined }, ...previous]) {
    verifying.set(kid, { key: await importKey({ kty, crv, x, y }, "verify"), retiredAt });
  }
  return { signing: { kid: signing.kid, key: await importKey(signing, "sign") }, verifying };
}

/** Web Crypto itself: what of `jose` imports keys knows every algorithm there is. */
function importKey(
  jwk: Omit<VerifyingKey, "kid"> | SigningKey,
  usage: "sign" | "verify",
): Promise<CryptoKey> {
  return crypto.subtle.importKey("jwk", jwk, { name: "ECDSA", namedCurve: jwk.crv }, false, [usage]);
}
