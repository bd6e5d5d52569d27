// `vipps-login restore`: after the database was put back to an earlier time, erases again who was erased since.

import { Command } from "@commander-js/extra-typings";
import { accountSubject, ERASED } from "../src/accounts/subjects.ts";
import type { CommandContext } from "./command-line.ts";
import { databaseCommand, type PlaceOptions, targetOf } from "./d1-place.ts";
import { type D1Session, openSession } from "./d1-session.ts";

/** The command `restore`. */
export function restore(context: CommandContext) {
  return new Command("restore")
    .description("What there is to do once the database was put back to an earlier time.")
    .addCommand(
      databaseCommand("erasures", context)
        .description(
          "erases again whoever was erased after the time that the database was put back to. Who that is, the worker keeps outside of the database, as digests, for 400 days: no older copy may be put back. May be run any number of times",
        )
        .option("--dry-run", "only counts them")
        .option("--json", "the result as JSON on the standard output")
        .action((options) => eraseAgain(context, options)),
    );
}

interface Options extends PlaceOptions {
  readonly dryRun?: true | undefined;
  readonly json?: true | undefined;
}

async function eraseAgain(context: CommandContext, options: Options): Promise<void> {
  const session = await openSession(targetOf(context, options));
  try {
    const noted = new Set((await session.metadataKeys(ERASED)).map((key) => key.slice(ERASED.length)));
    const back: Owner[] = [];
    if (noted.size > 0) {
      for await (const owner of ownersIn(session))
        if (noted.has(await accountSubject(owner.site, owner.id))) back.push(owner);
    }
    if (!options.dryRun) for (const owner of back) await erase(session, owner);
    const result = { noted: noted.size, back: back.length, erased: options.dryRun ? 0 : back.length };
    if (options.json) return context.print(JSON.stringify(result));
    const people = `${back.length} of ${noted.size} erased accounts were back`;
    context.print(options.dryRun ? `${people}. Nothing was changed.` : `${people} and are erased again.`);
  } finally {
    await session.close();
  }
}

/** Whose rows there are. */
interface Owner {
  readonly site: string;
  readonly id: string;
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
async function* ownersIn(session: D1Session): AsyncGenerator<Owner> {
  const seen = new Set<string>();
  for (const { table, column } of TABLES) {
    let after: Owner = { site: "", id: "" };
    for (;;) {
      const sql = `SELECT DISTINCT site, ${column} AS id FROM ${table}
        WHERE ${column} IS NOT NULL AND (site, ${column}) > (?1, ?2) ORDER BY site, ${column} LIMIT ${PORTION}`;
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

/** Its sessions end by themselves: at their renewal they find no account. */
async function erase(session: D1Session, { site, id }: Owner): Promise<void> {
  const at = Math.floor(Date.now() / 1000);
  await session.batch([
    ...ERASURE.map((sql) => ({ sql, params: [site, id] })),
    {
      sql: `INSERT INTO audit_log (site, at, actor, actor_role, action, account_id, details)
        VALUES (?1, ?3, 'restore', 'system', 'erased', ?2, '{}')`,
      params: [site, id, at],
    },
  ]);
}
