// The tables of the local D1 database.

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CommandError } from "./command-error.mjs";
import { withSignsOfLife } from "./step.mjs";
import { runWrangler, wranglerFault } from "./wrangler.mjs";

/** Where wrangler keeps local KV, D1 and Durable Objects unless told otherwise. */
export const DEFAULT_STATE = join(".wrangler", "state");

/** The binding of the database. */
const DATABASE = "ACCOUNTS_DB";

/**
 * A digest of all migrations, by which a later run knows that there is nothing to do.
 * @param {string} folder
 */
function digestOf(folder) {
  const hash = createHash("sha256");
  for (const entry of readdirSync(folder, { recursive: true, encoding: "utf8" }).sort()) {
    if (entry.endsWith(".sql"))
      hash
        .update(entry)
        .update("\0")
        .update(readFileSync(join(folder, entry)));
  }
  return hash.digest("hex");
}

/**
 * The migrations of a folder, unless the local database was brought up to date with just these.
 * @param {string} root the project's folder
 * @param {string} [folder] of the migrations, absolute
 * @param {string} [state] the folder wrangler persists to, absolute
 * @returns {string[]}
 */
export function pendingMigrations(
  root,
  folder = join(root, "migrations"),
  state = join(root, DEFAULT_STATE),
) {
  if (!existsSync(folder) || isUpToDate(state, folder)) return [];
  const missing = new Set(databasesIn(state).flatMap((path) => missingIn(path, namesIn(folder)) ?? []));
  return missing.size > 0 ? [...missing].sort() : namesIn(folder);
}

/** Where it is noted which migrations the local database has. */
const recordIn = (/** @type {string} */ state) => join(state, "applied-migrations.sha256");

const namesIn = (/** @type {string} */ folder) => readdirSync(folder).filter((name) => name.endsWith(".sql"));

/** Whether the local database has all migrations of a folder: as it was noted, unless its file says otherwise. */
function isUpToDate(/** @type {string} */ state, /** @type {string} */ folder) {
  const record = recordIn(state);
  if (!existsSync(record) || readFileSync(record, "utf8") !== digestOf(folder)) return false;
  return databasesIn(state).every((path) => (missingIn(path, namesIn(folder)) ?? []).length === 0);
}

/** wrangler's files of D1. */
function databasesIn(/** @type {string} */ state) {
  const folder = join(state, "v3", "d1", "miniflare-D1DatabaseObject");
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => /^[\da-f]{64}\.sqlite$/.test(name))
    .map((name) => join(folder, name));
}

/**
 * Which of these migrations a database lacks, such as a copy of earlier days that was put in its place.
 * @returns {string[] | undefined} undefined where that cannot be told: on Node 20, and of a file that is no database
 *   or has none of them, as another database of the project
 */
function missingIn(/** @type {string} */ path, /** @type {readonly string[]} */ names) {
  const sqlite = process.getBuiltinModule?.("node:sqlite");
  if (sqlite === undefined) return undefined;
  try {
    const database = new sqlite.DatabaseSync(path, { readOnly: true });
    try {
      const rows = database.prepare("SELECT name FROM d1_migrations").all();
      const applied = new Set(rows.map(({ name }) => name));
      const missing = names.filter((name) => !applied.has(name));
      return missing.length < names.length ? missing : undefined;
    } finally {
      database.close();
    }
  } catch {
    return undefined;
  }
}

/**
 * Applies the migrations of a folder, if there is one, to the local database.
 * @param {string} root the project's folder
 * @param {string} [state] the folder wrangler persists to, absolute
 * @param {string} [folder] of the migrations, absolute
 * @returns {Promise<"none" | "applied" | "up to date">}
 * @throws {CommandError} if one fails
 */
export async function applyMigrations(
  root,
  state = join(root, DEFAULT_STATE),
  folder = join(root, "migrations"),
) {
  if (!existsSync(folder)) return "none";
  if (isUpToDate(state, folder)) return "up to date";
  const args = ["d1", "migrations", "apply", DATABASE, "--local", "--persist-to", state];
  const run = await withSignsOfLife("database", runWrangler(root, args));
  if (run.code !== 0) throw new CommandError(`The database migrations failed: ${wranglerFault(run)}`);
  noteApplied(state, folder);
  return "applied";
}

/**
 * Notes that the local database has all migrations of a folder.
 * @param {string} state
 * @param {string} folder
 */
export function noteApplied(state, folder) {
  mkdirSync(state, { recursive: true });
  writeFileSync(recordIn(state), digestOf(folder));
}
