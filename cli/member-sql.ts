// Members as the SQL that puts them into the registry's tables.

import { randomBytes } from "node:crypto";
import { proofDigest } from "../src/accounts/proof-digest.ts";
import { searchName } from "../src/accounts/vipps-person.ts";
import type { BoundStatement } from "./d1-session.ts";
import { ACCOUNT_KEY, type Member } from "./member-row.ts";

/** What a portion of members came to. */
export interface PortionResult {
  /** Accounts made. */
  readonly added: number;
  /** Accounts made by a login that became members'. */
  readonly joined: number;
  /** Accounts of members that were brought up to date, those that were joined included. */
  readonly changed: number;
}

/** A portion of members on its way into the registry. */
export interface Portion {
  /** To be carried out in this order, as one transaction. */
  readonly statements: readonly [join: BoundStatement, upsert: BoundStatement];
  /** Ids that accounts get which are made now. */
  readonly newIds: ReadonlySet<string>;
}

/** Import keys by the ids of accounts. */
export type AccountKeys = ReadonlyMap<string, string>;

/**
 * The statement that looks for the accounts which the list names, if it names any, and tells of each, as `id`, under
 * which `import_key` it is brought up to date: its own, else the row's, unless that is somebody else's.
 */
export function namedAccounts(members: readonly Member[], site: string): BoundStatement | undefined {
  const named = members.filter(({ accountId }) => accountId !== undefined);
  const rows = JSON.stringify(named.map(({ accountId, importKey }) => [accountId, importKey]));
  return named.length === 0 ? undefined : { sql: NAMED, params: [site, rows] };
}

const isUnnamed = `coalesce(a.import_key, '${ACCOUNT_KEY}') GLOB '${ACCOUNT_KEY}*'`;

const NAMED = `SELECT a.id, iif(${isUnnamed}, iif(EXISTS (SELECT 1 FROM accounts o INDEXED BY accounts_by_import_key
    WHERE o.site = ?1 AND o.import_key = r.value ->> 1), '${ACCOUNT_KEY}' || a.id, r.value ->> 1), a.import_key) AS import_key
  FROM json_each(?2) r CROSS JOIN accounts a ON a.site = ?1 AND a.id = r.value ->> 0`;

/**
 * Statements that make the accounts of these members or bring them up to date. They may be carried out any
 * number of times:
 * - an account whose id the list has is the one that is meant;
 * - an account made by an earlier import is found by its import key;
 * - an account made by a login, with the same phone number and name, becomes the member's;
 * - what the list does not say of somebody stays as it is known;
 * - of somebody who has logged in already, only the member number, the proof and the groups are changed: what Vipps
 *   vouches for is newer than the list.
 * Each looks at as many rows as it is given members, however many the registry has. The list goes along as one
 * bound value, which D1 takes up to 2 MB of, so that the statements themselves stay short.
 * @param at seconds since the epoch
 * @param keys those of {@link namedAccounts}
 */
export async function memberPortion(
  members: readonly Member[],
  site: string,
  at: number,
  keys?: AccountKeys,
): Promise<Portion> {
  const rows = await Promise.all(
    members.map((member) => {
      const importKey = keys?.get(member.accountId ?? "");
      // An account that is not this site's counts for nothing.
      return memberRow(
        importKey === undefined ? { ...member, accountId: undefined } : { ...member, importKey },
        site,
      );
    }),
  );
  const params = [site, at, JSON.stringify(rows)];
  return {
    statements: [
      { sql: JOIN, params },
      { sql: UPSERT, params },
    ],
    newIds: new Set(rows.map(([, id]) => id)),
  };
}

/** Columns of a member in the order in which {@link LIST} reads them. */
type MemberValues = readonly [importKey: string, id: string, ...rest: (string | null)[]];

async function memberRow(member: Member, site: string): Promise<MemberValues> {
  const { importKey, accountId, memberNumber, name, givenName, familyName, phone, email, proof, groups } =
    member;
  const fact = proof || memberNumber;
  const digest = fact === undefined ? null : await proofDigest(site, importKey, fact);
  const id = `acc_${randomBytes(16).toString("base64url")}`;
  const values = [name, givenName, familyName, name && searchName(name), phone, email, memberNumber];
  const more = [digest, proof === undefined ? undefined : "1", groups && JSON.stringify(groups), accountId];
  return [importKey, id, ...[...values, ...more].map((value) => value ?? null)];
}

const LIST = `SELECT value ->> 0 AS import_key, value ->> 1 AS id, value ->> 2 AS name, value ->> 3 AS given_name,
    value ->> 4 AS family_name, value ->> 5 AS search_name, value ->> 6 AS phone, value ->> 7 AS email,
    value ->> 8 AS member_number, value ->> 9 AS proof_digest, value ->> 10 AS is_proof_said, value ->> 11 AS groups,
    value ->> 12 AS account_id
  FROM json_each(?3)`;

/**
 * Gives accounts that have no import key of a list yet that of the member who is meant: by the account's id, else those
 * that a login made with the member's phone number and name. The list comes first and the index is named: a planner
 * without statistics would go through all accounts of the site instead. The last condition says nothing new, but leaves
 * it no way to begin with the accounts. A digest goes with the key it was made with.
 */
const JOIN = `WITH r AS MATERIALIZED (SELECT * FROM (${LIST}) l WHERE NOT EXISTS (SELECT 1 FROM accounts o
    INDEXED BY accounts_by_import_key WHERE o.site = ?1 AND o.import_key = l.import_key)),
fitting AS (
  SELECT a.id, r.import_key FROM r CROSS JOIN accounts a ON a.site = ?1 AND a.id = r.account_id
  UNION ALL SELECT min(a.id), r.import_key
  FROM r CROSS JOIN accounts a INDEXED BY accounts_by_phone ON a.site = ?1 AND a.phone = r.phone
  WHERE r.account_id IS NULL AND ${isUnnamed} AND a.phone_verified = 1 AND a.search_name = r.search_name
    AND r.search_name <> ''
  GROUP BY r.import_key),
found AS MATERIALIZED (SELECT id, min(import_key) AS import_key FROM fitting GROUP BY id)
UPDATE accounts SET import_key = f.import_key, proof_digest = NULL, updated_at = ?2 FROM found f
WHERE accounts.site = ?1 AND accounts.id = f.id AND accounts.id IN (SELECT id FROM found)`;

const IS_LINKED = `EXISTS (SELECT 1 FROM identities i INDEXED BY identities_by_account
    WHERE i.site = accounts.site AND i.account_id = accounts.id)`;

const PERSON = ["name", "given_name", "family_name", "search_name", "phone", "email"];

const unlessLinked = (column: string) => `${column} = iif(${IS_LINKED}, ${column}, excluded.${column})`;

/** What the list says, or what is known where it says nothing. */
const said = (column: string) => `iif(r.${column} IS NULL, k.${column}, nullif(r.${column}, ''))`;

const vouched = (column: string) =>
  `coalesce(iif(r.${column} IS NULL, k.${column}_verified, r.${column} <> ''), 0)`;

const UPSERT = `INSERT INTO accounts (site, id, ${PERSON.join(", ")}, phone_verified, email_verified, member_number,
  proof_digest, import_key, groups, origin, created_at, updated_at)
SELECT ?1, r.id, ${PERSON.map((column) => (column === "search_name" ? "coalesce(r.search_name, k.search_name, '')" : said(column))).join(", ")},
  ${vouched("phone")}, ${vouched("email")},
  iif(EXISTS (SELECT 1 FROM accounts o INDEXED BY accounts_by_member_number WHERE o.site = ?1
    AND o.member_number = r.member_number AND o.import_key IS NOT r.import_key), NULL, r.member_number),
  iif(r.is_proof_said, r.proof_digest, coalesce(k.proof_digest, r.proof_digest)), r.import_key,
  coalesce(r.groups, k.groups, '[]'), 'import', ?2, ?2
FROM (${LIST}) r LEFT JOIN accounts k INDEXED BY accounts_by_import_key ON k.site = ?1 AND k.import_key = r.import_key
WHERE true
ON CONFLICT (site, import_key) WHERE import_key IS NOT NULL DO UPDATE SET
  ${[...PERSON, "phone_verified", "email_verified"].map(unlessLinked).join(",\n  ")},
  member_number = coalesce(excluded.member_number, member_number), proof_digest = excluded.proof_digest,
  groups = excluded.groups, updated_at = ?2
WHERE proof_digest IS NOT excluded.proof_digest OR groups IS NOT excluded.groups
  OR member_number IS NOT coalesce(excluded.member_number, member_number)
  OR (NOT ${IS_LINKED}
    AND (${PERSON.join(", ")}) IS NOT (${PERSON.map((column) => `excluded.${column}`).join(", ")}))
RETURNING id`;
