/** A method, and a body, with which a page can be gone to: by a link, a form or the address bar. */
const NAVIGABLE = /^(?:GET|HEAD|POST)$/;
const FORM = /^(?:application\/x-www-form-urlencoded|multipart\/form-data|text\/plain)\b/i;

/**
 * Whether a script asks, and no person sees the answer as a page. Only who says so beyond doubt is one: everybody
 * else gets a page, whatever an app's browser, a proxy or an old browser leaves out or puts in.
 *
 * What a browser says of itself goes first: with `Sec-Fetch-Mode: navigate` a person goes there, also where a service
 * worker passes the request on, and whatever an app around the browser puts into `X-Requested-With`.
 */
export function isScriptRequest({ method, headers }: Pick<Request, "method" | "headers">): boolean {
  const mode = headers.get("sec-fetch-mode");
  if (mode === "navigate") return false;
  if (headers.get("upgrade")?.toLowerCase() === "websocket") return true;
  const type = headers.get("content-type");
  if (!NAVIGABLE.test(method) || (method === "POST" && type !== null && !FORM.test(type))) return true;
  if (headers.get("x-requested-with")?.trim().toLowerCase() === "xmlhttprequest") return true;
  if (isSubresource(headers)) return true;
  const accepted = acceptedTypes(headers.get("accept"));
  // Programs with the `fetch` of Node say `cors` whatever they want, without the destination that browsers add.
  if (mode !== null) return headers.has("sec-fetch-dest") || !accepted.some(isHtml);
  return accepted.length > 0 && !accepted.some((type) => isHtml(type) || type === "*/*");
}

/** Whether a person goes to a page, by a link, the address bar or a reload: no form, and no script. */
export function isPageRequest(request: Pick<Request, "method" | "headers">): boolean {
  return (request.method === "GET" || request.method === "HEAD") && !isScriptRequest(request);
}

/** What `Sec-Fetch-Dest` says where a person will see the answer (Fetch standard, section 2.2.5). */
const SHOWN = new Set(["document", "iframe", "frame", "embed", "object", "fencedframe"]);

/** Whether a page asks for something that is no page: a picture, a script, data. */
export function isSubresource(headers: Headers): boolean {
  const destination = headers.get("sec-fetch-dest");
  // A service worker that passes a navigation on loses its destination, but not its mode: a person still goes there.
  return destination !== null && headers.get("sec-fetch-mode") !== "navigate" && !SHOWN.has(destination);
}

/**
 * Whether a request is one of two that a browser may send for one navigation: a service worker's navigation preload, or
 * what the service worker passes on beside it, which has lost its destination (Service Workers, 'Handle Fetch').
 */
export function isDoubled(headers: Headers): boolean {
  const isPassedOn =
    headers.get("sec-fetch-mode") === "navigate" && headers.get("sec-fetch-dest") === "empty";
  return isPassedOn || headers.has("service-worker-navigation-preload");
}

/** What `Sec-Fetch-Dest` says of a page in another page (Fetch standard, section 2.2.5). */
const FRAMES = new Set([...SHOWN].filter((destination) => destination !== "document"));

/** Whether the answer is shown in a part of another page. Nobody can log in there: Vipps lets no page frame it. */
export function isFramed(headers: Headers): boolean {
  return FRAMES.has(headers.get("sec-fetch-dest") ?? "");
}

/** Whether HTML is asked for by name. */
export function namesHtml(headers: Headers): boolean {
  return acceptedTypes(headers.get("accept")).some(isHtml);
}

/** The types that an `Accept` header names, without those it refuses (`q=0`). Bounded: no browser names as many. */
function acceptedTypes(accept: string | null): readonly string[] {
  return (accept ?? "")
    .slice(0, 1_000)
    .toLowerCase()
    .split(",")
    .filter((range) => !/;\s*q=0(?:\.0*)?\s*(?:;|$)/.test(range))
    .map((range) => (range.split(";", 1)[0] ?? "").trim())
    .filter((type) => type.includes("/"));
}

const isHtml = (type: string): boolean =>
  type === "text/html" || type === "application/xhtml+xml" || type === "text/*";
