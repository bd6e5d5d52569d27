import { randomText } from "../crypto-text.ts";
import { firstEventId } from "../events/event.ts";
import { eventStatement } from "../events/outbox.ts";
import { readGroups } from "../group-name.ts";
import { fromDatabase } from "../storage-call.ts";
import type { AccountId, LinkedBy } from "./account.ts";
import { proofDigest } from "./proof-digest.ts";
import { flag, now, type Records, rows } from "./records.ts";
import type { CreateOptions, FoundPerson, LoginRegistry, SeenContact } from "./registry.ts";
import { consentsWaitingFor } from "./vipps-consents.ts";
import { erasedMeanwhile, personSubject, searchName, type VippsPerson, wasErased } from "./vipps-person.ts";

/** More candidates than this are one and the same answer: several. */
const CANDIDATE_LIMIT = 10;

/**
 * Accounts whose phone number (?2) or email address (?3), verified, is this person's, each once. Two look-ups
 * in two indexes: for an OR, and without statistics, SQLite walks through all accounts of the site. What the first
 * has found the second leaves out: a UNION would keep them in a table of its own, whose rows D1 counts.
 * @param sought what is looked for, given the parameter: the same, or nothing.
 */
const similar = (limit: number, columns = "id", sought = (parameter: string) => parameter) => `
  SELECT * FROM (SELECT ${columns} FROM accounts INDEXED BY accounts_by_phone
    WHERE site = ?1 AND phone = ${sought("?2")} AND phone_verified = 1 LIMIT ${limit})
  UNION ALL SELECT * FROM (SELECT ${columns} FROM accounts INDEXED BY accounts_by_email
    WHERE site = ?1 AND email = ${sought("?3")} AND email_verified = 1
      AND (phone = ?2 AND phone_verified = 1) IS NOT TRUE LIMIT ${limit})`;

/** What is looked at of an account that may be the person's. */
const CANDIDATE = "id, name, phone, phone_verified, email, email_verified, proof_digest";

/** Whether the person (?4, ?5) has an account. */
const KNOWN = "EXISTS (SELECT 1 FROM identities WHERE site = ?1 AND msn = ?4 AND sub = ?5)";

/**
 * What a login asks of the embedded registry, and all SQL for it. Each function is one round trip to D1, and may
 * be asked again when its answer got lost.
 * @param readsGroups whether a login looks up the person's groups.
 */
export function d1Login(records: Records, readsGroups: boolean): LoginRegistry {
  const { database, site } = records;
  return {
    find: (person) => find(database, site, person, readsGroups),
    findOrCreate: (person, begunAt) => findOrCreate(records, person, begunAt, readsGroups),
    create: (person, options) => create(records, person, options),
    link: (accountId, person, by, seen) => link(records, accountId, person, by, seen),
    update: (accountId, person) => update(records, accountId, person),
    proof: { kind: "fact", check: (candidates, fact) => checkProof(database, site, candidates, fact) },
    accountOfSub: (msn, sub) => accountOfSub(database, site, msn, sub),
    groupsOf: (accountId) => groupsOf(database, site, accountId),
  };
}

interface OwnerRow {
  readonly account_id: string;
}

interface KnownRow extends OwnerRow {
  readonly is_current: number;
  readonly is_first: number;
  /** Their versions, as a JSON array. */
  readonly accepted_terms: string;
  readonly groups?: string | null;
}

interface CandidateRow {
  readonly id: string;
  readonly name: string | null;
  readonly same_phone: number | null;
  readonly same_email: number | null;
  readonly taken: number;
  readonly provable: number;
}

async function find(
  database: D1Database,
  site: string,
  person: VippsPerson,
  readsGroups: boolean,
): Promise<FoundPerson> {
  return foundPerson(
    await fromDatabase(site, () => database.batch(findStatements(database, site, person, readsGroups))),
  );
}

/** The account of the `sub` with the terms it accepted, and the candidates where it has none. */
function findStatements(
  database: D1Database,
  site: string,
  person: VippsPerson,
  readsGroups: boolean,
): D1PreparedStatement[] {
  const { msn, sub } = person;
  const { phone, email } = verifiedContact(person);
  return [
    database
      .prepare(
        `SELECT account_id,
           told = ?4 AND consent_revoked_at IS NULL AND last_login_at IS NOT NULL
             AND NOT EXISTS (${consentsWaitingFor({ sub: "?3", msn: "?2" })}) AS is_current,
           last_login_at IS NULL AS is_first,
           (SELECT json_group_array(t.version) FROM terms_acceptances t
            WHERE t.site = i.site AND t.account_id = i.account_id) AS accepted_terms
           ${readsGroups ? ", (SELECT groups FROM accounts WHERE site = ?1 AND id = i.account_id) AS groups" : ""}
         FROM identities i WHERE site = ?1 AND msn = ?2 AND sub = ?3`,
      )
      .bind(site, msn, sub, saidOf(person)),
    database
      .prepare(
        `SELECT a.id, a.name, a.phone = ?2 AND a.phone_verified AS same_phone,
           a.email = ?3 AND a.email_verified AS same_email,
           EXISTS (SELECT 1 FROM identities i INDEXED BY identities_by_account
             WHERE i.site = ?1 AND i.account_id = a.id AND i.msn = ?4) AS taken,
           a.proof_digest IS NOT NULL AS provable
         FROM (${similar(CANDIDATE_LIMIT, CANDIDATE, (parameter) => `iif(${KNOWN}, NULL, ${parameter})`)}) a
         LIMIT ${CANDIDATE_LIMIT}`,
      )
      .bind(site, phone, email, msn, sub),
  ];
}

/** @param results of {@link findStatements} @param newId the account that was to be made in the same batch. */
function foundPerson(results: readonly D1Result[], newId?: AccountId): FoundPerson {
  const [known, candidates] = results;
  const [row] = rows<KnownRow>(known);
  return {
    known: row && {
      id: row.account_id,
      acceptedTerms: JSON.parse(row.accepted_terms),
      isCurrent: row.is_current === 1,
      isFirst: row.is_first === 1,
      isNew: row.account_id === newId,
      ...(row.groups != null && { groups: readGroups(JSON.parse(row.groups)) }),
    },
    candidates: rows<CandidateRow>(candidates).map((candidate) => ({
      accountId: candidate.id,
      name: candidate.name ?? undefined,
      samePhone: candidate.same_phone === 1,
      sameEmail: candidate.same_email === 1,
      taken: candidate.taken === 1,
      provable: candidate.provable === 1,
    })),
  };
}

async function findOrCreate(
  records: Records,
  person: VippsPerson,
  begunAt: number | undefined,
  readsGroups: boolean,
): Promise<FoundPerson> {
  const { database, site } = records;
  const id = newAccountId();
  const making = await createStatements(records, person, id, { begunAt });
  const finding = findStatements(database, site, person, readsGroups);
  const results = await fromDatabase(site, () => database.batch([...making, ...finding]));
  const found = foundPerson(results.slice(making.length), id);
  if (found.known === undefined && found.candidates.length === 0) throw erasedMeanwhile();
  return found;
}

async function create(
  records: Records,
  person: VippsPerson,
  options: CreateOptions,
): Promise<AccountId | undefined> {
  const { database, site } = records;
  const id = newAccountId();
  const { begunAt } = options;
  const making = await createStatements(records, person, id, options);
  const statements = [
    ...making,
    ownerOf(database, site, person.msn, person.sub),
    ...(begunAt === undefined ? [] : [wasErased(database, site, await personSubject(site, person), begunAt)]),
  ];
  const results = await fromDatabase(site, () => database.batch(statements));
  const [owner, erased] = results.slice(making.length);
  if (rows(erased).length > 0 && rows(owner).length === 0) throw erasedMeanwhile();
  return rows<OwnerRow>(owner)[0]?.account_id === id ? id : undefined;
}

/**
 * Make an account with its first identity, both or neither, and close the person's link request. Done twice they
 * make one account.
 */
async function createStatements(
  { database, site, outbox }: Records,
  person: VippsPerson,
  id: AccountId,
  { evenIfSimilar = false, begunAt }: CreateOptions,
): Promise<D1PreparedStatement[]> {
  const { phone, email } = verifiedContact(person);
  const at = now();
  const contact = [person.msn, person.sub, id, ...personColumns(person), at];
  return [
    database
      .prepare(
        `INSERT INTO accounts (site, id, name, given_name, family_name, search_name, phone, phone_verified,
           email, email_verified, profile, origin, created_at, updated_at, last_login_at)
         SELECT ?1, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, 'vipps', ?16, ?16, ?16
         WHERE NOT ${KNOWN} AND (?17 OR NOT EXISTS (${similar(1)}))
           AND NOT EXISTS (SELECT 1 FROM erasures WHERE site = ?1 AND subject = ?18 AND erased_at > ?19)`,
      )
      .bind(
        ...[site, phone, email, ...contact, flag(evenIfSimilar)],
        ...[await personSubject(site, person), begunAt ?? null],
      ),
    database
      .prepare(
        `INSERT INTO identities (site, msn, sub, account_id, linked_at, linked_by, told, last_login_at)
         SELECT site, ?3, ?4, id, ?5, 'created', ?6, ?5 FROM accounts WHERE site = ?1 AND id = ?2
         ON CONFLICT DO NOTHING`,
      )
      .bind(site, id, person.msn, person.sub, at, saidOf(person)),
    forgetLinkRequest(database, site, person),
    ...(outbox === undefined
      ? []
      : [
          eventStatement(
            outbox,
            id,
            "account.created",
            { account: id },
            {
              from: "accounts WHERE site = ?1 AND id = ?2",
            },
          ),
        ]),
  ];
}

async function link(
  { database, site, outbox }: Records,
  accountId: AccountId,
  person: VippsPerson,
  by: LinkedBy,
  { samePhone = false, sameEmail = false }: Partial<SeenContact> = {},
): Promise<boolean> {
  const { phone, email } = verifiedContact(person);
  const at = now();
  // A column that is set has its index written, also where nothing changes.
  const phoneSet = samePhone
    ? ""
    : `phone = iif(?10 OR NOT phone_verified, coalesce(?9, phone), phone),
       phone_verified = max(phone_verified, ?10),`;
  const emailSet = sameEmail
    ? ""
    : `email = iif(?12 OR NOT email_verified, coalesce(?11, email), email),
       email_verified = max(email_verified, ?12),`;
  // What made the decision must still be so when it is carried out: two logins may run at the same time.
  const stillFits = `(SELECT group_concat(id) FROM (${similar(2)})) = ?6
    AND ((phone = ?2 AND phone_verified) OR NOT EXISTS (SELECT 1 FROM identities INDEXED BY identities_by_account
      WHERE site = ?1 AND account_id = ?6 AND msn = ?4))`;
  // Linked before by another login, or the other way, it is not linked now.
  const linkedNow = {
    from: `identities WHERE site = ?1 AND msn = ?7 AND sub = ?8 AND account_id = ?2 AND linked_at = ?9
      AND linked_by = ?10
      AND NOT EXISTS (SELECT 1 FROM events WHERE site = ?1 AND about = ?2 AND id >= ?11 AND type = ?4)`,
    values: [person.msn, person.sub, at, by, firstEventId(at * 1000)],
  };
  const told =
    outbox === undefined || by === "created"
      ? []
      : [eventStatement(outbox, accountId, "account.linked", { account: accountId, by }, linkedNow)];
  const results = await fromDatabase(site, () =>
    database.batch([
      database
        .prepare(
          // No SELECT: one that reads the table it writes to keeps what it found in another, whose rows D1 counts. A row
          // without an account is none.
          `INSERT OR IGNORE INTO identities (site, msn, sub, account_id, linked_at, linked_by, told, last_login_at)
           VALUES (?1, ?4, ?5, (SELECT id FROM accounts
             WHERE site = ?1 AND id = ?6 AND (?8 <> 'matched' OR (${stillFits} AND ?2 IS ?2 AND ?3 IS ?3))),
             ?7, ?8, ?9, iif(?8 <> 'matched', NULL, ?7))`,
        )
        .bind(site, phone, email, person.msn, person.sub, accountId, at, by, saidOf(person)),
      database
        .prepare(
          `UPDATE accounts SET name = coalesce(?5, name), given_name = coalesce(?6, given_name),
             family_name = coalesce(?7, family_name), search_name = iif(?5 IS NULL, search_name, ?8),
             ${phoneSet} ${emailSet}
             profile = json_patch(profile, ?13), updated_at = ?14, last_login_at = ?14
           WHERE site = ?1 AND id = ?2 
             AND ?2 = (SELECT account_id FROM identities WHERE site = ?1 AND msn = ?3 AND sub = ?4)`,
        )
        .bind(site, accountId, person.msn, person.sub, ...personColumns(person), at),
      forgetLinkRequest(database, site, person),
      ...told,
    ]),
  );
  const [, updated] = results;
  return (updated?.meta.changes ?? 0) > 0;
}

/** Fields of an account that events name, each with what Vipps says of it. */
const SAID = [
  ["name", "name"],
  ["phone", "phone", "phoneVerified"],
  ["email", "email", "emailVerified"],
  ["profile", "profile"],
] as const;

/**
 * A field changes only when Vipps says something else than last time, so that a correction by staff stays until
 * the person changes it at Vipps. Where Vipps says the same, nothing is written: the login itself is in `logins`.
 */
async function update(
  { database, site, outbox }: Records,
  accountId: AccountId,
  person: VippsPerson,
): Promise<void> {
  const at = now();
  const news = saidOf(person);
  const changed = (field: string) => `(i.told ->> '${field}' IS NOT ?5 ->> '${field}')`;
  // Something unverified never takes the place of something verified.
  const contact = (field: string, verified: string, column: string) => {
    const isNews = `((${changed(field)} OR ${changed(verified)}) AND (?5 ->> '${verified}' OR NOT ${column}))`;
    return `${field} = iif(${isNews}, coalesce(?5 ->> '${field}', ${field}), ${field}),
             ${column} = iif(${isNews}, ?5 ->> '${verified}', ${column})`;
  };
  // Before it is taken over: afterwards nobody knows what was said last time.
  const differs = ([field, ...parts]: readonly string[]) =>
    `SELECT '${field}' AS value WHERE ${parts.map((part) => `said.told ->> '${part}' IS NOT ?10 ->> '${part}'`).join(" OR ")}`;
  const changes =
    outbox === undefined
      ? []
      : [
          eventStatement(
            outbox,
            accountId,
            "account.changed",
            { account: accountId, fields: [] },
            {
              from: `identities said WHERE site = ?1 AND msn = ?7 AND sub = ?8 AND account_id = ?2
              AND EXISTS (${SAID.map(differs).join(" UNION ALL ")})`,
              values: [person.msn, person.sub, at, news],
              data: `json_set(?5, '$.fields', (SELECT json_group_array(value) FROM (${SAID.map(differs).join(" UNION ALL ")})))`,
            },
          ),
        ];
  await fromDatabase(site, () =>
    database.batch([
      ...changes,
      database
        .prepare(
          `UPDATE accounts SET
             name = iif(${changed("name")}, coalesce(?5 ->> 'name', name), name),
             given_name = iif(${changed("name")}, ?5 ->> 'givenName', given_name),
             family_name = iif(${changed("name")}, ?5 ->> 'familyName', family_name),
             search_name = iif(${changed("name")} AND ?5 ->> 'name' IS NOT NULL, ?6, search_name),
             ${contact("phone", "phoneVerified", "phone_verified")},
             ${contact("email", "emailVerified", "email_verified")},
             profile = iif(${changed("profile")}, json_patch(profile, ?5 -> 'profile'), profile),
             updated_at = ?7
           FROM identities i
           WHERE i.site = ?1 AND i.msn = ?3 AND i.sub = ?4 AND i.account_id = ?2 AND i.told <> ?5
             AND accounts.site = ?1 AND accounts.id = ?2`,
        )
        .bind(site, accountId, person.msn, person.sub, news, searchName(person.name), at),
      database
        .prepare(
          `UPDATE identities SET told = ?4, consent_revoked_at = NULL, last_login_at = coalesce(last_login_at, ?5)
           WHERE site = ?1 AND msn = ?2 AND sub = ?3
             AND NOT (told = ?4 AND consent_revoked_at IS NULL AND last_login_at IS NOT NULL)`,
        )
        .bind(site, person.msn, person.sub, news, at),
    ]),
  );
}

async function checkProof(
  database: D1Database,
  site: string,
  candidates: readonly AccountId[],
  fact: string,
): Promise<AccountId | undefined> {
  const { results } = await fromDatabase(site, () =>
    database
      .prepare(
        `SELECT a.id, a.import_key, a.proof_digest FROM json_each(?2) candidate
         CROSS JOIN accounts a ON a.site = ?1 AND a.id = candidate.value
         WHERE a.proof_digest IS NOT NULL`,
      )
      .bind(site, JSON.stringify(candidates))
      .all<{ id: string; import_key: string | null; proof_digest: string }>(),
  );
  const proven: AccountId[] = [];
  for (const { id, import_key, proof_digest } of results) {
    if ((await proofDigest(site, import_key ?? id, fact)) === proof_digest) proven.push(id);
  }
  return proven.length === 1 ? proven[0] : undefined;
}

async function accountOfSub(
  database: D1Database,
  site: string,
  msn: string,
  sub: string,
): Promise<AccountId | undefined> {
  const row = await fromDatabase(site, () => ownerOf(database, site, msn, sub).first<OwnerRow>());
  return row?.account_id;
}

async function groupsOf(
  database: D1Database,
  site: string,
  accountId: AccountId,
): Promise<readonly string[]> {
  const statement = database
    .prepare("SELECT groups FROM accounts WHERE site = ?1 AND id = ?2")
    .bind(site, accountId);
  const row = await fromDatabase(site, () => statement.first<{ groups: string }>());
  return row === null ? [] : readGroups(JSON.parse(row.groups));
}

function ownerOf(database: D1Database, site: string, msn: string, sub: string): D1PreparedStatement {
  return database
    .prepare("SELECT account_id FROM identities WHERE site = ?1 AND msn = ?2 AND sub = ?3")
    .bind(site, msn, sub);
}

/** A person who has an account needs no link request any more. */
function forgetLinkRequest(
  database: D1Database,
  site: string,
  { msn, sub }: VippsPerson,
): D1PreparedStatement {
  return database
    .prepare(
      `DELETE FROM link_requests WHERE site = ?1 AND msn = ?2 AND sub = ?3
         AND EXISTS (SELECT 1 FROM identities WHERE site = ?1 AND msn = ?2 AND sub = ?3)`,
    )
    .bind(site, msn, sub);
}

/** Only what is verified may find an account; NULL finds none. */
function verifiedContact(person: VippsPerson): { phone: string | null; email: string | null } {
  return {
    phone: (person.phoneVerified ? person.phone : undefined) ?? null,
    email: (person.emailVerified ? person.email : undefined) ?? null,
  };
}

/** name, given_name, family_name, search_name, phone, phone_verified, email, email_verified, profile. */
function personColumns(person: VippsPerson): (string | number | null)[] {
  return [
    person.name ?? null,
    person.givenName ?? null,
    person.familyName ?? null,
    searchName(person.name),
    person.phone ?? null,
    flag(person.phoneVerified),
    person.email ?? null,
    flag(person.emailVerified),
    JSON.stringify(person.profile),
  ];
}

/** What Vipps said, as kept to notice what has changed at the next login. */
function saidOf({ msn: _msn, sub: _sub, ...person }: VippsPerson): string {
  return JSON.stringify(person);
}

/** Random and opaque: says nothing about the person, and cannot be guessed. 128 bits. */
function newAccountId(): AccountId {
  return `acc_${randomText(16)}`;
}
