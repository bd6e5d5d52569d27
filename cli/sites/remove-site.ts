// `npm run site -- remove`: what a site leaves behind, and deleting it.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { executeFile, query } from "../d1-command.ts";
import { deleteSite } from "./site-store.ts";
import { databaseAt, literal, raiseVersions } from "./site-versions.ts";
import type { SitesPlace } from "./sites-place.ts";

/** Rows of a site by the table they stand in; tables without any are left out. */
export type Leavings = Readonly<Record<string, number>>;

/** Every table whose rows belong to a site; none where the migrations were never applied. */
async function tablesOf(place: SitesPlace): Promise<readonly string[]> {
  const rows = await query(
    databaseAt(place),
    // The column stands in each of these tables' own words; D1 keeps its pragmas to itself.
    "SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE '%site TEXT NOT NULL%' ORDER BY name",
  );
  return rows.map(({ name }) => String(name));
}

/** What the database holds of a site. @throws {CommandError} */
export async function leavingsOf(place: SitesPlace, host: string): Promise<Leavings> {
  const tables = await tablesOf(place);
  if (tables.length === 0) return {};
  const counts = tables.map(
    (table) => `(SELECT COUNT(*) FROM ${table} WHERE site = ${literal(host)}) AS ${table}`,
  );
  const [row = {}] = await query(databaseAt(place), `SELECT ${counts.join(", ")}`);
  return Object.fromEntries(
    Object.entries(row)
      .map(([table, count]) => [table, Number(count)] as const)
      .filter(([, count]) => count > 0),
  );
}

/**
 * Deletes a site: first its document, so that nobody logs in any more, then what the database holds of it.
 * @param leavings the tables to clear; none where the data is kept.
 * @throws {CommandError} {CommandError}
 */
export async function removeSite(place: SitesPlace, host: string, leavings: Leavings): Promise<void> {
  await deleteSite(place, host);
  // None of its documents so far may come back, whoever puts it there.
  const now = Date.now();
  await raiseVersions(place, [{ host, version: now }], now / 1000);
  const statements = Object.keys(leavings).map(
    (table) => `DELETE FROM ${table} WHERE site = ${literal(host)};`,
  );
  if (statements.length === 0) return;
  const folder = mkdtempSync(join(tmpdir(), "sites-"));
  try {
    const file = join(folder, "remove.sql");
    // One site's rows refer to each other and to nothing else: checked when all are gone.
    writeFileSync(file, ["PRAGMA defer_foreign_keys = on;", ...statements].join("\n"));
    await executeFile(databaseAt(place), file);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
