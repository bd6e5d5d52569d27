import * as v from "valibot";
import { randomText, sha256 } from "../crypto-text.ts";
import { Failure } from "../failure.ts";
import { jsonBody, refuseCrossSite } from "../http/request.ts";
import { type AppContext, PROVIDER_TIME } from "../http/request-context.ts";
import { sessionExpiry } from "../session/session.ts";
import { askedPurpose } from "../session/session-store.ts";
import type { LoginSettings } from "../settings.ts";
import { errorAnswer, readAuthorizationResponse } from "../vipps/authorization-code.ts";
import { broughtState } from "./call-attempts.ts";
import { finishBegun } from "./finish-login.ts";
import { failureOfLogin, recordedSession } from "./login-end.ts";
import { LOGIN_LIFETIME, NO_ASKS } from "./login-state.ts";
import type { ConsumedLogin } from "./settle-login.ts";
import { beginLogin } from "./start-login.ts";

const startBody = () => v.object({ redirect_uri: v.optional(v.string()), for: v.optional(v.string()) });

/**
 * `POST /auth/app/start`: a native app begins a login (Vipps' app-to-app flow). The answer holds the URL to open,
 * and a secret that only this app gets and must show at the end: it stands in for the browser cookie. Code
 * verifier and nonce stay here.
 * @throws {Failure} `not_found` where no app may log in, `app_redirect_uri_unknown`, `purpose_unknown`,
 *   `request_malformed`, or what keeps any login from starting.
 */
export async function startAppLogin(c: AppContext): Promise<Response> {
  const { settings } = c.env;
  refuseCrossSite(settings, c.req.raw.headers, "start");
  const asked = await jsonBody(c.req.raw, startBody(), "start");
  const redirectUri = chosenRedirectUri(settings.login, asked.redirect_uri);
  const purpose = askedPurpose(settings, asked.for, "start");
  const appSecret = randomText(32);
  const browser = await sha256(appSecret);
  const { url, state } = await beginLogin(c, "app", {
    browser,
    returnTo: redirectUri,
    asks: { ...NO_ASKS, purpose },
  });
  return Response.json(
    {
      authorize_url: url,
      state,
      app_secret: appSecret,
      redirect_uri: redirectUri,
      expires_in: LOGIN_LIFETIME / 1000,
    },
    { headers: { "cache-control": "no-store" } },
  );
}

/** Exactly one of the URIs in the settings; the first where the app names none. */
function chosenRedirectUri(settings: LoginSettings, asked: string | undefined): string {
  const allowed = allowedRedirectUris(settings);
  if (asked === undefined) return allowed[0];
  if (allowed.includes(asked)) return asked;
  throw new Failure("app_redirect_uri_unknown", { stage: "start" });
}

/** @throws {Failure} `not_found` where APP_REDIRECT_URIS is empty: then there is no login for apps. */
function allowedRedirectUris({ appRedirectUris }: LoginSettings): readonly [string, ...string[]] {
  const [first, ...others] = appRedirectUris;
  if (first === undefined) throw new Failure("not_found", { stage: "site", reason: "no APP_REDIRECT_URIS" });
  return [first, ...others];
}

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
  const { settings } = c.env;
  refuseCrossSite(settings, c.req.raw.headers, "callback");
  allowedRedirectUris(settings.login);
  const { app_secret: appSecret, ...parameters } = await jsonBody(c.req.raw, finishBody(), "callback");
  const query = new URLSearchParams(definedOf(parameters));
  const response = readAuthorizationResponse(query);
  const { login, state, isLate } = await broughtState(settings, "app", response.state, "callback");
  if (isLate) throw new Failure("state_expired", { stage: "callback" });
  const browser = await sha256(appSecret);
  if (login.browser !== browser) throw new Failure("app_mismatch", { stage: "callback" });
  try {
    if (response.error !== undefined) throw errorAnswer(settings.relyingParty, response, response.error);
    if (response.code === undefined)
      throw new Failure("response_malformed", { stage: "callback", reason: "no code" });
    return await finishForApp(c, { login, state, browser, response: query.toString() });
  } catch (error) {
    throw failureOfLogin(login, "/", error);
  }
}

async function finishForApp(
  c: AppContext,
  brought: Pick<ConsumedLogin, "login" | "state" | "browser" | "response">,
): Promise<Response> {
  const { settings } = c.env;
  const { outcome, sid } = await finishBegun(c, {
    ...brought,
    redirectUri: brought.login.returnTo ?? "",
    loggedInAs: undefined,
    canBeAsked: false,
    timeLimit: PROVIDER_TIME - (Date.now() - c.env.receivedAt),
  });
  if (outcome.outcome === "used") throw new Failure("state_used", { stage: "callback" });
  if (outcome.outcome !== "finished") throw new Failure("state_expired", { stage: "callback" });
  const { session, token } = await recordedSession(c, { ...outcome, sid, isNativeApp: true });
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
