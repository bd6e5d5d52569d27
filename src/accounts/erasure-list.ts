import { logEvent, siteNamed } from "../log.ts";
import { faultFields, fromStorage } from "../storage-call.ts";
import type { AccountId } from "./account.ts";
import { accountSubject, ERASED } from "./subjects.ts";

/** How long that is: no copy of the database may be put back that is older. In days. */
const KEPT_DAYS = 400;

/**
 * Notes that an account is being erased. A namespace that fails is no reason to keep somebody's data: it is told of in
 * the log, and the erasure goes on.
 */
export async function noteErasure(namespace: KVNamespace, site: string, accountId: AccountId): Promise<void> {
  const key = `${ERASED}${await accountSubject(site, accountId)}`;
  const place = { site: siteNamed(site), store: "kv", stage: "account", repeats: "any" } as const;
  try {
    await fromStorage(place, () => namespace.put(key, "", { expirationTtl: KEPT_DAYS * 24 * 3600 }));
  } catch (error) {
    logEvent("error", "erasure_not_noted", siteNamed(site), faultFields(error));
  }
}
