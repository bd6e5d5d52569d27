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
  if (!existsSync(folder) || isUpToDate(state, digestOf(folder))) return [];
  return readdirSync(folder).filter((name) => name.endsWith(".sql"));
}

/** Where it is noted which migrations the local database has. */
const recordIn = (/** @type {string} */ state) => join(state, "applied-migrations.sha256");

const isUpToDate = (/** @type {string} */ state, /** @type {string} */ digest) =>
  existsSync(recordIn(state)) && readFileSync(recordIn(state), "utf8") === digest;

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
  if (isUpToDate(state, digestOf(folder))) return "up to date";
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
