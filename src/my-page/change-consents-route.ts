import { appendAudit } from "../accounts/audit-log.ts";
import { type ConsentAnswer, currentConsents, recordConsents } from "../accounts/consents.ts";
import { requiredRecords } from "../accounts/records.ts";
import { formBody } from "../http/form-body.ts";
import type { AppContext } from "../http/request-context.ts";
import { refuseCrossSite } from "../http/same-site.ts";
import { consentWording } from "../pages/consent-wording.ts";
import { pageLanguage } from "../pages/language.ts";
import { ownSession } from "./own-session.ts";

/**
 * `POST /auth/me/consents`: the form of the person's page. Every consent the site asks for is answered by it:
 * ticked is yes, not ticked is no. Only what has changed is kept anew.
 * @throws {Failure} `cross_site`, `session_required`, `storage_unavailable`.
 */
export async function changeConsents(c: AppContext): Promise<Response> {
  const { settings } = c.env;
  const { headers } = c.req.raw;
  refuseCrossSite(settings, headers, "session");
  const own = await ownSession(c);
  if (own instanceof Response) return own;
  const accountId = own.session.sub;
  const records = requiredRecords(settings);
  const ticked = new Set((await formBody(c.req.raw))?.getAll("consent"));
  const language = pageLanguage(headers.get("accept-language"), settings);
  const before = new Map(
    (await currentConsents(records, accountId)).map((answer) => [answer.consent, answer.granted]),
  );
  const changed = settings.accounts.consents
    .map(
      (question): ConsentAnswer => ({
        consent: question.id,
        granted: ticked.has(question.id),
        wording: consentWording(question, language),
      }),
    )
    .filter(({ consent, granted }) => before.get(consent) !== granted);
  if (changed.length > 0) {
    await appendAudit(records, {
      actor: accountId,
      actorRole: "self",
      action: "consents_changed",
      accountId,
      details: { consents: changed.map(({ consent }) => consent) },
    });
    await recordConsents(records, accountId, changed, { source: "my_page", language });
  }
  return new Response(null, {
    status: 303,
    headers: { location: `${settings.site.authPath}/me?saved=yes`, "cache-control": "no-store" },
  });
}
