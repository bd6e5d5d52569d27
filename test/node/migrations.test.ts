import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { applyMigrations } from "../../cli/migrations.mjs";
import { PreparationError } from "../../cli/step.mjs";

let project: string;
const said: string[] = [];

beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), "migrations-"));
  mkdirSync(join(project, "node_modules"));
  symlinkSync(resolve("node_modules/wrangler"), join(project, "node_modules/wrangler"));
  writeFileSync(
    join(project, "wrangler.toml"),
    'name = "a"\n[[d1_databases]]\nbinding = "ACCOUNTS_DB"\ndatabase_name = "accounts"\ndatabase_id = "local"\n',
  );
  said.length = 0;
  vi.spyOn(console, "log").mockImplementation((line) => {
    if (!line.includes("still at it")) said.push(line);
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(project, { recursive: true, force: true });
});

function migration(name: string, sql: string): void {
  mkdirSync(join(project, "migrations"), { recursive: true });
  writeFileSync(join(project, "migrations", name), sql);
}

describe("the migrations of the local database", () => {
  test("are nothing to speak of where there are none", async () => {
    await applyMigrations(project);
    expect(said).toEqual([]);
  });

  test("are applied once, and again when there is a new one", async () => {
    migration("0001_first.sql", "CREATE TABLE account (id TEXT PRIMARY KEY);");
    await applyMigrations(project);
    await applyMigrations(project);
    migration("0002_second.sql", "ALTER TABLE account ADD COLUMN name TEXT;");
    await applyMigrations(project);
    expect(said).toEqual([
      "database  migrations applied",
      "database  up to date",
      "database  migrations applied",
    ]);
  });

  test("are applied anew where the storage is another", async () => {
    migration("0001_first.sql", "CREATE TABLE account (id TEXT PRIMARY KEY);");
    await applyMigrations(project, join(project, "one"));
    await applyMigrations(project, join(project, "two"));
    expect(said).toEqual(["database  migrations applied", "database  migrations applied"]);
  });

  test("that fail say why, in one line, and are tried again the next time", async () => {
    migration("0001_first.sql", "CREATE TABEL account (id TEXT);");
    const failure = applyMigrations(project);
    await expect(failure).rejects.toThrow(PreparationError);
    await expect(failure).rejects.toThrow(/^The database migrations failed: .*syntax error.*$/);
    migration("0001_first.sql", "CREATE TABLE account (id TEXT);");
    await applyMigrations(project);
    expect(said).toEqual(["database  migrations applied"]);
  });
});
