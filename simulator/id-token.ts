import { type JWTPayload, SignJWT } from "jose";
import { subjectOf, userClaims } from "./claims.ts";
import { FORGERIES } from "./id-token-faults.ts";
import type { Grant, Provider } from "./provider.ts";
import { base64url, randomUuid } from "./random.ts";

/** Seconds an ID token is valid. */
const ID_TOKEN_LIFETIME = 60 * 60;

/** Signs the ID token of a grant (OpenID Connect Core section 2), with the fault the behaviour asks for. */
export async function signIdToken(provider: Provider, grant: Grant, accessToken: string): Promise<string> {
  const claims = await idTokenClaims(provider, grant, accessToken);
  const forge = FORGERIES[provider.behaviour.current.idTokenFault];
  const key = await provider.keys.current();
  const sign = (payload: JWTPayload) =>
    new SignJWT(payload).setProtectedHeader({ alg: "RS256", kid: key.kid, typ: "JWT" }).sign(key.privateKey);
  return forge({ claims, sign, keys: provider.keys, unit: grant.request.unit });
}

async function idTokenClaims(provider: Provider, grant: Grant, accessToken: string): Promise<JWTPayload> {
  const { request, authentication, requestedAt } = grant;
  const now = seconds(provider.now());
  return {
    iss: provider.issuer,
    aud: [request.unit.clientId],
    sub: await subjectOf(request.unit, authentication.user),
    iat: now,
    exp: now + ID_TOKEN_LIFETIME,
    auth_time: seconds(authentication.at),
    rat: seconds(requestedAt),
    at_hash: await accessTokenHash(accessToken),
    jti: randomUuid(provider.random),
    nonce: request.nonce,
    sid: authentication.sid,
    msn: request.unit.msn,
    ...(request.acr !== undefined && { acr: request.acr }),
    ...userData(provider, grant),
  };
}

function userData(provider: Provider, grant: Grant): JWTPayload {
  const { current } = provider.behaviour;
  const claims = userClaims(grant, current);
  if (current.idTokenClaims === "full") return claims;
  return Object.fromEntries(Object.entries(claims).filter(([name]) => name.startsWith("email")));
}

/** The left half of the SHA-256 of the access token (OpenID Connect Core section 3.1.3.6). */
async function accessTokenHash(accessToken: string): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(accessToken));
  return base64url(new Uint8Array(hash, 0, 16));
}

function seconds(milliseconds: number): number {
  return Math.floor(milliseconds / 1000);
}
