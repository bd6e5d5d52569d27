import { logEvent } from "../log.ts";
import type { Settings } from "../settings.ts";
import { faultFields, fromStorage } from "../storage-call.ts";

/** While nobody waits for more than the session store, the database is not waited for longer. In milliseconds. */
const TIME_LIMIT = 2_000;

/**
 * Whether the account of a session is still there: a database that was put back to an earlier time lacks those made
 * since, whose sessions must not outlive them. One row is read, beside the call to the session store. A registry of
 * the site's own is not asked, and a database that fails ends nobody's session.
 */
export async function hasAccount({ accounts, site }: Settings, accountId: string): Promise<boolean> {
  const { registry } = accounts;
  if (registry.kind !== "d1") return true;
  const statement = registry.database
    .prepare("SELECT 1 FROM accounts WHERE site = ?1 AND id = ?2")
    .bind(site.partition, accountId);
  const place = { site: site.origin, store: "accounts_db", stage: "session", timeLimit: TIME_LIMIT } as const;
  try {
    return (await fromStorage(place, () => statement.first())) !== null;
  } catch (error) {
    logEvent("warn", "session_account_not_checked", site.origin, faultFields(error));
    return true;
  }
}
