import { putBounded } from "../bounded-map.ts";
import type { SessionSettings } from "../settings.ts";
import { now } from "./session-lifetime.ts";

/**
 * Sessions known here to have ended, by id, until the second at which their last token is stale anyway. A site whose
 * settings change begins anew: then its tokens are as dead here as elsewhere, within SESSION_FRESH.
 */
const ended = new WeakMap<SessionSettings, Map<string, number>>();

/** Enough for every session that an isolate sees end within SESSION_FRESH; beyond it the oldest go first. */
const LIMIT = 10_000;

/**
 * Notes that a session has ended, so that its still fresh token is dead at once in this place; everywhere else
 * it is within SESSION_FRESH, when the store is asked.
 */
export function noteEnded(settings: SessionSettings, sid: string): void {
  const sessions = ended.get(settings) ?? new Map<string, number>();
  putBounded(sessions, sid, now() + settings.fresh, LIMIT);
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
