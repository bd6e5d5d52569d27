import type { SessionSettings } from "../settings.ts";
import type { AuthenticSession } from "./session.ts";
import { sessionStart } from "./session-id.ts";

/** Seconds since the epoch. */
export const now = (): number => Math.floor(Date.now() / 1000);

/**
 * The end that no renewal can move, in seconds since the epoch. Infinity for an id that does not say when its
 * session began, as every id made here does; the session store then knows.
 */
export function absoluteEnd({ ttl }: SessionSettings, sid: string): number {
  const end = sessionStart(sid) + ttl;
  return Number.isNaN(end) ? Number.POSITIVE_INFINITY : end;
}

/** When the session ends if it is not used again, in seconds since the epoch. */
export function sessionExpiry(settings: SessionSettings, { sid, issuedAt }: AuthenticSession): number {
  return Math.min(issuedAt + settings.idle, absoluteEnd(settings, sid));
}

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
  const trusted = Math.min(settings.fresh, settings.idle / 2);
  if (at < Math.min(session.expiresAt, session.issuedAt + trusted)) return "fresh";
  return at < sessionExpiry(settings, session) ? "stale" : "over";
}
