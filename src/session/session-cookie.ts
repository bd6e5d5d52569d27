import { cookieValues, ownCookie } from "../http/cookie.ts";
import type { SessionSettings } from "../settings.ts";
import type { SignedSession } from "./session.ts";
import { looksLikeToken, verifySessionToken } from "./session-token.ts";

const NAME = "vipps-session";

/**
 * Browsers drop a larger cookie without a word, and the visitor would go round in circles (rfc6265bis section
 * 5.6 allows them to; Chromium does). Counted over the whole Set-Cookie value, in bytes.
 */
const SIZE_LIMIT = 4095;

/** The longest that browsers keep a cookie, 400 days, in seconds (rfc6265bis section 5.5). */
const LONGEST_AGE = 34_560_000;

/** `__Host-` wherever the cookie belongs to one host, `__Secure-` where it is shared with subdomains. */
export function sessionCookieName({ cookieDomain }: SessionSettings): string {
  return cookieDomain === undefined ? `__Host-${NAME}` : `__Secure-${NAME}`;
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
export function tokenSizeLimit(settings: SessionSettings): number {
  return SIZE_LIMIT - sessionCookie(settings, "", LONGEST_AGE).length;
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
const LENGTH_LIMIT = 4_096;

const NONE: CarriedTokens = { bearer: undefined, cookies: [] };

/**
 * Every authentic session token that a request carries, however old. A Bearer token that is none of ours belongs
 * to the site behind and counts for nothing here.
 */
export async function carriedTokens(settings: SessionSettings, headers: Headers): Promise<CarriedTokens> {
  const bearer = bearerToken(headers.get("authorization"));
  const cookies = cookieValues(headers.get("cookie"), sessionCookieName(settings));
  if (bearer === undefined && cookies.length === 0) return NONE;
  const distinct = cookies.length > 1 ? [...new Set(cookies)] : cookies;
  const candidates = distinct.filter(looksLikeToken).slice(0, CANDIDATE_LIMIT);
  const [ofApp] = bearer === undefined ? [] : await authentic(settings, [bearer]);
  return { bearer: ofApp, cookies: await authentic(settings, candidates) };
}

/** What a Bearer header carries (RFC 6750 section 2.1), if it can be a token of ours at all. */
function bearerToken(authorization: string | null): string | undefined {
  if (authorization === null || authorization.length > LENGTH_LIMIT) return undefined;
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
