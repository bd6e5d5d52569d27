import { hasNoWorker, runWrangler, wranglerFault } from "../run-wrangler.ts";
import { SourceError } from "./local-source.ts";
import type { SettingsSource } from "./settings-source.ts";

/**
 * Adds what only Cloudflare knows: which secrets the deployed worker has, and which migrations are not applied.
 * @throws {SourceError} with what wrangler says
 */
export async function withRemote(root: string, source: SettingsSource): Promise<SettingsSource> {
  const { environment = "" } = source;
  const [secrets, migrations] = await Promise.all([
    deployedSecrets(root, environment),
    source.worker?.bindings.has("ACCOUNTS_DB") === true ? remoteMigrations(root, environment) : undefined,
  ]);
  return { ...source, deployedSecrets: secrets, pendingMigrations: migrations };
}

/** Names of the secrets that the deployed worker has; none where there is no worker yet. @throws {SourceError} */
export async function deployedSecrets(root: string, environment: string): Promise<readonly string[]> {
  const run = await runWrangler(root, ["secret", "list", `--env=${environment}`, "--format=json"]);
  if (run.code !== 0 && hasNoWorker(run)) return [];
  if (run.code !== 0) throw new SourceError(`wrangler cannot list the secrets: ${wranglerFault(run)}`);
  try {
    return (JSON.parse(run.output) as readonly { name: string }[]).map(({ name }) => name);
  } catch {
    throw new SourceError("wrangler listed the secrets in a form that cannot be read.");
  }
}

/** Files of migrations that the database at Cloudflare does not have. @throws {SourceError} */
async function remoteMigrations(root: string, environment: string): Promise<readonly string[]> {
  const run = await runWrangler(root, [
    "d1",
    "migrations",
    "list",
    "ACCOUNTS_DB",
    "--remote",
    `--env=${environment}`,
  ]);
  if (run.code !== 0) throw new SourceError(`wrangler cannot list the migrations: ${wranglerFault(run)}`);
  return [...new Set(run.output.match(/\b[\w.-]+\.sql\b/g) ?? [])];
}
