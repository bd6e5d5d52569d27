import type { Export, RunQuery } from "./exported-rows.ts";

/** An answer with whose it is, as it is handed out. */
export type ExportedConsent = {
  readonly account_id: string;
  readonly name: string | null;
  readonly email: string | null;
  readonly phone: string | null;
  readonly member_number: string | null;
  readonly consent: string;
  readonly granted: boolean;
  readonly required: boolean;
  readonly wording: string | null;
  readonly language: string | null;
  readonly source: string;
  /** ISO 8601, UTC. */
  readonly answered_at: string;
  /** When the person removed the site's access at Vipps, and has not logged in since. */
  readonly access_removed_at: string | null;
};

export interface ExportOptions {
  readonly site: string;
  /** Every answer ever given; otherwise the ones that count, one for each person and consent. */
  readonly history: boolean;
  /** How many rows are asked for at a time. */
  readonly portion: number;
}

const COLUMNS: readonly string[] = [
  ...["account_id", "name", "email", "phone", "member_number", "consent", "granted", "required"],
  ...["wording", "language", "source", "answered_at", "access_removed_at"],
];

/** Everybody's consents, to be written. */
export const consentsExport = (run: RunQuery, options: ExportOptions): Export => ({
  columns: COLUMNS,
  portions: exportedConsents(run, options),
});

/**
 * The answers of everybody, portion by portion in the order of the index, so that a million people take no more
 * memory than a thousand, and each statement no longer than its portion. A person without an account in this
 * database (`ACCOUNTS=remote` or `none`) has an id and no name.
 */
export async function* exportedConsents(
  run: RunQuery,
  { site, history, portion }: ExportOptions,
): AsyncGenerator<readonly ExportedConsent[]> {
  // SQLite takes the other columns from the row with the largest id, which is the newest answer.
  const sql = `SELECT consents.account_id, consent, ${history ? "consents.id" : "max(consents.id)"} AS last_id,
      granted, required, wording, language, source, answered_at,
      accounts.name, accounts.email, accounts.phone, accounts.member_number,
      (SELECT max(consent_revoked_at) FROM identities INDEXED BY identities_by_account
       WHERE identities.site = consents.site AND identities.account_id = consents.account_id) AS access_removed_at
    FROM consents INDEXED BY consents_by_account
    LEFT JOIN accounts ON accounts.site = consents.site AND accounts.id = consents.account_id
    WHERE consents.site = ?1 AND (consents.account_id, consent, consents.id) > (?2, ?3, ?4)
    ${history ? "" : "GROUP BY consents.account_id, consent"}
    ORDER BY consents.account_id, consent${history ? ", consents.id" : ""} LIMIT ?5`;
  let last: readonly [string, string, number] = ["", "", 0];
  for (;;) {
    const rows = await run(sql, [site, ...last, portion]);
    if (rows.length > 0) yield rows.map(exported);
    const end = rows.at(-1);
    if (end === undefined || rows.length < portion) return;
    last = [String(end.account_id), String(end.consent), Number(end.last_id)];
  }
}

function exported(row: Readonly<Record<string, unknown>>): ExportedConsent {
  const time = (seconds: unknown) => new Date(Number(seconds) * 1000).toISOString();
  const text = (value: unknown) => (typeof value === "string" ? value : null);
  return {
    account_id: String(row.account_id),
    name: text(row.name),
    email: text(row.email),
    phone: text(row.phone),
    member_number: text(row.member_number),
    consent: String(row.consent),
    granted: row.granted === 1,
    required: row.required === 1,
    wording: text(row.wording),
    language: text(row.language),
    source: String(row.source),
    answered_at: time(row.answered_at),
    access_removed_at: row.access_removed_at === null ? null : time(row.access_removed_at),
  };
}
