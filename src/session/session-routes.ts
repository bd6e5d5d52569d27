import { Failure } from "../failure.ts";
import { ownAnswer, wholeHeaders } from "../http/around.ts";
import { forgetBrowser } from "../http/cookie.ts";
import {
  formBody,
  isForm,
  isPageRequest,
  isScriptRequest,
  namesHtml,
  queryParameter,
  refuseCrossSite,
  visitorTimeZone,
} from "../http/request.ts";
import type { AppContext } from "../http/request-context.ts";
import { safeReturnUrl } from "../http/return-url.ts";
import { onFirstUse } from "../isolate-state.ts";
import { logEvent } from "../log.ts";
import { pageLanguage } from "../pages/language.ts";
import { loggedOutPage, logoutPage } from "../pages/logged-out-page.ts";
import { pageContext } from "../pages/page-context.ts";
import { pageResponse } from "../pages/page-response.ts";
import { type JustEnded, sessionsPage } from "../pages/sessions-page.ts";
import { lengthWords, timeZone } from "../pages/time-words.ts";
import { faultFields } from "../storage-call.ts";
import { currentSession } from "./current-session.ts";
import { expiredSessionCookie, publishedKeys, sessionExpiry } from "./session.ts";
import { askForLogin } from "./session-required.ts";
import {
  askedPurpose,
  broughtFor,
  carriedSessions,
  type EndTarget,
  endAgain,
  endCarriedSessions,
  endSessionsFrom,
  listSessions,
} from "./session-store.ts";
import { deviceWords, sessionWords } from "./session-words.ts";
import type { StoredSession } from "./user-sessions.ts";

/** The routes of sessions: who is logged in, logging out, the keys, and the list of one's own sessions. */

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
  const answer = ownAnswer(JSON.stringify(body), sessionHeaders());
  if (setCookie !== undefined) answer.headers.append("set-cookie", setCookie);
  return answer;
}

const sessionHeaders = onFirstUse(() =>
  wholeHeaders({
    "content-type": "application/json",
    "cache-control": "no-store",
    vary: "cookie, authorization, origin",
  }),
);

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
  // A script's form too: followed from another origin, a redirect would be an error to it. One that wants HTML shows it.
  const isFromPage = isForm(headers) && !isScriptRequest(c.req.raw);
  if (!isFromPage && !headers.get("accept")?.includes("text/html"))
    return new Response(null, { status: 204, headers: answer });
  const wanted = form?.get("return_to") ?? queryParameter(c.req.raw, "return_to");
  answer.set("location", wanted ? safeReturnUrl(settings, wanted) : `${settings.site.authPath}/logged-out`);
  return new Response(null, { status: 303, headers: answer });
}

/** A link to the logout: asks with a button, because a link of another website must log nobody out. Still a 405. */
export function offerLogout(c: AppContext, status: 200 | 405 = 405): Promise<Response> {
  const { settings } = c.env;
  const context = pageContext(c.req.raw.headers.get("accept-language"), settings);
  const wanted = queryParameter(c.req.raw, "return_to");
  const page = logoutPage({
    ...context,
    action: `${settings.site.authPath}/logout`,
    returnTo: wanted === undefined ? undefined : safeReturnUrl(settings, wanted),
  });
  return pageResponse(page, context, status);
}

/** `GET /auth/.well-known/jwks.json`: the public keys of the session token (RFC 7517), for origins. */
export function showPublicKeys(c: AppContext): Response {
  return new Response(JSON.stringify({ keys: publishedKeys(c.env.settings.session) }), {
    headers: { "content-type": "application/jwk-set+json", "cache-control": "public, max-age=300" },
  });
}

/**
 * `GET /auth/logged-out`: where somebody comes after logging out who named no other place. There is no log-out at
 * Vipps for a site to ask for: a browser that Vipps remembers stays remembered, and the page says so. Whoever has
 * logged in again since, and comes back to it, can log out.
 */
export async function showLoggedOut(c: AppContext): Promise<Response> {
  const { settings } = c.env;
  if ((await carriedSessions(settings.session, c.req.raw.headers))[0]) return offerLogout(c, 200);
  const context = pageContext(c.req.raw.headers.get("accept-language"), settings);
  const loginHref = `${settings.site.authPath}/login?return_to=%2F`;
  return pageResponse(loggedOutPage({ ...context, loginHref }), context, 200);
}

/** What every answer about the list carries: it is one person's, of one moment. */
const LIST_HEADERS = { "cache-control": "no-store", vary: "accept, accept-language, cookie, authorization" };

/**
 * `GET /auth/sessions`: where this person is logged in. A page for a browser that shows it, else JSON.
 * @throws {Failure} `session_required` where there is no session and no page to come back to.
 */
export async function showSessions(c: AppContext): Promise<Response> {
  const { settings } = c.env;
  const request = c.req.raw;
  // Without a word of a browser's, who takes anything gets what this route is about.
  const isBrowser = request.headers.has("sec-fetch-mode") || namesHtml(request.headers);
  const wantsPage = isBrowser && isPageRequest(request);
  const { session, setCookie } = await currentSession(settings, request);
  const sessions = session === undefined ? [] : await listSessions(settings, session.sub);
  // A token may be fresh though its session has ended elsewhere; the list knows better.
  const own = sessions.find(({ sid }) => sid === session?.sid);
  if (own === undefined) {
    const forget = session === undefined ? setCookie : expiredSessionCookie(settings.session);
    if (wantsPage) return askForLogin(settings, request, `${settings.site.authPath}/sessions`, forget);
    throw sessionRequired(forget, true);
  }
  const listed = [own, ...sessions.filter((other) => other !== own)];
  const response = wantsPage
    ? await answerPage(c, listed, own.sid)
    : new Response(JSON.stringify({ sessions: sessionsJson(c, listed, own.sid) }), {
        headers: { "content-type": "application/json", ...LIST_HEADERS },
      });
  if (setCookie !== undefined) response.headers.append("set-cookie", setCookie);
  return response;
}

function answerPage(c: AppContext, sessions: readonly StoredSession[], current: string): Promise<Response> {
  const { settings } = c.env;
  const { site } = settings;
  const request = c.req.raw;
  const context = pageContext(request.headers.get("accept-language"), settings);
  const { language } = context;
  const zone = timeZone(language, visitorTimeZone(settings, request));
  const html = sessionsPage({
    ...context,
    sessions: sessions.map((session) => sessionWords(language, zone, session, current)),
    justEnded: justEnded(queryParameter(c.req.raw, "ended")),
    delay: lengthWords(language, settings.session.fresh),
    endAction: `${site.authPath}/sessions/end`,
    logoutAction: `${site.authPath}/logout`,
  });
  return pageResponse(html, context, 200);
}

function justEnded(query: string | undefined): JustEnded | undefined {
  return query === "one" || query === "others" ? query : undefined;
}

function sessionsJson(c: AppContext, sessions: readonly StoredSession[], current: string) {
  const acceptLanguage = c.req.header("accept-language") ?? null;
  const language = pageLanguage(acceptLanguage, c.env.settings);
  return sessions.map(({ sid, device, place, startedAt, lastSeenAt, expiresAt }) => ({
    id: sid,
    current: sid === current,
    device: deviceWords(language, device),
    city: place.city ?? null,
    country: place.country ?? null,
    started_at: startedAt,
    last_seen_at: lastSeenAt,
    expires_at: expiresAt,
  }));
}

/**
 * `DELETE /auth/sessions/:id`: ends one session of this person.
 * @throws {Failure} `cross_site`, `session_required`, or `not_found` where no session of theirs has this id.
 */
export async function endOneSession(c: AppContext): Promise<Response> {
  const { ended, headers } = await end(c, { sid: c.req.param("id") ?? "" }, true);
  if (ended.length === 0) throw new Failure("not_found", { stage: "session", jsonOnly: true });
  return new Response(null, { status: 204, headers });
}

/**
 * `DELETE /auth/sessions`: ends all sessions of this person but the one that asks.
 * @throws {Failure} `cross_site` or `session_required`.
 */
export async function endOtherSessions(c: AppContext): Promise<Response> {
  const { headers } = await end(c, "others", true);
  return new Response(null, { status: 204, headers });
}

/**
 * `POST /auth/sessions/end`: the same for the forms of the page, which need no script. The field `session` is a
 * session's id, or `others`. Sends the browser back to the page, or to the site if it has logged itself out.
 * @throws {Failure} `cross_site`, `session_required`, or `request_malformed` without the field.
 */
export async function endFromPage(c: AppContext): Promise<Response> {
  const { settings } = c.env;
  refuseCrossSite(settings, c.req.raw.headers, "session");
  const chosen = (await formBody(c.req.raw))?.get("session");
  if (!chosen) throw new Failure("request_malformed", { stage: "session", reason: "no session named" });
  const { own, headers } = await end(c, chosen === "others" ? chosen : { sid: chosen }, false);
  const page = `${settings.site.authPath}/sessions?ended=${chosen === "others" ? chosen : "one"}`;
  headers.set("location", own ? "/" : page);
  return new Response(null, { status: 303, headers });
}

interface Ended {
  readonly ended: readonly string[];
  /** Whether the session that asked is one of them. */
  readonly own: boolean;
  readonly headers: Headers;
}

/** Ends what a person chose, from the session that asks. */
async function end(c: AppContext, target: EndTarget, jsonOnly: boolean): Promise<Ended> {
  const { settings } = c.env;
  const request = c.req.raw;
  refuseCrossSite(settings, request.headers, "session");
  const { session, setCookie } = await currentSession(settings, request);
  if (session === undefined) throw sessionRequired(setCookie, jsonOnly);
  const ended = await endSessionsFrom(settings, session.sub, session.sid, target);
  const forget = expiredSessionCookie(settings.session);
  if (ended === undefined) throw sessionRequired(forget, jsonOnly);
  logEvent("info", "sessions_ended", settings.site.origin, { by: session.sid, count: ended.length });
  const own = ended.includes(session.sid);
  const headers = new Headers(LIST_HEADERS);
  const cookies = own ? [forget, forgetBrowser()] : [setCookie];
  for (const cookie of cookies) if (cookie !== undefined) headers.append("set-cookie", cookie);
  return { ended, own, headers };
}

function sessionRequired(setCookie: string | undefined, jsonOnly: boolean): Failure {
  return new Failure("session_required", { stage: "session", setCookie, jsonOnly });
}
