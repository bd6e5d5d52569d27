/** The columns of a table in the order in which they came; later ones may be NULL or have a default. */
export interface ObjectTable {
  readonly name: string;
  readonly columns: readonly string[];
  /** What stands behind the columns, such as `WITHOUT ROWID`. */
  readonly options: string;
}

/**
 * The tables of a Durable Object, made when something is first written. An object that an earlier release made gets the
 * columns that have come since; the earlier release, put back, reads and writes its own columns by name as before. So a
 * new column must need no value from it, and none may go.
 * @returns whether the tables are there, and what makes them.
 */
export function openTables(
  sql: SqlStorage,
  tables: readonly ObjectTable[],
): { readonly areMade: boolean; make(): void } {
  const made = new Map(
    sql
      .exec<{ name: string; sql: string }>("SELECT name, sql FROM sqlite_master WHERE type = 'table'")
      .toArray()
      .map((row) => [row.name, row.sql]),
  );
  const make = ({ name, columns, options }: ObjectTable) =>
    sql.exec(`CREATE TABLE ${name} (${columns.join(", ")}) ${options}`);
  const known = tables.filter(({ name }) => made.has(name));
  if (known.length === 0) return { areMade: false, make: () => tables.forEach(make) };
  for (const table of tables) {
    const { name, columns } = table;
    const text = made.get(name);
    if (text === undefined) {
      make(table);
      continue;
    }
    const words = new Set(text.split(/[\s(),]/));
    for (const column of columns) {
      const [columnName = ""] = column.split(" ", 1);
      if (!words.has(columnName)) sql.exec(`ALTER TABLE ${name} ADD COLUMN ${column}`);
    }
  }
  return { areMade: true, make: () => undefined };
}
