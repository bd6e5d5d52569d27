import { accountOf } from "../accounts/account.ts";
import { Failure, fromStorage, withFacts } from "../failure.ts";
import { knownBrowser, rememberBrowser } from "../http/browser-cookie.ts";
import { type AppContext, providerAccess } from "../http/request-context.ts";
import { currentSession } from "../session/current-session.ts";
import { newSessionId } from "../session/session-id.ts";
import type { Settings } from "../settings.ts";
import { providerFailure, readAuthorizationResponse } from "../vipps/authorization-response.ts";
import type { VippsIdentity } from "../vipps/identity.ts";
import { exchangeCode } from "../vipps/token-exchange.ts";
import { type AttemptStub, attemptOfState } from "./attempt-id.ts";
import { askToConfirm } from "./confirm-login.ts";
import type { AlreadyUsed, ConsumeResult } from "./login-attempt.ts";
import { redirectHome, sessionResponse } from "./session-response.ts";

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
  const { settings } = c.env;
  const { headers } = c.req.raw;
  const response = readAuthorizationResponse(new URL(c.req.url).searchParams);
  if (response.state === undefined && response.error !== undefined) throw providerFailure(response.error);
  const attempt = attemptOfState(settings, response.state, "callback");
  const browser = await knownBrowser(headers);
  const policy = settings.login.crossBrowser;
  const consumed = await fromStorage(
    "callback",
    attempt.consume(
      browser,
      policy === "deny" ? "refused" : "welcome",
      newSessionId(),
    ) as Promise<ConsumeResult>,
  );
  if (consumed.outcome === "used") return alreadyUsed(settings, headers, consumed);
  if (consumed.outcome === "held") return askToConfirm(c, { ...consumed, attempt, setCookie: undefined });
  if (consumed.outcome === "expired") throw new Failure("state_expired", { stage: "callback" });
  const { returnTo } = consumed;
  if (consumed.outcome === "otherBrowser")
    throw new Failure("browser_mismatch", { stage: "callback", returnTo });

  try {
    if (response.error !== undefined) throw providerFailure(response.error);
    const identity = await exchangeCode(providerAccess(c), response, {
      state: attempt.id.toString(),
      redirectUri: settings.relyingParty.redirectUri,
      codeVerifier: consumed.codeVerifier,
      nonce: consumed.nonce,
    });
    const { sameBrowser, sid } = consumed;
    if (!sameBrowser && (policy === "confirm" || (await replacesSomebody(settings, headers, identity)))) {
      return await holdForConfirmation(c, attempt, identity, returnTo);
    }
    return await sessionResponse(c, { identity, sid, returnTo, sameBrowser });
  } catch (error) {
    throw error instanceof Failure ? withFacts(error, { returnTo }) : error;
  }
}

/** Whatever the policy, a login from elsewhere never silently replaces another user's session. */
async function replacesSomebody(
  settings: Settings,
  headers: Headers,
  identity: VippsIdentity,
): Promise<boolean> {
  const { session } = await currentSession(settings, headers);
  return session !== undefined && session.sub !== accountOf(identity);
}

async function holdForConfirmation(
  c: AppContext,
  attempt: AttemptStub,
  identity: VippsIdentity,
  returnTo: string,
): Promise<Response> {
  const { browser, setCookie } = await rememberBrowser(c.req.raw.headers);
  await fromStorage("callback", attempt.hold(identity, browser));
  return askToConfirm(c, { attempt, identity, returnTo, setCookie });
}

/** How long after its use a login may still be on its way to the same browser, in milliseconds. */
const IN_FLIGHT = 30_000;

/**
 * A reload, a double click or the back button. The browser that has this login's session goes home. The
 * browser that began it but has no session yet has most likely dropped the first answer by clicking again: the
 * page it gets sends it through the login once more, which finds the session or makes a new one.
 */
async function alreadyUsed(settings: Settings, headers: Headers, used: AlreadyUsed): Promise<Response> {
  const { returnTo } = used;
  const { session, setCookie } = await currentSession(settings, headers);
  if (session?.sid === used.sid) return redirectHome(returnTo, setCookie);
  const resume = used.sameBrowser && session === undefined && Date.now() - used.usedAt < IN_FLIGHT;
  throw new Failure("state_used", { stage: "callback", returnTo, resume });
}
