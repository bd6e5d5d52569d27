import { Failure } from "../failure.ts";
import { listedOrigin } from "../http/cross-origin.ts";
import { prefersJson } from "../http/request-context.ts";
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
 * @throws {Failure} `session_required` for scripts, forms and everything else that is no page.
 */
export function askForLogin(
  settings: Settings,
  request: Request,
  returnTo: string,
  setCookie: string | undefined,
): Response {
  if (!isPageRequest(request)) {
    const asPage = request.headers.get("sec-fetch-mode") === "navigate";
    throw new Failure("session_required", {
      stage: "site",
      loginUrl: loginUrl(settings),
      jsonOnly: !asPage,
      returnTo,
      setCookie,
      readableBy: listedOrigin(settings, request.headers),
    });
  }
  const { origin } = settings.site;
  const url = loginUrl(settings, fittedReturnUrl(returnTo));
  const headers = new Headers({
    // Another name of the site has other cookies: the login must begin where it will end.
    location: new URL(request.url).origin === origin ? url.slice(origin.length) : url,
    "cache-control": "no-store",
    vary: "cookie",
  });
  if (setCookie !== undefined) headers.append("set-cookie", setCookie);
  return new Response(null, { status: 302, headers });
}

/** What `Sec-Fetch-Dest` says where a person will see the answer (Fetch standard, section 2.2.5). */
const SHOWN = new Set(["document", "iframe", "frame", "embed", "object"]);

/**
 * Whether `X-Requested-With` names the script interface it is known for. Android's web views put their app's name
 * there, on pages too.
 */
function isScriptRequest(headers: Headers): boolean {
  return headers.get("x-requested-with")?.trim().toLowerCase() === "xmlhttprequest";
}

/**
 * Whether a browser shows the answer to a person. Browsers say so themselves, with `Sec-Fetch-Dest`. Of other
 * clients, some send only `Sec-Fetch-Mode: cors` whatever they want, so who asks for HTML is believed.
 */
export function isPageRequest({ method, headers }: Pick<Request, "method" | "headers">): boolean {
  if (method !== "GET" && method !== "HEAD") return false;
  if (headers.has("upgrade") || isScriptRequest(headers)) return false;
  const destination = headers.get("sec-fetch-dest");
  if (destination !== null) return SHOWN.has(destination);
  if (/\btext\/html\b/i.test(headers.get("accept") ?? "")) return true;
  return (headers.get("sec-fetch-mode") ?? "navigate") === "navigate" && !prefersJson(headers);
}
