import { Failure, fromStorage } from "../failure.ts";
import { OWN_PARTITION, type Settings } from "../settings.ts";
import { noteEnded } from "./ended-sessions.ts";
import type { NewStoredSession, StoredSession } from "./user-sessions.ts";

/**
 * The sessions of accounts, each account's in a Durable Object of its own. Whatever ends here is noted, so that
 * its still fresh tokens are dead in this place at once.
 *
 * Every function throws a {@link Failure} `storage_unavailable` when the object does not answer.
 */
const store = ({ storage, site }: Settings, accountId: string) =>
  // Account ids hold no spaces, so that no id of one site is ever spelt like another site's.
  storage.userSessions.getByName(
    site.partition === OWN_PARTITION ? accountId : `${site.partition} ${accountId}`,
  );

const lifetime = ({ session: { ttl, idle } }: Settings) => ({ ttl, idle });

/** @throws {Failure} `state_expired` when the account was erased since the login began. */
export async function recordSession(
  settings: Settings,
  accountId: string,
  session: NewStoredSession,
): Promise<void> {
  const lives = await fromStorage("session", store(settings, accountId).record(session, lifetime(settings)));
  if (!lives) throw new Failure("state_expired", { stage: "session", reason: "erased meanwhile" });
}

/** Notes that a session is in use. @returns whether it lives */
export async function renewSession(settings: Settings, accountId: string, sid: string): Promise<boolean> {
  const lives = await fromStorage("session", store(settings, accountId).renew(sid, lifetime(settings)));
  if (!lives) noteEnded(settings.session, sid);
  return lives;
}

/** The living sessions of an account, the one used last first. */
export function listSessions(settings: Settings, accountId: string): Promise<readonly StoredSession[]> {
  return fromStorage("session", store(settings, accountId).list(lifetime(settings)));
}

/** Ends a session; ending it twice is the same. It is dead in this place even if the store does not answer. */
export async function endSession(settings: Settings, accountId: string, sid: string): Promise<void> {
  noteEnded(settings.session, sid);
  await fromStorage("session", store(settings, accountId).end(sid));
}

/** Which sessions a person ends from one of them: another, or all others. */
export type EndTarget = { readonly sid: string } | "others";

/**
 * Ends sessions of an account from one of them, which must live: a token that is still fresh, but whose session
 * has ended, ends nothing.
 * @param by the session that asks.
 * @returns the ids of those that ended, or `undefined` when the one that asks has itself ended.
 */
export async function endSessionsFrom(
  settings: Settings,
  accountId: string,
  by: string,
  target: EndTarget,
): Promise<readonly string[] | undefined> {
  const ended = await fromStorage(
    "session",
    store(settings, accountId).endFrom(by, target, lifetime(settings)),
  );
  if (ended === undefined) noteEnded(settings.session, by);
  for (const sid of ended ?? []) noteEnded(settings.session, sid);
  return ended;
}

/** Ends every session of an account: its owner, the provider or customer service has said so. */
export async function endAllSessions(settings: Settings, accountId: string): Promise<void> {
  const ended = await fromStorage("session", store(settings, accountId).endAll());
  for (const sid of ended) noteEnded(settings.session, sid);
}

/**
 * Ends every session of an account that is being erased, and refuses those whose login began before a moment.
 * @param begunBefore in milliseconds since the epoch.
 */
export async function refuseSessions(
  settings: Settings,
  accountId: string,
  begunBefore: number,
): Promise<void> {
  const ended = await fromStorage("session", store(settings, accountId).refuseBegunBefore(begunBefore));
  for (const sid of ended) noteEnded(settings.session, sid);
}
