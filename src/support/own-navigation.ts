import type { StaffRequest } from "./staff.ts";

/**
 * Whether a page of this site led the browser here, to show its reader what is here: a link, a form, the redirect
 * after it, or the reload of a page that came so; not a picture or a frame in a page, nor a script. Where a browser
 * sends no Fetch Metadata (Safari before 16.4), its `Referer` says so; who sends neither comes from nowhere we know.
 */
export function isOwnNavigation({ c, settings }: Pick<StaffRequest, "c" | "settings">): boolean {
  const { headers } = c.req.raw;
  const fetchSite = headers.get("sec-fetch-site");
  if (fetchSite !== null)
    return fetchSite === "same-origin" && (headers.get("sec-fetch-dest") ?? "document") === "document";
  const asksForPage = headers.get("accept")?.includes("text/html") === true;
  return asksForPage && URL.parse(headers.get("referer") ?? "")?.origin === settings.site.origin;
}
