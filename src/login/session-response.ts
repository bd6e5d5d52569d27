import type { AccountId } from "../accounts/account.ts";
import { Failure } from "../failure.ts";
import { isTooLate } from "../http/answer-in-time.ts";
import type { AppContext } from "../http/request-context.ts";
import { logEvent } from "../log.ts";
import { beginSession } from "../session/begin-session.ts";
import { deviceOf, placeOf } from "../session/device.ts";
import { endReplacedSession } from "../session/end-session.ts";
import { endSession } from "../session/session-store.ts";
import { timed } from "../step-times.ts";
import type { VippsIdentity } from "../vipps/identity.ts";

/** A login with nothing left to ask. */
export interface FinishedLogin {
  readonly accountId: AccountId;
  readonly identity: VippsIdentity;
  /** The id its session gets. */
  readonly sid: string;
  readonly returnTo: string;
  readonly sameBrowser: boolean;
}

/** Makes the session, ends the one it replaces in this browser, and sends the browser home. */
export async function sessionResponse(c: AppContext, login: FinishedLogin): Promise<Response> {
  const { settings, stepTimes } = c.env;
  const { accountId, identity, sid, returnTo, sameBrowser } = login;
  const { authTime, claims } = identity;
  const device = deviceOf(c.req.raw.headers.get("user-agent"));
  const place = placeOf(settings, c.req.raw);
  const session = { accountId, sid, authTime, claims, device, place };
  try {
    const { setCookie } = await timed(stepTimes, "session", beginSession(settings, session));
    if (isTooLate(c)) throw new Failure("too_slow", { stage: "session" });
    c.executionCtx.waitUntil(endReplacedSession(settings, c.req.raw.headers));
    logEvent("info", "login_finished", { sid, same_browser: sameBrowser, steps: stepTimes });
    return redirectHome(returnTo, setCookie);
  } catch (error) {
    // The store may have recorded it all the same, too late to say so: nobody holds that session.
    c.executionCtx.waitUntil(endSession(settings, accountId, sid).catch(() => undefined));
    throw error;
  }
}

/** Sends the browser to where the login was meant to end. 303, so that a form's POST becomes a GET. */
export function redirectHome(returnTo: string, setCookie?: string): Response {
  const headers = new Headers({ location: returnTo, "cache-control": "no-store" });
  if (setCookie !== undefined) headers.append("set-cookie", setCookie);
  return new Response(null, { status: 303, headers });
}
