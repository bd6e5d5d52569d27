import { Failure } from "../failure.ts";
import type { AppContext } from "../http/request-context.ts";
import { readPath } from "../http/request-path.ts";
import { logEvent } from "../log.ts";
import { type CurrentSession, currentSession } from "../session/current-session.ts";
import { askForLogin } from "../session/session-required.ts";
import type { Settings } from "../settings.ts";
import { forThisVisitorAlone } from "./cache-headers.ts";
import { isWebSocket } from "./origin-request.ts";
import { originResponse } from "./origin-response.ts";
import { needsSession } from "./path-rules.ts";

/**
 * Everything that is not a login route: the static assets, and the origin behind the worker for what they lack.
 * Public assets cost no look at the session and stay as cacheable as they are.
 * @throws {Failure} `path_ambiguous`, `session_required`, `origin_unavailable`; `storage_unavailable` where a
 *   protected path meets a session store that does not answer.
 */
export async function serveSite(c: AppContext): Promise<Response> {
  const { settings } = c.env;
  const request = c.req.raw;
  // Browsers never send it, and what it answers would show the origin's headers (RFC 9110 section 9.3.8).
  if (request.method === "TRACE") throw new Failure("method_not_allowed", { stage: "site" });
  const url = new URL(request.url);
  const path = readPath(url.pathname);
  if (path === undefined) throw new Failure("path_ambiguous", { stage: "site" });
  url.pathname = path.path;

  if (needsSession(settings.site, path)) {
    const current = await currentSession(settings, request.headers);
    if (current.session === undefined)
      return askForLogin(settings, request, url.pathname + url.search, current.setCookie);
    const answer =
      (await assetResponse(settings, request, url)) ??
      (await originResponse(settings, request, url, current));
    return forThisVisitorAlone(answer, current.setCookie);
  }

  const asset = await assetResponse(settings, request, url);
  if (asset !== undefined) return asset;
  const current = await sessionIfKnown(settings, request.headers);
  const answer = await originResponse(settings, request, url, current);
  const isPublic = current.session === undefined && current.setCookie === undefined;
  return isPublic ? answer : forThisVisitorAlone(answer, current.setCookie);
}

/**
 * What the static assets answer, redirects to a page's one address included.
 * @returns `undefined` where there are none, or where an origin stands behind them that may know more.
 */
async function assetResponse(
  { site, storage }: Settings,
  request: Request,
  url: URL,
): Promise<Response | undefined> {
  const { assets } = storage;
  const { method, headers } = request;
  if (assets === undefined) return undefined;
  const isLast = site.originUrl === undefined;
  if (!isLast && (!["GET", "HEAD"].includes(method) || isWebSocket(request))) return undefined;
  const response = await assets.fetch(new Request(url, { method, headers, redirect: "manual" }));
  if (isLast || response.status !== 404) return response;
  await response.body?.cancel();
  return undefined;
}

/** A public page is shown to a stranger rather than not at all when the session store does not answer. */
async function sessionIfKnown(settings: Settings, headers: Headers): Promise<CurrentSession> {
  try {
    return await currentSession(settings, headers);
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== "storage_unavailable") throw error;
    logEvent("warn", "session_not_read", { code: error.code });
    return { session: undefined, token: undefined, setCookie: undefined, renewedBearer: undefined };
  }
}
