import { sha256 } from "../crypto-text.ts";
import { eventStatement, type Outbox } from "../events/outbox.ts";
import { fromDatabase } from "../storage-call.ts";
import {
  type CollectedConsents,
  type ConsentForm,
  collectedConsents,
  type VippsClaims,
} from "../vipps/claims.ts";
import type { AccountId } from "./account.ts";
import { flag, now, type Records } from "./records.ts";
import { erasedSince, notErasedSince, type VippsPerson } from "./vipps-person.ts";

/** Days for which consents wait for a person who left a login before it was finished. */
export const WAITING_DAYS = 90;

/** A Vipps user at one sales unit. */
type VippsUser = Pick<VippsPerson, "msn" | "sub">;

/** What Vipps collected on the site's behalf, as it came. */
export interface ReceivedConsents {
  readonly form: ConsentForm;
  /** `timeOfConsent` as Vipps wrote it; a digest of the claim where it did not. */
  readonly timeOfConsent: string;
  readonly raw: Readonly<Record<string, unknown>>;
  /** Seconds since the epoch. */
  readonly receivedAt: number;
}

/**
 * Keeps the consents that came with a login, before anything is asked of the person: Vipps collects them once and
 * does not ask again, whatever becomes of that login. They wait until {@link adoptVippsConsents} gives them to an
 * account, their person turns out to be a stranger who declines, or {@link WAITING_DAYS} are over. Safe to repeat: what has
 * come before changes nothing. Without consents among the claims, nothing is asked of the database.
 * @returns whether there were any.
 * @throws {Failure} `storage_unavailable`; then nothing is kept, and the login must not go on.
 */
export async function keepVippsConsents(
  { database, site }: Records,
  { msn, sub }: VippsUser,
  claims: VippsClaims,
): Promise<boolean> {
  const collected = collectedConsents(claims);
  if (collected.length === 0) return false;
  const insert = database.prepare(
    `INSERT INTO vipps_consents
       (site, msn, sub, form, time_of_consent, answered_at, language, answers, raw, received_at)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT DO NOTHING`,
  );
  const at = now();
  const statements = await Promise.all(
    collected.map(async (consents) =>
      insert.bind(
        site,
        msn,
        sub,
        consents.form,
        consents.timeOfConsent ?? `sha256:${await sha256(consents.raw)}`,
        consents.answeredAt ?? at,
        consents.language ?? null,
        storedAnswers(consents),
        consents.raw,
        at,
      ),
    ),
  );
  await fromDatabase(site, () => database.batch(statements));
  return true;
}

function storedAnswers({ answers }: CollectedConsents): string {
  return JSON.stringify(
    answers.map(({ granted, required, ...words }) => ({
      ...words,
      granted: flag(granted),
      required: flag(required),
    })),
  );
}

const TABLE = "vipps_consents INDEXED BY vipps_consents_waiting";
const isWaiting = ({ sub, msn }: VippsUser) =>
  `site = ?1 AND sub = ${sub} AND msn = ${msn} AND account_id IS NULL`;
const IS_WAITING = isWaiting({ sub: "?2", msn: "?3" });

/**
 * SQL: the consents that wait for a Vipps user of the site ?1. Reads no row for most.
 * @param user the parameters that name them.
 */
export const consentsWaitingFor = (user: VippsUser): string =>
  `SELECT form FROM ${TABLE} WHERE ${isWaiting(user)}`;

/**
 * Gives the consents that wait for a Vipps user to their account, as answers named `vipps:<id>`. An answer the
 * person gave later, on their own page, stays the one that counts. Safe to repeat.
 * @throws {Failure} `storage_unavailable`; then they go on waiting.
 */
export async function adoptVippsConsents(
  records: Records,
  accountId: AccountId,
  { msn, sub }: VippsUser,
): Promise<void> {
  const { database, site, outbox } = records;
  const statements = [
    database.prepare(
      `INSERT INTO consents
         (site, account_id, consent, granted, required, source, wording, language, answered_at)
       SELECT ?1, ?4, 'vipps:' || (answer.value ->> 'id'), answer.value ->> 'granted',
         answer.value ->> 'required', 'vipps', answer.value ->> 'wording', waiting.language, waiting.answered_at
       FROM (SELECT * FROM ${TABLE} WHERE ${IS_WAITING}) AS waiting, json_each(waiting.answers) AS answer
       WHERE ${isNews({ account: "?4", sub: "?2", msn: "?3", since: "?5" })}
       ORDER BY waiting.answered_at, waiting.form, answer.key`,
    ),
    database.prepare(
      `UPDATE ${TABLE} SET account_id = ?4 WHERE ${IS_WAITING} AND ${notErasedSince("?4", "?5")}`,
    ),
  ];
  const values = [site, sub, msn, accountId, erasedSince(records)];
  const told =
    outbox === undefined ? [] : [true, false].map((granted) => adoptedEvents(records, outbox, granted));
  await fromDatabase(site, () =>
    database.batch([...told, ...statements.map((statement) => statement.bind(...values))]),
  );

  function adoptedEvents(records: Records, outbox: Outbox, granted: boolean): D1PreparedStatement {
    const type = granted ? "consent.given" : "consent.withdrawn";
    const data = { account: accountId, consent: "vipps:", source: "vipps" } as const;
    return eventStatement(outbox, accountId, type, data, {
      from: `(SELECT * FROM vipps_consents INDEXED BY vipps_consents_waiting
          WHERE site = ?1 AND sub = ?7 AND msn = ?8 AND account_id IS NULL) AS waiting,
          json_each(waiting.answers) AS answer
        WHERE answer.value ->> 'granted' = ?10
          AND coalesce((SELECT granted FROM consents AS before INDEXED BY consents_by_account
            WHERE before.site = ?1 AND before.account_id = ?2
              AND before.consent = 'vipps:' || (answer.value ->> 'id') ORDER BY before.id DESC LIMIT 1), 0) <> ?10
          AND ${isNews({ account: "?2", sub: "?7", msn: "?8", since: "?9" })}`,
      values: [sub, msn, erasedSince(records), flag(granted)],
      data: "json_set(?5, '$.consent', 'vipps:' || (answer.value ->> 'id'))",
      // Each of several answers is an event.
      id: "substr(?3, 1, 32) || printf('%04x', row_number() OVER (ORDER BY waiting.answered_at, waiting.form, answer.key))",
    });
  }
}

/** A condition of SQL: an `answer` of `waiting` is to be taken over. Names the parameters that it goes by. */
const isNews = ({
  account,
  sub,
  msn,
  since,
}: Readonly<Record<"account" | "sub" | "msn" | "since", string>>) =>
  `${notErasedSince(account, since)}
    AND NOT EXISTS (SELECT 1 FROM consents AS later INDEXED BY consents_by_account
      WHERE later.site = ?1 AND later.account_id = ${account}
        AND later.consent = 'vipps:' || (answer.value ->> 'id') AND later.answered_at > waiting.answered_at)
    AND NOT EXISTS (SELECT 1 FROM delegated_consents AS known
      WHERE waiting.form = 'delegatedConsents' AND known.site = ?1 AND known.account_id = ${account}
        AND known.msn = ${msn} AND known.sub = ${sub} AND known.time_of_consent = waiting.time_of_consent)`;

/**
 * Erases the consents that wait for a Vipps user, who wants nothing kept, has been erased, or has removed the access.
 * @param until when they were answered at the latest, in seconds since the epoch.
 * @throws {Failure} `storage_unavailable`.
 */
export async function forgetVippsConsents(
  { database, site }: Records,
  { msn, sub }: VippsUser,
  until = now(),
): Promise<void> {
  const statement = database
    .prepare(`DELETE FROM ${TABLE} WHERE ${IS_WAITING} AND answered_at <= ?4`)
    .bind(site, sub, msn, until);
  await fromDatabase(site, () => statement.run());
}

/** The yeses of an account (`?2`) to what Vipps asked that stand since a moment. @param until the parameter of it. */
const yesesUntil = (until: string): string => `consents WHERE id IN
  (SELECT max(id) FROM consents INDEXED BY consents_by_account
   WHERE site = ?1 AND account_id = ?2 AND consent >= 'vipps:' AND consent < 'vipps;' GROUP BY consent)
  AND granted = 1 AND answered_at <= ${until}`;

/**
 * The statements that take back every yes to what Vipps asked, and tell of it, since the person has removed the site's
 * access there: Vipps asks anew at the next login, and until then nothing counts that was given to it. What the person
 * has answered since stays. Carried out twice they do the same.
 * @param at when the access was removed, in seconds since the epoch.
 */
export function revokedConsents(
  { database, site, outbox }: Records,
  account: AccountId,
  at: number,
): readonly D1PreparedStatement[] {
  const revoked = database
    .prepare(
      `INSERT INTO consents
         (site, account_id, consent, granted, required, source, wording, language, answered_at)
       SELECT site, account_id, consent, 0, required, 'webhook', wording, language, ?3 FROM ${yesesUntil("?3")}`,
    )
    .bind(site, account, at);
  if (outbox === undefined) return [revoked];
  const data = { account, consent: "vipps:", source: "webhook" } as const;
  const told = eventStatement(outbox, account, "consent.withdrawn", data, {
    from: yesesUntil("?7"),
    values: [at],
    data: "json_set(?5, '$.consent', consent)",
    id: "substr(?3, 1, 32) || printf('%04x', row_number() OVER (ORDER BY consent))",
  });
  return [told, revoked];
}

interface ReceivedRow {
  readonly form: ConsentForm;
  readonly time_of_consent: string;
  readonly raw: string;
  readonly received_at: number;
}

/**
 * Everything Vipps collected for this account, the oldest first. `delegated_consents` holds what version 0.1 was
 * given.
 * @throws {Failure} `storage_unavailable`.
 */
export async function receivedConsents(
  { database, site }: Records,
  accountId: AccountId,
): Promise<readonly ReceivedConsents[]> {
  const statement = database
    .prepare(
      `SELECT form, time_of_consent, raw, received_at
       FROM vipps_consents INDEXED BY vipps_consents_by_account WHERE site = ?1 AND account_id = ?2
       UNION ALL
       SELECT 'delegatedConsents', time_of_consent, raw, received_at
       FROM delegated_consents WHERE site = ?1 AND account_id = ?2
       ORDER BY received_at, time_of_consent`,
    )
    .bind(site, accountId);
  const { results } = await fromDatabase(site, () => statement.all<ReceivedRow>());
  return results.map((row) => ({
    form: row.form,
    timeOfConsent: row.time_of_consent,
    raw: JSON.parse(row.raw),
    receivedAt: row.received_at,
  }));
}
