import { Failure, fromStorage } from "../failure.ts";
import type { AccountId } from "./account.ts";
import { now, type Records } from "./records.ts";

/** What can be done to an account by somebody. */
export type AuditAction =
  | "viewed"
  | "searched"
  | "sessions_ended"
  | "linked"
  | "unlinked"
  | "corrected"
  | "consents_changed"
  | "consent_revoked"
  | "downloaded"
  | "exported"
  | "erased";

/** One line of the audit log: who did what to whom. */
export interface AuditEntry {
  /** Account id of who did it; `webhook` or `cron` for the role `system`. */
  readonly actor: string;
  readonly actorRole: "staff" | "self" | "system";
  readonly action: AuditAction;
  /** Whose account it was done to. */
  readonly accountId: AccountId | undefined;
  /** Facts about the action: names of fields, ids, counts. Nothing personal. */
  readonly details: Readonly<Record<string, string | number | boolean | readonly string[]>>;
}

/** An audit line as it is kept. */
export interface RecordedAudit extends AuditEntry {
  /** Seconds since the epoch. */
  readonly at: number;
}

/** The statement that writes a line, to stand in one transaction with what it tells of. */
export function auditStatement({ database, site }: Records, entry: AuditEntry): D1PreparedStatement {
  return database
    .prepare(
      `INSERT INTO audit_log (site, at, actor, actor_role, action, account_id, details)
       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)`,
    )
    .bind(
      site,
      now(),
      entry.actor,
      entry.actorRole,
      entry.action,
      entry.accountId ?? null,
      JSON.stringify(entry.details),
    );
}

/**
 * Writes a line. Write it before the deed where the deed is elsewhere: nothing may be done unseen.
 * @throws {Failure} `storage_unavailable`; then the deed must not be done.
 */
export async function appendAudit(records: Records, entry: AuditEntry): Promise<void> {
  await fromStorage("account", auditStatement(records, entry).run());
}

/** How often a person may change or fetch something of their own within {@link OWN_WINDOW}. */
export const OWN_DEEDS = 20;
/** In seconds. */
export const OWN_WINDOW = 600;

/**
 * Writes down what somebody does with their own account, before it is done. The count and the line are one statement,
 * so that no number of requests at a time gets past the limit.
 * @throws {Failure} `too_many_changes`, with `Retry-After`; `storage_unavailable`. Then it must not be done.
 */
export async function appendOwnDeed(
  { database, site }: Records,
  accountId: AccountId,
  action: AuditAction,
  details: AuditEntry["details"],
): Promise<void> {
  const statement = database
    .prepare(
      `INSERT INTO audit_log (site, at, actor, actor_role, action, account_id, details)
       SELECT ?1, ?2, ?3, 'self', ?4, ?3, ?5 WHERE (
         SELECT count(*) FROM (
           SELECT 1 FROM audit_log INDEXED BY audit_log_by_account
           WHERE site = ?1 AND account_id = ?3 AND at > ?6 AND actor_role = 'self' LIMIT ?7)) < ?7`,
    )
    .bind(site, now(), accountId, action, JSON.stringify(details), now() - OWN_WINDOW, OWN_DEEDS);
  const { meta } = await fromStorage("account", statement.run());
  if (meta.changes === 0) throw new Failure("too_many_changes", { stage: "account", retryAfter: OWN_WINDOW });
}

interface AuditRow {
  readonly at: number;
  readonly actor: string;
  readonly actor_role: AuditEntry["actorRole"];
  readonly action: AuditAction;
  readonly account_id: string | null;
  readonly details: string;
}

/**
 * The newest lines first.
 * @param accountId only what was done to this account; everything where `undefined`.
 * @throws {Failure} `storage_unavailable`.
 */
export async function readAudit(
  { database, site }: Records,
  accountId: AccountId | undefined,
  limit = 100,
): Promise<readonly RecordedAudit[]> {
  const statement = database
    .prepare(
      `SELECT at, actor, actor_role, action, account_id, details FROM audit_log
       INDEXED BY ${accountId === undefined ? "audit_log_by_time" : "audit_log_by_account"}
       WHERE site = ?1 ${accountId === undefined ? "" : "AND account_id = ?3"} ORDER BY at DESC, id DESC LIMIT ?2`,
    )
    .bind(...(accountId === undefined ? [site, limit] : [site, limit, accountId]));
  const { results } = await fromStorage("account", statement.all<AuditRow>());
  return results.map((row) => ({
    at: row.at,
    actor: row.actor,
    actorRole: row.actor_role,
    action: row.action,
    accountId: row.account_id ?? undefined,
    details: JSON.parse(row.details),
  }));
}
