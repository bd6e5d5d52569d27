import { fromStorage } from "../failure.ts";
import type { Settings } from "../settings.ts";
import { hasEnded } from "./ended-sessions.ts";
import { expiredSessionCookie, sessionCookie, sessionTokens } from "./session-cookie.ts";
import { sessionStart } from "./session-id.ts";
import {
  type FreshSession,
  type SessionClaims,
  signSessionToken,
  verifySessionToken,
} from "./session-token.ts";

/** The session of a request, and the cookie to answer with where the session was renewed or has ended. */
export interface CurrentSession {
  readonly session: FreshSession | undefined;
  /** A `Set-Cookie` value, only when the browser's cookie must change. */
  readonly setCookie: string | undefined;
}

const NOBODY: CurrentSession = { session: undefined, setCookie: undefined };

/**
 * Who is asking. A fresh token is believed without any I/O; a stale one costs one call to the session store,
 * which renews or ends the session.
 * @throws {Failure} `storage_unavailable` when a stale token meets a store that does not answer.
 */
export async function currentSession(settings: Settings, headers: Headers): Promise<CurrentSession> {
  const tokens = sessionTokens(settings.session, headers);
  if (tokens.length === 0) return NOBODY;
  const candidates = await Promise.all(tokens.map((token) => verifySessionToken(settings.session, token)));
  const authentic = candidates.filter((candidate) => candidate !== undefined);
  const [first] = authentic;
  // Two different authentic sessions in one request: there is no telling which one is the visitor's own.
  if (first === undefined || authentic.some((other) => other.sid !== first.sid)) return NOBODY;
  const newest = authentic.reduce((newer, other) => (other.issuedAt > newer.issuedAt ? other : newer));
  if (hasEnded(newest.sid)) return { session: undefined, setCookie: expiredSessionCookie(settings.session) };
  if (newest.kind === "fresh") return { session: newest, setCookie: undefined };

  const store = settings.storage.userSessions.getByName(newest.sub);
  const stored = await fromStorage("session", store.renew(newest.sid));
  if (stored === undefined) return { session: undefined, setCookie: expiredSessionCookie(settings.session) };
  return renewed(settings, newest);
}

/** A new token for a session that lives, with the cookie that carries it. */
export async function renewed(
  settings: Settings,
  claims: SessionClaims,
): Promise<{ readonly session: FreshSession; readonly setCookie: string; readonly token: string }> {
  const { sub, sid, authTime, profile } = claims;
  const token = await signSessionToken(settings.session, { sub, sid, authTime, profile });
  const issuedAt = Math.floor(Date.now() / 1000);
  const session: FreshSession = { kind: "fresh", sub, sid, authTime, profile, issuedAt };
  const maxAge = Math.max(0, sessionExpiry(settings, session) - issuedAt);
  return { session, token, setCookie: sessionCookie(settings.session, token, maxAge) };
}

/** When the session ends if it is not used again, in seconds since the epoch. */
export function sessionExpiry({ session: { idle, ttl } }: Settings, session: FreshSession): number {
  return Math.min(session.issuedAt + idle, sessionStart(session.sid) + ttl);
}
