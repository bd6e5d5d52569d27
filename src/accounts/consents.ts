import { eventStatement, type Outbox } from "../events/outbox.ts";
import { fromDatabase } from "../storage-call.ts";
import type { AccountId } from "./account.ts";
import { flag, now, type Records } from "./records.ts";
import { erasedSince, notErasedSince } from "./vipps-person.ts";

/** Where an answer was given: while logging in, on the person's own page, at Vipps, by its webhook, by staff. */
export type ConsentSource = "login" | "my_page" | "vipps" | "webhook" | "staff";

/** A person's answer to one question of consent. */
export interface ConsentAnswer {
  /** The id of the consent, such as `newsletter`. */
  readonly consent: string;
  readonly granted: boolean;
  /** The words that were answered. */
  readonly wording: string | undefined;
  /** The language of the words, as a code such as `nb`. */
  readonly language: string | undefined;
  /** Whether the question is a condition: nobody gets past it without a yes. */
  readonly required: boolean;
}

/** An answer as it is kept. */
export interface RecordedConsent extends ConsentAnswer {
  readonly source: ConsentSource;
  /** Seconds since the epoch. */
  readonly answeredAt: number;
}

/**
 * Notes a person's answers. Earlier ones are kept: who consented to what, in which words, and until when, can
 * always be shown (GDPR article 7(1)).
 * @throws {Failure} `storage_unavailable`; then no answer is noted.
 */
export async function recordConsents(
  records: Records,
  accountId: AccountId,
  answers: readonly ConsentAnswer[],
  source: ConsentSource,
): Promise<void> {
  const { database, site, outbox } = records;
  if (answers.length === 0) return;
  const insert = `INSERT INTO consents
       (site, account_id, consent, granted, required, source, wording, language, answered_at)
     SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9 WHERE ${notErasedSince("?2", "?10")}`;
  const at = now();
  const statements = (sql: string) =>
    answers.map(({ consent, granted, required, wording, language }) =>
      database
        .prepare(sql)
        .bind(
          ...[site, accountId, consent, flag(granted), flag(required), source],
          ...[wording ?? null, language ?? null, at, erasedSince(records)],
        ),
    );
  const told =
    outbox === undefined
      ? []
      : answers.map((answer) => consentEvent(records, outbox, accountId, answer, source));
  // The same answer of one second is noted once where only the confirmation got lost.
  await fromDatabase(site, (again) =>
    database.batch([...told, ...statements(again ? `${insert} AND NOT EXISTS (${NOTED})` : insert)]),
  );
}

/**
 * Tells of an answer that changes something, to stand before it: a yes where there was none, or a no where there was a
 * yes.
 */
function consentEvent(
  records: Records,
  outbox: Outbox,
  account: AccountId,
  { consent, granted }: Pick<ConsentAnswer, "consent" | "granted">,
  source: ConsentSource,
): D1PreparedStatement {
  const before = `coalesce((SELECT granted FROM consents INDEXED BY consents_by_account
    WHERE site = ?1 AND account_id = ?2 AND consent = ?7 ORDER BY id DESC LIMIT 1), 0)`;
  const type = granted ? "consent.given" : "consent.withdrawn";
  const data = { account, consent, source };
  return eventStatement(outbox, account, type, data, {
    from: `(SELECT 1) WHERE ${before} <> ?8 AND ${notErasedSince("?2", "?9")}`,
    values: [consent, flag(granted), erasedSince(records)],
  });
}

/** Finds an answer to a question given in one second. */
const NOTED = `SELECT 1 FROM consents INDEXED BY consents_by_account
  WHERE site = ?1 AND account_id = ?2 AND consent = ?3 AND granted = ?4 AND source = ?6 AND answered_at = ?9`;

interface ConsentRow {
  readonly consent: string;
  readonly granted: number;
  readonly required: number;
  readonly wording: string | null;
  readonly source: ConsentSource;
  readonly language: string | null;
  readonly answered_at: number;
}

const COLUMNS = "consent, granted, required, wording, source, language, answered_at";

/**
 * What a person consents to now: the newest answer to each question.
 * @throws {Failure} `storage_unavailable`.
 */
export async function currentConsents(
  { database, site }: Records,
  accountId: AccountId,
): Promise<readonly RecordedConsent[]> {
  const statement = database
    .prepare(
      `SELECT ${COLUMNS} FROM consents WHERE id IN
         (SELECT max(id) FROM consents INDEXED BY consents_by_account WHERE site = ?1 AND account_id = ?2 GROUP BY consent)
       ORDER BY consent`,
    )
    .bind(site, accountId);
  return (await fromDatabase(site, () => statement.all<ConsentRow>())).results.map(recorded);
}

/**
 * Every answer a person ever gave, the oldest first.
 * @throws {Failure} `storage_unavailable`.
 */
export async function consentHistory(
  { database, site }: Records,
  accountId: AccountId,
): Promise<readonly RecordedConsent[]> {
  const statement = database
    .prepare(`SELECT ${COLUMNS} FROM consents INDEXED BY consents_by_account
       WHERE site = ?1 AND account_id = ?2 ORDER BY id`)
    .bind(site, accountId);
  return (await fromDatabase(site, () => statement.all<ConsentRow>())).results.map(recorded);
}

function recorded(row: ConsentRow): RecordedConsent {
  return {
    consent: row.consent,
    granted: row.granted === 1,
    required: row.required === 1,
    wording: row.wording ?? undefined,
    source: row.source,
    language: row.language ?? undefined,
    answeredAt: row.answered_at,
  };
}
