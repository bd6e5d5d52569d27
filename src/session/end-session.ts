import { Failure } from "../failure.ts";
import { logEvent } from "../log.ts";
import type { Settings } from "../settings.ts";
import { carriedTokens } from "./carried-tokens.ts";
import type { AuthenticSession } from "./session.ts";
import { endSession } from "./session-store.ts";

/**
 * Ends every authentic session that a request carries, however old its token: ending needs no freshness. They
 * are dead in this place at once, even if the store does not answer.
 * @throws {Failure} `storage_unavailable`; then they may still live elsewhere.
 */
export async function endCarriedSessions(settings: Settings, headers: Headers): Promise<void> {
  const { bearer, cookies } = await carriedTokens(settings.session, headers);
  const carried = [...(bearer === undefined ? [] : [bearer]), ...cookies].map(({ session }) => session);
  const sessions = new Map<string, AuthenticSession>(carried.map((session) => [session.sid, session]));
  await Promise.all(Array.from(sessions.values(), ({ sub, sid }) => endSession(settings, sub, sid)));
}

/** Ends the session that a new login has just replaced in this browser. Never throws: the new one is made. */
export async function endReplacedSession(settings: Settings, headers: Headers): Promise<void> {
  try {
    await endCarriedSessions(settings, headers);
  } catch (error) {
    logEvent("warn", "replaced_session_not_ended", { code: codeOf(error) });
    await endAgain(settings, headers);
  }
}

/**
 * Pauses before the store is told once more, in milliseconds. With five seconds of patience for each try they
 * stay within the thirty seconds that the platform gives to work after an answer.
 */
const PAUSES = [1_000, 4_000, 8_000];

/** Tells a store that did not answer again, a few times, while the request's context lives. Never throws. */
export async function endAgain(settings: Settings, headers: Headers): Promise<void> {
  for (const pause of PAUSES) {
    await new Promise((wake) => setTimeout(wake, pause));
    try {
      await endCarriedSessions(settings, headers);
      logEvent("info", "session_end_recorded_late");
      return;
    } catch {
      // The next pause is longer; after the last one the log already says that it was not recorded.
    }
  }
}

export function codeOf(error: unknown): string {
  return error instanceof Failure ? error.code : "internal_error";
}
