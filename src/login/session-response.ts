import { siteRegistry } from "../accounts/site-registry.ts";
import { Failure } from "../failure.ts";
import { isTooLate } from "../http/answer-in-time.ts";
import type { AppContext } from "../http/request-context.ts";
import { logEvent } from "../log.ts";
import { type BegunSession, beginSession } from "../session/begin-session.ts";
import { deviceOf, placeOf } from "../session/device.ts";
import { endReplacedSession, endSession } from "../session/session-store.ts";
import { timed } from "../step-times.ts";
import type { VippsIdentity } from "../vipps/identity.ts";
import { recordLogin } from "./record-login.ts";
import { namingPerson, type SettledLogin } from "./settle-login.ts";

/** A login with nothing left to ask. */
interface FinishedLogin {
  readonly settled: SettledLogin;
  readonly identity: VippsIdentity;
  /** The id its session gets. */
  readonly sid: string;
  /** Whether the browser that gets the session is the one that began the login; an app always is. */
  readonly isSameBrowser?: boolean;
  readonly isNativeApp?: boolean;
}

/** Makes the session, ends the one it replaces in this browser, and sends the browser home. */
export async function sessionResponse(
  c: AppContext,
  login: FinishedLogin & { readonly returnTo: string },
): Promise<Response> {
  const { setCookie } = await recordedSession(c, login);
  return redirectHome(login.returnTo, setCookie);
}

/**
 * Makes the session of a finished login and ends the one that the same client had. What nobody waits for is done
 * behind the answer: the event for customer service, and what Vipps now says of the person.
 * @throws {Failure} `storage_unavailable` or `too_slow`; then there is no session.
 */
export async function recordedSession(c: AppContext, login: FinishedLogin): Promise<BegunSession> {
  const { settings, stepTimes } = c.env;
  const { settled, identity, sid, isSameBrowser, isNativeApp } = login;
  const { accountId, how, person, isCurrent } = settled;
  const { authTime, claims } = identity;
  const device = deviceOf(c.req.raw.headers.get("user-agent"));
  const place = placeOf(settings, c.req.raw);
  const session = { accountId, sid, authTime, claims, device, place };
  return namingPerson(identity, async () => {
    try {
      const begun = await timed(stepTimes, "session", beginSession(settings, session));
      if (isTooLate(c)) throw new Failure("too_slow", { stage: "session" });
      c.executionCtx.waitUntil(endReplacedSession(settings, c.req.raw.headers));
      logEvent("info", "login_finished", {
        sid,
        same_browser: isSameBrowser,
        native_app: isNativeApp,
        steps: stepTimes,
      });
      recordLogin(c, { outcome: "logged_in", reason: how, accountId, sub: person.sub, sid });
      if (!isCurrent)
        c.executionCtx.waitUntil(
          siteRegistry(settings)
            .update(accountId, person)
            .catch(() => logEvent("warn", "account_not_updated", { sid })),
        );
      return begun;
    } catch (error) {
      // The store may have recorded it all the same, too late to say so: nobody holds that session.
      c.executionCtx.waitUntil(endSession(settings, accountId, sid).catch(() => undefined));
      throw error;
    }
  });
}

/** Sends the browser to where the login was meant to end. 303, so that a form's POST becomes a GET. */
export function redirectHome(returnTo: string, setCookie?: string): Response {
  const headers = new Headers({ location: returnTo, "cache-control": "no-store" });
  if (setCookie !== undefined) headers.append("set-cookie", setCookie);
  return new Response(null, { status: 303, headers });
}
