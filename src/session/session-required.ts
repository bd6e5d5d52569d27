import { Failure } from "../failure.ts";
import { listedOrigin } from "../http/cross-origin.ts";
import { isFramed, isPageRequest } from "../http/page-or-script.ts";
import { fittedReturnUrl } from "../http/return-url.ts";
import type { Settings } from "../settings.ts";

/** Where a person logs in and comes back from to `returnTo`: a path of the site, or a URL on an allowed origin. */
export function loginUrl({ site }: Settings, returnTo?: string): string {
  const query = returnTo === undefined ? "" : `?return_to=${encodeURIComponent(returnTo)}`;
  return `${site.origin}${site.authPath}/login${query}`;
}

/**
 * The answer where a session is needed and there is none: a page is sent to the login and back, anything else
 * is told.
 * @param returnTo path and query that were asked for.
 * @param setCookie removes a session cookie whose session has ended.
 * @throws {Failure} `session_required` for scripts, forms and everything else that is no page; `login_in_frame` for a
 *   page in a frame, where nobody can log in.
 */
export function askForLogin(
  settings: Settings,
  request: Request,
  returnTo: string,
  setCookie: string | undefined,
): Response {
  const back = fittedReturnUrl(returnTo);
  if (!isPageRequest(request)) {
    throw new Failure("session_required", {
      stage: "site",
      loginUrl: loginUrl(settings),
      returnTo: back,
      setCookie,
      readableBy: listedOrigin(settings, request.headers),
    });
  }
  if (isFramed(request.headers))
    throw new Failure("login_in_frame", { stage: "site", returnTo: back, setCookie });
  const { origin } = settings.site;
  const url = loginUrl(settings, back);
  const headers = new Headers({
    // Another name of the site has other cookies: the login must begin where it will end.
    location: new URL(request.url).origin === origin ? url.slice(origin.length) : url,
    "cache-control": "no-store",
    vary: "cookie",
  });
  if (setCookie !== undefined) headers.append("set-cookie", setCookie);
  return new Response(null, { status: 302, headers });
}
