import { applyD1Migrations, type D1Migration } from "cloudflare:test";
import { env } from "cloudflare:workers";

/** Makes the tables of `migrations/` in the test's empty database. */
export async function prepareDatabase(): Promise<void> {
  await applyD1Migrations(accountsDatabase(), migrations());
}

/** The real D1 database of the test. */
export function accountsDatabase(): D1Database {
  const { ACCOUNTS_DB } = env;
  if (ACCOUNTS_DB === undefined) throw new Error("wrangler.toml binds no ACCOUNTS_DB");
  return ACCOUNTS_DB;
}

/** The binding that vitest.config.ts adds for this. */
function migrations(): D1Migration[] {
  return (env as Cloudflare.Env & { readonly MIGRATIONS: D1Migration[] }).MIGRATIONS;
}
