// Members as the SQL that puts them into the registry's tables.

import { randomBytes } from "node:crypto";
import { searchName } from "../src/accounts/names.ts";
import { proofDigest } from "../src/accounts/proof-digest.ts";
import type { Member } from "./member-row.ts";

/** D1 takes statements of at most 100,000 bytes. */
const STATEMENT_LIMIT = 60_000;

/**
 * Statements that make the accounts of these members or bring them up to date. They may be carried out any
 * number of times, whole or in part:
 * - an account made by an earlier import is found by its import key;
 * - an account made by a login, with the same phone number and name, becomes the member's;
 * - of somebody who has logged in already, only the member number and the proof are changed: what Vipps vouches
 *   for is newer than the list.
 * @param at seconds since the epoch
 */
export async function* memberStatements(
  members: Iterable<Member>,
  site: string,
  at: number,
): AsyncGenerator<string> {
  let rows: string[] = [];
  let size = 0;
  for (const member of members) {
    const row = await memberRow(member, site);
    if (size + row.length > STATEMENT_LIMIT) {
      yield* statementsFor(rows, site, at);
      rows = [];
      size = 0;
    }
    rows.push(row);
    size += row.length + 1;
  }
  if (rows.length > 0) yield* statementsFor(rows, site, at);
}

/** A member as a JSON array, in the order in which {@link statementsFor} reads it. */
async function memberRow(member: Member, site: string): Promise<string> {
  const { importKey, memberNumber, name, givenName, familyName, phone, email, proof } = member;
  const fact = proof ?? memberNumber;
  const digest = fact === undefined ? null : await proofDigest(site, importKey, fact);
  const id = `acc_${randomBytes(16).toString("base64url")}`;
  return plainJson([
    importKey,
    id,
    name,
    givenName,
    familyName,
    searchName(name),
    phone,
    email,
    memberNumber,
    digest,
  ]);
}

/** JSON without any character that a program which cuts SQL into statements might stumble over. */
function plainJson(values: readonly (string | null | undefined)[]): string {
  const escaped = (letter: string) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`;
  const texts = values.map((value) => (value == null ? "null" : `"${value.replace(/[^\w@.+:]/g, escaped)}"`));
  return `[${texts.join(",")}]`;
}

const COLUMNS = `value ->> 0 AS import_key, value ->> 1 AS id, value ->> 2 AS name, value ->> 3 AS given_name,
  value ->> 4 AS family_name, value ->> 5 AS search_name, value ->> 6 AS phone, value ->> 7 AS email,
  value ->> 8 AS member_number, value ->> 9 AS proof_digest`;

function* statementsFor(rows: readonly string[], site: string, at: number): Generator<string> {
  const list = `SELECT ${COLUMNS} FROM json_each('[${rows.join(",")}]')`;
  const key = `'${site.replaceAll("'", "''")}'`;
  const isLinked =
    "EXISTS (SELECT 1 FROM identities i WHERE i.site = accounts.site AND i.account_id = accounts.id)";
  const person = "name, given_name, family_name, search_name, phone, email";
  const ofRow = (columns: string) => columns.replace(/\w+/g, "excluded.$&");
  const unlessLinked = person
    .split(", ")
    .map((column) => `${column} = iif(${isLinked}, ${column}, excluded.${column})`)
    .join(", ");
  yield `UPDATE accounts SET import_key = r.import_key, updated_at = ${at} FROM (${list}) r
WHERE accounts.site = ${key} AND accounts.import_key IS NULL AND accounts.phone = r.phone
  AND accounts.phone_verified = 1 AND accounts.search_name = r.search_name AND r.search_name <> ''
  AND NOT EXISTS (SELECT 1 FROM accounts o WHERE o.site = ${key} AND o.import_key = r.import_key)
  AND NOT EXISTS (SELECT 1 FROM accounts o WHERE o.site = ${key} AND o.import_key IS NULL AND o.id < accounts.id
    AND o.phone = r.phone AND o.phone_verified = 1 AND o.search_name = r.search_name);`;
  yield `INSERT INTO accounts (site, id, ${person}, phone_verified, email_verified, member_number, proof_digest,
  import_key, origin, created_at, updated_at)
SELECT ${key}, id, ${person}, phone IS NOT NULL, email IS NOT NULL,
  iif(EXISTS (SELECT 1 FROM accounts o WHERE o.site = ${key} AND o.member_number = r.member_number
    AND o.import_key IS NOT r.import_key), NULL, member_number),
  proof_digest, import_key, 'import', ${at}, ${at} FROM (${list}) r WHERE true
ON CONFLICT (site, import_key) WHERE import_key IS NOT NULL DO UPDATE SET ${unlessLinked},
  phone_verified = iif(${isLinked}, phone_verified, excluded.phone_verified),
  email_verified = iif(${isLinked}, email_verified, excluded.email_verified),
  member_number = coalesce(excluded.member_number, member_number), proof_digest = excluded.proof_digest,
  updated_at = ${at}
WHERE proof_digest IS NOT excluded.proof_digest
  OR member_number IS NOT coalesce(excluded.member_number, member_number)
  OR (NOT ${isLinked} AND (${person}) IS NOT (${ofRow(person)}));`;
}
