// Who was erased, as it is noted outside of the database, and erasing them again where they are back: in a database
// that was put back to an earlier time, and in a site that came in a file written before.

import { accountSubject, ERASED } from "../src/accounts/vipps-person.ts";
import type { D1Session } from "./d1-session.ts";

/** How long a noted erasure is kept, in seconds, as the worker keeps it: no copy may be put back that is older. */
const KEPT_FOR = 400 * 24 * 3600;

/** Erasures as digests, and when each was noted, in seconds since the epoch: `Infinity` where nobody knows. */
export type Erasures = ReadonlyMap<string, number>;

/** Every erasure that is noted here: by the worker, and those that came with a site in a file. @throws {CommandError} */
export async function notedErasures(session: D1Session): Promise<Erasures> {
  const keys = await Promise.all([session.metadataKeys(ERASED), session.sites.list(ERASED)]);
  return lastOf(
    keys
      .flat()
      .map(({ name, expiration = Number.POSITIVE_INFINITY }) => [
        name.slice(ERASED.length),
        expiration - KEPT_FOR,
      ]),
  );
}

/** Of several erasures of one account the last. */
export function lastOf(erasures: Iterable<readonly [subject: string, at: number]>): Erasures {
  const last = new Map<string, number>();
  for (const [subject, at] of erasures) last.set(subject, Math.max(last.get(subject) ?? 0, at));
  return last;
}

/** Values that are written at a time. */
const WRITTEN = 100;

/** KV takes nothing that goes within a minute, and no copy is that old. In seconds. */
const SOON = 120;

/**
 * Notes erasures that came with a site in a file, for as long after them as the worker would: those whose time the file
 * does not tell as of now.
 * @param now seconds since the epoch.
 * @throws {CommandError}
 */
export async function keepErasures(session: D1Session, brought: Erasures, now: number): Promise<void> {
  const noted = await notedErasures(session);
  const values = [...brought]
    .filter(([subject, at]) => at > (noted.get(subject) ?? 0))
    .map(([subject, at]) => ({
      ...{ key: ERASED + subject, value: "", metadata: {} },
      expiration: Math.min(at, now) + KEPT_FOR,
    }))
    .filter(({ expiration }) => expiration > now + SOON);
  for (let start = 0; start < values.length; start += WRITTEN)
    await session.sites.write(values.slice(start, start + WRITTEN));
}

/** The accounts that were erased at a site, by its own audit log. @param site the key of its rows. */
export async function erasedAt(session: D1Session, site: string): Promise<Erasures> {
  const [result] = await session.batch([
    {
      sql: "SELECT account_id AS id, max(at) AS at FROM audit_log WHERE site = ?1 AND action = 'erased' AND account_id IS NOT NULL GROUP BY account_id",
      params: [site],
    },
  ]);
  const erased = (result?.rows ?? []).map(
    async ({ id, at }) => [await accountSubject(site, String(id)), Number(at)] as const,
  );
  return new Map(await Promise.all(erased));
}

/** Whose rows there are. */
export interface Owner {
  readonly site: string;
  readonly id: string;
}

/** An erasure is noted before its line is written: so many seconds are a difference of clocks. */
const CLOCKS = 60;

/**
 * Those of whom there are rows although their erasure is noted. Not who came back after it, which under the same id people
 * do where ids are not the worker's own: their erasure is in the database already, and the rows are from after it.
 * @param keysOf the other keys under which a site's rows stood once, at which an erasure may be noted as well.
 * @param only the key of the only rows that count.
 * @throws {CommandError}
 */
export async function erasedAmong(
  session: D1Session,
  noted: Erasures,
  keysOf: (site: string) => Iterable<string>,
  only?: string,
): Promise<readonly Owner[]> {
  const back: Owner[] = [];
  if (noted.size === 0) return back;
  for await (const owner of ownersIn(session, only)) {
    const keys = new Set([owner.site, ...keysOf(owner.site)]);
    const subjects = await Promise.all([...keys].map((key) => accountSubject(key, owner.id)));
    const last = Math.max(...subjects.map((subject) => noted.get(subject) ?? 0));
    if (last > 0 && (await lastErased(session, owner)) < last - CLOCKS) back.push(owner);
  }
  return back;
}

/**
 * When an account was last erased by what the database says, in seconds since the epoch; never, if it says nothing. Not
 * by an import, which may be cut off and bring the same rows again.
 */
async function lastErased(session: D1Session, { site, id }: Owner): Promise<number> {
  const [result] = await session.batch([
    {
      sql: "SELECT max(at) AS at FROM audit_log WHERE site = ?1 AND account_id = ?2 AND action = 'erased' AND actor <> 'import'",
      params: [site, id],
    },
  ]);
  return Number(result?.rows[0]?.at ?? Number.NEGATIVE_INFINITY);
}

/** Where rows of a person are, and what names them: with a registry of the site's own there are no accounts here. */
const TABLES = [
  { table: "accounts", column: "id" },
  { table: "terms_acceptances", column: "account_id" },
  { table: "consents", column: "account_id" },
  { table: "logins", column: "account_id" },
] as const;

/** Rows of one statement. */
const PORTION = 5_000;

/** Everybody of whom there are rows, each once. */
async function* ownersIn(session: D1Session, only: string | undefined): AsyncGenerator<Owner> {
  const seen = new Set<string>();
  for (const { table, column } of TABLES) {
    let after: Owner = { site: only ?? "", id: "" };
    for (;;) {
      const sql = `SELECT DISTINCT site, ${column} AS id FROM ${table}
        WHERE ${column} IS NOT NULL AND (site, ${column}) > (?1, ?2) ${only === undefined ? "" : "AND site = ?1"}
        ORDER BY site, ${column} LIMIT ${PORTION}`;
      const [result] = await session.batch([{ sql, params: [after.site, after.id] }]);
      const rows = (result?.rows ?? []).map(({ site, id }) => ({ site: String(site), id: String(id) }));
      for (const owner of rows) {
        const key = `${owner.site} ${owner.id}`;
        if (!seen.has(key)) yield owner;
        seen.add(key);
      }
      const last = rows.at(-1);
      if (last === undefined || rows.length < PORTION) break;
      after = last;
    }
  }
}

/** What stands in a table of events about an account: its own, its Vipps users', and what failed in its browsers. */
const eventsOf = (table: string, key: string): readonly string[] => [
  `DELETE FROM ${table} WHERE ${key} IN (SELECT f.${key} FROM ${table} f WHERE f.site = ?1
     AND f.account_id IS NULL AND f.sub IS NULL AND f.browser IN
       (SELECT browser FROM ${table} WHERE site = ?1 AND account_id = ?2 AND browser IS NOT NULL)) AND site = ?1`,
  `DELETE FROM ${table} WHERE site = ?1 AND account_id IS NULL AND sub IN
     (SELECT ?2 UNION SELECT sub FROM identities WHERE site = ?1 AND account_id = ?2)`,
  `DELETE FROM ${table} WHERE site = ?1 AND account_id = ?2`,
];

const OWN_SUBS = "SELECT ?2 UNION SELECT sub FROM identities WHERE site = ?1 AND account_id = ?2";

/** Leaves of an account what the worker's own erasure leaves: one line of the audit log. */
const ERASURE: readonly string[] = [
  ...eventsOf("logins", "id"),
  ...eventsOf("login_events", "id"),
  `UPDATE link_requests
     SET candidates = (SELECT json_group_array(value) FROM json_each(candidates) WHERE value <> ?2)
   WHERE (site, msn, sub) IN (SELECT site, msn, sub FROM link_candidates WHERE site = ?1 AND account_id = ?2)`,
  `DELETE FROM link_requests WHERE (site, msn, sub) IN
     (SELECT site, msn, sub FROM identities WHERE site = ?1 AND account_id = ?2)`,
  `DELETE FROM vipps_consents WHERE site = ?1 AND account_id IS NULL AND sub IN (${OWN_SUBS})`,
  ...[
    "vipps_consents",
    "delegated_consents",
    "consents",
    "terms_acceptances",
    "group_members",
    "audit_log",
  ].map((table) => `DELETE FROM ${table} WHERE site = ?1 AND account_id = ?2`),
  "DELETE FROM events WHERE site = ?1 AND about = ?2",
  "DELETE FROM identities WHERE site = ?1 AND account_id = ?2",
  "DELETE FROM accounts WHERE site = ?1 AND id = ?2",
];

/**
 * Erases an account again. Its sessions end by themselves: at their renewal they find no account.
 * @param actor who does it, as the audit log has it.
 * @throws {CommandError}
 */
export async function erase(
  session: D1Session,
  { site, id }: Owner,
  actor: "restore" | "import",
): Promise<void> {
  const at = Math.floor(Date.now() / 1000);
  await session.batch([
    ...ERASURE.map((sql) => ({ sql, params: [site, id] })),
    {
      sql: `INSERT INTO audit_log (site, at, actor, actor_role, action, account_id, details)
        VALUES (?1, ?3, ?4, 'system', 'erased', ?2, '{}')`,
      params: [site, id, at, actor],
    },
  ]);
}
