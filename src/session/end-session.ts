import { Failure, fromStorage } from "../failure.ts";
import { logEvent } from "../log.ts";
import type { Settings } from "../settings.ts";
import { noteEnded } from "./ended-sessions.ts";
import { sessionTokens } from "./session-cookie.ts";
import { type SessionClaims, verifySessionToken } from "./session-token.ts";

/** Every authentic session a request carries, however old its token: ending needs no freshness. */
async function carriedSessions(settings: Settings, headers: Headers): Promise<SessionClaims[]> {
  const tokens = sessionTokens(settings.session, headers);
  const sessions = await Promise.all(tokens.map((token) => verifySessionToken(settings.session, token)));
  return sessions.filter((session) => session !== undefined);
}

/**
 * Ends the sessions of a request in the store.
 * @throws {Failure} `storage_unavailable`; then they may still live elsewhere.
 */
export async function endCarriedSessions(settings: Settings, headers: Headers): Promise<void> {
  const sessions = await carriedSessions(settings, headers);
  for (const { sid } of sessions) noteEnded(sid, settings.session.fresh);
  await Promise.all(
    sessions.map(({ sub, sid }) =>
      fromStorage("session", settings.storage.userSessions.getByName(sub).end(sid)),
    ),
  );
}

/** Ends the session that a new login has just replaced in this browser. Never throws: the new one is made. */
export async function endReplacedSession(settings: Settings, headers: Headers): Promise<void> {
  try {
    await endCarriedSessions(settings, headers);
  } catch (error) {
    logEvent("warn", "replaced_session_not_ended", {
      code: error instanceof Failure ? error.code : "internal_error",
    });
  }
}
