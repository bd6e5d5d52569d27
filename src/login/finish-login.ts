import { askedBefore } from "../accounts/asked-before.ts";
import { knownAccountOf } from "../accounts/site-registry.ts";
import { Failure, fromStorage, withFacts } from "../failure.ts";
import { type KnownBrowser, recogniseBrowser } from "../http/browser-cookie.ts";
import { type AppContext, providerAccess } from "../http/request-context.ts";
import { logEvent } from "../log.ts";
import { currentSession } from "../session/current-session.ts";
import { newSessionId } from "../session/session-id.ts";
import { timed } from "../step-times.ts";
import {
  type AuthorizationResponse,
  providerFailure,
  readAuthorizationResponse,
} from "../vipps/authorization-response.ts";
import type { VippsIdentity } from "../vipps/identity.ts";
import { exchangeCode } from "../vipps/token-exchange.ts";
import { keepArrivedConsents } from "./arrived-consents.ts";
import { askAgain } from "./ask-again.ts";
import { type AttemptStub, attemptOfState } from "./attempt-id.ts";
import type { Consumed, ConsumeResult } from "./attempt-state.ts";
import { completeLogin, namingPerson } from "./complete-login.ts";
import { askToConfirm } from "./confirm-login.ts";
import { redirectHome } from "./session-response.ts";
import { usedLogin } from "./used-login.ts";

/**
 * `GET /auth/callback`: the redirect URI. Consumes the attempt before anything is sent to Vipps, then makes
 * one token request. The work goes on if the browser hangs up, so that no login is left half made.
 * @throws {Failure} with the code that names what is wrong.
 */
export async function finishLogin(c: AppContext): Promise<Response> {
  if (c.req.method === "HEAD")
    return new Response(null, { status: 204, headers: { "cache-control": "no-store" } });
  const work = finish(c);
  c.executionCtx.waitUntil(work.catch(() => undefined));
  return work;
}

async function finish(c: AppContext): Promise<Response> {
  const { settings, stepTimes } = c.env;
  const { headers } = c.req.raw;
  const response = readAuthorizationResponse(new URL(c.req.url).searchParams);
  const attempt = attemptOfState(settings, response.state, "callback");
  const here = await recogniseBrowser(headers);
  const otherBrowsers = settings.login.crossBrowser === "deny" ? "refused" : "welcome";
  const consuming = attempt.consume(settings.site.partition, here.browser, otherBrowsers, newSessionId());
  const consumed = await timed(
    stepTimes,
    "attempt",
    fromStorage("callback", consuming as Promise<ConsumeResult>),
  );
  if (consumed.outcome === "expired") throw new Failure("state_expired", { stage: "callback" });
  const { returnTo } = consumed;
  try {
    if (consumed.outcome === "waiting") {
      const current = await currentSession(settings, headers);
      return await askAgain(c, { ...consumed, attempt, browser: here.browser, current });
    }
    // However often it is loaded, an answer without a code says the same and makes nothing.
    if (response.error !== undefined) throw providerFailure(response.error);
    if (consumed.outcome === "otherBrowser") throw new Failure("browser_mismatch", { stage: "callback" });
    if (consumed.outcome === "used")
      return usedLogin(consumed, await currentSession(settings, headers), "callback");
    return await finishConsumed(c, { attempt, consumed, response, here });
  } catch (error) {
    throw error instanceof Failure ? withFacts(error, { returnTo }) : error;
  }
}

interface BroughtLogin {
  readonly attempt: AttemptStub;
  readonly consumed: Consumed;
  readonly response: AuthorizationResponse;
  /** The browser that brought the code. */
  readonly here: KnownBrowser;
}

async function finishConsumed(c: AppContext, brought: BroughtLogin): Promise<Response> {
  const { attempt, consumed, response, here } = brought;
  const { returnTo, sid, sameBrowser } = consumed;
  const { relyingParty } = c.env.settings;
  const identity = await exchangeCode(providerAccess(c), response, {
    state: attempt.id.toString(),
    redirectUri: relyingParty.redirectUri,
    codeVerifier: consumed.codeVerifier,
    nonce: consumed.nonce,
    askedBefore: (sub) => askedBefore(c.env.settings, sub),
  });
  await namingPerson(identity, () => keepArrivedConsents(c.env.settings, identity));
  const answer = sameBrowser
    ? await completeLogin(c, { attempt, identity, sid, returnTo, sameBrowser })
    : await finishInOtherBrowser(c, attempt, consumed, identity);
  if (here.isNew && !sameBrowser) answer.headers.append("set-cookie", here.setCookie);
  return answer;
}

/**
 * Whoever began this login, it is finished here or nowhere. Somebody may have sent the person here with a login
 * of their own (login CSRF), so the policy decides whether to ask, and another user's session is never
 * replaced without asking. A browser in which the very same user is logged in already needs nothing: ten tabs
 * opened at once begin with ten browser cookies, of which one survives.
 */
async function finishInOtherBrowser(
  c: AppContext,
  attempt: AttemptStub,
  { sid, returnTo }: Consumed,
  identity: VippsIdentity,
): Promise<Response> {
  const { settings } = c.env;
  const { session, setCookie } = await currentSession(settings, c.req.raw.headers);
  const alreadyIn = session !== undefined && session.sub === (await knownAccountOf(settings, identity));
  if (settings.login.crossBrowser === "confirm" && alreadyIn) {
    logEvent("info", "login_not_needed", { sid: session.sid });
    return redirectHome(returnTo, setCookie);
  }
  const asks = settings.login.crossBrowser === "confirm" || (session !== undefined && !alreadyIn);
  if (!asks) return completeLogin(c, { attempt, identity, sid, returnTo, sameBrowser: false });
  await fromStorage("callback", attempt.hold(settings.site.partition, identity, "confirm"));
  return askToConfirm(c, { attempt, identity, returnTo });
}
