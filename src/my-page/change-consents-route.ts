import { appendOwnDeed } from "../accounts/audit-log.ts";
import { recordConsents } from "../accounts/consents.ts";
import { requiredRecords } from "../accounts/records.ts";
import { formBody, refuseCrossSite } from "../http/request.ts";
import type { AppContext } from "../http/request-context.ts";
import { pageLanguage } from "../pages/language.ts";
import { ownSession } from "./own-session.ts";
import { shownConsents } from "./shown-consents.ts";

/**
 * `POST /auth/me/consents`: the form of the person's page. Every consent on it is answered by it, those given at
 * Vipps too: ticked is yes, not ticked is no. Only what has changed is kept anew.
 * @throws {Failure} `cross_site`, `session_required`, `too_many_changes`, `storage_unavailable`.
 */
export async function changeConsents(c: AppContext): Promise<Response> {
  const { settings } = c.env;
  const { headers } = c.req.raw;
  refuseCrossSite(settings, headers, "session");
  const own = await ownSession(c);
  if (own instanceof Response) return own;
  const accountId = own.session.sub;
  const records = requiredRecords(settings);
  const form = (await formBody(c.req.raw)) ?? new URLSearchParams();
  const ticked = new Set(form.getAll("consent"));
  // A consent that has come in since the page was shown has not been answered by it.
  const onPage = form.has("shown") ? new Set(form.getAll("shown")) : undefined;
  const language = pageLanguage(headers.get("accept-language"), settings);
  const changed = (await shownConsents(records, settings.accounts.consents, accountId, language))
    .filter(({ consent, granted }) => (onPage?.has(consent) ?? true) && granted !== ticked.has(consent))
    .map((answer) => ({ ...answer, granted: !answer.granted }));
  if (changed.length > 0) {
    const details = { consents: changed.map(({ consent }) => consent) };
    await appendOwnDeed(records, accountId, "consents_changed", details);
    await recordConsents(records, accountId, changed, "my_page");
  }
  return new Response(null, {
    status: 303,
    headers: { location: `${settings.site.authPath}/me?saved=yes`, "cache-control": "no-store" },
  });
}
