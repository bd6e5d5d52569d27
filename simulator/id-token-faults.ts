import { type JWTPayload, SignJWT, UnsecuredJWT } from "jose";
import type { IdTokenFault } from "./behaviour.ts";
import { publicKeyBytes, type SigningKey, type SigningKeys } from "./keys.ts";
import { base64url } from "./random.ts";
import type { SalesUnit } from "./sales-unit.ts";

interface Forgery {
  readonly claims: JWTPayload;
  /** Signs as the real service does. */
  readonly sign: (claims: JWTPayload) => Promise<string>;
  readonly keys: SigningKeys;
  readonly unit: SalesUnit;
}

type Forge = (forgery: Forgery) => Promise<string>;

/** How each fault makes its ID token; `none` is the proper one. */
export const FORGERIES: Readonly<Record<IdTokenFault, Forge>> = {
  none: ({ claims, sign }) => sign(claims),
  wrongNonce: altering(() => ({ nonce: "another-nonce" })),
  noNonce: altering(() => ({ nonce: undefined })),
  wrongIss: altering(() => ({ iss: "https://attacker.example/access-management-1.0/access/" })),
  similarIss: altering(({ iss }) => ({ iss: iss?.replace(/\/$/, "") })),
  noIss: altering(() => ({ iss: undefined })),
  wrongAud: altering(() => ({ aud: ["another-client"] })),
  noAud: altering(() => ({ aud: undefined })),
  emptyAud: altering(() => ({ aud: [] })),
  extraAud: altering(({ aud }) => ({ aud: [...[aud ?? []].flat(), "another-client"] })),
  extraAudWrongAzp: altering(({ aud }) => ({
    aud: [...[aud ?? []].flat(), "another-client"],
    azp: "another-client",
  })),
  audString: altering(({ aud }) => ({ aud: [aud ?? []].flat()[0] })),
  expired: altering(({ iat = 0 }) => ({ iat: iat - 7200, exp: iat - 3600 })),
  noExp: altering(() => ({ exp: undefined })),
  futureIat: altering(({ iat = 0 }) => ({ iat: iat + 86_400, exp: iat + 90_000 })),
  noIat: altering(() => ({ iat: undefined })),
  noSub: altering(() => ({ sub: undefined })),
  emptySub: altering(() => ({ sub: "" })),
  numericSub: altering(() => ({ sub: 4711 })),
  wrongAtHash: altering(() => ({ at_hash: base64url(new Uint8Array(16)) })),
  wrongMsn: altering(() => ({ msn: "999999" })),
  otherAcr: altering(() => ({ acr: "urn:vipps:acr:remembered" })),
  noAcr: altering(() => ({ acr: undefined })),

  algNone: async ({ claims }) => new UnsecuredJWT(claims).encode(),
  noAlg: withHeader(({ alg: _alg, ...header }) => header),
  hs256ClientSecret: async ({ claims, keys, unit }) =>
    hmac(claims, await keys.current(), new TextEncoder().encode(unit.clientSecret)),
  hs256PublicKey: async ({ claims, keys }) => {
    const key = await keys.current();
    return hmac(claims, key, await publicKeyBytes(key));
  },
  es256: async ({ claims, keys }) => signWith(claims, await keys.ellipticCurve()),
  badSignature: async ({ claims, sign }) => {
    const [header = "", payload = "", signature = ""] = (await sign(claims)).split(".");
    const flipped = (signature.startsWith("A") ? "B" : "A") + signature.slice(1);
    return [header, payload, flipped].join(".");
  },
  alteredPayload: async ({ claims, sign }) => {
    const [header = "", , signature = ""] = (await sign(claims)).split(".");
    const payload = encodeJson({ ...claims, sub: "00000000-0000-4000-8000-000000000000" });
    return [header, payload, signature].join(".");
  },
  wrongKey: async ({ claims, keys }) =>
    signWith(claims, { ...(await keys.unpublished()), kid: (await keys.current()).kid }),
  unknownKid: async ({ claims, keys }) => signWith(claims, await keys.unpublished()),
  noKid: async ({ claims, keys }) =>
    new SignJWT(claims)
      .setProtectedHeader({ alg: "RS256", typ: "JWT" })
      .sign((await keys.current()).privateKey),
};

/** A properly signed token with other claims; an `undefined` claim is left out. */
function altering(changes: (claims: JWTPayload) => Record<string, unknown>): Forge {
  return ({ claims, sign }) => sign({ ...claims, ...changes(claims) } as JWTPayload);
}

/** A proper signature under a header that was changed afterwards and signed anew by the same key. */
function withHeader(change: (header: Record<string, unknown>) => Record<string, unknown>): Forge {
  return async ({ claims, keys }) => {
    const { kid, privateKey } = await keys.current();
    const input = `${encodeJson(change({ alg: "RS256", kid, typ: "JWT" }))}.${encodeJson(claims)}`;
    const bytes = new TextEncoder().encode(input);
    const signature = await crypto.subtle.sign("RSASSA-PKCS1-v1_5", privateKey, bytes);
    return `${input}.${base64url(new Uint8Array(signature))}`;
  };
}

function signWith(claims: JWTPayload, { alg, kid, privateKey }: SigningKey): Promise<string> {
  return new SignJWT(claims).setProtectedHeader({ alg, kid, typ: "JWT" }).sign(privateKey);
}

/** HMAC with Web Crypto itself: jose refuses the short or foreign keys an attacker would use. */
async function hmac(claims: JWTPayload, { kid }: SigningKey, secret: Uint8Array): Promise<string> {
  const input = `${encodeJson({ alg: "HS256", kid, typ: "JWT" })}.${encodeJson(claims)}`;
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", new Uint8Array(secret), algorithm, false, ["sign"]);
  const signature = await crypto.subtle.sign("HMAC", key, new TextEncoder().encode(input));
  return `${input}.${base64url(new Uint8Array(signature))}`;
}

function encodeJson(value: unknown): string {
  return base64url(new TextEncoder().encode(JSON.stringify(value)));
}
