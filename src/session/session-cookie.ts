import type { CookieOptions } from "hono/utils/cookie";
import { serialize } from "hono/utils/cookie";
import { cookieValues } from "../http/cookie.ts";
import type { SessionSettings } from "../settings.ts";

const NAME = "vipps-session";

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
  return serialize(sessionCookieName(settings), "", { ...attributes(settings), maxAge: 0 });
}

/** More candidates than this are an attack on our time, not a browser. */
const CANDIDATE_LIMIT = 4;

/**
 * The tokens a request may be speaking with: the Bearer token of a native app, else the session cookie. More
 * than one only when somebody smuggled in a second cookie of the same name.
 */
export function sessionTokens(settings: SessionSettings, headers: Headers): readonly string[] {
  const bearer = headers.get("authorization")?.match(/^Bearer +([\w.-]+)$/i)?.[1];
  if (bearer !== undefined) return [bearer];
  const values = new Set(cookieValues(headers.get("cookie"), sessionCookieName(settings)));
  return [...values].slice(0, CANDIDATE_LIMIT);
}
