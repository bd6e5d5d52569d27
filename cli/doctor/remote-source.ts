import { listRemoteMigrations, outputOf, type RunCommand, secretNames } from "../cloudflare-commands.ts";
import type { SettingsSource } from "./settings-source.ts";

/**
 * Adds what only Cloudflare knows: which secrets the deployed worker has, and which migrations are not applied.
 * @throws {CommandError}
 */
export async function withRemote(run: RunCommand, source: SettingsSource): Promise<SettingsSource> {
  const { environment = "", worker } = source;
  const [secrets, pendingMigrations] = await Promise.all([
    secretNames(run, environment),
    worker?.bindings.has("ACCOUNTS_DB") === true ? remoteMigrations(run, environment) : undefined,
  ]);
  return { ...source, deployedSecrets: [...secrets], pendingMigrations };
}

/** Files of migrations that the database at Cloudflare does not have. @throws {CommandError} */
async function remoteMigrations(run: RunCommand, environment: string): Promise<readonly string[]> {
  const output = await outputOf(run, listRemoteMigrations(environment));
  return [...new Set(output.match(/\b[\w.-]+\.sql\b/g) ?? [])];
}
