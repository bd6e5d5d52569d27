import { Failure, fromStorage } from "../failure.ts";
import type { Account, AccountId, AccountRecord, LinkedBy, LinkedIdentity } from "./account.ts";
import { flag, isConstraintError, rows } from "./d1-rows.ts";
import { searchName } from "./names.ts";
import { now } from "./records.ts";
import type { AccountDirectory, AccountSearch, Correction } from "./registry.ts";

const SEARCH_LIMIT = 50;
/** D1 takes LIKE patterns of at most 50 bytes. In characters, of which a letter may take two bytes. */
const PATTERN_LIMIT = 20;

/**
 * What the person's own page, customer service and the consent webhook ask of the embedded registry, and all
 * SQL for it.
 * @param site the key under which this site's rows are kept.
 */
export function d1Directory(db: D1Database, site: string): AccountDirectory {
  return {
    get: (accountId) => get(db, site, accountId),
    search: (search) => searchAccounts(db, site, search),
    correct: (accountId, correction) => correct(db, site, accountId, correction),
    unlink: (accountId, msn, sub) => unlink(db, site, accountId, msn, sub),
    noteConsentRevoked: (msn, sub) => noteConsentRevoked(db, site, msn, sub),
    erase: (accountId, alongside) => erase(db, site, accountId, alongside),
  };
}

interface AccountRow {
  readonly id: string;
  readonly name: string | null;
  readonly given_name: string | null;
  readonly family_name: string | null;
  readonly phone: string | null;
  readonly phone_verified: number;
  readonly email: string | null;
  readonly email_verified: number;
  readonly profile: string;
  readonly member_number: string | null;
  readonly origin: Account["origin"];
  readonly created_at: number;
  readonly updated_at: number;
  readonly last_login_at: number | null;
}

interface IdentityRow {
  readonly msn: string;
  readonly sub: string;
  readonly linked_at: number;
  readonly linked_by: LinkedBy;
  readonly last_login_at: number | null;
  readonly consent_revoked_at: number | null;
}

const ACCOUNT_COLUMNS = `id, name, given_name, family_name, phone, phone_verified, email, email_verified, profile,
  member_number, origin, created_at, updated_at, last_login_at`;

async function get(db: D1Database, site: string, accountId: AccountId): Promise<AccountRecord | undefined> {
  const [accounts, identities] = await fromStorage(
    "account",
    db.batch([
      db.prepare(`SELECT ${ACCOUNT_COLUMNS} FROM accounts WHERE site = ?1 AND id = ?2`).bind(site, accountId),
      db
        .prepare(
          `SELECT msn, sub, linked_at, linked_by, last_login_at, consent_revoked_at FROM identities
           WHERE site = ?1 AND account_id = ?2 ORDER BY linked_at`,
        )
        .bind(site, accountId),
    ]),
  );
  const [row] = rows<AccountRow>(accounts);
  return row && { account: accountOf(row), identities: rows<IdentityRow>(identities).map(identityOf) };
}

async function searchAccounts(
  db: D1Database,
  site: string,
  search: AccountSearch,
): Promise<readonly Account[]> {
  const conditions: string[] = [];
  const values: string[] = [];
  const must = (condition: string, value: string) => {
    values.push(value);
    conditions.push(condition.replace("?", `?${values.length + 1}`));
  };
  if (search.phone !== undefined) must("phone = ?", search.phone);
  if (search.email !== undefined) must("email = ?", search.email);
  if (search.accountId !== undefined) must("id = ?", search.accountId);
  if (search.memberNumber !== undefined) must("member_number = ?", search.memberNumber);
  const words = searchName(search.name).split(" ").slice(0, 10);
  for (const word of words.filter(Boolean)) must("search_name LIKE ?", `%${word.slice(0, PATTERN_LIMIT)}%`);
  if (conditions.length === 0) return [];
  const { results } = await fromStorage(
    "account",
    db
      .prepare(
        `SELECT ${ACCOUNT_COLUMNS} FROM accounts WHERE site = ?1 AND ${conditions.join(" AND ")}
         ORDER BY coalesce(last_login_at, 0) DESC, search_name, id LIMIT ${SEARCH_LIMIT}`,
      )
      .bind(site, ...values)
      .all<AccountRow>(),
  );
  return results.map(accountOf);
}

async function correct(
  db: D1Database,
  site: string,
  accountId: AccountId,
  { name, phone, email, memberNumber }: Correction,
): Promise<boolean> {
  const changes = (value: string | null | undefined): [number, string | null] => [
    flag(value !== undefined),
    value ?? null,
  ];
  const statement = db
    .prepare(
      `UPDATE accounts SET
         name = iif(?3, ?4, name), search_name = iif(?3, ?11, search_name),
         given_name = iif(?3, NULL, given_name), family_name = iif(?3, NULL, family_name),
         phone = iif(?5, ?6, phone), phone_verified = iif(?5, ?6 IS NOT NULL, phone_verified),
         email = iif(?7, ?8, email), email_verified = iif(?7, ?8 IS NOT NULL, email_verified),
         member_number = iif(?9, ?10, member_number), updated_at = ?12
       WHERE site = ?1 AND id = ?2`,
    )
    .bind(
      site,
      accountId,
      ...changes(name),
      ...changes(phone),
      ...changes(email),
      ...changes(memberNumber),
      searchName(name ?? undefined),
      now(),
    );
  const run = statement.run().catch((error: unknown) => {
    if (!isConstraintError(error)) throw error;
    throw new Failure("request_malformed", { stage: "account", reason: "member number is taken" });
  });
  return (await fromStorage("account", run)).meta.changes > 0;
}

async function unlink(
  db: D1Database,
  site: string,
  accountId: AccountId,
  msn: string,
  sub: string,
): Promise<boolean> {
  const run = db
    .prepare("DELETE FROM identities WHERE site = ?1 AND account_id = ?2 AND msn = ?3 AND sub = ?4")
    .bind(site, accountId, msn, sub)
    .run();
  return (await fromStorage("account", run)).meta.changes > 0;
}

async function noteConsentRevoked(db: D1Database, site: string, msn: string, sub: string): Promise<void> {
  const run = db
    .prepare(
      `UPDATE identities SET consent_revoked_at = ?4
       WHERE site = ?1 AND msn = ?2 AND sub = ?3 AND consent_revoked_at IS NULL`,
    )
    .bind(site, msn, sub, now())
    .run();
  await fromStorage("account", run);
}

async function erase(
  db: D1Database,
  site: string,
  accountId: AccountId,
  alongside: readonly D1PreparedStatement[],
): Promise<boolean> {
  const results = await fromStorage(
    "account",
    db.batch([
      ...alongside,
      db.prepare("DELETE FROM identities WHERE site = ?1 AND account_id = ?2").bind(site, accountId),
      db.prepare("DELETE FROM accounts WHERE site = ?1 AND id = ?2").bind(site, accountId),
    ]),
  );
  return (results.at(-1)?.meta.changes ?? 0) > 0;
}

function accountOf(row: AccountRow): Account {
  return {
    id: row.id,
    name: row.name ?? undefined,
    givenName: row.given_name ?? undefined,
    familyName: row.family_name ?? undefined,
    phone: row.phone ?? undefined,
    phoneVerified: row.phone_verified === 1,
    email: row.email ?? undefined,
    emailVerified: row.email_verified === 1,
    profile: JSON.parse(row.profile),
    memberNumber: row.member_number ?? undefined,
    origin: row.origin,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    lastLoginAt: row.last_login_at ?? undefined,
  };
}

function identityOf(row: IdentityRow): LinkedIdentity {
  return {
    msn: row.msn,
    sub: row.sub,
    linkedAt: row.linked_at,
    linkedBy: row.linked_by,
    lastLoginAt: row.last_login_at ?? undefined,
    consentRevokedAt: row.consent_revoked_at ?? undefined,
  };
}
