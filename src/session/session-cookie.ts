import type { CookieOptions } from "hono/utils/cookie";
import { serialize } from "hono/utils/cookie";
import type { SessionSettings } from "../settings.ts";

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

function attributes({ cookieDomain }: SessionSettings): CookieOptions {
  return {
    path: "/",
    secure: true,
    httpOnly: true,
    sameSite: "Lax",
    ...(cookieDomain === undefined ? {} : { domain: cookieDomain }),
  };
}

/** @param maxAge seconds the browser keeps the cookie: the idle lifetime, or what is left of the session. */
export function sessionCookie(settings: SessionSettings, token: string, maxAge: number): string {
  return serialize(sessionCookieName(settings), token, { ...attributes(settings), maxAge });
}

/** The same attributes as when it was set, or the browser would keep it. */
export function expiredSessionCookie(settings: SessionSettings): string {
  return sessionCookie(settings, "", 0);
}

/** How long a token may be so that every browser keeps the cookie around it, in characters. */
export function tokenSizeLimit(settings: SessionSettings): number {
  return SIZE_LIMIT - sessionCookie(settings, "", LONGEST_AGE).length;
}
