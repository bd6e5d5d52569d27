import { fromStorage } from "../failure.ts";
import type { AccountId } from "./account.ts";
import { now, type Records } from "./records.ts";
import type { VippsPerson } from "./vipps-person.ts";

/** What Vipps collected on the site's behalf (scope `customFlow` or `delegatedConsents`). */
export interface DelegatedConsents {
  /** `timeOfConsent` as Vipps wrote it; empty where it did not. */
  readonly timeOfConsent: string;
  /** The claim as it came. */
  readonly raw: Readonly<Record<string, unknown>>;
  /** Seconds since the epoch. */
  readonly receivedAt: number;
}

/**
 * Keeps the claim `delegatedConsents` as it came, and its answers among the person's consents under
 * `vipps:<id>`. Vipps sends it with the first login only; should it come again, nothing is kept twice.
 * @throws {Failure} `storage_unavailable`; then nothing is kept.
 */
export async function keepDelegatedConsents(
  { database, site }: Records,
  accountId: AccountId,
  { msn, sub }: Pick<VippsPerson, "msn" | "sub">,
  raw: Readonly<Record<string, unknown>>,
): Promise<void> {
  const time = typeof raw.timeOfConsent === "string" ? raw.timeOfConsent : "";
  const language = typeof raw.language === "string" ? raw.language : null;
  const key = [site, accountId, msn, sub, time];
  const isNew = `NOT EXISTS (SELECT 1 FROM delegated_consents
    WHERE site = ?1 AND account_id = ?2 AND msn = ?3 AND sub = ?4 AND time_of_consent = ?5)`;
  await fromStorage(
    "account",
    database.batch([
      database
        .prepare(
          `INSERT INTO consents (site, account_id, consent, granted, source, wording, language, answered_at)
           SELECT ?1, ?2, 'vipps:' || (value ->> 'id'), value ->> 'granted', 'vipps', value ->> 'wording', ?7, ?8
           FROM json_each(?6) WHERE ${isNew}`,
        )
        .bind(...key, JSON.stringify(answersOf(raw)), language, now()),
      database
        .prepare(
          `INSERT INTO delegated_consents (site, account_id, msn, sub, time_of_consent, raw, received_at)
           VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING`,
        )
        .bind(...key, JSON.stringify(raw), now()),
    ]),
  );
}

interface DelegatedRow {
  readonly time_of_consent: string;
  readonly raw: string;
  readonly received_at: number;
}

/**
 * Everything Vipps collected for this account, the oldest first.
 * @throws {Failure} `storage_unavailable`.
 */
export async function delegatedConsents(
  { database, site }: Records,
  accountId: AccountId,
): Promise<readonly DelegatedConsents[]> {
  const statement = database
    .prepare(
      `SELECT time_of_consent, raw, received_at FROM delegated_consents
       WHERE site = ?1 AND account_id = ?2 ORDER BY received_at, time_of_consent`,
    )
    .bind(site, accountId);
  const { results } = await fromStorage("account", statement.all<DelegatedRow>());
  return results.map((row) => ({
    timeOfConsent: row.time_of_consent,
    raw: JSON.parse(row.raw),
    receivedAt: row.received_at,
  }));
}

/** The answers of the claim that are shaped as documented; the raw claim keeps the others. */
function answersOf({ consents }: Readonly<Record<string, unknown>>) {
  const list: readonly unknown[] = Array.isArray(consents) ? consents : [];
  return list.flatMap((item) => {
    if (typeof item !== "object" || item === null) return [];
    const { id, accepted, textDisplayedToUser } = item as Record<string, unknown>;
    if (typeof id !== "string" || typeof accepted !== "boolean") return [];
    const wording = typeof textDisplayedToUser === "string" ? textDisplayedToUser : undefined;
    return [{ id, granted: accepted ? 1 : 0, wording }];
  });
}
