import type { D1Database, D1PreparedStatement } from "@cloudflare/workers-types";
import { sha256 } from "../crypto-text.ts";
import { Failure } from "../failure.ts";
import type { AccountId } from "./account.ts";
import type { VippsPerson } from "./vipps-person.ts";

/**
 * A Vipps user as the key of what must outlive their account for a while: a digest, since the `sub` itself goes
 * with the account.
 */
export async function personSubject(site: string, { msn, sub }: Pick<VippsPerson, "msn" | "sub">) {
  return `person:${await sha256(JSON.stringify([site, msn, sub]))}`;
}

/**
 * Accounts that were erased, kept outside the database, so that one which is put back to an earlier time can have them
 * erased again (`vipps-login restore`). Digests alone, under this prefix in the namespace VIPPS_METADATA.
 */
export const ERASED = "erased:";

/** An account as such a key. */
export async function accountSubject(site: string, accountId: AccountId): Promise<string> {
  return `account:${await sha256(JSON.stringify([site, accountId]))}`;
}

/**
 * A condition of SQL: the account has not been erased since a login began that was under way at that time, and is
 * to note nothing about it. The audit line of the erasure says so. `?1` is the site.
 * @param account the parameter that holds the account's id.
 * @param since the parameter that holds {@link erasedSince}.
 */
export const notErasedSince = (account: string, since: string): string =>
  `NOT EXISTS (SELECT 1 FROM audit_log INDEXED BY audit_log_by_account
     WHERE site = ?1 AND account_id = ${account} AND at >= ${since} AND action = 'erased')`;

/** The second in which a login began, which the audit log counts in; NULL, for never, where none did. */
export const erasedSince = ({ begunAt }: { readonly begunAt?: number | undefined }): number | null =>
  begunAt === undefined ? null : Math.floor(begunAt / 1000);

/**
 * Finds one row when somebody was erased after a moment.
 * @param since in milliseconds since the epoch; no moment finds nothing.
 */
export function wasErased(
  database: D1Database,
  site: string,
  subject: string,
  since: number | undefined,
): D1PreparedStatement {
  return database
    .prepare("SELECT 1 FROM erasures WHERE site = ?1 AND subject = ?2 AND erased_at > ?3")
    .bind(site, subject, since ?? null);
}

/** Ends a login that began before its person was erased: whoever wants to come back begins a new one. */
export function erasedMeanwhile(): Failure {
  return new Failure("state_expired", { stage: "account", reason: "erased meanwhile" });
}
