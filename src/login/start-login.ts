import { Failure } from "../failure.ts";
import { ownRedirect } from "../http/around.ts";
import { COOKIES_PARAMETER, recogniseBrowser } from "../http/cookie.ts";
import { firstOf, isFramed, queryOf } from "../http/request.ts";
import { type AppContext, providerAccess } from "../http/request-context.ts";
import { safeReturnUrl } from "../http/return-url.ts";
import { logEvent } from "../log.ts";
import { type CurrentSession, currentSession } from "../session/current-session.ts";
import { askedPurpose, broughtFor } from "../session/session-store.ts";
import type { Settings } from "../settings.ts";
import { faultFields } from "../storage-call.ts";
import { authorizeUrl } from "../vipps/authorize-url.ts";
import { providerMetadata } from "../vipps/provider.ts";
import { timed } from "../waiting.ts";
import { attemptsCall, objectFor } from "./call-attempts.ts";
import {
  askingParty,
  asksFor,
  type BegunLogin,
  beginState,
  isTooLongToSeal,
  type LoginAsks,
  type LoginFlow,
  loginCouldHelp,
  NO_ASKS,
  newLoginId,
  openState,
  requiredOfLogin,
  sealState,
} from "./login-state.ts";

/**
 * `GET /auth/login`: sends the browser to Vipps. Warm, it asks nobody anything and stores nothing.
 * @throws {Failure} when the provider's metadata cannot be had; `login_in_frame` in a part of another page, where Vipps
 *   is never shown; `cookies_not_kept` where the cookie of the answer that led here did not come back,
 *   `browser_mismatch` where it did, and that answer refused a login of another browser; `rule_unknown`; `purpose_unknown`.
 */
export async function startLogin(c: AppContext): Promise<Response> {
  const { settings } = c.env;
  const { url: address, headers } = c.req.raw;
  const elsewhere = atOwnAddress(c, address);
  if (elsewhere !== undefined)
    return new Response(null, { status: 302, headers: { location: elsewhere, "cache-control": "no-store" } });
  const query = queryOf(address);
  const returnTo = safeReturnUrl(settings, query.get("return_to"));
  const asked: Promise<Pick<CurrentSession, "session" | "setCookie">> = currentSession(settings, c.req.raw);
  const { session, setCookie } = await ifKnown(settings, asked, { session: undefined, setCookie: undefined });
  const required = requiredOfLogin(settings, query, returnTo);
  const mustAsk = query.get("prompt") === "login";
  const purpose = askedPurpose(settings, query.get("for"), "start");
  if (
    session !== undefined &&
    !mustAsk &&
    !loginCouldHelp(required, session) &&
    (purpose === undefined ||
      (await ifKnown(settings, broughtFor(settings, session, purpose), undefined)) !== undefined)
  )
    return ownRedirect(returnTo, [setCookie]);

  const { browser, hasNone, setCookie: browserCookie } = await recogniseBrowser(headers);
  const expected = query.get(COOKIES_PARAMETER);
  if (expected !== undefined) {
    const ofLogin = await arrivedLogin(settings, expected);
    const facts = { stage: "start", returnTo, purpose, ofLogin } as const;
    if (hasNone) throw new Failure("cookies_not_kept", { ...facts, browserCookie });
    // Refused at the callback, where it was not known yet whether this browser keeps cookies.
    if (ofLogin !== undefined && settings.login.crossBrowser === "deny")
      throw new Failure("browser_mismatch", facts);
  }
  if (isFramed(headers))
    throw new Failure("login_in_frame", { stage: "start", returnTo, purpose, setCookie });
  // Whoever is logged in and has to be fresh must not be let through by a memory of the provider's.
  const anew = session !== undefined && required.some(({ kind }) => kind === "fresh");
  const asks = { ...asksFor(required), purpose };
  const { url } = await beginLogin(c, "browser", { browser, returnTo, anew, asks });
  return ownRedirect(url, [setCookie, browserCookie]);
}

/**
 * What the session store says of whoever wants to log in. While it does not say whether a stale session lives, they are
 * a stranger who logs in anew, and is asked for everything; the login ends the old session as always.
 */
async function ifKnown<Value>(settings: Settings, asking: Promise<Value>, otherwise: Value): Promise<Value> {
  try {
    return await asking;
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== "storage_unavailable") throw error;
    logEvent("warn", "session_not_read", settings.site.origin, faultFields(error));
    return otherwise;
  }
}

/**
 * Where the login begins that has to bring the cookie of the answer that leads there: a browser that does not is told
 * that it keeps no cookies, and does not go round in circles.
 */
export async function loginWithCookie(
  settings: Settings,
  login: BegunLogin,
  returnTo: string,
): Promise<string> {
  const query = new URLSearchParams({
    return_to: returnTo,
    [COOKIES_PARAMETER]: await sealState(settings, "arrival", { ...login, returnTo: "" }),
  });
  return `${settings.site.authPath}/login?${query}`;
}

/** The login that was finished in a browser which then brought no cookie, for its event. */
async function arrivedLogin(settings: Settings, expected: string): Promise<string | undefined> {
  const opened = await openState(settings, "arrival", expected, Date.now());
  return opened?.standing === "begun" ? opened.login.id : undefined;
}

/** In the address of a login: it has been sent to the site's own address. */
const AT_OWN_ADDRESS = "address=own";

/**
 * Where the same login begins at SITE_URL, for somebody who came by another name of the site: its cookies are other
 * ones, and the login would come back to a browser that did not begin it.
 *
 * A proxy in front may ask by such a name for a browser that is where it should be. So whoever says so is believed, and
 * nobody is sent there twice.
 */
function atOwnAddress(c: AppContext, url: string): string | undefined {
  const { origin, authPath } = c.env.settings.site;
  if (url.startsWith(`${origin}/`)) return undefined;
  const asked = new URL(url);
  if (asked.origin === origin) return undefined;
  const own = new URL(origin);
  const { headers } = c.req.raw;
  const isThere =
    !isOtherName(asked.hostname, own.hostname) ||
    asked.search.includes(AT_OWN_ADDRESS) ||
    (firstOf(headers.get("x-forwarded-host")) === own.host &&
      (firstOf(headers.get("x-forwarded-proto")) ?? "https") === own.protocol.slice(0, -1)) ||
    (headers.get("sec-fetch-site") === "same-origin" &&
      URL.parse(headers.get("referer") ?? "")?.origin === origin);
  if (isThere) return undefined;
  return `${origin}${authPath}/login${asked.search || "?"}${asked.search && "&"}${AT_OWN_ADDRESS}`;
}

/** Names by which a machine knows itself. */
const isLoopback = (name: string): boolean => /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(name);

/** Whether a name may be another one of the same site: by another scheme or port, with and without `www`, a loopback. */
function isOtherName(name: string, own: string): boolean {
  if (name === own || name.endsWith(`.${own}`) || own.endsWith(`.${name}`)) return true;
  return isLoopback(name) && isLoopback(own);
}

/** Who begins a login, and where it leads. */
interface LoginStart {
  /** SHA-256 of the browser's cookie, or of the secret that only the app gets. */
  readonly browser: string;
  /** Where the browser goes in the end; for an app, where Vipps sends it back to. */
  readonly returnTo: string;
  /** Whether Vipps is to ask though it remembers the person. */
  readonly anew?: boolean;
  readonly asks?: LoginAsks;
}

/**
 * Begins a login: makes its state and the address at Vipps.
 * @throws {Failure} when the provider's metadata cannot be had; `storage_unavailable` where the return URL is too
 *   long for the state and cannot be stored.
 */
export async function beginLogin(
  c: AppContext,
  flow: LoginFlow,
  { browser, returnTo, anew = false, asks = NO_ASKS }: LoginStart,
): Promise<{ readonly url: string; readonly state: string }> {
  const { settings, stepTimes } = c.env;
  const relyingParty = askingParty(settings, asks);
  const id = newLoginId();
  const object = objectFor(settings, id);
  const isKept = flow === "browser" && isTooLongToSeal(returnTo, asks.purpose);
  const login = { id, object, browser, returnTo: isKept ? undefined : returnTo, asks };
  // A cold isolate waits for them side by side; what fails is seen where it is awaited.
  const metadata = timed(stepTimes, "metadata", providerMetadata(providerAccess(c)));
  metadata.catch(() => undefined);
  const kept = isKept
    ? attemptsCall(settings, object, "start", (stub) => stub.keepReturnUrl(id, returnTo))
    : undefined;
  kept?.catch(() => undefined);
  const { state, secrets } = await beginState(settings, flow, login);
  const { discovery } = await metadata;
  await kept;
  const url = await authorizeUrl(discovery.authorization_endpoint, relyingParty, {
    ...secrets,
    state,
    redirectUri: flow === "app" ? returnTo : relyingParty.redirectUri,
    nativeApp: flow === "app",
    anew,
  });
  return { url, state };
}
