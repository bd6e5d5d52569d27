// Which database and whose rows a command is about, as the command line says it.

import { Command } from "@commander-js/extra-typings";
import { usageError } from "./command-error.mjs";
import type { CommandContext } from "./command-line.ts";
import type { D1Target } from "./d1-command.ts";

/** A command about people, with the options that say where their rows are. */
export const databaseCommand = (name: string, { path }: CommandContext) =>
  new Command(name)
    .option("--local", 'in the local database of "vipps-login dev" (the default)')
    .option("--remote", "in the database at Cloudflare")
    .option("--env <name>", "the environment of the configuration")
    .option("--persist-to <folder>", "where the local database is, if not in wrangler's own place", path)
    .option(
      "--settings <file>",
      "the settings file with SITE_URL, where it is not .dev.vars or .dev.vars.<name>",
      path,
    )
    .option("--site <host>", "whose people; needed where the deployment serves several sites");

export interface PlaceOptions {
  readonly local?: true | undefined;
  readonly remote?: true | undefined;
  readonly env?: string | undefined;
  readonly persistTo?: string | undefined;
  readonly settings?: string | undefined;
  readonly site?: string | undefined;
}

/** @throws {CommandError} */
export function targetOf({ root }: CommandContext, options: PlaceOptions): D1Target {
  const { local, remote = false, env: environment, persistTo } = options;
  if (local && remote) throw usageError("Either --local or --remote");
  return { root, remote, environment, persistTo };
}
