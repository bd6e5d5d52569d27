import { ALL_SITES, logEvent, siteNamed } from "../log.ts";
import { faultFields, fromDatabase, fromStorage } from "../storage-call.ts";
import type { AccountId } from "./account.ts";
import { accountSubject, ERASED } from "./vipps-person.ts";

/** How long that is: no copy of the database may be put back that is older. In days. */
const KEPT_DAYS = 400;

/** How many erasures are noted later in one run, two calls each; what is left is the next day. */
const PORTION = 100;

/**
 * Notes that an account is being erased. A namespace that fails is no reason to keep somebody's data: it is told of in
 * the log, and the erasure goes on.
 * @returns whether it is noted; what is not has to be marked for {@link noteLeftErasures}.
 */
export async function noteErasure(
  namespace: KVNamespace,
  site: string,
  accountId: AccountId,
): Promise<boolean> {
  return note(namespace, site, await accountSubject(site, accountId));
}

/**
 * Notes erasures that the namespace did not take when they were made, and takes their marks away.
 * @throws {Failure} `storage_unavailable`; what is left goes the next time.
 */
export async function noteLeftErasures(database: D1Database, namespace: KVNamespace): Promise<void> {
  const left = database
    .prepare("SELECT site, subject FROM erasures INDEXED BY erasures_by_time WHERE erased_at < 0 LIMIT ?1")
    .bind(PORTION);
  const { results } = await fromDatabase(ALL_SITES, () => left.all<{ site: string; subject: string }>());
  for (const { site, subject } of results) {
    if (!(await note(namespace, site, subject))) return;
    const done = database
      .prepare("DELETE FROM erasures WHERE site = ?1 AND subject = ?2")
      .bind(site, subject);
    await fromDatabase(site, () => done.run());
    logEvent("info", "erasure_noted_later", siteNamed(site));
  }
}

async function note(namespace: KVNamespace, site: string, subject: string): Promise<boolean> {
  const place = { site: siteNamed(site), store: "kv", stage: "account", repeats: "any" } as const;
  const expiring = { expirationTtl: KEPT_DAYS * 24 * 3600 };
  try {
    await fromStorage(place, () => namespace.put(ERASED + subject, "", expiring));
    return true;
  } catch (error) {
    logEvent("error", "erasure_not_noted", siteNamed(site), faultFields(error));
    return false;
  }
}
