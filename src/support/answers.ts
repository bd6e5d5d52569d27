import type { Html } from "../pages/layout.ts";
import { pageResponse } from "../pages/page-response.ts";
import type { Notice } from "../pages/texts/support/support-texts.ts";
import type { StaffRequest } from "./staff.ts";

/** Where an account's page is. The id is opaque: no address of the console says anything about a person. */
export const accountPath = ({ settings }: StaffRequest, accountId: string): string =>
  `${consolePath(settings)}/accounts/${encodeURIComponent(accountId)}`;

/** Where a waiting person's page is. */
export const requestPath = ({ settings }: StaffRequest, reference: string): string =>
  `${consolePath(settings)}/requests/${encodeURIComponent(reference)}`;

/** Where the console begins. */
export const consolePath = ({ site }: StaffRequest["settings"]): string => `${site.authPath}/support`;

/** Sends the browser from a form to the page that shows what came of it, so that a reload repeats nothing. */
export function seeOther(path: string, notice?: Notice): Response {
  const mark = path.includes("?") ? "&" : "?";
  const location = notice === undefined ? path : `${path}${mark}notice=${notice}`;
  return new Response(null, { status: 303, headers: { location, "cache-control": "no-store" } });
}

/** A finished page of the console. */
export const answerPage = ({ page }: StaffRequest, html: Html, status = 200): Promise<Response> =>
  pageResponse(html, page, status);

/**
 * The way back to an account after some of its sessions have ended: staff who ended their own are strangers to
 * the console now, and go to the site.
 * @param session the one that ended, or `all`.
 */
export function afterEnding(
  request: StaffRequest,
  accountId: string,
  session: string,
  notice: Notice,
  path = accountPath(request, accountId),
): Response {
  const { staff } = request;
  const isOwn = accountId === staff.accountId && (session === "all" || session === staff.sid);
  return isOwn ? seeOther("/") : seeOther(path, notice);
}
