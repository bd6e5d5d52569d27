import { Failure } from "../failure.ts";
import { fromDatabase } from "../storage-call.ts";
import type { AccountId } from "./account.ts";
import { now, type Records, rows } from "./records.ts";

/** What can be done to an account by somebody. */
export type AuditAction =
  | "viewed"
  | "searched"
  | "sessions_ended"
  | "linked"
  | "unlinked"
  | "corrected"
  | "groups_changed"
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

/**
 * The statement that writes a line, to stand in one transaction with what it tells of. Carried out twice it writes
 * one line.
 */
export function auditStatement({ database, site }: Records, entry: AuditEntry): D1PreparedStatement {
  return database.prepare(`${INSERT} WHERE NOT EXISTS (${WRITTEN})`).bind(...lineOf(site, entry));
}

const INSERT = `INSERT INTO audit_log (site, at, actor, actor_role, action, account_id, details)
  SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7`;

/** Finds the very line. Looks through those of one second alone. */
const WRITTEN = `SELECT 1 FROM audit_log INDEXED BY audit_log_by_time WHERE site = ?1 AND at = ?2
  AND actor = ?3 AND actor_role = ?4 AND action = ?5 AND account_id IS ?6 AND details = ?7`;

/** The values of a line written now, in the order of its columns. */
function lineOf(site: string, entry: AuditEntry): readonly (string | number | null)[] {
  const { actor, actorRole, action, accountId = null, details } = entry;
  return [site, now(), actor, actorRole, action, accountId, JSON.stringify(details)];
}

/**
 * Writes a line. Write it before the deed where the deed is elsewhere: nothing may be done unseen.
 * @param alongside in the same transaction; carried out twice it must do the same.
 * @throws {Failure} `storage_unavailable`; then the deed must not be done.
 */
export async function appendAudit(
  records: Records,
  entry: AuditEntry,
  alongside: readonly D1PreparedStatement[] = [],
): Promise<void> {
  const { database, site } = records;
  const always = database.prepare(INSERT).bind(...lineOf(site, entry));
  const unlessWritten = auditStatement(records, entry);
  // Two deeds of one second may be alike and are two lines; a line whose writing was not confirmed is one.
  await fromDatabase(site, (again) => database.batch([...alongside, again ? unlessWritten : always]));
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
  const line = lineOf(site, { actor: accountId, actorRole: "self", action, accountId, details });
  const insert = `${INSERT} WHERE (
      SELECT count(*) FROM (
        SELECT 1 FROM audit_log INDEXED BY audit_log_by_account
        WHERE site = ?1 AND account_id = ?6 AND at > ?8 AND actor_role = 'self' LIMIT ?9)) < ?9`;
  const limits = [now() - OWN_WINDOW, OWN_DEEDS];
  const always = database.prepare(insert).bind(...line, ...limits);
  const unlessWritten = database.prepare(`${insert} AND NOT EXISTS (${WRITTEN})`).bind(...line, ...limits);
  const written = database.prepare(WRITTEN).bind(...line);
  const isWritten = await fromDatabase(site, async (again) => {
    if (!again) return (await always.run()).meta.changes > 0;
    const [, found] = await database.batch([unlessWritten, written]);
    return rows(found).length > 0;
  });
  if (!isWritten) throw new Failure("too_many_changes", { stage: "account", retryAfter: OWN_WINDOW });
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
  const { results } = await fromDatabase(site, () => statement.all<AuditRow>());
  return results.map((row) => ({
    at: row.at,
    actor: row.actor,
    actorRole: row.actor_role,
    action: row.action,
    accountId: row.account_id ?? undefined,
    details: JSON.parse(row.details),
  }));
}
