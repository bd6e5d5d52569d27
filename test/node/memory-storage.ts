import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { CommandError } from "../../cli/command-error.mjs";
import type { D1Session, ListedKey, NewValue } from "../../cli/d1-session.ts";

/**
 * The storage of a deployment in memory, with the database's tables: the engine of D1 and a map. For what has to be
 * done a hundred times; `cli/d1-session.ts` itself is tested on wrangler's storage and against Cloudflare's API.
 * @param metadata keys of VIPPS_METADATA.
 */
export function openMemoryStorage(metadata: ReadonlySet<string> = new Set()): D1Session {
  const database = new DatabaseSync(":memory:");
  const folder = join(process.cwd(), "migrations");
  for (const name of readdirSync(folder).toSorted()) database.exec(readFileSync(join(folder, name), "utf8"));
  const values = new Map<string, Omit<NewValue, "key">>();
  const keysOf = (prefix: string): readonly ListedKey[] =>
    [...values].flatMap(([name, { metadata, expiration }]) =>
      name.startsWith(prefix) ? [{ name, metadata, expiration }] : [],
    );
  return {
    vars: {},
    async batch(statements) {
      database.exec("BEGIN");
      try {
        const results = statements.map(({ sql, params }) => {
          const rows = database.prepare(sql).all(...params.map(bound)) as Record<string, unknown>[];
          const { changes } = { changes: 0, ...database.prepare("SELECT changes() AS changes").get() };
          return { rows, changes: Number(changes), milliseconds: 0 };
        });
        database.exec("COMMIT");
        return results;
      } catch (error) {
        database.exec("ROLLBACK");
        throw new CommandError(error instanceof Error ? error.message : String(error), "database");
      }
    },
    sites: {
      list: async (prefix) => keysOf(prefix),
      read: async (keys) =>
        new Map(
          keys.flatMap((key) => {
            const found = values.get(key);
            return found === undefined ? [] : [[key, found.value] as const];
          }),
        ),
      write: async (written) => {
        for (const { key, ...rest } of written) values.set(key, rest);
      },
      delete: async (keys) => {
        for (const key of keys) values.delete(key);
      },
    },
    metadataKeys: async (prefix) =>
      [...metadata].filter((name) => name.startsWith(prefix)).map((name) => ({ name })),
    close: async () => database.close(),
  };
}

/** Whole numbers as SQLite keeps them; node:sqlite binds every other number as a fraction. */
const bound = (value: string | number): string | bigint =>
  typeof value === "number" ? BigInt(value) : value;
