import { siteRecords } from "../accounts/records.ts";
import { siteRegistry } from "../accounts/site-accounts.ts";
import { termsAcceptances } from "../accounts/terms.ts";
import { queryParameter, visitorTimeZone } from "../http/request.ts";
import type { AppContext } from "../http/request-context.ts";
import { myPage } from "../pages/my-page.ts";
import { pageContext } from "../pages/page-context.ts";
import { pageResponse } from "../pages/page-response.ts";
import { dateWords, timeZone } from "../pages/time-words.ts";
import { broughtClaims } from "../session/session-store.ts";
import { type OwnSession, ownSession } from "./own-session.ts";
import { shownConsents } from "./shown-consents.ts";
import { shownData, shownShared } from "./shown-data.ts";

/** `GET /auth/me`: what the site knows of a person, what they agreed to, and what they can do about it. */
export async function showMyPage(c: AppContext): Promise<Response> {
  const own = await ownSession(c);
  return own instanceof Response ? own : answerMyPage(c, own);
}

/**
 * The person's page, as an answer to a form of it that was refused with status 400.
 * @throws {Failure} `storage_unavailable`.
 */
export async function answerMyPage(
  c: AppContext,
  { session, setCookie }: OwnSession,
  { unconfirmed = false } = {},
): Promise<Response> {
  const { settings } = c.env;
  const { site, accounts } = settings;
  const { headers } = c.req.raw;
  const records = siteRecords(settings);
  const context = pageContext(headers.get("accept-language"), settings);
  const { language } = context;
  const [record, consents, acceptances, shared] = await Promise.all([
    siteRegistry(settings).get(session.sub),
    records === undefined ? [] : shownConsents(records, accounts.consents, session.sub, language),
    records === undefined ? [] : termsAcceptances(records, session.sub),
    settings.login.purposes.size === 0 ? [] : broughtClaims(settings, session.sub),
  ]);
  const zone = timeZone(language, visitorTimeZone(settings, c.req.raw));
  const created = record?.account.createdAt;
  const html = myPage({
    ...context,
    data: [...shownData(language, record?.account, session), ...shownShared(language, shared)],
    memberSince: created === undefined ? undefined : dateWords(language, zone, created),
    consents,
    terms: acceptances.map(({ version, url, acceptedAt }) => ({
      version,
      url,
      at: dateWords(language, zone, acceptedAt),
    })),
    privacyUrl: accounts.privacyUrl,
    saved: queryParameter(c.req.raw, "saved") === "yes",
    unconfirmed,
    canErase: records !== undefined,
    authPath: site.authPath,
  });
  const response = await pageResponse(html, context, unconfirmed ? 400 : 200);
  if (setCookie !== undefined) response.headers.append("set-cookie", setCookie);
  return response;
}
