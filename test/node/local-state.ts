import { cpSync, existsSync, mkdtempSync, renameSync } from "node:fs";
import { join } from "node:path";
import { inject } from "vitest";
import { makeLocalDatabase } from "../../cli/local-storage.ts";

/**
 * A storage folder with the database's tables, made once for all files of a run. Wrangler would make the same file in
 * seconds, in minutes on a busy machine; migrations.test.ts has it do so.
 */
function template(): string {
  const folder = inject("stateTemplates");
  const made = join(folder, "state");
  if (existsSync(made)) return made;
  const making = mkdtempSync(join(folder, "making-"));
  makeLocalDatabase(making, { id: "ACCOUNTS_DB", migrations: "migrations" });
  try {
    renameSync(making, made);
  } catch (error) {
    // Another file was quicker.
    if (!existsSync(made)) throw error;
  }
  return made;
}

/** Makes a storage folder for wrangler, with the database's tables and nothing in them. */
export async function makeLocalState(folder: string): Promise<void> {
  cpSync(template(), folder, { recursive: true });
}
