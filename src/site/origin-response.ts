import { Failure } from "../failure.ts";
import { isOwnCookie } from "../http/cookie.ts";
import type { CurrentSession } from "../session/current-session.ts";
import type { Settings } from "../settings.ts";
import { originRequest } from "./origin-request.ts";

/**
 * What the origin behind the worker answers, streamed, websockets included.
 * @param url of the request, with the canonical path.
 * @throws {Failure} `origin_unavailable` when there is no answer.
 */
export async function originResponse(
  settings: Settings,
  request: Request,
  url: URL,
  current: CurrentSession,
): Promise<Response> {
  const outgoing = await originRequest(settings, request, url, current);
  let answer: Response;
  try {
    answer = await fetch(outgoing);
  } catch {
    throw new Failure("origin_unavailable", { stage: "site", returnTo: url.pathname + url.search });
  }
  const response = new Response(answer.body, answer);
  keepOwnCookies(response.headers);
  keepOnSite(response.headers, settings.site.originUrl, url.origin);
  return response;
}

/** Sessions are made and ended by the login routes alone: whoever gets hold of the origin must not plant one. */
function keepOwnCookies(headers: Headers): void {
  const cookies = headers.getSetCookie();
  if (!cookies.some(isOwnCookie)) return;
  headers.delete("set-cookie");
  for (const cookie of cookies) if (!isOwnCookie(cookie)) headers.append("set-cookie", cookie);
}

/** An origin that knows itself by its own address redirects there; visitors belong on the site. */
function keepOnSite(headers: Headers, originUrl: string | undefined, siteOrigin: string): void {
  const location = headers.get("location");
  if (location === null || originUrl === undefined) return;
  const target = URL.parse(location);
  if (target?.origin !== originUrl) return;
  headers.set("location", siteOrigin + target.pathname + target.search + target.hash);
}
