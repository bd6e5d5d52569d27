import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { applyMigrations } from "../../cli/migrations.mjs";

/** A storage folder with the database's tables, made once for all that want one. */
let template: Promise<string> | undefined;

async function makeTemplate(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "local-state-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  await applyMigrations(process.cwd(), folder);
  return folder;
}

/** Makes a storage folder for wrangler, with the database's tables and nothing in them. */
export async function makeLocalState(folder: string): Promise<void> {
  template ??= makeTemplate();
  cpSync(await template, folder, { recursive: true });
}
