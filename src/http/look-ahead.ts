import type { Next } from "hono";
import type { AppContext } from "./request-context.ts";

/** Headers in which browsers and routers say that they only look ahead, and the words with which they say it. */
const HINTS: Readonly<Record<string, RegExp>> = {
  "sec-purpose": /prefetch|prerender|preview/i,
  purpose: /prefetch|prerender|preview/i,
  "x-purpose": /prefetch|prerender|preview/i,
  "x-moz": /prefetch/i,
  "next-router-prefetch": /./,
};

/** What `Sec-Fetch-Dest` says where a person will see the answer (Fetch standard, section 2.2.5). */
const SHOWN = new Set(["document", "iframe", "frame", "embed", "object"]);

/**
 * Whether a request only looks ahead, at what a person may want to see later: a prefetch, a preview, a request for
 * headers alone; or whether nobody will see its answer, because a page asks for a picture or a script.
 */
export function isLookAhead({ method, headers }: Pick<Request, "method" | "headers">): boolean {
  if (method === "HEAD") return true;
  const destination = headers.get("sec-fetch-dest");
  // A service worker that passes a navigation on loses its destination, but not its mode: a person still goes there.
  const isNavigation = headers.get("sec-fetch-mode") === "navigate";
  if (destination !== null && !isNavigation && !SHOWN.has(destination)) return true;
  return Object.entries(HINTS).some(([name, words]) => words.test(headers.get(name) ?? ""));
}

/**
 * Middleware for steps of a login, which a person takes and nobody else: looking ahead begins and uses up nothing.
 * The answer is an error that nobody may keep, so that a browser asks anew when the person really goes there; any
 * 2xx would be shown in place of the step (WICG nav-speculation, 'prefetch and redirects').
 */
export async function refuseLookAhead(c: AppContext, next: Next): Promise<Response | undefined> {
  if (isLookAhead(c.req.raw))
    return new Response(null, { status: 503, headers: { "cache-control": "no-store", "retry-after": "0" } });
  await next();
  return undefined;
}
