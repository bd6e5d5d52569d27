import { base64url, compactVerify, decodeProtectedHeader, errors } from "jose";
import type { IDToken } from "oauth4webapi";
import { Failure } from "../failure.ts";
import type { ProviderAccess } from "./metadata.ts";
import { APP_CONFIRMATION, type RelyingParty } from "./relying-party.ts";
import { signingKeyFor } from "./signing-keys.ts";

/** How far the provider's clock may be ahead of ours, in seconds. */
export const CLOCK_TOLERANCE = 10;

const refused = (reason: string) => new Failure("id_token_invalid", { stage: "id_token", reason });

/**
 * Verifies the ID token's signature with the provider's cached keys. Only RS256 is accepted, whatever the
 * token's header or the key set say (RFC 8725 section 3.1).
 * @throws {Failure} `id_token_invalid`, or `keys_unavailable` when there are no keys to verify with.
 */
export async function verifyIdTokenSignature(access: ProviderAccess, idToken: string): Promise<void> {
  let kid: string | undefined;
  try {
    const header = decodeProtectedHeader(idToken);
    if (header.alg !== "RS256") throw refused("not signed with RS256");
    kid = header.kid;
  } catch (error) {
    throw error instanceof Failure ? error : refused("no readable header");
  }
  if (kid !== undefined && (typeof kid !== "string" || kid.length > 200)) throw refused("kid is not a name");
  const key = await signingKeyFor(access, kid);
  try {
    await compactVerify(
      idToken,
      { kty: key.kty, n: key.n, e: key.e, alg: "RS256" },
      { algorithms: ["RS256"] },
    );
  } catch (error) {
    throw refused(
      error instanceof errors.JWSSignatureVerificationFailed ? "wrong signature" : "cannot be verified",
    );
  }
}

/**
 * What OpenID Connect Core section 3.1.3.7 asks of the claims. `oauth4webapi` has checked some of it already;
 * it is all said here, because a library's laxness must not be ours: it lets an empty `sub`, an `iat` in the
 * future and a wrong `at_hash` pass.
 * @param claims the claims of a token whose signature has been verified.
 * @param expected the nonce of this login, and the access token that came with the ID token.
 * @throws {Failure} `id_token_invalid` with the reason.
 */
export async function checkIdTokenClaims(
  relyingParty: RelyingParty,
  claims: IDToken,
  expected: { readonly nonce: string; readonly accessToken: string },
): Promise<void> {
  const now = Math.floor(Date.now() / 1000);
  if (claims.iss !== relyingParty.issuer) throw refused("iss differs");
  checkAudience(relyingParty, claims);
  if (typeof claims.exp !== "number" || claims.exp <= now - CLOCK_TOLERANCE)
    throw refused("exp is missing or past");
  if (typeof claims.iat !== "number" || claims.iat > now + CLOCK_TOLERANCE)
    throw refused("iat is missing or ahead");
  if (typeof claims.sub !== "string" || claims.sub === "" || claims.sub.length > 255)
    throw refused("sub is not usable");
  if (claims.nonce !== expected.nonce) throw refused("nonce differs");
  if (claims.at_hash !== undefined && claims.at_hash !== (await accessTokenHash(expected.accessToken))) {
    throw refused("at_hash differs");
  }
  if (relyingParty.requireApp && claims.acr !== APP_CONFIRMATION)
    throw refused("acr is not the one asked for");
}

function checkAudience({ clientId }: RelyingParty, { aud, azp }: IDToken): void {
  const audiences = Array.isArray(aud) ? aud : [aud];
  if (!audiences.includes(clientId)) throw refused("aud is somebody else");
  if (audiences.length > 1 && azp !== clientId) throw refused("several aud without our azp");
  if (azp !== undefined && azp !== clientId) throw refused("azp is somebody else");
}

/** OpenID Connect Core section 3.1.3.6: the left half of the hash, for RS256 of SHA-256. */
async function accessTokenHash(accessToken: string): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(accessToken));
  return base64url.encode(new Uint8Array(hash, 0, 16));
}
