// SQL for the D1 database, carried out by wrangler: here, or at Cloudflare.

import { CommandError } from "./command-error.mjs";
import { runWrangler, wranglerFault } from "./wrangler.mjs";

/** The binding of the database in the configuration. */
const DATABASE = "ACCOUNTS_DB";

export interface D1Target {
  /** The project's folder. */
  readonly root: string;
  /** At Cloudflare, or the local copy that `wrangler dev` uses. */
  readonly remote: boolean;
  /** The environment of the configuration. */
  readonly environment: string | undefined;
  /** Where wrangler keeps the local copy; its own place where undefined. */
  readonly persistTo: string | undefined;
}

/** Carries out a file of SQL. @throws {CommandError} */
export async function executeFile(target: D1Target, path: string): Promise<void> {
  await execute(target, ["--file", path]);
}

/** The rows of one query. @throws {CommandError} */
export async function query(target: D1Target, sql: string): Promise<Record<string, unknown>[]> {
  const output = await execute(target, ["--json", "--command", sql]);
  try {
    const [{ results }] = JSON.parse(output.slice(output.indexOf("[")));
    return results;
  } catch {
    throw new CommandError("wrangler answered with something that is no result.", "database");
  }
}

async function execute(target: D1Target, args: readonly string[]): Promise<string> {
  const command = ["d1", "execute", DATABASE, "--yes", ...placeArguments(target), ...args];
  const run = await runWrangler(target.root, command);
  if (run.code === 0) return run.output;
  throw new CommandError(explained(wranglerFault(run), target), "database");
}

/** Which database wrangler is told to use. */
function placeArguments({ remote, environment, persistTo }: D1Target): readonly string[] {
  const where = remote
    ? ["--remote"]
    : ["--local", ...(persistTo === undefined ? [] : ["--persist-to", persistTo])];
  return [...where, ...(environment === undefined ? [] : ["--env", environment])];
}

/** What to do about the faults people really meet. */
export function explained(reason: string, target: D1Target): string {
  if (!reason.includes("no such table")) return reason;
  const place = placeArguments(target).map((word) => (/^[\w./-]+$/.test(word) ? word : `"${word}"`));
  return `${reason}. Apply the migrations first: npx wrangler d1 migrations apply ${DATABASE} ${place.join(" ")}`;
}
