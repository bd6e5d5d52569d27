import { putBounded } from "../bounded-map.ts";
import type { SessionSettings } from "../settings.ts";
import type { SignedSession } from "./session.ts";

/**
 * What stale tokens were renewed to, by the exact text of the token, each with the settings it was renewed under. A
 * page sends many requests at once with the token it has; only those that come before the first answer need to ask
 * the session store, and the rest get the same new token. It is as good as the store's answer for as long as it is
 * fresh.
 */
const renewed = new Map<string, Renewal>();

interface Renewal {
  readonly settings: SessionSettings;
  readonly successor: SignedSession;
}

/** Enough for what is renewed in one isolate while requests with the old token are still on their way. */
const LIMIT = 1_000;

/** The token that replaced this one. Whether it is still fresh is for the caller to see. */
export function successorOf(settings: SessionSettings, token: string): SignedSession | undefined {
  const renewal = renewed.get(token);
  return renewal?.settings === settings ? renewal.successor : undefined;
}

/** Remembers the token that replaced a stale one. */
export function rememberSuccessor(settings: SessionSettings, token: string, successor: SignedSession): void {
  putBounded(renewed, token, { settings, successor }, LIMIT);
}
