import { decodeJwt, decodeProtectedHeader, importJWK, type JWK, type JWTPayload, SignJWT } from "jose";
import { newSessionId } from "../../src/session/session.ts";
import { type Browser, SESSION_COOKIE } from "./browser.ts";
import { seconds } from "./clock.ts";
import { SITE, type TestSite } from "./site.ts";

/** The session token a browser holds. @throws when it holds none */
export function tokenOf(browser: Browser): string {
  const token = browser.cookies.get(SESSION_COOKIE);
  if (token === undefined) throw new Error("this browser has no session cookie");
  return token;
}

export const claimsOf = (token: string): JWTPayload => decodeJwt(token);
export const headerOf = (token: string) => decodeProtectedHeader(token);

/** A private ES256 key as it stands in SESSION_KEYS. */
export interface PrivateKey extends JWK {
  readonly kid: string;
}

/** The private keys in a site's SESSION_KEYS. */
export function keysOf(site: TestSite): readonly [PrivateKey, ...PrivateKey[]] {
  const { keys } = JSON.parse(String(site.env.SESSION_KEYS));
  return keys;
}

/** A key that no site knows. */
export async function newKey(kid: string): Promise<PrivateKey> {
  const pair = (await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, [
    "sign",
  ])) as CryptoKeyPair;
  const { kty, crv, x, y, d } = (await crypto.subtle.exportKey("jwk", pair.privateKey)) as JWK & {
    kty: string;
  };
  return { kty, crv, x, y, d, kid } as PrivateKey;
}

/** The public half of a key, as a rotation leaves it in SESSION_KEYS. */
export function retired(
  { d: _private, ...key }: PrivateKey,
  retiredAt?: number,
): JWK & { retired_at?: number } {
  return retiredAt === undefined ? key : { ...key, retired_at: retiredAt };
}

interface Forgery {
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly header?: Readonly<Record<string, unknown>>;
}

/** A token like the worker's own but for what differs, signed with any key. `undefined` leaves a claim out. */
export async function signedToken(
  key: PrivateKey,
  { claims = {}, header = {} }: Forgery = {},
): Promise<string> {
  const iat = seconds();
  const payload = {
    iss: `${SITE}/auth`,
    aud: SITE,
    sub: "somebody",
    sid: newSessionId(),
    auth_time: iat,
    iat,
    exp: iat + 300,
    ...claims,
  };
  return new SignJWT(payload)
    .setProtectedHeader({ alg: "ES256", kid: key.kid, typ: "session+jwt", ...header })
    .sign(await importJWK(key, "ES256"));
}
