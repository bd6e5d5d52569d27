import type { JWTPayload } from "jose";
import { utf8 } from "../crypto-text.ts";
import { Failure } from "../failure.ts";
import { cookieValues, ownCookie } from "../http/cookie.ts";
import { isolateMap, putBounded } from "../isolate-state.ts";
import type { SessionSettings, Settings, SigningKey, VerifyingKey } from "../settings.ts";
import { lastSignature, neededUntil } from "./key-retirement.ts";

/**
 * A session as its token says it: what that is worth and for how long, how it is signed and verified, and how a
 * browser or an app carries it.
 */

/** Who is logged in, as the token says it. Times in seconds since the epoch. */
export interface SessionClaims {
  /** The account id. */
  readonly sub: string;
  readonly sid: string;
  readonly authTime: number;
  readonly profile: Readonly<Record<string, unknown>>;
  /** The sessions that this one takes the place of in its client: they end when the client first uses it. */
  readonly replaces?: readonly ReplacedSession[] | undefined;
}

/** A session by its account and id. */
export interface ReplacedSession {
  readonly sub: string;
  readonly sid: string;
}

/**
 * A session whose token carries our signature. That alone says nothing of whether the session still lives: see
 * {@link standing}.
 */
export interface AuthenticSession extends SessionClaims {
  readonly issuedAt: number;
  /** Until when an origin believes the token. */
  readonly expiresAt: number;
}

/** A new token for a session that lives. */
export interface SignedSession {
  readonly session: AuthenticSession;
  readonly token: string;
}

/**
 * A new session id: a UUID of version 7 (RFC 9562 section 5.7), random but for the time it begins with.
 * The id is no secret; the token around it is signed.
 */
export function newSessionId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const view = new DataView(bytes.buffer);
  const milliseconds = Date.now();
  view.setUint16(0, Math.floor(milliseconds / 2 ** 32));
  view.setUint32(2, milliseconds % 2 ** 32);
  view.setUint8(6, (view.getUint8(6) & 0x0f) | 0x70);
  view.setUint8(8, (view.getUint8(8) & 0x3f) | 0x80);
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/** When the session with this id began, in seconds since the epoch; NaN if it is no id of ours. */
export function sessionStart(sid: string): number {
  return Math.floor(sessionBegin(sid) / 1000);
}

/** The same in milliseconds. */
export function sessionBegin(sid: string): number {
  return Number.parseInt(sid.slice(0, 8) + sid.slice(9, 13), 16);
}

/** Seconds since the epoch. */
export const now = (): number => Math.floor(Date.now() / 1000);

/**
 * The end that no renewal can move, in seconds since the epoch. Infinity for an id that does not say when its
 * session began, as every id made here does; the session store then knows.
 */
function absoluteEnd({ ttl }: SessionSettings, sid: string): number {
  const end = sessionStart(sid) + ttl;
  return Number.isNaN(end) ? Number.POSITIVE_INFINITY : end;
}

/** When the session ends if it is not used again, in seconds since the epoch. */
export function sessionExpiry(settings: SessionSettings, { sid, issuedAt }: AuthenticSession): number {
  return Math.min(issuedAt + settings.idle, absoluteEnd(settings, sid));
}

/** Whether a token that is still fresh has passed half of its time. @param at seconds since the epoch. */
export function isAgeing(settings: SessionSettings, { issuedAt }: AuthenticSession, at: number): boolean {
  return at - issuedAt > trustedFor(settings) / 2;
}

const trustedFor = ({ fresh, idle }: SessionSettings): number => Math.min(fresh, idle / 2);

/** How far the clocks of two machines may differ, in seconds: a token signed later than that from now is not believed. */
const CLOCK_DIFFERENCE = 60;

/**
 * What an authentic token is worth at a moment: `fresh` is believed, `stale` is a handle with which to ask the
 * session store, `over` is worth nothing and needs no asking.
 *
 * The settings of now decide, not those the token was signed under, so that a shorter lifetime bites within
 * SESSION_FRESH. The store learns of use only when a token is renewed, so a token is renewed at half the idle
 * lifetime at the latest: somebody who is active does not fall idle while SESSION_FRESH is nearly as long.
 * @param at seconds since the epoch.
 */
export function standing(
  settings: SessionSettings,
  session: AuthenticSession,
  at: number,
): "fresh" | "stale" | "over" {
  const isFromFuture = session.issuedAt > at + CLOCK_DIFFERENCE;
  if (!isFromFuture && at < Math.min(session.expiresAt, session.issuedAt + trustedFor(settings)))
    return "fresh";
  return at < sessionExpiry(settings, session) ? "stale" : "over";
}

/**
 * Sessions known here to have ended, by id, until the second at which their last token is stale anyway. A site whose
 * settings change begins anew: then its tokens are as dead here as elsewhere, within SESSION_FRESH.
 */
const ended = new WeakMap<SessionSettings, Map<string, number>>();

/** Enough for every session that an isolate sees end within SESSION_FRESH; beyond it the oldest go first. */
const ENDED_LIMIT = 10_000;

/**
 * Notes that a session has ended, so that its still fresh token is dead at once in this place; everywhere else
 * it is within SESSION_FRESH, when the store is asked.
 */
export function noteEnded(settings: SessionSettings, sid: string): void {
  const sessions = ended.get(settings) ?? new Map<string, number>();
  putBounded(sessions, sid, now() + settings.fresh, ENDED_LIMIT);
  ended.set(settings, sessions);
}

/** Whether this session is known here to have ended. */
export function hasEnded(settings: SessionSettings, sid: string): boolean {
  const sessions = ended.get(settings);
  const until = sessions?.get(sid);
  if (until === undefined) return false;
  if (now() <= until) return true;
  sessions?.delete(sid);
  return false;
}

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
  const { default: jose } = await import("../jose.ts");
  const token = await new jose.SignJWT(payloadOf(settings, session))
    .setProtectedHeader(headerOf(signing.kid))
    .sign(signing.key);
  return { session, token };
}

/** How long the token of such a session is, in characters, which are bytes. */
function tokenLength(settings: SessionSettings, session: AuthenticSession): number {
  const parts = [headerOf(settings.keys.signing.kid), payloadOf(settings, session)];
  const encoded = parts.map((part) => utf8(JSON.stringify(part)).byteLength);
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
async function verifySessionToken(
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
  const [{ default: jose }, { verifying }] = await Promise.all([
    import("../jose.ts"),
    importedKeys(settings),
  ]);
  const { issuer, audience } = settings;
  let lastIssued = Number.POSITIVE_INFINITY;
  try {
    const { payload } = await jose.jwtVerify(
      token,
      ({ kid }) => {
        const known = verifying.get(kid ?? "");
        if (known === undefined || !isNeeded(settings, known.retiredAt)) throw new jose.JWKSNoMatchingKey();
        if (known.retiredAt !== undefined) lastIssued = lastSignature(known.retiredAt);
        return known.key;
      },
      {
        algorithms: [SESSION_ALGORITHM],
        typ: TOKEN_TYPE,
        issuer,
        audience,
        requiredClaims: ["sub", "sid", "iat", "exp", "auth_time"],
        // The age of a token is judged at every request, a remembered one's too: see {@link standing}.
        currentDate: new Date(0),
      },
    );
    if (payload.gen !== settings.generation) return undefined;
    const session = sessionOf(payload);
    return session !== undefined && session.issuedAt <= lastIssued ? session : undefined;
  } catch (error) {
    if (error instanceof jose.JOSEError || error instanceof TypeError) return undefined;
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
const VERIFIED_LIMIT = 4_000;

/** What this very token said when it was verified under these very settings, if that was not long ago. */
function verifiedToken(settings: SessionSettings, token: string): AuthenticSession | undefined {
  const known = verified.get(token);
  return known?.settings === settings ? known.session : undefined;
}

/** Remembers what a token says. Call it only with what was verified under these settings. */
function rememberVerified(settings: SessionSettings, token: string, session: AuthenticSession): void {
  putBounded(verified, token, { settings, session }, VERIFIED_LIMIT);
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

const COOKIE_NAME = "vipps-session";

/**
 * Browsers drop a larger cookie without a word, and the visitor would go round in circles (rfc6265bis section
 * 5.6 allows them to; Chromium does). Counted over the whole Set-Cookie value, in bytes.
 */
const COOKIE_LIMIT = 4095;

/** The longest that browsers keep a cookie, 400 days, in seconds (rfc6265bis section 5.5). */
const LONGEST_AGE = 34_560_000;

/** `__Host-` wherever the cookie belongs to one host, `__Secure-` where it is shared with subdomains. */
export function sessionCookieName({ cookieDomain }: SessionSettings): string {
  return cookieDomain === undefined ? `__Host-${COOKIE_NAME}` : `__Secure-${COOKIE_NAME}`;
}

/** @param maxAge seconds the browser keeps the cookie: the idle lifetime, or what is left of the session. */
export function sessionCookie(settings: SessionSettings, token: string, maxAge: number): string {
  return ownCookie(sessionCookieName(settings), token, maxAge, settings.cookieDomain);
}

/** The same attributes as when it was set, or the browser would keep it. */
export function expiredSessionCookie(settings: SessionSettings): string {
  return sessionCookie(settings, "", 0);
}

/** How long a token may be so that every browser keeps the cookie around it, in characters. */
function tokenSizeLimit(settings: SessionSettings): number {
  return COOKIE_LIMIT - sessionCookie(settings, "", LONGEST_AGE).length;
}

/**
 * Signs a token for a session that lives, with as much of the profile as SESSION_CLAIMS wants now and the cookie
 * has room for.
 */
export async function signedSession(settings: Settings, claims: SessionClaims): Promise<SignedSession> {
  const { profile } = fittedProfile(settings.session, claims);
  return signSessionToken(settings.session, { ...claims, profile });
}

/** The `Set-Cookie` value that puts a token into the browser for as long as its session can live unused. */
export function cookieFor({ session: settings }: Settings, { session, token }: SignedSession): string {
  return sessionCookie(settings, token, Math.max(0, sessionExpiry(settings, session) - now()));
}

/** The profile a token can carry, and the names of the wanted claims for which there was no room. */
export interface FittedProfile {
  readonly profile: Readonly<Record<string, unknown>>;
  readonly leftOut: readonly string[];
}

/**
 * Picks what SESSION_CLAIMS names out of what is known of a person, in that order, as far as the cookie has
 * room. A claim that does not fit is left out whole: half a name is worse than none.
 * @param claims a session with a profile of any size.
 */
export function fittedProfile(settings: SessionSettings, claims: SessionClaims): FittedProfile {
  const limit = tokenSizeLimit(settings);
  const issuedAt = now();
  const profileOf = (names: readonly string[]) =>
    Object.fromEntries(names.map((name) => [name, claims.profile[name]]));
  const hasRoom = (names: readonly string[]) => {
    const session = { ...claims, profile: profileOf(names), issuedAt, expiresAt: issuedAt };
    return tokenLength(settings, session) <= limit;
  };
  const wanted = settings.claims.filter((name) => claims.profile[name] !== undefined);
  if (hasRoom(wanted)) return { profile: profileOf(wanted), leftOut: [] };
  const [kept, leftOut]: [string[], string[]] = [[], []];
  for (const name of wanted) (hasRoom([...kept, name]) ? kept : leftOut).push(name);
  return { profile: profileOf(kept), leftOut };
}

/** The authentic tokens of a request, by where they were. */
export interface CarriedTokens {
  /** Of a native app. */
  readonly bearer: SignedSession | undefined;
  /** More than one only when somebody smuggled in a second cookie of the same name. */
  readonly cookies: readonly SignedSession[];
}

/** More well-formed tokens than this are an attack on our time, not a browser. */
const CANDIDATE_LIMIT = 8;

/** No token is longer, because no browser would keep the cookie around it. In characters. */
const TOKEN_LIMIT = 4_096;

const NO_TOKENS: CarriedTokens = { bearer: undefined, cookies: [] };

/**
 * Every authentic session token that a request carries, however old. A Bearer token that is none of ours belongs
 * to the site behind and counts for nothing here.
 */
export async function carriedTokens(settings: SessionSettings, headers: Headers): Promise<CarriedTokens> {
  const bearer = bearerToken(headers.get("authorization"));
  const cookies = cookieValues(headers.get("cookie"), sessionCookieName(settings));
  if (bearer === undefined && cookies.length === 0) return NO_TOKENS;
  const distinct = cookies.length > 1 ? [...new Set(cookies)] : cookies;
  const candidates = distinct.filter(looksLikeToken).slice(0, CANDIDATE_LIMIT);
  const [ofApp] = bearer === undefined ? [] : await authentic(settings, [bearer]);
  return { bearer: ofApp, cookies: await authentic(settings, candidates) };
}

/** What a Bearer header carries (RFC 6750 section 2.1), if it can be a token of ours at all. */
function bearerToken(authorization: string | null): string | undefined {
  if (authorization === null || authorization.length > TOKEN_LIMIT) return undefined;
  return /^Bearer +([\w.-]+)$/i.exec(authorization)?.[1];
}

/** Those of the tokens that are authentic. One after the other: nearly always there is one, and it is remembered. */
async function authentic(
  settings: SessionSettings,
  tokens: readonly string[],
): Promise<readonly SignedSession[]> {
  const found: SignedSession[] = [];
  for (const token of tokens) {
    const session = await verifySessionToken(settings, token);
    if (session !== undefined) found.push({ session, token });
  }
  return found;
}
