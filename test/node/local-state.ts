import { cpSync, existsSync, mkdtempSync, renameSync } from "node:fs";
import { join } from "node:path";
import { inject } from "vitest";
import { applyMigrations } from "../../cli/migrations.mjs";

/** A storage folder with the database's tables, made by wrangler once for all files of a run. */
async function template(): Promise<string> {
  const folder = inject("stateTemplates");
  const made = join(folder, "state");
  if (existsSync(made)) return made;
  const making = mkdtempSync(join(folder, "making-"));
  await applyMigrations(process.cwd(), making);
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
  cpSync(await template(), folder, { recursive: true });
}
