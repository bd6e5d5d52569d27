import * as v from "valibot";
import type { AccountId } from "../accounts/account.ts";
import { askedBefore } from "../accounts/asked-before.ts";
import { sha256 } from "../digest.ts";
import { Failure, fromStorage } from "../failure.ts";
import { jsonBody } from "../http/json-body.ts";
import { type AppContext, providerAccess } from "../http/request-context.ts";
import { refuseCrossSite } from "../http/same-site.ts";
import { logEvent } from "../log.ts";
import { beginSession } from "../session/begin-session.ts";
import { deviceOf, placeOf } from "../session/device.ts";
import { endReplacedSession } from "../session/end-session.ts";
import { newSessionId } from "../session/session-id.ts";
import { sessionExpiry } from "../session/session-lifetime.ts";
import { timed } from "../step-times.ts";
import { providerFailure, readAuthorizationResponse } from "../vipps/authorization-response.ts";
import type { VippsIdentity } from "../vipps/identity.ts";
import { exchangeCode } from "../vipps/token-exchange.ts";
import { keepArrivedConsents } from "./arrived-consents.ts";
import { accountUnclear } from "./ask-for-proof.ts";
import { attemptOfState } from "./attempt-id.ts";
import type { AppConsumeResult } from "./attempt-state.ts";
import { concludeLogin, namingPerson, settleLoginAccount } from "./complete-login.ts";
import { allowedRedirectUris } from "./start-app-login.ts";

/** The secret of the start, and the parameters of the redirect as the app received them. */
const finishBody = () =>
  v.object({
    app_secret: v.string(),
    state: v.string(),
    code: v.optional(v.string()),
    iss: v.optional(v.string()),
    error: v.optional(v.string()),
    error_description: v.optional(v.string()),
  });

/**
 * `POST /auth/app/finish`: the app brings what Vipps sent it back with, and gets its session. The token in the
 * answer is the same that browsers get as a cookie; the app sends it as `Authorization: Bearer`.
 * @throws {Failure} `not_found` where no app may log in, `app_mismatch` for another app's secret, `account_unclear`
 *   or `terms_not_accepted` where the person would have to be asked, and whatever keeps any login from finishing.
 */
export async function finishAppLogin(c: AppContext): Promise<Response> {
  const { settings, stepTimes } = c.env;
  refuseCrossSite(settings, c.req.raw.headers, "callback");
  allowedRedirectUris(settings.login);
  const { app_secret: appSecret, ...parameters } = await jsonBody(c.req.raw, finishBody(), "callback");
  const response = readAuthorizationResponse(new URLSearchParams(definedOf(parameters)));
  const attempt = attemptOfState(settings, response.state, "callback");
  const consuming = attempt.consumeForApp(
    settings.site.partition,
    await sha256(appSecret),
  ) as Promise<AppConsumeResult>;
  const consumed = await timed(stepTimes, "attempt", fromStorage("callback", consuming));
  if (consumed.outcome === "expired") throw new Failure("state_expired", { stage: "callback" });
  if (consumed.outcome === "used") throw new Failure("state_used", { stage: "callback" });
  if (consumed.outcome === "otherApp") throw new Failure("app_mismatch", { stage: "callback" });
  if (response.error !== undefined) throw providerFailure(response.error);

  const { codeVerifier, nonce, redirectUri } = consumed;
  const identity = await exchangeCode(providerAccess(c), response, {
    state: attempt.id.toString(),
    redirectUri,
    codeVerifier,
    nonce,
    askedBefore: (sub) => askedBefore(c.env.settings, sub),
  });
  return namingPerson(identity, async () => {
    await keepArrivedConsents(settings, identity);
    const settled = await timed(stepTimes, "account", settleLoginAccount(settings, identity, "/"));
    if ("doubt" in settled) throw await accountUnclear(settings, settled, "/");
    // An app has no page to ask on: the person accepts the terms on the site first.
    if ("asked" in settled) throw new Failure("terms_not_accepted", { stage: "account" });
    const sid = newSessionId();
    const response = await tokenResponse(c, identity, settled.accountId, sid);
    concludeLogin(c, settled, sid);
    return response;
  });
}

/** Makes the session, ends the one the app had, and hands the token out. */
async function tokenResponse(
  c: AppContext,
  { authTime, claims }: VippsIdentity,
  accountId: AccountId,
  sid: string,
): Promise<Response> {
  const { settings, stepTimes } = c.env;
  const { headers } = c.req.raw;
  const device = deviceOf(headers.get("user-agent"));
  const place = placeOf(settings, c.req.raw);
  const begun = beginSession(settings, { accountId, sid, authTime, claims, device, place });
  const { session, token } = await timed(stepTimes, "session", begun);
  c.executionCtx.waitUntil(endReplacedSession(settings, headers));
  logEvent("info", "login_finished", { sid, native_app: true, steps: stepTimes });
  return Response.json(
    {
      authenticated: true,
      user: { sub: session.sub, ...session.profile },
      session: { id: sid, expires_at: sessionExpiry(settings.session, session), token },
      token_type: "Bearer",
    },
    { headers: { "cache-control": "no-store" } },
  );
}

function definedOf(parameters: Readonly<Record<string, string | undefined>>): [string, string][] {
  return Object.entries(parameters).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]));
}
