import { fromDatabase } from "../storage-call.ts";
import type { AccountId } from "./account.ts";
import { now, type Records } from "./records.ts";
import { erasedSince, notErasedSince } from "./vipps-person.ts";

/** One version of the terms that a person accepted. */
export interface TermsAcceptance {
  readonly version: string;
  /** Where these terms could be read. */
  readonly url: string;
  /** The language in which they were asked about. */
  readonly language: string;
  /** Seconds since the epoch. */
  readonly acceptedAt: number;
}

/**
 * Notes that a person accepted a version of the terms. Accepting it again keeps the first time.
 * @throws {Failure} `storage_unavailable`; then nothing is noted and there must be no session.
 */
export async function acceptTerms(
  records: Records,
  accountId: AccountId,
  { version, url, language }: Omit<TermsAcceptance, "acceptedAt">,
): Promise<void> {
  const { database, site } = records;
  const statement = database
    .prepare(
      `INSERT INTO terms_acceptances (site, account_id, version, url, language, accepted_at)
       SELECT ?1, ?2, ?3, ?4, ?5, ?6 WHERE ${notErasedSince("?2", "?7")} ON CONFLICT DO NOTHING`,
    )
    .bind(site, accountId, version, url, language, now(), erasedSince(records));
  await fromDatabase(site, () => statement.run());
}

/**
 * Every version a person accepted, the newest first.
 * @throws {Failure} `storage_unavailable`.
 */
export async function termsAcceptances(
  { database, site }: Records,
  accountId: AccountId,
): Promise<readonly TermsAcceptance[]> {
  const statement = database
    .prepare(
      `SELECT version, url, language, accepted_at AS acceptedAt FROM terms_acceptances
       WHERE site = ?1 AND account_id = ?2 ORDER BY accepted_at DESC, version DESC`,
    )
    .bind(site, accountId);
  return (await fromDatabase(site, () => statement.all<TermsAcceptance>())).results;
}
