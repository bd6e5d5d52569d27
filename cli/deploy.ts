// `vipps-login deploy`: deploys the worker and brings its database up to date, in the order that leaves no gap.

import { Command } from "@commander-js/extra-typings";
import {
  applyRemoteMigrations,
  deploy as deployCommand,
  hasWorker,
  inFolder,
  listSecrets,
  outputOf,
  shown,
} from "./cloudflare-commands.ts";
import type { CommandContext } from "./command-line.ts";

/** The command `deploy`. */
export function deploy(context: CommandContext) {
  return new Command("deploy")
    .description(
      "Deploys the worker and brings its database up to date. Tables come first, so that the new code finds them; a first deployment makes the database, so there they come second.",
    )
    .option("--env <name>", 'the environment of the configuration; "" is its top level', "")
    .option("--dry-run", "shows the commands and executes nothing")
    .option("--json", "prints the outcome as JSON")
    .action(async ({ env: environment, dryRun, json }) => {
      const { root, print, tell } = context;
      const run = inFolder(root);
      const tables = applyRemoteMigrations(environment);
      const code = deployCommand(environment);
      if (dryRun) {
        for (const command of [listSecrets(environment), tables, code]) print(shown(command));
        return;
      }
      const isFirst = !(await hasWorker(run, environment));
      for (const command of isFirst ? [code, tables] : [tables, code]) {
        if (!json) tell(shown(command));
        await outputOf(run, command);
      }
      print(
        json
          ? JSON.stringify({ environment, first: isFirst })
          : `Deployed${isFirst ? " for the first time" : ""}, tables up to date.`,
      );
    });
}
