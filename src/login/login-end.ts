import { isErasedSince, type LoginEvent, recordLoginEvent } from "../accounts/login-events.ts";
import { siteRecords } from "../accounts/records.ts";
import { siteRegistry } from "../accounts/site-accounts.ts";
import { announceEvents } from "../events/notice.ts";
import { Failure, type FailureCode, type FailureFacts, withFacts } from "../failure.ts";
import { isTooLate } from "../http/around.ts";
import { recogniseBrowser } from "../http/cookie.ts";
import { sessionClient } from "../http/request.ts";
import type { AppContext } from "../http/request-context.ts";
import { isolateMap, putBounded } from "../isolate-state.ts";
import { logEvent } from "../log.ts";
import { ageClaims } from "../rules/requirement.ts";
import { sessionBegin } from "../session/session.ts";
import {
  type BegunSession,
  beginSession,
  carriedSessions,
  endSession,
  type NewSession,
  renewSession,
} from "../session/session-store.ts";
import type { Settings } from "../settings.ts";
import { faultFields } from "../storage-call.ts";
import type { VippsIdentity } from "../vipps/claims.ts";
import { timed } from "../waiting.ts";
import { type BegunLogin, beganAt } from "./login-state.ts";
import { type FinishedLogin, namingPerson } from "./settle-login.ts";

/** How a login ends: with a session or with a failure, and what is noted of it. */

/** A login with nothing left to ask, on its way into the client that gets its session. */
interface ArrivedLogin extends Omit<FinishedLogin, "outcome"> {
  /** The id its session gets. */
  readonly sid: string;
  /** Whether the browser that gets the session is the one that began the login; an app always is. */
  readonly isSameBrowser?: boolean;
  readonly isNativeApp?: boolean;
}

/** Makes the session, which takes the place of the one in this browser, and sends the browser home. */
export async function sessionResponse(
  c: AppContext,
  login: ArrivedLogin & { readonly returnTo: string },
): Promise<Response> {
  const { setCookie } = await recordedSession(c, login);
  return redirectHome(login.returnTo, setCookie);
}

/**
 * The same once more, for the other request of one navigation: nothing is ended, and nothing written down, twice.
 * @throws {Failure} `state_used` where the session has ended since: no token of it is made any more.
 */
export async function sameSessionResponse(
  c: AppContext,
  login: ArrivedLogin & { readonly returnTo: string },
): Promise<Response> {
  const { settled, identity, sid, returnTo } = login;
  const { settings } = c.env;
  const { authTime } = identity;
  const profile = sessionProfile(settings, identity, settled.groups ?? []);
  const { brought } = identity;
  const { accountId } = settled;
  if (login.isRecorded === true && !(await renewSession(settings, accountId, sid)))
    throw new Failure("state_used", { stage: "session", returnTo });
  const client = await clientOf(c, login);
  const session = { accountId, sid, authTime, profile, ...client, brought };
  const { setCookie } = await beginSession(settings, session);
  return redirectHome(returnTo, setCookie);
}

/**
 * Makes the session of a finished login. The one that the same client had ends when the new one is first used. What
 * nobody waits for is done behind the answer: the event for customer service, and what Vipps now says of the person.
 * @throws {Failure} `storage_unavailable` or `too_slow`; then there is no session.
 */
export async function recordedSession(c: AppContext, login: ArrivedLogin): Promise<BegunSession> {
  const { settings, stepTimes } = c.env;
  const { settled, identity, sid, isSameBrowser, isNativeApp } = login;
  const { accountId, how, person, isCurrent } = settled;
  const { authTime } = identity;
  const profile = sessionProfile(settings, identity, settled.groups ?? []);
  return namingPerson(identity, async () => {
    try {
      const { brought } = identity;
      const session = { accountId, sid, authTime, profile, ...(await clientOf(c, login)), brought };
      const begun = await timed(stepTimes, "session", beginSession(settings, session));
      if (isTooLate(c)) throw new Failure("too_slow", { stage: "session" });
      logEvent("info", "login_finished", settings.site.origin, {
        sid,
        same_browser: isSameBrowser,
        native_app: isNativeApp,
        purpose: identity.brought?.purpose,
        steps: stepTimes,
      });
      const { kind } = settings.accounts.registry;
      const hasAll = kind === "d1" && how === "known" && isCurrent && identity.partial === undefined;
      const event = { outcome: "logged_in", reason: how, accountId, sub: person.sub, sid } as const;
      recordLogin(c, event, { isCurrent: hasAll });
      if (!isCurrent)
        c.executionCtx.waitUntil(
          siteRegistry(settings)
            .update(accountId, person)
            .then(() => announceEvents(settings))
            .catch(() => logEvent("warn", "account_not_updated", settings.site.origin, { sid })),
        );
      return begun;
    } catch (error) {
      // It may be recorded all the same: nobody holds that session.
      c.executionCtx.waitUntil(endSession(settings, accountId, sid).catch(() => undefined));
      throw error;
    }
  });
}

/**
 * What the session that begins has to know of its client: the sessions that the client has had until now, those that
 * began in it and never reached it among them; and where it begins, if it is still to be recorded.
 */
async function clientOf(
  c: AppContext,
  { isRecorded, sameBrowser = [] }: Pick<ArrivedLogin, "isRecorded" | "sameBrowser">,
): Promise<Pick<NewSession, "client" | "replaces">> {
  const { headers } = c.req.raw;
  const carried = await carriedSessions(c.env.settings.session, headers);
  const replaces = [...carried, ...sameBrowser];
  if (isRecorded === true) return { client: undefined, replaces };
  const { browser, isNew } = await recogniseBrowser(headers);
  return { client: { ...sessionClient(c), browserId: isNew ? undefined : browser }, replaces };
}

/** What may be said of a person in the session's token: the claims of this login, and what rules are judged by. */
function sessionProfile(
  { session }: Settings,
  { claims, aside, acr }: VippsIdentity,
  groups: readonly string[],
): Readonly<Record<string, unknown>> {
  return {
    ...claims,
    ...ageClaims(session.claims, claims.birthdate ?? aside?.birthdate, Date.now()),
    ...(acr !== undefined && { acr }),
    ...(session.hasGroups && { groups }),
  };
}

/** Sends the browser to where the login was meant to end. 303, so that a form's POST becomes a GET. */
export function redirectHome(returnTo: string, setCookie?: string): Response {
  const headers = new Headers({ location: returnTo, "cache-control": "no-store" });
  if (setCookie !== undefined) headers.append("set-cookie", setCookie);
  return new Response(null, { status: 303, headers });
}

/** Whoever says no leaves nothing behind that tells who they were, their browser included. */
const SAID_NO: ReadonlySet<LoginEvent["outcome"]> = new Set(["login_declined", "terms_declined"]);

/**
 * Records how a login ended, after the answer and whatever becomes of it: customer service learns of it, the
 * customer never waits for it.
 * @param about `login`, the id of a login that failed: of a person who was erased since it began, only that it failed
 *   is kept. `isCurrent`: the account has all that Vipps said of its person.
 */
export function recordLogin(
  c: AppContext,
  event: LoginEvent,
  { login, isCurrent = false }: { readonly login?: string | undefined; readonly isCurrent?: boolean } = {},
): void {
  const { settings } = c.env;
  const begunAt = event.sid === undefined ? undefined : sessionBegin(event.sid);
  const known = siteRecords(settings);
  const records = known && { ...known, begunAt };
  if (records === undefined) return;
  const record = async () => {
    const { browser, isNew } = await recogniseBrowser(c.req.raw.headers);
    const { sub, ...ending } = event;
    const msn = settings.relyingParty.merchantSerialNumber;
    const isGone =
      SAID_NO.has(event.outcome) ||
      (login !== undefined &&
        sub !== undefined &&
        (await isErasedSince(records, { msn, sub }, beganAt(login))));
    const kept = {
      ...ending,
      ...(!isGone && sub !== undefined && { msn, sub }),
      ...(!isGone && !isNew && { browser }),
    };
    await recordLoginEvent(records, kept, isCurrent);
  };
  c.executionCtx.waitUntil(
    record().catch((error: unknown) => {
      // Without the reference: whoever searches the log for one finds one line.
      logEvent("warn", "login_event_not_recorded", settings.site.origin, {
        ...faultFields(error),
        outcome: event.outcome,
      });
    }),
  );
}

/**
 * Records a failure where it was somebody's login that failed: of a person whom Vipps vouched for, or of a login that
 * began here. What a stranger sends is in the log and nowhere else, so that nobody fills the database from outside.
 */
export function recordFailedLogin(
  c: AppContext,
  {
    code,
    facts,
    reference,
  }: { readonly code: FailureCode; readonly facts: FailureFacts; readonly reference: string },
): void {
  const { person, ofLogin } = facts;
  // Also of somebody who was erased while the login was under way: nothing is noted about them.
  if (NO_END.has(code)) return;
  // A page that sends the browser on by itself is no end of a login.
  if (facts.resume === true || (person === undefined && !isFirst(ofLogin))) return;
  const event = {
    outcome: code,
    reference,
    stage: facts.stage,
    reason: facts.reason,
    providerError: facts.providerError,
    sub: person?.sub,
    accountId: person?.accountId,
  };
  recordLogin(c, event, { login: ofLogin });
}

/** Logins whose failure has been recorded here: an answer that is loaded again is the same event. */
const recorded = isolateMap<string, true>();
const RECORDED_LIMIT = 10_000;

function isFirst(login: string | undefined): boolean {
  if (login === undefined || recorded.has(login)) return false;
  putBounded(recorded, login, true, RECORDED_LIMIT);
  return true;
}

/** Failures that are no end of a login: it has ended before, or not begun to be finished. */
const NO_END: ReadonlySet<FailureCode> = new Set(["state_used", "state_expired", "logged_out_meanwhile"]);

/**
 * A failure as that of a login that began here, so that customer service finds it.
 * @param returnTo where the login would have led, so that 'try again' leads there.
 */
export function failureOfLogin({ id, asks }: BegunLogin, returnTo: string, error: unknown): unknown {
  if (!(error instanceof Failure)) return error;
  const ofLogin = NO_END.has(error.code) ? undefined : id;
  return withFacts(error, { returnTo, ofLogin, purpose: asks?.purpose, ...error.facts });
}
