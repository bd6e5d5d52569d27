// The rows of one site in the database: counted, read and deleted, whatever tables there are.

import type { D1Session } from "../d1-session.ts";

/** A table whose rows belong to sites. */
export interface SiteTable {
  readonly name: string;
  readonly columns: readonly string[];
  /** The columns of the primary key, in order. */
  readonly key: readonly string[];
}

/** Rows of a site by the table they stand in; tables without any are left out. */
export type RowCounts = Readonly<Record<string, number>>;

/** Rows that one statement deletes: others wait for it some milliseconds. */
const PORTION = 1_000;

/** Every table with a column `site` that is never empty; none where the migrations were never applied. @throws {CommandError} */
export async function siteTables(session: D1Session): Promise<readonly SiteTable[]> {
  const [result] = await session.batch([
    {
      sql: `SELECT t.name AS name, c.name AS column_name, c.pk AS pk, c."notnull" AS needed
            FROM sqlite_master t JOIN pragma_table_info(t.name) c
            WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND t.name NOT LIKE '\\_cf\\_%' ESCAPE '\\'
            ORDER BY t.name, c.cid`,
      params: [],
    },
  ]);
  const byTable = Map.groupBy(result?.rows ?? [], ({ name }) => String(name));
  return [...byTable].flatMap(([name, rows]) => {
    const isOfSites = rows.some(({ column_name, needed }) => column_name === "site" && Number(needed) === 1);
    if (!isOfSites) return [];
    const key = rows
      .filter(({ pk }) => Number(pk) > 0)
      .sort((one, other) => Number(one.pk) - Number(other.pk))
      .map(({ column_name }) => String(column_name));
    return [{ name, key, columns: rows.map(({ column_name }) => String(column_name)) }];
  });
}

/** What the database holds of a site. @param site the key of its rows. @throws {CommandError} */
export async function countRows(
  session: D1Session,
  tables: readonly SiteTable[],
  site: string,
): Promise<RowCounts> {
  if (tables.length === 0) return {};
  const results = await session.batch(
    tables.map(({ name }) => ({
      sql: `SELECT count(*) AS count FROM ${name} WHERE site = ?1`,
      params: [site],
    })),
  );
  const counts = tables.map(({ name }, index) => [name, Number(results[index]?.rows[0]?.count)] as const);
  return Object.fromEntries(counts.filter(([, count]) => count > 0));
}

/**
 * Deletes the rows of a site in steps, between which the database answers others.
 * @param site the key of its rows.
 * @param onDeleted hears after each step how many rows went.
 * @throws {CommandError}; what is left goes the next time.
 */
export async function deleteRows(
  session: D1Session,
  tables: readonly SiteTable[],
  site: string,
  onDeleted: (count: number) => void = () => undefined,
): Promise<void> {
  // Logins first: one that goes before it was counted is counted by a trigger, in a table that comes later.
  const inOrder = Array.from(tables).sort(
    (one, other) => Number(other.name === "logins") - Number(one.name === "logins"),
  );
  for (const { name, key } of inOrder) {
    const columns = key.join(", ");
    const sql = `DELETE FROM ${name} WHERE (${columns}) IN (SELECT ${columns} FROM ${name} WHERE site = ?1 LIMIT ${PORTION})`;
    let deleted: number;
    do {
      const [result] = await session.batch([{ sql, params: [site] }]);
      deleted = result?.changes ?? 0;
      onDeleted(deleted);
      // Triggers count too: a step that deleted anything may have left something.
    } while (deleted >= PORTION);
  }
}

/** Which of these keys have rows anywhere. @throws {CommandError} */
export async function sitesWithRows(
  session: D1Session,
  tables: readonly SiteTable[],
  sites: readonly string[],
): Promise<ReadonlySet<string>> {
  if (tables.length === 0 || sites.length === 0) return new Set();
  const exists = tables.map(({ name }) => `EXISTS (SELECT 1 FROM ${name} t WHERE t.site = one.value)`);
  const [result] = await session.batch([
    {
      sql: `SELECT one.value AS site FROM json_each(?1) one WHERE ${exists.join(" OR ")}`,
      params: [JSON.stringify(sites)],
    },
  ]);
  return new Set(result?.rows.map(({ site }) => String(site)));
}
