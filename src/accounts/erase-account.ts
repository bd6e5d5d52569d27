import type { AccountId } from "./account.ts";
import { type AuditEntry, auditStatement } from "./audit-log.ts";
import type { Records } from "./records.ts";
import type { Registry } from "./registry.ts";

/**
 * Removes everything that is kept about a person, for good, except one audit line: that this account was
 * erased, when and by whom. Sessions are not in the registry; end them first.
 * @returns whether the registry had such an account; records of one that is gone are removed all the same.
 * @throws {Failure} `storage_unavailable`; then, with the embedded registry, nothing has been removed.
 */
export function eraseAccount(
  registry: Registry,
  records: Records,
  accountId: AccountId,
  by: Pick<AuditEntry, "actor" | "actorRole" | "details">,
): Promise<boolean> {
  const { database, site } = records;
  const subs = "SELECT sub FROM identities WHERE site = ?1 AND account_id = ?2";
  const browsers =
    "SELECT browser FROM login_events WHERE site = ?1 AND account_id = ?2 AND browser IS NOT NULL";
  const deletions = [
    // Failures in a browser of this person's, unless somebody else used it too.
    `DELETE FROM login_events WHERE site = ?1 AND account_id IS NULL AND sub IS NULL AND browser IN (${browsers}
       EXCEPT SELECT browser FROM login_events WHERE site = ?1 AND account_id <> ?2)`,
    `DELETE FROM login_events WHERE site = ?1 AND (account_id = ?2 OR sub IN (${subs}))`,
    `DELETE FROM link_requests WHERE site = ?1 AND sub IN (${subs})`,
    `UPDATE link_requests
       SET candidates = (SELECT json_group_array(value) FROM json_each(candidates) WHERE value <> ?2)
     WHERE site = ?1 AND EXISTS (SELECT 1 FROM json_each(candidates) WHERE value = ?2)`,
    "DELETE FROM terms_acceptances WHERE site = ?1 AND account_id = ?2",
    "DELETE FROM consents WHERE site = ?1 AND account_id = ?2",
    "DELETE FROM vipps_consents INDEXED BY vipps_consents_by_account WHERE site = ?1 AND account_id = ?2",
    `DELETE FROM vipps_consents INDEXED BY vipps_consents_waiting
     WHERE site = ?1 AND account_id IS NULL AND sub IN (${subs} UNION SELECT ?2)`,
    "DELETE FROM delegated_consents WHERE site = ?1 AND account_id = ?2",
    "DELETE FROM audit_log WHERE site = ?1 AND account_id = ?2",
  ];
  return registry.erase(accountId, [
    ...deletions.map((sql) => database.prepare(sql).bind(site, accountId)),
    auditStatement(records, { ...by, action: "erased", accountId }),
  ]);
}
