import { errors, type JWTPayload, jwtVerify, SignJWT } from "jose";
import type { SessionSettings } from "../settings.ts";
import { importedKeys, SESSION_ALGORITHM } from "./session-keys.ts";

/** Tells a session token from every other JWT signed with the same keys (RFC 8725 section 3.11). */
const TOKEN_TYPE = "session+jwt";

/** Who is logged in, as the token says it. Times in seconds since the epoch. */
export interface SessionClaims {
  /** The account id. */
  readonly sub: string;
  readonly sid: string;
  readonly authTime: number;
  readonly profile: Readonly<Record<string, unknown>>;
}

/** A session whose token is authentic and young enough to be believed without asking the store. */
export interface FreshSession extends SessionClaims {
  readonly kind: "fresh";
  readonly issuedAt: number;
}

/** A session whose token is authentic but too old: only a handle with which to ask the session store. */
export interface StaleSession extends SessionClaims {
  readonly kind: "stale";
  readonly issuedAt: number;
}

/**
 * Three base64url parts, the last a 64-byte ES256 signature in its one canonical spelling: the final character
 * carries four unused bits, and a decoder that ignores them would take sixteen spellings for the same token.
 */
const TOKEN_SHAPE = /^[\w-]+\.[\w-]+\.[\w-]{85}[AQgw]$/;

const REGISTERED = new Set(["iss", "aud", "sub", "sid", "iat", "exp", "nbf", "jti", "auth_time"]);

/** Signs a token that is trusted for `settings.fresh` seconds from now. */
export async function signSessionToken(settings: SessionSettings, claims: SessionClaims): Promise<string> {
  const { signing } = await importedKeys(settings);
  const issuedAt = Math.floor(Date.now() / 1000);
  return new SignJWT({ ...claims.profile, sid: claims.sid, auth_time: claims.authTime })
    .setProtectedHeader({ alg: SESSION_ALGORITHM, kid: signing.kid, typ: TOKEN_TYPE })
    .setIssuer(settings.issuer)
    .setAudience(settings.audience)
    .setSubject(claims.sub)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + settings.fresh)
    .sign(signing.key);
}

/**
 * Verifies a token's signature, `typ`, `iss` and `aud`.
 * @returns a fresh or a stale session, or `undefined` for anything that is not an authentic session token.
 */
export async function verifySessionToken(
  settings: SessionSettings,
  token: string,
): Promise<FreshSession | StaleSession | undefined> {
  if (!TOKEN_SHAPE.test(token)) return undefined;
  const { verifying } = await importedKeys(settings);
  try {
    const { payload } = await jwtVerify(
      token,
      ({ kid }) => {
        const key = verifying.get(kid ?? "");
        if (key === undefined) throw new errors.JWKSNoMatchingKey();
        return key;
      },
      {
        algorithms: [SESSION_ALGORITHM],
        typ: TOKEN_TYPE,
        issuer: settings.issuer,
        audience: settings.audience,
        requiredClaims: ["sub", "sid", "iat", "exp", "auth_time"],
      },
    );
    return sessionOf("fresh", payload);
  } catch (error) {
    // jose looks at the times last, so only an otherwise valid token gets here as expired.
    if (error instanceof errors.JWTExpired && error.claim === "exp") return sessionOf("stale", error.payload);
    if (error instanceof errors.JOSEError || error instanceof TypeError) return undefined;
    throw error;
  }
}

function sessionOf<Kind extends "fresh" | "stale">(
  kind: Kind,
  payload: JWTPayload,
): (SessionClaims & { readonly kind: Kind; readonly issuedAt: number }) | undefined {
  const { sub, sid, iat, auth_time: authTime } = payload;
  if (
    typeof sub !== "string" ||
    typeof sid !== "string" ||
    typeof iat !== "number" ||
    typeof authTime !== "number"
  ) {
    return undefined;
  }
  const profile = Object.fromEntries(Object.entries(payload).filter(([name]) => !REGISTERED.has(name)));
  return { kind, sub, sid, authTime, issuedAt: iat, profile };
}
