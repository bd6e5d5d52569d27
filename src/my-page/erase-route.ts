import { eraseAccount } from "../accounts/erase-account.ts";
import { noteErasure } from "../accounts/erasure-list.ts";
import { requiredRecords } from "../accounts/records.ts";
import { siteRegistry } from "../accounts/site-accounts.ts";
import { forgetBrowser } from "../http/cookie.ts";
import { formBody, isTicked, refuseCrossSite } from "../http/request.ts";
import type { AppContext } from "../http/request-context.ts";
import { logEvent } from "../log.ts";
import { erasedPage } from "../pages/erased-page.ts";
import { pageContext } from "../pages/page-context.ts";
import { pageResponse } from "../pages/page-response.ts";
import { expiredSessionCookie } from "../session/session.ts";
import { refuseSessions } from "../session/session-store.ts";
import { answerMyPage } from "./my-page-route.ts";
import { ownSession } from "./own-session.ts";

/**
 * `POST /auth/me/erase`: deletes a person's account and everything that hangs on it, for good. The box on the
 * form must be ticked. Should the registry fail, the person is logged out and can try again.
 * @throws {Failure} `cross_site`, `session_required`, `storage_unavailable`.
 */
export async function eraseMyAccount(c: AppContext): Promise<Response> {
  const { settings } = c.env;
  const { headers } = c.req.raw;
  refuseCrossSite(settings, headers, "session");
  const own = await ownSession(c);
  if (own instanceof Response) return own;
  if (!isTicked(await formBody(c.req.raw))) return answerMyPage(c, own, { unconfirmed: true });
  const accountId = own.session.sub;
  const records = requiredRecords(settings);
  const by = { actor: accountId, actorRole: "self", details: {} } as const;
  const end = (begunBefore: number) => refuseSessions(settings, accountId, begunBefore);
  const note = () => noteErasure(settings.storage.metadata.namespace, records.site, accountId);
  await eraseAccount(siteRegistry(settings), records, accountId, by, end, note);
  logEvent("info", "account_erased", settings.site.origin, { by: "self" });
  const context = pageContext(headers.get("accept-language"), settings);
  const response = await pageResponse(erasedPage(context), context, 200);
  response.headers.append("set-cookie", expiredSessionCookie(settings.session));
  response.headers.append("set-cookie", forgetBrowser());
  return response;
}
