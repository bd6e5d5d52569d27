import { Failure } from "../failure.ts";
import { asOwnAnswer } from "../http/around.ts";
import { preflightAnswer } from "../http/cross-origin.ts";
import { isScriptRequest } from "../http/request.ts";
import type { AppContext } from "../http/request-context.ts";
import type { RequestPath, SitePath } from "../http/request-path.ts";
import { fittedReturnUrl } from "../http/return-url.ts";
import { logEvent } from "../log.ts";
import { requirementsOf } from "../rules/path-rules.ts";
import { type CurrentSession, currentSession } from "../session/current-session.ts";
import { askForLogin, requireOf } from "../session/session-required.ts";
import type { Settings } from "../settings.ts";
import { faultFields } from "../storage-call.ts";
import { vippsSession } from "../vipps-session.ts";
import { withoutIdentity } from "./identity-headers.ts";
import { isWebSocket, originResponse } from "./origin.ts";

/**
 * Everything that is not a login route: the static assets, and the origin behind the worker for what they lack.
 * Public assets cost no look at the session and stay as cacheable as they are.
 * @throws {Failure} `path_ambiguous`, `session_required`, those of `requireOf`, `origin_unavailable`; `storage_unavailable` where a
 *   protected path meets a session store that does not answer.
 */
export async function serveSite(c: AppContext): Promise<Response> {
  const { settings, behind, path } = c.env;
  const request = c.req.raw;
  // Browsers never send it, and what it answers would show the origin's headers (RFC 9110 section 9.3.8).
  if (request.method === "TRACE") throw new Failure("method_not_allowed", { stage: "site" });
  if (path === undefined) throw new Failure("path_ambiguous", { stage: "site" });
  const required = requirementsOf(settings.site, path);
  if (required !== undefined) {
    const preflight = preflightAnswer(settings, request);
    if (preflight !== undefined) return preflight;
    const current = await currentSession(settings, request, (work) => c.executionCtx.waitUntil(work));
    if (current.session === undefined)
      return asOwnAnswer(askForLogin(settings, request, pathAndQuery(request, path), current.setCookie));
    if (required.length > 0) {
      const returnTo = () => fittedReturnUrl(settings.site, pathAndQuery(request, path));
      requireOf(settings, request, current.session, { required, returnTo, setCookie: current.setCookie });
    }
    return forThisVisitorAlone(await siteResponse(c, path, current), current.setCookie);
  }

  const asset = behind === undefined ? await assetResponse(settings, request, path) : undefined;
  if (asset !== undefined) return asset;
  const current = await sessionIfKnown(settings, request);
  const answer = await behindResponse(c, path, current);
  const isPublic = current.session === undefined && current.setCookie === undefined;
  return isPublic ? answer : forThisVisitorAlone(answer, current.setCookie);
}

/** What the site answers to somebody with a session. */
async function siteResponse(c: AppContext, path: SitePath, current: CurrentSession): Promise<Response> {
  const { settings, behind } = c.env;
  const asset = behind === undefined ? await assetResponse(settings, c.req.raw, path) : undefined;
  return asset ?? behindResponse(c, path, current);
}

/** What the project's own code answers, or the origin where it has none. */
async function behindResponse(c: AppContext, path: SitePath, current: CurrentSession): Promise<Response> {
  const { settings, behind } = c.env;
  const request = c.req.raw;
  const url = canonicalUrl(request, path);
  if (behind === undefined) return originResponse(settings, request, url, current);
  const canonical = path.isPlain ? request : new Request(url, request);
  return behind(withoutIdentity(canonical), current.session && vippsSession(current.session));
}

/**
 * What the static assets answer, redirects to a page's one address included.
 * @returns `undefined` where there are none, or where an origin stands behind them that may know more.
 */
async function assetResponse(
  { site, storage }: Settings,
  request: Request,
  path: SitePath,
): Promise<Response | undefined> {
  const { assets } = storage;
  const { method } = request;
  if (assets === undefined) return undefined;
  const isLast = site.originUrl === undefined;
  if (!isLast && (!["GET", "HEAD"].includes(method) || isWebSocket(request))) return undefined;
  let response = await assets.fetch(assetRequest(request, path));
  // They redirect to their own way of writing an address before they say that they lack it, and an origin may write it
  // in another: a page that lives there would be sent back and forth.
  const to = response.headers.get("location")?.split("?", 1)[0];
  if (!isLast && to !== undefined && to === asAssetsWrite(path.path))
    response = await assets.fetch(assetRequest(request, { ...path, path: to, isPlain: false }));
  if (response.status !== 404) return response;
  // A folder without a 404.html: a person gets a page of ours rather than a blank one.
  if (isLast && response.body === null && method === "GET" && !isScriptRequest(request))
    throw new Failure("not_found", { stage: "site" });
  if (isLast) return response;
  await response.body?.cancel();
  return undefined;
}

/** `/wiki/Special:Pages` with what Cloudflare's assets escape: all that `encodeURIComponent` does. */
const asAssetsWrite = (path: string): string =>
  path
    .split("/")
    .map((segment) => encodeURIComponent(decodeURIComponent(segment)))
    .join("/");

/**
 * The request as the assets get it: for the canonical path, without a body, its redirects left to the browser. Such
 * a one is passed on as it came, because a new one costs more than all that is asked about the session.
 */
function assetRequest(request: Request, path: SitePath): Request {
  const { method, headers, redirect } = request;
  if (path.isPlain && method === "GET" && redirect === "manual") return request;
  return new Request(canonicalUrl(request, path), { method, headers, redirect: "manual" });
}

/** The address that was asked for, with the path by which it was decided on. */
function canonicalUrl({ url: asked }: Request, { path }: RequestPath): URL {
  const url = new URL(asked);
  url.pathname = path;
  return url;
}

function pathAndQuery(request: Request, path: RequestPath): string {
  const { pathname, search } = canonicalUrl(request, path);
  return pathname + search;
}

/** A public page is shown to a stranger rather than not at all when the session store does not answer. */
async function sessionIfKnown(settings: Settings, request: Request): Promise<CurrentSession> {
  try {
    return await currentSession(settings, request);
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== "storage_unavailable") throw error;
    logEvent("warn", "session_not_read", settings.site.origin, faultFields(error));
    return { session: undefined, token: undefined, setCookie: undefined, renewedBearer: undefined };
  }
}

/** Headers that tell caches other than the browser's how long to keep a response, each in its own language. */
const SHARED_CACHES = /^(?:.*cdn-cache-control|surrogate-control|x-accel-expires|expires|pragma)$/;

const PRIVATE = "private, no-store";

/** `Cookie` or `*` in a `Vary` header. */
const VARIES = /(?:^|[\s,])(?:cookie|\*)(?:$|[\s,])/i;

/**
 * The same response, for this visitor alone: no cache keeps it, whatever the assets or the origin said. One that says
 * so itself (a `_headers` file can make assets do it) is passed on as it is, because a copy of an answer costs more
 * than all else that is done for it.
 * @param setCookie a `Set-Cookie` value to send along.
 */
export function forThisVisitorAlone(response: Response, setCookie: string | undefined): Response {
  if (setCookie === undefined && isPrivate(response.headers)) return response;
  const own = new Response(response.body, response);
  const { headers } = own;
  for (const name of [...headers.keys()]) if (SHARED_CACHES.test(name)) headers.delete(name);
  headers.set("cache-control", PRIVATE);
  if (!VARIES.test(headers.get("vary") ?? "")) headers.append("vary", "Cookie");
  if (setCookie !== undefined) headers.append("set-cookie", setCookie);
  return own;
}

function isPrivate(headers: Headers): boolean {
  if (headers.get("cache-control") !== PRIVATE || !VARIES.test(headers.get("vary") ?? "")) return false;
  for (const name of headers.keys()) if (SHARED_CACHES.test(name)) return false;
  return true;
}
