import { type JWTPayload, jwtVerify, SignJWT } from "jose";
import { JOSEError, JWKSNoMatchingKey } from "jose/errors";
import { Failure } from "../failure.ts";
import { isolateMap, putBounded } from "../isolate-state.ts";
import type { SessionSettings, SigningKey, VerifyingKey } from "../settings.ts";
import { lastSignature, neededUntil } from "./key-retirement.ts";
import {
  type AuthenticSession,
  absoluteEnd,
  now,
  type ReplacedSession,
  type SessionClaims,
  type SignedSession,
} from "./session.ts";

/** Tells a session token from every other JWT signed with the same keys (RFC 8725 section 3.11). */
const TOKEN_TYPE = "session+jwt";

/**
 * Three base64url parts, the last a 64-byte ES256 signature in its one canonical spelling: the final character
 * carries four unused bits, and a decoder that ignores them would take sixteen spellings for the same token.
 */
const TOKEN_SHAPE = /^[\w-]+\.[\w-]+\.[\w-]{85}[AQgw]$/;

const REGISTERED = new Set([
  "iss",
  "aud",
  "sub",
  "sid",
  "iat",
  "exp",
  "nbf",
  "jti",
  "auth_time",
  "replaces",
  "gen",
]);

/** Whether a text looks like a session token at all; what does not is never worth verifying. */
export function looksLikeToken(text: string): boolean {
  return TOKEN_SHAPE.test(text);
}

/**
 * Signs a token that is trusted for `settings.fresh` seconds from now, or until the session's absolute end if
 * that comes first.
 */
export async function signSessionToken(
  settings: SessionSettings,
  { sub, sid, authTime, profile, replaces }: SessionClaims,
): Promise<SignedSession> {
  const { signing } = await importedKeys(settings);
  const issuedAt = now();
  const expiresAt = Math.min(issuedAt + settings.fresh, absoluteEnd(settings, sid));
  const session: AuthenticSession = { sub, sid, authTime, profile, replaces, issuedAt, expiresAt };
  const token = await new SignJWT(payloadOf(settings, session))
    .setProtectedHeader(headerOf(signing.kid))
    .sign(signing.key);
  return { session, token };
}

/** How long the token of such a session is, in characters, which are bytes. */
export function tokenLength(settings: SessionSettings, session: AuthenticSession): number {
  const parts = [headerOf(settings.keys.signing.kid), payloadOf(settings, session)];
  const encoded = parts.map((part) => new TextEncoder().encode(JSON.stringify(part)).byteLength);
  return encoded.reduce((sum, bytes) => sum + Math.ceil((bytes * 4) / 3) + 1, 0) + 86;
}

function headerOf(kid: string) {
  return { alg: SESSION_ALGORITHM, kid, typ: TOKEN_TYPE };
}

/** The registered claims come last, so that no profile claim could ever stand in for one of them. */
function payloadOf(settings: SessionSettings, session: AuthenticSession): JWTPayload {
  const { sub, sid, authTime, profile, replaces = [], issuedAt, expiresAt } = session;
  const { issuer, audience, generation } = settings;
  const registered = { iss: issuer, aud: audience, sub, sid, iat: issuedAt, exp: expiresAt };
  const replaced = replaces.map((one) => (one.sub === sub ? one.sid : `${one.sid} ${one.sub}`));
  return {
    ...profile,
    ...registered,
    auth_time: authTime,
    ...(replaced.length > 0 && { replaces: replaced }),
    ...(generation !== undefined && { gen: generation }),
  };
}

/**
 * Verifies a token's signature, `typ`, `iss`, `aud` and `gen`, and that its key could have signed it at its `iat`.
 * @returns what the token says, however old it is, or `undefined` for anything that is not an authentic session
 *   token.
 */
export async function verifySessionToken(
  settings: SessionSettings,
  token: string,
): Promise<AuthenticSession | undefined> {
  const known = verifiedToken(settings, token);
  if (known !== undefined) return known;
  if (!looksLikeToken(token)) return undefined;
  const session = await verify(settings, token);
  if (session !== undefined) rememberVerified(settings, token, session);
  return session;
}

async function verify(settings: SessionSettings, token: string): Promise<AuthenticSession | undefined> {
  const { verifying } = await importedKeys(settings);
  const { issuer, audience } = settings;
  let lastIssued = Number.POSITIVE_INFINITY;
  try {
    const { payload } = await jwtVerify(
      token,
      ({ kid }) => {
        const known = verifying.get(kid ?? "");
        if (known === undefined || !isNeeded(settings, known.retiredAt)) throw new JWKSNoMatchingKey();
        if (known.retiredAt !== undefined) lastIssued = lastSignature(known.retiredAt);
        return known.key;
      },
      {
        algorithms: [SESSION_ALGORITHM],
        typ: TOKEN_TYPE,
        issuer,
        audience,
        requiredClaims: ["sub", "sid", "iat", "exp", "auth_time"],
        // The age of a token is judged at every request, a remembered one's too: see session-lifetime.ts.
        currentDate: new Date(0),
      },
    );
    if (payload.gen !== settings.generation) return undefined;
    const session = sessionOf(payload);
    return session !== undefined && session.issuedAt <= lastIssued ? session : undefined;
  } catch (error) {
    if (error instanceof JOSEError || error instanceof TypeError) return undefined;
    throw error;
  }
}

function sessionOf(payload: JWTPayload): AuthenticSession | undefined {
  const { sub, sid, iat, exp, auth_time: authTime } = payload;
  if (
    typeof sub !== "string" ||
    typeof sid !== "string" ||
    typeof iat !== "number" ||
    typeof exp !== "number" ||
    typeof authTime !== "number"
  ) {
    return undefined;
  }
  const profile = Object.fromEntries(Object.entries(payload).filter(([name]) => !REGISTERED.has(name)));
  const replaces = replacedSessions(payload.replaces, sub);
  return { sub, sid, authTime, issuedAt: iat, expiresAt: exp, profile, ...(replaces && { replaces }) };
}

/** What the claim names: an id of the same account, or an id and its account. */
function replacedSessions(claim: unknown, sub: string): readonly ReplacedSession[] | undefined {
  if (!Array.isArray(claim)) return undefined;
  return claim.flatMap((one) => {
    const [sid = "", of = sub] = typeof one === "string" ? one.split(" ") : [];
    return sid === "" ? [] : [{ sid, sub: of }];
  });
}

/**
 * Tokens whose signature, `typ`, `iss` and `aud` were found right, by the exact text of the token, each with the
 * settings it was checked under: keys, issuer and audience are part of these, and a site never sees what another
 * site's settings made of a token. Verifying once saves an elliptic-curve operation on every later request.
 *
 * Only that a token is authentic is remembered. Whether it is still fresh, and whether its session has ended,
 * is asked anew at every request. What did not verify is not remembered: anybody can make such tokens.
 */
const verified = isolateMap<string, VerifiedToken>();

interface VerifiedToken {
  readonly settings: SessionSettings;
  readonly session: AuthenticSession;
}

/** Tokens of all sites together. A token is 400 to 4,000 characters, so this is a few megabytes. */
const LIMIT = 4_000;

/** What this very token said when it was verified under these very settings, if that was not long ago. */
export function verifiedToken(settings: SessionSettings, token: string): AuthenticSession | undefined {
  const known = verified.get(token);
  return known?.settings === settings ? known.session : undefined;
}

/** Remembers what a token says. Call it only with what was verified under these settings. */
export function rememberVerified(settings: SessionSettings, token: string, session: AuthenticSession): void {
  putBounded(verified, token, { settings, session }, LIMIT);
}

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
