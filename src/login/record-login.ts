import { type LoginEvent, recordLoginEvent } from "../accounts/login-events.ts";
import { siteRecords } from "../accounts/records.ts";
import { Failure, type FailureCode, type FailureFacts } from "../failure.ts";
import { recogniseBrowser } from "../http/browser-cookie.ts";
import type { AppContext } from "../http/request-context.ts";
import { logEvent } from "../log.ts";

/** Where a failure is the failure of a login. */
const LOGIN_STEPS: ReadonlySet<string> = new Set([
  "/auth/login",
  "/auth/callback",
  "/auth/continue",
  "/auth/proof",
  "/auth/app/start",
  "/auth/app/finish",
]);

/** Requests that are no step of anybody's login. */
const NO_LOGIN: ReadonlySet<FailureCode> = new Set([
  "method_not_allowed",
  "not_found",
  "request_malformed",
  "cross_site",
  "rate_limited",
]);

/** Failures of unknown people that an isolate records in a minute: more are an attack, and are in the log. */
const ANONYMOUS_LIMIT = 60;

/**
 * Records how a login ended, after the answer and whatever becomes of it: customer service learns of it, the
 * customer never waits for it.
 */
export function recordLogin(c: AppContext, event: LoginEvent): void {
  const { settings } = c.env;
  const records = siteRecords(settings);
  if (records === undefined) return;
  const record = async () => {
    const { browser, isNew } = await recogniseBrowser(c.req.raw.headers);
    const msn = event.sub === undefined ? undefined : settings.relyingParty.merchantSerialNumber;
    await recordLoginEvent(records, { ...event, msn, browser: isNew ? undefined : browser });
  };
  c.executionCtx.waitUntil(
    record().catch((error: unknown) => {
      // Without the reference: whoever searches the log for one finds one line.
      logEvent("warn", "login_event_not_recorded", {
        code: error instanceof Failure ? error.code : "internal_error",
        outcome: event.outcome,
      });
    }),
  );
}

/** Records a failure, where it was a login that failed. */
export function recordFailedLogin(
  c: AppContext,
  failed: { readonly code: FailureCode; readonly facts: FailureFacts; readonly reference: string },
): void {
  const { code, facts, reference } = failed;
  // A page that sends the browser on by itself is no end of a login.
  if (!LOGIN_STEPS.has(c.req.path) || NO_LOGIN.has(code) || facts.resume === true) return;
  if (facts.person === undefined && !mayRecordAnonymous()) return;
  recordLogin(c, {
    outcome: code,
    reference,
    stage: facts.stage,
    reason: facts.reason,
    providerError: facts.providerError,
    sub: facts.person?.sub,
    accountId: facts.person?.accountId,
  });
}

/** How many anonymous failures this isolate has recorded in the current minute. */
const recorded = { minute: 0, count: 0 };

function mayRecordAnonymous(): boolean {
  const minute = Math.floor(Date.now() / 60_000);
  if (recorded.minute !== minute) Object.assign(recorded, { minute, count: 0 });
  recorded.count += 1;
  return recorded.count <= ANONYMOUS_LIMIT;
}
