import { fromStorage } from "../failure.ts";
import type { AccountId } from "./account.ts";
import type { DoubtReason } from "./linking.ts";
import { normalReference } from "./login-events.ts";
import { now, type Records } from "./records.ts";
import type { VippsPerson } from "./vipps-person.ts";

/** A Vipps user who could not be linked by the rules, and waits for a proof or for customer service. */
export interface LinkRequest {
  readonly person: VippsPerson;
  readonly reason: LinkRequestReason;
  /** Accounts that may be the person's. */
  readonly candidates: readonly AccountId[];
  /** What the person was shown and may read to customer service. */
  readonly reference: string;
  /** Seconds since the epoch. */
  readonly requestedAt: number;
}

export type LinkRequestReason = DoubtReason | "not_member";

/** Wrong proofs a person may give within {@link PROOF_WINDOW}. */
export const PROOF_ATTEMPTS = 5;
/** In seconds. */
export const PROOF_WINDOW = 24 * 3600;

/**
 * Keeps the request of a person, or renews the one there is. Wrong proofs stay counted.
 * @returns the reference, which stays the same for one person while the request lives.
 * @throws {Failure} `storage_unavailable`.
 */
export async function requestLink(
  { database, site }: Records,
  { person, reason, candidates, reference }: Omit<LinkRequest, "requestedAt">,
): Promise<string> {
  const { msn, sub, ...told } = person;
  const statement = database
    .prepare(
      `INSERT INTO link_requests (site, msn, sub, reference, reason, told, candidates, window_at, requested_at)
       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8)
       ON CONFLICT DO UPDATE SET reason = excluded.reason, told = excluded.told,
         candidates = excluded.candidates, requested_at = excluded.requested_at
       RETURNING reference`,
    )
    .bind(site, msn, sub, reference, reason, JSON.stringify(told), JSON.stringify(candidates), now());
  const row = await fromStorage("account", statement.first<{ reference: string }>());
  return row?.reference ?? reference;
}

/**
 * Counts one attempt to prove an account, before it is looked at, so that parallel guesses are all counted.
 * @returns whether it may be made: at most {@link PROOF_ATTEMPTS} of a person within {@link PROOF_WINDOW}.
 * @throws {Failure} `storage_unavailable`.
 */
export async function countProofAttempt(
  { database, site }: Records,
  { msn, sub }: Pick<VippsPerson, "msn" | "sub">,
): Promise<boolean> {
  const at = now();
  const statement = database
    .prepare(
      `UPDATE link_requests SET
         attempts = iif(window_at <= ?5, 1, attempts + 1), window_at = iif(window_at <= ?5, ?4, window_at)
       WHERE site = ?1 AND msn = ?2 AND sub = ?3 AND (window_at <= ?5 OR attempts < ?6)
       RETURNING attempts`,
    )
    .bind(site, msn, sub, at, at - PROOF_WINDOW, PROOF_ATTEMPTS);
  return (await fromStorage("account", statement.first())) !== null;
}

interface LinkRequestRow {
  readonly msn: string;
  readonly sub: string;
  readonly reference: string;
  readonly reason: LinkRequestReason;
  readonly told: string;
  readonly candidates: string;
  readonly requested_at: number;
}

const COLUMNS = "msn, sub, reference, reason, told, candidates, requested_at";

/**
 * The request behind a reference that a customer reads out.
 * @throws {Failure} `storage_unavailable`.
 */
export async function linkRequestByReference(
  { database, site }: Records,
  reference: string,
): Promise<LinkRequest | undefined> {
  const normal = normalReference(reference);
  if (normal === undefined) return undefined;
  const statement = database
    .prepare(`SELECT ${COLUMNS} FROM link_requests WHERE site = ?1 AND reference = ?2`)
    .bind(site, normal);
  const row = await fromStorage("account", statement.first<LinkRequestRow>());
  return row === null ? undefined : linkRequest(row);
}

/**
 * The requests that name an account as a candidate, and the newest ones of all where `accountId` is `undefined`.
 * @throws {Failure} `storage_unavailable`.
 */
export async function linkRequests(
  { database, site }: Records,
  accountId: AccountId | undefined,
  limit = 50,
): Promise<readonly LinkRequest[]> {
  const named = "AND EXISTS (SELECT 1 FROM json_each(candidates) WHERE value = ?3)";
  const statement = database
    .prepare(
      `SELECT ${COLUMNS} FROM link_requests WHERE site = ?1 ${accountId === undefined ? "" : named}
       ORDER BY requested_at DESC LIMIT ?2`,
    )
    .bind(...(accountId === undefined ? [site, limit] : [site, limit, accountId]));
  const { results } = await fromStorage("account", statement.all<LinkRequestRow>());
  return results.map(linkRequest);
}

function linkRequest(row: LinkRequestRow): LinkRequest {
  return {
    person: { ...JSON.parse(row.told), msn: row.msn, sub: row.sub },
    reason: row.reason,
    candidates: JSON.parse(row.candidates),
    reference: row.reference,
    requestedAt: row.requested_at,
  };
}
