import type { SessionSettings } from "../settings.ts";

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
 * `session-lifetime.ts`.
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
export function absoluteEnd({ ttl }: SessionSettings, sid: string): number {
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
