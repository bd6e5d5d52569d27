import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { inject } from "vitest";
import { localFile } from "../../cli/local-storage.ts";
import { noteApplied } from "../../cli/migrations.mjs";

/**
 * A storage folder with the database's tables, made once for all files of a run. Wrangler would make the same file in
 * seconds, in minutes on a busy machine; migrations.test.ts has it do so.
 */
function template(): string {
  const folder = inject("stateTemplates");
  const made = join(folder, "state");
  if (existsSync(made)) return made;
  const making = mkdtempSync(join(folder, "making-"));
  makeDatabase(localFile("d1", making, "ACCOUNTS_DB"));
  noteApplied(making, "migrations");
  try {
    renameSync(making, made);
  } catch (error) {
    // Another file was quicker.
    if (!existsSync(made)) throw error;
  }
  return made;
}

/** Applies every migration, and notes each as wrangler does (`wrangler d1 migrations apply`). */
function makeDatabase(path: string): void {
  mkdirSync(dirname(path), { recursive: true });
  const database = new DatabaseSync(path);
  database.exec(
    "CREATE TABLE d1_migrations (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL)",
  );
  const names = readdirSync("migrations").filter((name) => name.endsWith(".sql"));
  for (const name of names.sort()) {
    database.exec(readFileSync(join("migrations", name), "utf8"));
    database.prepare("INSERT INTO d1_migrations (name) VALUES (?)").run(name);
  }
  database.close();
}

/** Makes a storage folder for wrangler, with the database's tables and nothing in them. */
export async function makeLocalState(folder: string): Promise<void> {
  cpSync(template(), folder, { recursive: true });
}
