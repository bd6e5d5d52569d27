import { siteRegistry } from "../accounts/site-registry.ts";
import { announceEvents } from "../events/notice.ts";
import { Failure } from "../failure.ts";
import { isTooLate } from "../http/around.ts";
import { recogniseBrowser } from "../http/cookie.ts";
import { sessionClient } from "../http/request.ts";
import type { AppContext } from "../http/request-context.ts";
import { logEvent } from "../log.ts";
import { ageClaims } from "../rules/requirement.ts";
import {
  type BegunSession,
  beginSession,
  carriedSessions,
  endSession,
  type NewSession,
} from "../session/session-store.ts";
import type { Settings } from "../settings.ts";
import type { VippsIdentity } from "../vipps/claims.ts";
import { timed } from "../waiting.ts";
import { recordLogin } from "./record-login.ts";
import { type FinishedLogin, namingPerson } from "./settle-login.ts";

/** A login with nothing left to ask, on its way into the client that gets its session. */
interface ArrivedLogin extends Omit<FinishedLogin, "outcome"> {
  /** The id its session gets. */
  readonly sid: string;
  /** Whether the browser that gets the session is the one that began the login; an app always is. */
  readonly isSameBrowser?: boolean;
  readonly isNativeApp?: boolean;
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

/** Makes the session, which takes the place of the one in this browser, and sends the browser home. */
export async function sessionResponse(
  c: AppContext,
  login: ArrivedLogin & { readonly returnTo: string },
): Promise<Response> {
  const { setCookie } = await recordedSession(c, login);
  return redirectHome(login.returnTo, setCookie);
}

/** The same once more, for the other request of one navigation: nothing is ended, and nothing written down, twice. */
export async function sameSessionResponse(
  c: AppContext,
  login: ArrivedLogin & { readonly returnTo: string },
): Promise<Response> {
  const { settled, identity, sid, returnTo } = login;
  const { settings } = c.env;
  const { authTime } = identity;
  const profile = sessionProfile(settings, identity, settled.groups ?? []);
  const { brought } = identity;
  const client = await clientOf(c, login);
  const session = { accountId: settled.accountId, sid, authTime, profile, ...client, brought };
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
      recordLogin(c, { outcome: "logged_in", reason: how, accountId, sub: person.sub, sid });
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
