import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { CommandError } from "../../cli/command-error.mjs";
import { applyMigrations, pendingMigrations } from "../../cli/migrations.mjs";

let project: string;

beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), "migrations-"));
  mkdirSync(join(project, "node_modules"));
  symlinkSync(resolve("node_modules/wrangler"), join(project, "node_modules/wrangler"));
  writeFileSync(
    join(project, "wrangler.toml"),
    'name = "a"\n[[d1_databases]]\nbinding = "ACCOUNTS_DB"\ndatabase_name = "accounts"\ndatabase_id = "local"\n',
  );
});
afterEach(() => {
  rmSync(project, { recursive: true, force: true });
});

function migration(name: string, sql: string): void {
  mkdirSync(join(project, "migrations"), { recursive: true });
  writeFileSync(join(project, "migrations", name), sql);
}

// Wrangler is started for each, which takes it seconds, many more on a machine with other work to do.
describe("the migrations of the local database", { timeout: 300_000 }, () => {
  test("are nothing to speak of where there are none", async () => {
    expect(await applyMigrations(project)).toBe("none");
  });

  test("are applied once, and again when there is a new one or the storage is another", async () => {
    migration("0001_first.sql", "CREATE TABLE account (id TEXT PRIMARY KEY);");
    expect(await applyMigrations(project)).toBe("applied");
    expect(await applyMigrations(project)).toBe("up to date");
    migration("0002_second.sql", "ALTER TABLE account ADD COLUMN name TEXT;");
    expect(await applyMigrations(project)).toBe("applied");
    expect(await applyMigrations(project, join(project, "elsewhere"))).toBe("applied");
  });

  test("are applied again to a database that was put back to an earlier time", async () => {
    const [state, copy] = [join(project, ".wrangler/state"), join(project, "copy")];
    migration("0001_first.sql", "CREATE TABLE account (id TEXT PRIMARY KEY);");
    await applyMigrations(project);
    cpSync(join(state, "v3"), copy, { recursive: true });
    migration("0002_second.sql", "ALTER TABLE account ADD COLUMN name TEXT;");
    await applyMigrations(project);
    expect(pendingMigrations(project)).toEqual([]);
    rmSync(join(state, "v3"), { recursive: true });
    cpSync(copy, join(state, "v3"), { recursive: true });
    expect(pendingMigrations(project)).toEqual(["0002_second.sql"]);
    expect(await applyMigrations(project)).toBe("applied");
    expect(pendingMigrations(project)).toEqual([]);
  });

  test("that fail say why, in one line, and are tried again the next time", async () => {
    migration("0001_first.sql", "CREATE TABEL account (id TEXT);");
    const failure = applyMigrations(project);
    await expect(failure).rejects.toThrow(CommandError);
    await expect(failure).rejects.toThrow(/^The database migrations failed: .*syntax error.*$/);
    migration("0001_first.sql", "CREATE TABLE account (id TEXT);");
    expect(await applyMigrations(project)).toBe("applied");
  });
});
