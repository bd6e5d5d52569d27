import { appendOwnDeed } from "../accounts/audit-log.ts";
import { exportAccount } from "../accounts/export-account.ts";
import { requiredRecords } from "../accounts/records.ts";
import { siteRegistry } from "../accounts/site-accounts.ts";
import type { AppContext } from "../http/request-context.ts";
import { broughtClaims, listSessions } from "../session/session-store.ts";
import { ownSession } from "./own-session.ts";

/**
 * `GET /auth/me/download`: everything that is kept about a person, as one JSON file (GDPR articles 15 and 20).
 * @throws {Failure} `session_required`, `too_many_changes`, `storage_unavailable`.
 */
export async function downloadMyData(c: AppContext): Promise<Response> {
  const own = await ownSession(c);
  if (own instanceof Response) return own;
  const { settings } = c.env;
  const accountId = own.session.sub;
  const records = requiredRecords(settings);
  await appendOwnDeed(records, accountId, "downloaded", {});
  const [data, sessions, shared] = await Promise.all([
    exportAccount(siteRegistry(settings), records, accountId),
    listSessions(settings, accountId),
    broughtClaims(settings, accountId),
  ]);
  const host = new URL(settings.site.origin).hostname;
  return new Response(
    JSON.stringify({ site: settings.site.origin, accountId, ...data, sessions, shared }, undefined, 2),
    {
      headers: {
        "content-type": "application/json",
        "content-disposition": `attachment; filename="${host}.json"`,
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
      },
    },
  );
}
