import { Failure } from "../failure.ts";
import { forgetBrowser } from "../http/cookie.ts";
import {
  formBody,
  isPageRequest,
  namesHtml,
  queryParameter,
  refuseCrossSite,
  visitorTimeZone,
} from "../http/request.ts";
import type { AppContext } from "../http/request-context.ts";
import { logEvent } from "../log.ts";
import { pageLanguage } from "../pages/language.ts";
import { pageContext } from "../pages/page-context.ts";
import { pageResponse } from "../pages/page-response.ts";
import { type JustEnded, sessionsPage } from "../pages/sessions-page.ts";
import { lengthWords, timeZone } from "../pages/time-words.ts";
import { currentSession } from "./current-session.ts";
import { expiredSessionCookie } from "./session.ts";
import { askForLogin } from "./session-required.ts";
import { type EndTarget, endSessionsFrom, listSessions } from "./session-store.ts";
import { deviceWords, sessionWords } from "./session-words.ts";
import type { StoredSession } from "./user-sessions.ts";

/** What every answer of these routes carries: it is one person's, of one moment. */
const PRIVATE = { "cache-control": "no-store", vary: "accept, accept-language, cookie, authorization" };

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
        headers: { "content-type": "application/json", ...PRIVATE },
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
  const headers = new Headers(PRIVATE);
  const cookies = own ? [forget, forgetBrowser()] : [setCookie];
  for (const cookie of cookies) if (cookie !== undefined) headers.append("set-cookie", cookie);
  return { ended, own, headers };
}

function sessionRequired(setCookie: string | undefined, jsonOnly: boolean): Failure {
  return new Failure("session_required", { stage: "session", setCookie, jsonOnly });
}
