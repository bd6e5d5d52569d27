import type { SessionEnd } from "../events/event.ts";
import { Failure, type Stage } from "../failure.ts";
import type { SessionClient } from "../http/request.ts";
import { logEvent } from "../log.ts";
import { OWN_PARTITION, outboxOf, type SessionSettings, type Settings } from "../settings.ts";
import { faultFields, fromStorage } from "../storage-call.ts";
import type { BroughtClaims, VippsClaims } from "../vipps/claims.ts";
import {
  type AuthenticSession,
  carriedTokens,
  cookieFor,
  fittedProfile,
  noteEnded,
  type ReplacedSession,
  sessionStart,
  signSessionToken,
} from "./session.ts";
import type {
  Lifetime,
  NewStoredSession,
  StoredSession,
  ToldEnd,
  ToldOwner,
  UserSessions,
} from "./user-sessions.ts";

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

/** Asks the object of an account, once more after a failure that passes: every call may be made twice. */
function asked<Value>(
  settings: Settings,
  accountId: string,
  call: (sessions: DurableObjectStub<UserSessions>, again: boolean) => PromiseLike<Value>,
  timeLimit?: number,
): Promise<Value> {
  const place = { site: settings.site.origin, store: "user_sessions", stage: "session", timeLimit } as const;
  return fromStorage(place, (again) => call(store(settings, accountId), again));
}

const lifetime = (settings: Settings, accountId: string): Lifetime => {
  const { ttl, idle } = settings.session;
  const told = toldOwner(settings, accountId);
  return told === undefined ? { ttl, idle } : { ttl, idle, told };
};

/** Whose sessions these are, where anybody is told of their end. */
const toldOwner = (settings: Settings, account: string): ToldOwner | undefined =>
  outboxOf(settings) && { address: settings.site.origin, account };

/** What the object is told of an end; nothing where nobody is told, or nobody ever had the session. */
function toldEnd(settings: Settings, accountId: string, reason: SessionEnd | undefined): [] | [ToldEnd] {
  const owner = toldOwner(settings, accountId);
  return owner === undefined || reason === undefined ? [] : [{ owner, reason }];
}

/**
 * Records a new session.
 * @returns the other sessions of the account that began in the same browser.
 * @throws {Failure} `state_expired` when the account was erased since the login began.
 */
export async function recordSession(
  settings: Settings,
  accountId: string,
  session: NewStoredSession,
): Promise<readonly ReplacedSession[]> {
  const others = await asked(
    settings,
    accountId,
    async (sessions): Promise<readonly string[] | boolean> =>
      sessions.record(session, lifetime(settings, accountId)),
  );
  if (others === false) throw new Failure("state_expired", { stage: "session", reason: "erased meanwhile" });
  // An object of an earlier release says no more than that the session lives.
  return others === true ? [] : others.map((sid) => ({ sub: accountId, sid }));
}

/** What a finished login knows of the person whose session begins, and of where it begins. */
export interface NewSession {
  readonly accountId: string;
  /** From `newSessionId()`, made now: the session's absolute lifetime counts from it. */
  readonly sid: string;
  /** Seconds since the epoch. */
  readonly authTime: number;
  /** Everything that may be said of the person; SESSION_CLAIMS picks out of it. */
  readonly profile: Readonly<Record<string, unknown>>;
  /** The client it begins on; `undefined` for a session that is recorded already. */
  readonly client: (SessionClient & Pick<NewStoredSession, "browserId">) | undefined;
  /** What the person shared for a purpose of the site's; kept beside the session, in no token. */
  readonly brought: BroughtClaims | undefined;
  /** The sessions that its client has had until now. */
  readonly replaces: readonly ReplacedSession[];
}

/** More sessions than this are not one browser's own, and would make the token long. */
const REPLACED_LIMIT = 3;

export interface BegunSession {
  readonly session: AuthenticSession;
  readonly token: string;
  /** The `Set-Cookie` value for a browser. */
  readonly setCookie: string;
}

/**
 * Records a session in the user's own object, unless it is, and signs its first token, in this order: a token
 * without a recorded session must not exist.
 * @throws {Failure} `storage_unavailable`; then there is no session.
 */
export async function beginSession(
  settings: Settings,
  { accountId, sid, authTime, profile: said, client, brought, replaces }: NewSession,
): Promise<BegunSession> {
  const others =
    client === undefined
      ? []
      : await recordSession(settings, accountId, { sid, startedAt: sessionStart(sid), ...client, brought });
  const before = new Map([...replaces, ...others].map((one) => [one.sid, one]));
  before.delete(sid);
  const known = {
    sub: accountId,
    sid,
    authTime,
    profile: said,
    replaces: [...before.values()].slice(0, REPLACED_LIMIT),
  };
  const { profile, leftOut } = fittedProfile(settings.session, known);
  if (leftOut.length > 0)
    logEvent("warn", "session_claims_left_out", settings.site.origin, { sid, claims: leftOut });
  const signed = await signSessionToken(settings.session, { ...known, profile });
  return { ...signed, setCookie: cookieFor(settings, signed) };
}

/** Notes that a session is in use. @returns whether it lives, and its account is there */
export function renewSession(settings: Settings, accountId: string, sid: string): Promise<boolean> {
  const lives = asked(settings, accountId, (sessions) => sessions.renew(sid, lifetime(settings, accountId)));
  return withAccount(settings, accountId, sid, lives);
}

/** Whether a session lives, for who only looks: the store notes no use of it, and nothing ends. */
export async function isLiving(settings: Settings, accountId: string, sid: string): Promise<boolean> {
  const [list, isThere] = await Promise.all([
    listSessions(settings, accountId),
    hasAccount(settings, accountId),
  ]);
  return isThere && list.some((session) => session.sid === sid);
}

/** A session whose account is gone has ended with it. */
async function withAccount(
  settings: Settings,
  accountId: string,
  sid: string,
  asking: Promise<boolean>,
): Promise<boolean> {
  const [lives, isThere] = await Promise.all([asking, hasAccount(settings, accountId)]);
  if (lives && isThere) return true;
  noteEnded(settings.session, sid);
  if (lives) {
    logEvent("warn", "session_without_account", settings.site.origin, { sid });
    await endAllSessions(settings, accountId, "erased");
  }
  return false;
}

/** The living sessions of an account, the one used last first. */
export function listSessions(settings: Settings, accountId: string): Promise<readonly StoredSession[]> {
  return asked(settings, accountId, (sessions) => sessions.list(lifetime(settings, accountId)));
}

/**
 * The purpose that a request names.
 * @param named `undefined` where it names none.
 * @throws {Failure} `purpose_unknown` for what PURPOSES does not name: nobody is asked for what was mistyped.
 */
export function askedPurpose(
  { login }: Settings,
  named: string | undefined,
  stage: Stage,
): string | undefined {
  if (named === undefined || login.purposes.has(named)) return named;
  throw new Failure("purpose_unknown", { stage });
}

/** How long a call may take that comes after one which may have renewed the token, in milliseconds. */
const SECOND_CALL = 4_000;

/** What a person shared for a purpose of the site's at the login of one of their sessions. */
export type SharedClaims = BroughtClaims & { readonly sid: string };

/** What a person shared at the logins of their living sessions, for purposes of the site's. */
export async function broughtClaims(settings: Settings, accountId: string): Promise<readonly SharedClaims[]> {
  const read = (sessions: DurableObjectStub<UserSessions>) => sessions.brought(lifetime(settings, accountId));
  const all = await asked(settings, accountId, read, SECOND_CALL);
  return all.map(({ sid, brought }) => ({ sid, ...(JSON.parse(brought) as BroughtClaims) }));
}

/**
 * What the person shared for a purpose when this very session began; `undefined` where it was not asked for then, and of
 * a session that has ended elsewhere.
 */
export async function broughtFor(
  settings: Settings,
  { sub, sid }: Pick<AuthenticSession, "sub" | "sid">,
  purpose: string,
): Promise<VippsClaims | undefined> {
  const all = await broughtClaims(settings, sub);
  return all.find((one) => one.sid === sid && one.purpose === purpose)?.claims;
}

/**
 * Ends a session; ending it twice is the same. It is dead in this place even if the store does not answer.
 * @param reason why, for whom it is told; left out for a session that nobody ever had.
 */
export async function endSession(
  settings: Settings,
  accountId: string,
  sid: string,
  reason?: SessionEnd,
): Promise<void> {
  const told = toldEnd(settings, accountId, reason);
  noteEnded(settings.session, sid);
  await asked(settings, accountId, (sessions) => sessions.end(sid, ...told));
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
  const ended = await asked(settings, accountId, async (sessions, again) => {
    const gone = await sessions.endFrom(by, target, lifetime(settings, accountId));
    // Asked again it finds nothing to end where the first was done and its answer got lost.
    return again && gone?.length === 0 && target !== "others" ? [target.sid] : gone;
  });
  if (ended === undefined) noteEnded(settings.session, by);
  for (const sid of ended ?? []) noteEnded(settings.session, sid);
  return ended;
}

/** Ends every session of an account: its owner, the provider or customer service has said so. */
export async function endAllSessions(
  settings: Settings,
  accountId: string,
  reason: SessionEnd,
): Promise<void> {
  const told = toldEnd(settings, accountId, reason);
  const ended = await asked(settings, accountId, (sessions) => sessions.endAll(...told));
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
  const told = toldEnd(settings, accountId, "erased");
  const ended = await asked(settings, accountId, (sessions) =>
    sessions.refuseBegunBefore(begunBefore, ...told),
  );
  for (const sid of ended) noteEnded(settings.session, sid);
}

/** The authentic sessions that a request carries, each once, and those that they have just taken the place of. */
export async function carriedSessions(
  settings: SessionSettings,
  headers: Headers,
): Promise<readonly ReplacedSession[]> {
  const { bearer, cookies } = await carriedTokens(settings, headers);
  const carried = [...(bearer === undefined ? [] : [bearer]), ...cookies].flatMap(({ session }) => [
    session,
    ...(session.replaces ?? []),
  ]);
  return [...new Map(carried.map(({ sub, sid }) => [sid, { sub, sid }])).values()];
}

/**
 * Ends every authentic session that a request carries, however old its token: ending needs no freshness. They
 * are dead in this place at once, even if the store does not answer.
 * @throws {Failure} `storage_unavailable`; then they may still live elsewhere.
 */
export async function endCarriedSessions(settings: Settings, headers: Headers): Promise<void> {
  const sessions = await carriedSessions(settings.session, headers);
  await Promise.all(sessions.map(({ sub, sid }) => endSession(settings, sub, sid, "logged_out")));
}

/**
 * Ends the sessions whose place a new one took, now that its client has it. Before, the client would have been left
 * without any, had the answer to its login got lost.
 * @param isBehind whether nobody waits: then a store that does not answer is told again for a while.
 * @returns whether the store said at once that they have ended. Never throws.
 */
export async function endReplacedSessions(
  settings: Settings,
  { replaces = [] }: Pick<AuthenticSession, "replaces">,
  isBehind: boolean,
): Promise<boolean> {
  const end = () => Promise.all(replaces.map(({ sub, sid }) => endSession(settings, sub, sid, "replaced")));
  try {
    await end();
    return true;
  } catch (error) {
    logEvent("warn", "replaced_session_not_ended", settings.site.origin, faultFields(error));
    if (isBehind) await endAgain(settings, end);
    return false;
  }
}

/**
 * Pauses before the store is told once more, in milliseconds. With five seconds of patience for each try they
 * stay within the thirty seconds that the platform gives to work after an answer.
 */
const PAUSES = [1_000, 4_000, 8_000];

/** Tells a store that did not answer again, a few times, while the request's context lives. Never throws. */
export async function endAgain({ site }: Settings, end: () => Promise<unknown>): Promise<void> {
  for (const pause of PAUSES) {
    await new Promise((wake) => setTimeout(wake, pause));
    try {
      await end();
      logEvent("info", "session_end_recorded_late", site.origin);
      return;
    } catch {
      // The next pause is longer; after the last one the log already says that it was not recorded.
    }
  }
}

/** While nobody waits for more than the session store, the database is not waited for longer. In milliseconds. */
const TIME_LIMIT = 2_000;

/**
 * Whether the account of a session is still there: a database that was put back to an earlier time lacks those made
 * since, whose sessions must not outlive them. One row is read, beside the call to the session store. A registry of
 * the site's own is not asked, and a database that fails ends nobody's session.
 */
export async function hasAccount({ accounts, site }: Settings, accountId: string): Promise<boolean> {
  const { registry } = accounts;
  if (registry.kind !== "d1") return true;
  const statement = registry.database
    .prepare("SELECT 1 FROM accounts WHERE site = ?1 AND id = ?2")
    .bind(site.partition, accountId);
  const place = { site: site.origin, store: "accounts_db", stage: "session", timeLimit: TIME_LIMIT } as const;
  try {
    return (await fromStorage(place, () => statement.first())) !== null;
  } catch (error) {
    logEvent("warn", "session_account_not_checked", site.origin, faultFields(error));
    return true;
  }
}
