// The files in which wrangler keeps D1 and KV on this machine, opened without it: loading wrangler takes seconds.

import { createHash, createHmac } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { noteApplied } from "./migrations.mjs";

/** How long a statement waits for a worker that is writing, in milliseconds. */
const PATIENCE = 10_000;

const FOLDERS = {
  d1: { folder: "d1", class: "miniflare-D1DatabaseObject" },
  kv: { folder: "kv", class: "miniflare-KVNamespaceObject" },
} as const;

/**
 * Opens the file of a D1 database or a KV namespace. A running worker may have it open too: SQLite keeps the two
 * apart as it does two workers.
 * @param state the folder that wrangler persists to
 * @param id as in wrangler.toml, or the binding where it has none
 * @returns `undefined` where nothing has ever been stored
 */
export function openLocalStorage(
  kind: keyof typeof FOLDERS,
  state: string,
  id: string,
): DatabaseSync | undefined {
  const path = localFile(kind, state, id);
  return existsSync(path) ? new DatabaseSync(path, { timeout: PATIENCE }) : undefined;
}

/** Where the file of a D1 database or a KV namespace is, or would be. */
export function localFile(kind: keyof typeof FOLDERS, state: string, id: string): string {
  const { folder, class: className } = FOLDERS[kind];
  return join(state, "v3", folder, className, `${objectId(className, id)}.sqlite`);
}

/**
 * Makes the file of a D1 database with all its tables, and notes each migration as wrangler does. It takes a moment,
 * where wrangler takes seconds, on a busy machine a minute: for storage of a run's own, which nobody else has open.
 * What is there already stays as it is.
 * @param database its id, as for openLocalStorage, and the folder of its migrations; without one nothing is made
 */
export function makeLocalDatabase(
  state: string,
  { id, migrations }: { readonly id: string; readonly migrations: string },
): void {
  const path = localFile("d1", state, id);
  if (!existsSync(migrations) || existsSync(path)) return;
  mkdirSync(dirname(path), { recursive: true });
  const database = new DatabaseSync(path);
  database.exec(
    "CREATE TABLE d1_migrations (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL)",
  );
  const names = readdirSync(migrations).filter((name) => name.endsWith(".sql"));
  for (const name of names.sort()) {
    database.exec(readFileSync(join(migrations, name), "utf8"));
    database.prepare("INSERT INTO d1_migrations (name) VALUES (?)").run(name);
  }
  database.close();
  noteApplied(state, migrations);
}

/** The keys of a KV namespace that begin with a prefix, with what stands beside their values. */
export function localEntries(
  state: string,
  id: string,
  prefix: string,
): readonly { readonly name: string; readonly metadata?: unknown; readonly expiration?: number }[] {
  const namespace = openLocalStorage("kv", state, id);
  if (namespace === undefined) return [];
  try {
    return namespace
      .prepare(
        `SELECT key, metadata, expiration FROM _mf_entries WHERE substr(key, 1, length(?1)) = ?1
           AND (expiration IS NULL OR expiration > ?2) ORDER BY key`,
      )
      .all(prefix, Date.now())
      .map(({ key, metadata, expiration }) => ({
        name: String(key),
        ...(typeof metadata === "string" && { metadata: JSON.parse(metadata) }),
        ...(typeof expiration === "number" && { expiration: Math.floor(expiration / 1000) }),
      }));
  } finally {
    namespace.close();
  }
}

/** The id of the Durable Object with a name, as workerd derives it from the class: both are simulated by objects. */
function objectId(className: string, name: string): string {
  const key = createHash("sha256").update(className).digest();
  const half = (input: string | Buffer) => createHmac("sha256", key).update(input).digest().subarray(0, 16);
  const first = half(name);
  return Buffer.concat([first, half(first)]).toString("hex");
}
