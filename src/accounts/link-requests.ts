import { eventStatement } from "../events/outbox.ts";
import { fromDatabase } from "../storage-call.ts";
import type { AccountId } from "./account.ts";
import { normalReference } from "./login-events.ts";
import { now, type Records, rows } from "./records.ts";
import type { DoubtReason } from "./site-accounts.ts";
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

/**
 * Keeps the request of a person, or renews the one there is.
 * @returns the reference, which stays the same for one person while the request lives.
 * @throws {Failure} `storage_unavailable`.
 */
export async function requestLink(
  { database, site, outbox }: Records,
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
  const events =
    outbox === undefined
      ? []
      : [
          // Who waits already is not told of again.
          eventStatement(
            outbox,
            reference,
            "link.waiting",
            { reference, reason },
            {
              from: `(SELECT 1) WHERE NOT EXISTS
              (SELECT 1 FROM link_requests WHERE site = ?1 AND msn = ?7 AND sub = ?8)`,
              values: [msn, sub],
            },
          ),
        ];
  const [row] = rows<{ reference: string }>(
    (await fromDatabase(site, () => database.batch([...events, statement]))).at(-1),
  );
  return row?.reference ?? reference;
}

/**
 * Forgets somebody who said no, to the terms or to being asked at all, and has no account: their request, the
 * events that name their Vipps user, and the consents that wait for them. Whoever has an account keeps what belongs
 * to it.
 * @throws {Failure} `storage_unavailable`; may be repeated.
 */
export async function forgetStranger(
  { database, site }: Records,
  { msn, sub }: Pick<VippsPerson, "msn" | "sub">,
): Promise<void> {
  const isStranger = "NOT EXISTS (SELECT 1 FROM identities WHERE site = ?1 AND msn = ?2 AND sub = ?3)";
  const statements = [
    `DELETE FROM link_requests WHERE site = ?1 AND msn = ?2 AND sub = ?3 AND ${isStranger}`,
    `DELETE FROM logins INDEXED BY logins_by_sub
     WHERE site = ?1 AND sub = ?3 AND sub IS NOT NULL AND account_id IS NULL AND msn = ?2 AND ${isStranger}`,
    `DELETE FROM vipps_consents INDEXED BY vipps_consents_waiting
     WHERE site = ?1 AND sub = ?3 AND msn = ?2 AND account_id IS NULL AND ${isStranger}`,
  ];
  await fromDatabase(site, () =>
    database.batch(statements.map((sql) => database.prepare(sql).bind(site, msn, sub))),
  );
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

/** Of `link_requests r`. */
const COLUMNS = "r.msn, r.sub, r.reference, r.reason, r.told, r.candidates, r.requested_at";

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
    .prepare(
      `SELECT ${COLUMNS} FROM link_requests r INDEXED BY link_requests_by_reference
       WHERE r.site = ?1 AND r.reference = ?2`,
    )
    .bind(site, normal);
  const row = await fromDatabase(site, () => statement.first<LinkRequestRow>());
  return row === null ? undefined : linkRequest(row);
}

/**
 * The requests that name an account as a candidate, and the newest ones of all where `accountId` is `undefined`.
 * @param after of all: only those that are older than the one with this reference.
 * @throws {Failure} `storage_unavailable`.
 */
export async function linkRequests(
  { database, site }: Records,
  accountId: AccountId | undefined,
  limit = 50,
  after?: string,
): Promise<readonly LinkRequest[]> {
  const newest = "link_requests r INDEXED BY link_requests_by_time WHERE r.site = ?1";
  const older = `${newest} AND r.requested_at <= (SELECT requested_at FROM link_requests
    INDEXED BY link_requests_by_reference WHERE site = ?1 AND reference = ?3)
    AND (r.requested_at, r.reference) < ((SELECT requested_at FROM link_requests
    INDEXED BY link_requests_by_reference WHERE site = ?1 AND reference = ?3), ?3)`;
  const named = `link_candidates c
    CROSS JOIN link_requests r ON r.site = c.site AND r.msn = c.msn AND r.sub = c.sub
    WHERE c.site = ?1 AND c.account_id = ?3`;
  const all = after === undefined ? newest : older;
  const source = accountId === undefined ? all : named;
  const statement = database
    .prepare(`SELECT ${COLUMNS} FROM ${source} ORDER BY r.requested_at DESC, r.reference DESC LIMIT ?2`)
    .bind(...[site, limit, accountId ?? after].filter((value) => value !== undefined));
  const { results } = await fromDatabase(site, () => statement.all<LinkRequestRow>());
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
