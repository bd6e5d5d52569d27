// The least version of each site's document, in the database: what keeps an old document from being put back.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CommandError } from "../command-error.mjs";
import { type D1Target, executeFile, query } from "../d1-command.ts";
import type { SitesPlace } from "./sites-place.ts";

/** The database of the place. */
export const databaseAt = ({ root, environment, persistTo }: SitesPlace): D1Target => ({
  root,
  remote: environment !== undefined,
  environment: environment === "" ? undefined : environment,
  persistTo,
});

/** Hosts are letters, digits, dots, hyphens and a port: nothing that ends a text in SQL. */
export function literal(host: string): string {
  if (!/^[a-z0-9.:[\]-]+$/.test(host)) throw new Error("not a host");
  return `'${host}'`;
}

/** What wrangler says where there is no database to keep versions in, or none of its tables yet. */
const NO_VERSIONS = /no such table|couldn't find a d1 (db|database)/i;

/**
 * The least version of every host, in milliseconds since the epoch.
 * @returns undefined where the database keeps none: no database, or its migrations are not applied
 * @throws {CommandError}
 */
export async function leastVersions(place: SitesPlace): Promise<ReadonlyMap<string, number> | undefined> {
  try {
    const rows = await query(databaseAt(place), "SELECT host, version FROM site_versions");
    return new Map(rows.map(({ host, version }) => [String(host), Number(version)] as const));
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    if (NO_VERSIONS.test(error.message)) return undefined;
    throw new CommandError(`The database could not be asked: ${error.message}`);
  }
}

/**
 * Has the worker believe no older document of these hosts from now on.
 * @param at when, in seconds since the epoch
 * @throws {CommandError} with what to do; the documents stay as they are
 */
export async function raiseVersions(
  place: SitesPlace,
  versions: readonly { readonly host: string; readonly version: number }[],
  at: number,
): Promise<void> {
  if (versions.length === 0) return;
  const folder = mkdtempSync(join(tmpdir(), "sites-"));
  try {
    const file = join(folder, "versions.sql");
    const statements = versions.map(
      ({ host, version }) =>
        `INSERT INTO site_versions (host, version, raised_at) VALUES (${literal(host)}, ${Math.floor(version)}, ${Math.floor(at)})
         ON CONFLICT (host) DO UPDATE SET version = excluded.version, raised_at = excluded.raised_at
         WHERE excluded.version > version;`,
    );
    writeFileSync(file, statements.join("\n"));
    await executeFile(databaseAt(place), file);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    if (NO_VERSIONS.test(error.message)) return warnOfNoVersions();
    throw new CommandError(
      `The documents are written, but the database did not note their versions, so that old ones could be put back: run the same again. ${error.message}`,
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function warnOfNoVersions(): void {
  console.error(
    "The database keeps no versions of sites (npx wrangler d1 migrations apply ACCOUNTS_DB): an old document that is put back is only noticed where the newer one has been seen.",
  );
}
