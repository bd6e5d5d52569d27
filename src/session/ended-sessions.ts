/** Sessions that ended here, by id, until the second at which their last token is stale anyway. */
const ended = new Map<string, number>();

/** Enough for every logout an isolate sees within SESSION_FRESH; beyond it the oldest go first. */
const LIMIT = 10_000;

/**
 * Notes that a session has ended, so that its still fresh token is dead at once in this place; everywhere else
 * it is within SESSION_FRESH, when the store is asked.
 * @param fresh SESSION_FRESH in seconds.
 */
export function noteEnded(sid: string, fresh: number): void {
  const oldest = ended.size >= LIMIT ? ended.keys().next().value : undefined;
  if (oldest !== undefined) ended.delete(oldest);
  ended.set(sid, Date.now() / 1000 + fresh);
}

/** Whether this session is known here to have ended. */
export function hasEnded(sid: string): boolean {
  if (ended.size === 0) return false;
  const until = ended.get(sid);
  if (until === undefined) return false;
  if (until < Date.now() / 1000) ended.delete(sid);
  return true;
}
