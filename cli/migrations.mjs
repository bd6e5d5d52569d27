// The tables of the local D1 database.

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CommandError } from "./command-error.mjs";
import { runQuietly } from "./step.mjs";
import { toolsNode, WRANGLER_OFFLINE, wranglerProgram } from "./wrangler.mjs";

/** Where wrangler keeps local KV, D1 and Durable Objects unless told otherwise. */
export const DEFAULT_STATE = join(".wrangler", "state");

/** The binding of the database in wrangler.toml. */
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
 * The migrations of the folder `migrations`, unless the local database was brought up to date with just these.
 * @param {string} root
 * @param {string} [state] the folder wrangler persists to, absolute
 * @returns {string[]}
 */
export function pendingMigrations(root, state = join(root, DEFAULT_STATE)) {
  const folder = join(root, "migrations");
  if (!existsSync(folder) || isUpToDate(state, digestOf(folder))) return [];
  return readdirSync(folder).filter((name) => name.endsWith(".sql"));
}

/** Where it is noted which migrations the local database has. */
const recordIn = (/** @type {string} */ state) => join(state, "applied-migrations.sha256");

const isUpToDate = (/** @type {string} */ state, /** @type {string} */ digest) =>
  existsSync(recordIn(state)) && readFileSync(recordIn(state), "utf8") === digest;

/**
 * Applies the migrations of the folder `migrations`, if there is one, to the local database.
 * @param {string} root
 * @param {string} [state] the folder wrangler persists to, absolute
 * @returns {Promise<"none" | "applied" | "up to date">}
 * @throws {CommandError} if one fails
 */
export async function applyMigrations(root, state = join(root, DEFAULT_STATE)) {
  const folder = join(root, "migrations");
  if (!existsSync(folder)) return "none";
  const digest = digestOf(folder);
  if (isUpToDate(state, digest)) return "up to date";
  const args = ["d1", "migrations", "apply", DATABASE, "--local", "--persist-to", state];
  const { code, output } = await runQuietly("database", toolsNode(root), [wranglerProgram(root), ...args], {
    cwd: root,
    env: { ...process.env, ...WRANGLER_OFFLINE },
  });
  if (code !== 0) {
    const reason = output.match(/\[ERROR\] (.+)/)?.[1] ?? output.trim().split("\n").at(-1);
    throw new CommandError(`The database migrations failed: ${reason}`);
  }
  mkdirSync(state, { recursive: true });
  writeFileSync(recordIn(state), digest);
  return "applied";
}
