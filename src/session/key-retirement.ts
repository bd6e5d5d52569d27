/**
 * Seconds that a new SESSION_KEYS may need to reach every isolate: until then some still sign with the key
 * before. Cloudflare speaks of seconds; an hour more of verifying costs nothing.
 */
const ROLLOUT = 3600;

/** When a retired key can have signed its last token, in seconds since the epoch. */
export function lastSignature(retiredAt: number): number {
  return retiredAt + ROLLOUT;
}

/**
 * Until when a key that stopped signing is needed. A token that it signed is a handle to its session for the
 * idle lifetime, long after it is no longer fresh; a renewed token is signed by the key of then.
 * @param retiredAt when the key stopped signing, seconds since the epoch.
 * @param idle SESSION_IDLE in seconds.
 * @returns seconds since the epoch.
 */
export function neededUntil(retiredAt: number, idle: number): number {
  return lastSignature(retiredAt) + idle;
}
