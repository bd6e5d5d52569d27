import { recogniseBrowser } from "../http/browser-cookie.ts";
import { queryParameter } from "../http/query.ts";
import { type AppContext, providerAccess } from "../http/request-context.ts";
import { safeReturnUrl } from "../http/return-url.ts";
import { currentSession } from "../session/current-session.ts";
import { timed } from "../step-times.ts";
import { authorizeUrl } from "../vipps/authorize-url.ts";
import { providerMetadata } from "../vipps/metadata.ts";
import { attemptsCall, objectFor } from "./call-attempts.ts";
import {
  isTooLongToSeal,
  type LoginFlow,
  loginSecrets,
  newLoginId,
  sealingKeyId,
  sealState,
} from "./login-state.ts";

/**
 * `GET /auth/login`: sends the browser to Vipps. Warm, it asks nobody anything and stores nothing.
 * @throws {Failure} when the provider's metadata cannot be had.
 */
export async function startLogin(c: AppContext): Promise<Response> {
  const { settings } = c.env;
  const returnTo = safeReturnUrl(settings, queryParameter(c.req.raw, "return_to"));
  const headers = new Headers({ "cache-control": "no-store", vary: "cookie" });
  const { session, setCookie } = await currentSession(settings, c.req.raw.headers);
  if (setCookie !== undefined) headers.append("set-cookie", setCookie);
  if (session !== undefined && queryParameter(c.req.raw, "prompt") !== "login") {
    headers.set("location", returnTo);
    return new Response(null, { status: 302, headers });
  }

  const { browser, setCookie: browserCookie } = await recogniseBrowser(c.req.raw.headers);
  const { url } = await beginLogin(c, "browser", { browser, returnTo });
  headers.append("set-cookie", browserCookie);
  headers.set("location", url);
  return new Response(null, { status: 302, headers });
}

/** Who begins a login, and where it leads. */
interface LoginStart {
  /** SHA-256 of the browser's cookie, or of the secret that only the app gets. */
  readonly browser: string;
  /** Where the browser goes in the end; for an app, where Vipps sends it back to. */
  readonly returnTo: string;
}

/**
 * Begins a login: makes its state and the address at Vipps.
 * @throws {Failure} when the provider's metadata cannot be had; `storage_unavailable` where the return URL is too
 *   long for the state and cannot be stored.
 */
export async function beginLogin(
  c: AppContext,
  flow: LoginFlow,
  { browser, returnTo }: LoginStart,
): Promise<{ readonly url: string; readonly state: string }> {
  const { settings, stepTimes } = c.env;
  const { relyingParty } = settings;
  const id = newLoginId();
  const object = objectFor(settings, id);
  const isKept = flow === "browser" && isTooLongToSeal(returnTo);
  const login = { id, object, browser, returnTo: isKept ? undefined : returnTo };
  const [{ discovery }, state, secrets] = await Promise.all([
    timed(stepTimes, "metadata", providerMetadata(providerAccess(c))),
    sealState(settings, flow, login),
    sealingKeyId(settings).then((keyId) => loginSecrets(settings, { id, keyId })),
    isKept && attemptsCall(settings, object, "start", (stub) => stub.keepReturnUrl(id, returnTo)),
  ]);
  if (secrets === undefined) throw new Error("the key that seals is always there");
  const url = await authorizeUrl(discovery.authorization_endpoint, relyingParty, {
    ...secrets,
    state,
    redirectUri: flow === "app" ? returnTo : relyingParty.redirectUri,
    nativeApp: flow === "app",
  });
  return { url, state };
}
