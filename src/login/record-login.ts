import { isErasedSince, type LoginEvent, recordLoginEvent } from "../accounts/login-events.ts";
import { siteRecords } from "../accounts/records.ts";
import { Failure, type FailureCode, type FailureFacts, withFacts } from "../failure.ts";
import { recogniseBrowser } from "../http/cookie.ts";
import type { AppContext } from "../http/request-context.ts";
import { isolateMap, putBounded } from "../isolate-state.ts";
import { logEvent } from "../log.ts";
import { sessionBegin } from "../session/session.ts";
import { faultFields } from "../storage-call.ts";
import { type BegunLogin, beganAt } from "./login-state.ts";

/** Whoever says no leaves nothing behind that tells who they were, their browser included. */
const SAID_NO: ReadonlySet<LoginEvent["outcome"]> = new Set(["login_declined", "terms_declined"]);

/**
 * Records how a login ended, after the answer and whatever becomes of it: customer service learns of it, the
 * customer never waits for it.
 * @param login the id of a login that failed: of a person who was erased since it began, only that it failed is kept.
 */
export function recordLogin(c: AppContext, event: LoginEvent, login?: string): void {
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
    await recordLoginEvent(records, {
      ...ending,
      ...(!isGone && sub !== undefined && { msn, sub }),
      ...(!isGone && !isNew && { browser }),
    });
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
  recordLogin(c, event, ofLogin);
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
