import { fromStorage } from "../failure.ts";
import type { Settings } from "../settings.ts";
import type { VippsClaims } from "../vipps/identity.ts";
import { renewed } from "./current-session.ts";
import type { FreshSession } from "./session-token.ts";

/** What a finished login knows of the person whose session begins. */
export interface NewSession {
  readonly accountId: string;
  readonly sid: string;
  /** Seconds since the epoch. */
  readonly authTime: number;
  readonly claims: VippsClaims;
}

/**
 * Records a session in the user's own object and signs its first token, in this order: a token without a
 * recorded session must not exist.
 * @throws {Failure} `storage_unavailable`; then there is no session.
 */
export async function beginSession(
  settings: Settings,
  { accountId, sid, authTime, claims }: NewSession,
): Promise<{ readonly session: FreshSession; readonly setCookie: string; readonly token: string }> {
  const { ttl, idle, claims: names } = settings.session;
  const store = settings.storage.userSessions.getByName(accountId);
  await fromStorage("session", store.record(sid, { ttl, idle }));
  const wanted = new Set<string>(names);
  const profile = Object.fromEntries(Object.entries(claims).filter(([name]) => wanted.has(name)));
  return renewed(settings, { sub: accountId, sid, authTime, profile });
}
