import { Failure, type Stage } from "../failure.ts";
import type { Settings } from "../settings.ts";

/**
 * Refuses a state-changing request that another website made the browser send (OWASP ASVS 5, V3.5). Browsers
 * say where a request comes from with `Origin` and `Sec-Fetch-Site`, which no page can forge; a client that
 * sends neither is not a browser and carries no one else's cookies.
 * @param alsoAllowed further origins that may send this request.
 * @throws {Failure} `cross_site`.
 */
export function refuseCrossSite(
  { site }: Settings,
  headers: Headers,
  stage: Stage,
  alsoAllowed: ReadonlySet<string> = new Set(),
): void {
  const origin = headers.get("origin");
  const fetchSite = headers.get("sec-fetch-site");
  const named = origin !== null && origin !== "null";
  if (named && (origin === site.origin || alsoAllowed.has(origin))) return;
  const sameOrigin = fetchSite === "same-origin" || fetchSite === "none";
  if (!named && (sameOrigin || (fetchSite === null && origin === null))) return;
  throw new Failure("cross_site", { stage, reason: named ? "foreign origin" : "no trusted origin" });
}
