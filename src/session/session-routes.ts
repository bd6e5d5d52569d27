import { ownAnswer, wholeHeaders } from "../http/around.ts";
import { forgetBrowser } from "../http/cookie.ts";
import { formBody, isForm, queryParameter, refuseCrossSite } from "../http/request.ts";
import type { AppContext } from "../http/request-context.ts";
import { safeReturnUrl } from "../http/return-url.ts";
import { logEvent } from "../log.ts";
import { loggedOutPage, logoutPage } from "../pages/logged-out-page.ts";
import { pageContext } from "../pages/page-context.ts";
import { pageResponse } from "../pages/page-response.ts";
import { faultFields } from "../storage-call.ts";
import { askedPurpose } from "./asked-purpose.ts";
import { currentSession } from "./current-session.ts";
import { expiredSessionCookie, publishedKeys, sessionExpiry } from "./session.ts";
import { broughtFor, endAgain, endCarriedSessions } from "./session-store.ts";

/**
 * `GET /auth/session`: who is logged in, for scripts. Times in Unix seconds. An app whose Bearer token has become
 * stale finds the new one in `session.token`; browsers get theirs as a cookie that no script can read.
 *
 * With `?for=PURPOSE` it also says what the person shared for that purpose at the login of this session, among `user`,
 * and `purpose` is its name; `null` where this session was not asked. That costs one call to the session store.
 * @throws {Failure} `purpose_unknown`, `storage_unavailable`.
 */
export async function showSession(c: AppContext): Promise<Response> {
  const { settings } = c.env;
  const purpose = askedPurpose(settings, queryParameter(c.req.raw, "for"), "session");
  const { session, setCookie, renewedBearer } = await currentSession(settings, c.req.raw, (work) =>
    c.executionCtx.waitUntil(work),
  );
  const brought =
    session === undefined || purpose === undefined ? undefined : await broughtFor(settings, session, purpose);
  const body =
    session === undefined
      ? { authenticated: false }
      : {
          authenticated: true,
          user: { sub: session.sub, ...session.profile, ...brought },
          session: {
            id: session.sid,
            expires_at: sessionExpiry(settings.session, session),
            token: renewedBearer,
          },
          ...(purpose !== undefined && { purpose: brought === undefined ? null : purpose }),
        };
  sessionHeaders ??= wholeHeaders({
    "content-type": "application/json",
    "cache-control": "no-store",
    vary: "cookie, authorization, origin",
  });
  const answer = ownAnswer(JSON.stringify(body), sessionHeaders);
  if (setCookie !== undefined) answer.headers.append("set-cookie", setCookie);
  return answer;
}

let sessionHeaders: Headers | undefined;

/**
 * `POST /auth/logout`: ends this session here and in the store. A form is sent on to `return_to`, a script
 * gets 204; who names no place to go to finds the page that says so (`/auth/logged-out`). The browser also becomes
 * a stranger to the logins it began, so that the back button cannot log in again.
 * @throws {Failure} `cross_site`.
 */
export async function logout(c: AppContext): Promise<Response> {
  const { settings } = c.env;
  const { headers } = c.req.raw;
  refuseCrossSite(settings, headers, "session", settings.login.returnToOrigins);
  const form = await formBody(c.req.raw);
  try {
    await endCarriedSessions(settings, headers);
  } catch (error) {
    // This browser is logged out all the same; what holds a copy of the token is when the store is told.
    logEvent("error", "logout_not_recorded", settings.site.origin, faultFields(error));
    c.executionCtx.waitUntil(endAgain(settings, () => endCarriedSessions(settings, headers)));
  }
  const answer = new Headers({ "cache-control": "no-store" });
  answer.append("set-cookie", expiredSessionCookie(settings.session));
  answer.append("set-cookie", forgetBrowser());
  if (!isForm(headers) && !headers.get("accept")?.includes("text/html"))
    return new Response(null, { status: 204, headers: answer });
  const wanted = form?.get("return_to") ?? queryParameter(c.req.raw, "return_to");
  answer.set("location", wanted ? safeReturnUrl(settings, wanted) : `${settings.site.authPath}/logged-out`);
  return new Response(null, { status: 303, headers: answer });
}

/** A link to the logout: asks with a button, because a link of another website must log nobody out. Still a 405. */
export function offerLogout(c: AppContext): Promise<Response> {
  const { settings } = c.env;
  const context = pageContext(c.req.raw.headers.get("accept-language"), settings);
  const wanted = queryParameter(c.req.raw, "return_to");
  const page = logoutPage({
    ...context,
    action: `${settings.site.authPath}/logout`,
    returnTo: wanted === undefined ? undefined : safeReturnUrl(settings, wanted),
  });
  return pageResponse(page, context, 405);
}

/** `GET /auth/.well-known/jwks.json`: the public keys of the session token (RFC 7517), for origins. */
export function showPublicKeys(c: AppContext): Response {
  return new Response(JSON.stringify({ keys: publishedKeys(c.env.settings.session) }), {
    headers: { "content-type": "application/jwk-set+json", "cache-control": "public, max-age=300" },
  });
}

/**
 * `GET /auth/logged-out`: where somebody comes after logging out who named no other place. There is no log-out at
 * Vipps for a site to ask for: a browser that Vipps remembers stays remembered, and the page says so.
 */
export function showLoggedOut(c: AppContext): Promise<Response> {
  const { settings } = c.env;
  const context = pageContext(c.req.raw.headers.get("accept-language"), settings);
  const loginHref = `${settings.site.authPath}/login?return_to=%2F`;
  return pageResponse(loggedOutPage({ ...context, loginHref }), context, 200);
}
