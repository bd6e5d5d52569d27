import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { applyMigrations } from "../../cli/migrations.mjs";

/** A storage folder with the database's tables, made once for all that want one. */
let template: Promise<string> | undefined;

async function makeTemplate(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "local-state-"));
  await applyMigrations(process.cwd(), folder);
  return folder;
}

// The process of a test file is ended without notice, so the file itself tidies up after its tests.
afterAll(async () => {
  if (template !== undefined) rmSync(await template, { recursive: true, force: true });
});

/** Makes a storage folder for wrangler, with the database's tables and nothing in them. */
export async function makeLocalState(folder: string): Promise<void> {
  template ??= makeTemplate();
  cpSync(await template, folder, { recursive: true });
}
