import { type EventSource, eventStatement } from "../events/outbox.ts";
import { Failure } from "../failure.ts";
import { ALL_SITES } from "../log.ts";
import { OWN_PARTITION } from "../settings.ts";
import { fromDatabase } from "../storage-call.ts";
import type { Account, AccountId, AccountRecord } from "./account.ts";
import {
  ACCOUNT_COLUMNS,
  type AccountRow,
  accountOf,
  type IdentityRow,
  identityOf,
  SECOND_BITS,
} from "./account-row.ts";
import { flag, isConstraintError, now, type Records, rows } from "./records.ts";
import type { AccountDirectory, AccountSearch, Correction } from "./registry.ts";
import { searchName } from "./vipps-person.ts";

const SEARCH_LIMIT = 50;
/** Accounts that fit of which the most recently used are shown. */
const FOUND_LIMIT = 100;
/** Names that are looked through for the further words of a search. */
const NAMES_LIMIT = 200_000;
/** A word that so many names have is common. */
const RARE = 1_000;
/** Logins of an account among which the last one of each of its Vipps users is looked for. */
const LOGINS_LIMIT = 100;

/**
 * What the person's own page, customer service and the consent webhook ask of the embedded registry, and all
 * SQL for it.
 */
export function d1Directory(records: Records): AccountDirectory {
  const { database, site } = records;
  return {
    get: (accountId) => get(database, site, accountId),
    search: (search) => searchAccounts(database, site, search),
    correct: (...asked) => correct(records, ...asked),
    setGroups: (...asked) => setGroups(records, ...asked),
    groupNames: () => groupNames(database, site),
    keepsGroups: true,
    unlink: (accountId, msn, sub) => unlink(records, accountId, msn, sub),
    noteConsentRevoked: (msn, sub) => noteConsentRevoked(database, site, msn, sub),
    erase: (accountId, alongside) => erase(database, site, accountId, alongside),
  };
}

async function get(
  database: D1Database,
  site: string,
  accountId: AccountId,
): Promise<AccountRecord | undefined> {
  const [accounts, identities] = await fromDatabase(site, () =>
    database.batch([
      database
        .prepare(`SELECT ${ACCOUNT_COLUMNS} FROM accounts a WHERE a.site = ?1 AND a.id = ?2`)
        .bind(site, accountId),
      database
        .prepare(
          `SELECT i.msn, i.sub, i.linked_at, i.linked_by, i.consent_revoked_at,
             coalesce((SELECT max(l.id) >> ${SECOND_BITS} FROM
               (SELECT id, sub FROM logins INDEXED BY logins_by_account
                WHERE account_id = ?2 AND site = ?1 AND outcome = 'logged_in'
                ORDER BY id DESC LIMIT ${LOGINS_LIMIT}) l
               WHERE l.sub = i.sub), i.last_login_at) AS last_login_at
           FROM identities i INDEXED BY identities_by_account
           WHERE i.site = ?1 AND i.account_id = ?2 ORDER BY i.linked_at`,
        )
        .bind(site, accountId),
    ]),
  );
  const [row] = rows<AccountRow>(accounts);
  return row && { account: accountOf(row), identities: rows<IdentityRow>(identities).map(identityOf) };
}

/** What a search may begin with, and the index that finds it. The first one given is taken. */
const EXACT = [
  ["accountId", "id", ""],
  ["phone", "phone", "INDEXED BY accounts_by_phone"],
  ["memberNumber", "member_number", "INDEXED BY accounts_by_member_number"],
  ["email", "email", "INDEXED BY accounts_by_email"],
] as const;

/** Every key under which rows of a site stand: the own site's, and those of all hosts that were ever added. */
const EVERY_SITE = `(SELECT '${OWN_PARTITION}' AS site UNION SELECT coalesce(site, host) FROM site_versions)`;

/** An account of one site among all of a deployment. */
export interface AccountAtSite {
  /** The key of the site's rows. */
  readonly partition: string;
  readonly account: Account;
}

/**
 * Looks for accounts at all sites by one exact value, in as many looks into an index as there are sites. By name nobody
 * is looked for at all sites: that would show people who were not meant.
 * @throws {Failure} `storage_unavailable`.
 */
export async function searchEverySite(
  database: D1Database,
  search: Omit<AccountSearch, "name">,
): Promise<readonly AccountAtSite[]> {
  const exact = EXACT.find(([field]) => search[field] !== undefined);
  if (exact === undefined) return [];
  const [field, column, index] = exact;
  const statement = database
    .prepare(
      `SELECT a.site AS partition, ${ACCOUNT_COLUMNS} FROM ${EVERY_SITE} one
       CROSS JOIN accounts a ${index} ON a.site = one.site AND a.${column} = ?1 LIMIT ${SEARCH_LIMIT}`,
    )
    .bind(search[field] ?? "");
  const { results } = await fromDatabase(ALL_SITES, () =>
    statement.all<AccountRow & { readonly partition: string }>(),
  );
  return results.map((row) => ({ partition: row.partition, account: accountOf(row) }));
}

/**
 * The sites where a login ended with a reference that a customer reads out.
 * @param reference in its normal form.
 * @returns the keys of their rows.
 * @throws {Failure} `storage_unavailable`.
 */
export async function sitesOfReference(database: D1Database, reference: string): Promise<readonly string[]> {
  const statement = database
    .prepare(
      `SELECT DISTINCT l.site AS partition FROM ${EVERY_SITE} one
       CROSS JOIN logins l INDEXED BY logins_by_reference ON l.site = one.site AND l.reference = ?1
       LIMIT ${SEARCH_LIMIT}`,
    )
    .bind(reference);
  const { results } = await fromDatabase(ALL_SITES, () => statement.all<{ partition: string }>());
  return results.map(({ partition }) => partition);
}

/**
 * Each search begins in one index: that of an exact value, or else that of names from each of their words on. All
 * other conditions are looked at in what it finds.
 */
async function searchAccounts(
  database: D1Database,
  site: string,
  search: AccountSearch,
): Promise<readonly Account[]> {
  const values: string[] = [];
  const parameter = (value: string) => `?${values.push(value) + 1}`;
  const words = searchName(search.name).split(" ").filter(Boolean).slice(0, 10);
  const exact = EXACT.filter(([field]) => search[field] !== undefined);
  const [first] = exact;
  const conditions = exact.map(([field, column]) => `a.${column} = ${parameter(search[field] ?? "")}`);
  let source: string;
  if (first !== undefined) {
    conditions.push(...beginnings(words).map(hasBeginnings("a.search_name", parameter)));
    source = `accounts a ${first[2]} WHERE a.site = ?1 AND ${conditions.join(" AND ")}`;
  } else {
    if (words.length === 0) return [];
    const list = parameter(JSON.stringify(words));
    source = foundByName(list, beginnings(words).map(hasBeginnings("n.name", parameter)));
  }
  const { results } = await fromDatabase(site, () =>
    database
      .prepare(
        `SELECT * FROM (SELECT ${ACCOUNT_COLUMNS}, a.search_name FROM ${source} LIMIT ${FOUND_LIMIT})
         ORDER BY coalesce(last_login_at, 0) DESC, search_name, id LIMIT ${SEARCH_LIMIT}`,
      )
      .bind(site, ...values)
      .all<AccountRow>(),
  );
  return results.map(accountOf);
}

/** The words, each once, and how many words of a name have to begin with it: those of the search that do. */
const beginnings = (words: readonly string[]): readonly { readonly word: string; readonly times: number }[] =>
  [...new Set(words)].map((word) => ({
    word,
    times: words.filter((other) => other.startsWith(word)).length,
  }));

/** The condition that so many words of a folded name begin with a word. */
const hasBeginnings =
  (name: string, parameter: (value: string) => string) =>
  ({ word, times }: { readonly word: string; readonly times: number }): string => {
    const within = parameter(` ${word}`);
    return `length(${name}) + 1 - length(replace(' ' || ${name}, ${within}, '')) >= ${times} * length(${within})`;
  };

/**
 * Accounts whose names have words that begin with these. Names that begin with the rarest of them are looked
 * through for the others; of those that are all common, the longest.
 * @param list the parameter that holds the folded words as JSON.
 * @param conditions what the name `n.name` has to meet: it has the words of a name, from any of them on.
 */
function foundByName(list: string, conditions: readonly string[]): string {
  const range = (begin: string) => `site = ?1 AND name >= ${begin} AND name < ${begin} || char(1114111)`;
  // One alone need not be counted.
  const order =
    conditions.length === 1
      ? ""
      : `ORDER BY (SELECT count(*) FROM (SELECT 1 FROM account_names WHERE ${range("w.value")} LIMIT ${RARE})),
        length(value) DESC`;
  const rarest = `(SELECT value AS word FROM json_each(${list}) w ${order} LIMIT 1)`;
  return `(SELECT DISTINCT n.account_id FROM
      (SELECT name, account_id FROM ${rarest} r CROSS JOIN account_names
       ON ${range("r.word")} LIMIT ${NAMES_LIMIT}) n
      WHERE ${conditions.join(" AND ")} LIMIT ${FOUND_LIMIT}) n
    CROSS JOIN accounts a ON a.site = ?1 AND a.id = n.account_id`;
}

/** The event that tells of changed fields, to stand before the change: `source` is what is there before it. */
const changedEvent = (
  { outbox }: Records,
  account: AccountId,
  fields: readonly string[],
  source: EventSource,
): readonly D1PreparedStatement[] =>
  outbox === undefined
    ? []
    : [eventStatement(outbox, account, "account.changed", { account, fields }, source)];

/** The account that a change is made to, unless somebody was quicker. `?7` is what it had in `updated_at`, if that counts. */
const AS_SEEN = "site = ?1 AND id = ?2 AND updated_at = coalesce(?7, updated_at)";

async function correct(
  records: Records,
  accountId: AccountId,
  correction: Correction,
  updatedAt: number | null = null,
): Promise<boolean> {
  const { database, site } = records;
  const { name, phone, email, memberNumber } = correction;
  const changes = (value: string | null | undefined): [number, string | null] => [
    flag(value !== undefined),
    value ?? null,
  ];
  const statement = database
    .prepare(
      `UPDATE accounts SET
         name = iif(?3, ?4, name), search_name = iif(?3, ?12, search_name),
         given_name = iif(?3, NULL, given_name), family_name = iif(?3, NULL, family_name),
         phone = iif(?5, ?6, phone), phone_verified = iif(?5, ?6 IS NOT NULL, phone_verified),
         email = iif(?8, ?9, email), email_verified = iif(?8, ?9 IS NOT NULL, email_verified),
         member_number = iif(?10, ?11, member_number), updated_at = ?13
       WHERE ${AS_SEEN}`,
    )
    .bind(
      site,
      accountId,
      ...changes(name),
      ...changes(phone),
      updatedAt,
      ...changes(email),
      ...changes(memberNumber),
      searchName(name ?? undefined),
      now(),
    );
  const batch = [
    ...changedEvent(records, accountId, fieldsOf(correction), {
      from: `accounts WHERE ${AS_SEEN}`,
      values: [updatedAt],
    }),
    statement,
  ];
  return isDone(site, () =>
    database.batch(batch).catch((error: unknown) => {
      if (!isConstraintError(error)) throw error;
      throw new Failure("request_malformed", { stage: "account", reason: "member number is taken" });
    }),
  );
}

/** The fields that a correction is about, as events name them. */
const fieldsOf = (correction: Correction): readonly string[] =>
  Object.keys(correction).map((field) => (field === "memberNumber" ? "member_number" : field));

async function setGroups(
  records: Records,
  accountId: AccountId,
  groups: readonly string[],
  updatedAt: number | null = null,
): Promise<boolean> {
  const { database, site } = records;
  const names = JSON.stringify(groups);
  const batch = [
    ...changedEvent(records, accountId, ["groups"], {
      from: `accounts WHERE ${AS_SEEN} AND groups <> ?8`,
      values: [updatedAt, names],
    }),
    database
      .prepare(`UPDATE accounts SET groups = ?3, updated_at = ?4 WHERE ${AS_SEEN}`)
      .bind(site, accountId, names, now(), null, null, updatedAt),
  ];
  return isDone(site, () => database.batch(batch));
}

/** More are no help to anybody who ticks boxes. */
const GROUPS_LIMIT = 100;

/** From each name to the next, so that a group costs one look however many people are in it. */
async function groupNames(database: D1Database, site: string): Promise<readonly string[]> {
  const statement = database
    .prepare(
      `WITH RECURSIVE named (name) AS (
         SELECT (SELECT min(name) FROM group_members WHERE site = ?1)
         UNION ALL
         SELECT (SELECT min(name) FROM group_members WHERE site = ?1 AND name > named.name) FROM named
         WHERE named.name IS NOT NULL LIMIT ${GROUPS_LIMIT})
       SELECT name FROM named WHERE name IS NOT NULL`,
    )
    .bind(site);
  const { results } = await fromDatabase(site, () => statement.all<{ name: string }>());
  return results.map(({ name }) => name);
}

async function unlink(records: Records, accountId: AccountId, msn: string, sub: string): Promise<boolean> {
  const { database, site } = records;
  const batch = [
    ...changedEvent(records, accountId, ["vipps_user"], {
      from: "identities WHERE site = ?1 AND msn = ?7 AND sub = ?8 AND account_id = ?2",
      values: [msn, sub],
    }),
    database
      .prepare("DELETE FROM identities WHERE site = ?1 AND msn = ?3 AND sub = ?4 AND account_id = ?2")
      .bind(site, accountId, msn, sub),
  ];
  return isDone(site, () => database.batch(batch));
}

async function noteConsentRevoked(
  database: D1Database,
  site: string,
  msn: string,
  sub: string,
): Promise<void> {
  const statement = database
    .prepare(
      `UPDATE identities SET consent_revoked_at = ?4
       WHERE site = ?1 AND msn = ?2 AND sub = ?3 AND consent_revoked_at IS NULL`,
    )
    .bind(site, msn, sub, now());
  await fromDatabase(site, () => statement.run());
}

async function erase(
  database: D1Database,
  site: string,
  accountId: AccountId,
  alongside: readonly D1PreparedStatement[],
): Promise<boolean> {
  const statements = [
    ...alongside,
    database
      .prepare("DELETE FROM identities INDEXED BY identities_by_account WHERE site = ?1 AND account_id = ?2")
      .bind(site, accountId),
    database.prepare("DELETE FROM accounts WHERE site = ?1 AND id = ?2").bind(site, accountId),
  ];
  return isDone(site, () => database.batch(statements));
}

/** Whether the last statement changed something. Asked again it finds nothing where the first was done and its answer got lost. */
const isDone = (site: string, run: () => Promise<readonly D1Result[]>): Promise<boolean> =>
  fromDatabase(site, async (again) => ((await run()).at(-1)?.meta.changes ?? 0) > 0 || again);
