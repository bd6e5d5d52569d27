import { Failure } from "../failure.ts";
import type { CurrentSession } from "../session/current-session.ts";
import type { Settings } from "../settings.ts";
import { keepCookies, keepOnSite } from "./origin-addresses.ts";
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
  const { originUrl } = settings.site;
  keepCookies(response.headers, originUrl, url.origin);
  if (originUrl !== undefined) keepOnSite(response.headers, originUrl, url.origin);
  return response;
}
