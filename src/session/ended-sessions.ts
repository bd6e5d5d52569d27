import { putBounded } from "../bounded-map.ts";
import type { SessionSettings } from "../settings.ts";
import { now } from "./session-lifetime.ts";

/**
 * Sessions known here to have ended, by the issuer of their tokens and their id, until the second at which their
 * last token is stale anyway. By issuer, not by settings: a change of these must not let a token live again.
 */
const ended = new Map<string, number>();

/** Enough for every session that an isolate sees end within SESSION_FRESH; beyond it the oldest go first. */
const LIMIT = 10_000;

const keyOf = ({ issuer }: SessionSettings, sid: string): string => `${issuer} ${sid}`;

/**
 * Notes that a session has ended, so that its still fresh token is dead at once in this place; everywhere else
 * it is within SESSION_FRESH, when the store is asked.
 */
export function noteEnded(settings: SessionSettings, sid: string): void {
  putBounded(ended, keyOf(settings, sid), now() + settings.fresh, LIMIT);
}

/** Whether this session is known here to have ended. */
export function hasEnded(settings: SessionSettings, sid: string): boolean {
  // Most isolates have seen no session end, and this is asked at every request.
  if (ended.size === 0) return false;
  const key = keyOf(settings, sid);
  const until = ended.get(key);
  if (until === undefined) return false;
  if (now() <= until) return true;
  ended.delete(key);
  return false;
}
