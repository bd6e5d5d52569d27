import { siteRegistry } from "../accounts/site-accounts.ts";
import { isLookAhead } from "../http/request.ts";
import { isolateMap, putBounded } from "../isolate-state.ts";
import type { SessionSettings, Settings } from "../settings.ts";
import {
  type AuthenticSession,
  carriedTokens,
  cookieFor,
  expiredSessionCookie,
  hasEnded,
  isAgeing,
  now,
  type SignedSession,
  signedSession,
  standing,
} from "./session.ts";
import { endReplacedSessions, isLiving, renewSession } from "./session-store.ts";

/** The session of a request, and what to answer with where its token was renewed or its session has ended. */
export interface CurrentSession {
  readonly session: AuthenticSession | undefined;
  /** The session's token: the one that was sent, or the one it was renewed to. */
  readonly token: string | undefined;
  /** A `Set-Cookie` value, only when the browser's cookie must change. */
  readonly setCookie: string | undefined;
  /** The new token of a client that sent a stale one as Bearer, and so keeps no cookie. */
  readonly renewedBearer: string | undefined;
}

const NOBODY: CurrentSession = {
  session: undefined,
  token: undefined,
  setCookie: undefined,
  renewedBearer: undefined,
};

/**
 * Who is asking. A fresh token is believed without any I/O; a stale one costs one call to the session store,
 * which renews or ends the session.
 *
 * The Bearer token of a native app goes before any cookie. Of several cookies with the same name, only the one
 * whose session lives counts; if two different sessions live there is no telling which of them is the visitor's
 * own and which was planted, so neither counts.
 * Who only looks ahead renews nothing and gets no cookie: where a token is stale, the store is asked whether the session
 * lives, and learns of no use.
 * @param background keeps work alive after the answer (`waitUntil`). With it a token past half of SESSION_FRESH is
 *   renewed behind the answer and handed out with the next one, so that nobody who is active waits for the store.
 * @throws {Failure} `storage_unavailable` when a stale token meets a store that does not answer.
 */
export async function currentSession(
  settings: Settings,
  request: Pick<Request, "method" | "headers">,
  background?: (work: Promise<unknown>) => void,
): Promise<CurrentSession> {
  const { bearer, cookies } = await carriedTokens(settings.session, request.headers);
  const livingOne = (carried: SignedSession) => livingSession(settings, carried, request, background);
  if (bearer !== undefined) {
    const living = await livingOne(bearer);
    if (living === undefined) return NOBODY;
    const isRenewed = living.token !== bearer.token && !isLookAhead(request);
    return { ...living, setCookie: undefined, renewedBearer: isRenewed ? living.token : undefined };
  }
  if (cookies.length === 0) return NOBODY;
  const perSession = newestOfEach(cookies).filter(isNotReplaced);
  const found = await Promise.all(perSession.map(livingOne));
  const [living, another] = found.filter((candidate) => candidate !== undefined);
  if (another !== undefined) return NOBODY;
  const isRight = living !== undefined && cookies.some(({ token }) => token === living.token);
  if (isRight || isLookAhead(request)) return { ...NOBODY, ...living };
  const setCookie =
    living === undefined ? expiredSessionCookie(settings.session) : cookieFor(settings, living);
  return { ...NOBODY, ...living, setCookie };
}

/** Whether none of the others took its place. */
function isNotReplaced({ session }: SignedSession, _index: number, all: readonly SignedSession[]): boolean {
  return !all.some((other) => other.session.replaces?.some(({ sid }) => sid === session.sid));
}

/** One token for each session: the one issued last. */
function newestOfEach(carried: readonly SignedSession[]): readonly SignedSession[] {
  if (carried.length === 1) return carried;
  const newest = new Map<string, SignedSession>();
  for (const one of carried) {
    const other = newest.get(one.session.sid);
    if (other === undefined || one.session.issuedAt > other.session.issuedAt)
      newest.set(one.session.sid, one);
  }
  return [...newest.values()];
}

/**
 * The same token while it is fresh, a new one where it was renewed, `undefined` where the session has ended. To who
 * looks ahead a new one is only lent, for an origin that wants to see it: it is not sent to the browser.
 * @throws {Failure} `storage_unavailable`.
 */
async function livingSession(
  settings: Settings,
  carried: SignedSession,
  request: Pick<Request, "method" | "headers">,
  background: ((work: Promise<unknown>) => void) | undefined,
): Promise<SignedSession | undefined> {
  const { session, token } = carried;
  if (hasEnded(settings.session, session.sid)) return undefined;
  const at = now();
  const worth = standing(settings.session, session, at);
  if (worth === "over") return undefined;
  // A stale token is renewed, which ends them as well.
  const replacedLive = session.replaces?.some(({ sid }) => !hasEnded(settings.session, sid)) === true;
  if (replacedLive && worth === "fresh" && !isLookAhead(request)) {
    const ending = endReplacedSessions(settings, session, background !== undefined);
    if (background !== undefined) background(ending);
    else await ending;
  }
  if (worth === "fresh" && !isAgeing(settings.session, session, at)) return carried;
  const successor = successorOf(settings.session, token);
  if (successor !== undefined && standing(settings.session, successor.session, at) === "fresh")
    return successor;
  if (isLookAhead(request)) {
    if (worth === "fresh") return carried;
    const [lives, present] = await Promise.all([
      isLiving(settings, session.sub, session.sid),
      withPresentGroups(settings, session),
    ]);
    if (!lives) return undefined;
    return { session: present, token: (await signedSession(settings, present)).token };
  }
  if (worth === "stale") return renewToken(settings, carried);
  if (background !== undefined) renewBehind(settings, carried, background);
  return carried;
}

/**
 * A new token for a session that lives, as the store says at this moment, with the groups that the person is in at
 * this moment: how late a revocation, or a change of groups, may bite is counted from here. Of the sessions that this
 * one took the place of it says nothing any more once they have ended.
 * @returns `undefined` where it has ended.
 * @throws {Failure} `storage_unavailable`.
 */
async function renewToken(
  settings: Settings,
  { session, token }: SignedSession,
): Promise<SignedSession | undefined> {
  // Beside each other: who knows the groups may be far from who knows the session.
  const [lives, present, haveEnded] = await Promise.all([
    renewSession(settings, session.sub, session.sid),
    withPresentGroups(settings, session),
    endReplacedSessions(settings, session, false),
  ]);
  // Somebody may have ended it here while the store was on its way to say yes.
  if (!lives || hasEnded(settings.session, session.sid)) return undefined;
  const successor = await signedSession(settings, haveEnded ? { ...present, replaces: undefined } : present);
  rememberSuccessor(settings.session, token, successor);
  return successor;
}

/** What a session says, with the groups its holder is in at this moment, where the site goes by groups. */
async function withPresentGroups(settings: Settings, session: AuthenticSession): Promise<AuthenticSession> {
  if (!settings.session.hasGroups) return session;
  const groups = await siteRegistry(settings).groupsOf(session.sub);
  return { ...session, profile: { ...session.profile, groups } };
}

/** Sessions that are being renewed behind an answer, or could not be a moment ago. */
const renewals = isolateMap<string, number>();
/** A store that did not answer is left alone for a while. In seconds. */
const RENEWAL_PAUSE = 10;

/** Renews a token that is still good while nobody waits. Fails without a word: there is time until it is stale. */
function renewBehind(
  settings: Settings,
  carried: SignedSession,
  background: (work: Promise<unknown>) => void,
): void {
  const { token } = carried;
  if (now() - (renewals.get(token) ?? 0) < RENEWAL_PAUSE) return;
  putBounded(renewals, token, now(), LIMIT);
  background(renewToken(settings, carried).catch(() => undefined));
}

/**
 * What stale tokens were renewed to, by the exact text of the token, each with the settings it was renewed under. A
 * page sends many requests at once with the token it has; only those that come before the first answer need to ask
 * the session store, and the rest get the same new token. It is as good as the store's answer for as long as it is
 * fresh.
 */
const renewed = isolateMap<string, Renewal>();

interface Renewal {
  readonly settings: SessionSettings;
  readonly successor: SignedSession;
}

/** Enough for what is renewed in one isolate while requests with the old token are still on their way. */
const LIMIT = 1_000;

/** The token that replaced this one. Whether it is still fresh is for the caller to see. */
function successorOf(settings: SessionSettings, token: string): SignedSession | undefined {
  const renewal = renewed.get(token);
  return renewal?.settings === settings ? renewal.successor : undefined;
}

/** Remembers the token that replaced a stale one. */
function rememberSuccessor(settings: SessionSettings, token: string, successor: SignedSession): void {
  putBounded(renewed, token, { settings, successor }, LIMIT);
}
