// `vipps-login deploy`: deploys the worker and brings its database up to date, in the order that leaves no gap.

import { Command } from "@commander-js/extra-typings";
import {
  applyRemoteMigrations,
  createQueue,
  deploy as deployCommand,
  deployInOrder,
  inFolder,
  LIST_D1,
  makeQueues,
  shown,
  type WranglerCommand,
} from "./cloudflare-commands.ts";
import type { CommandContext } from "./command-line.ts";
import { readConfig } from "./project-config.ts";
import { readEnvironment } from "./setup/config-text.ts";

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
      const { d1, queues } = readEnvironment(readConfig(root), environment);
      if (dryRun) {
        for (const command of [
          ...queues.map(createQueue),
          ...[LIST_D1, applyRemoteMigrations(environment), deployCommand(environment)],
        ])
          print(shown(command));
        return;
      }
      const onCommand = (command: WranglerCommand) => {
        if (!json) tell(shown(command));
      };
      await makeQueues(inFolder(root), queues, onCommand);
      const { isFirst, applied } = await deployInOrder(inFolder(root), environment, d1, onCommand);
      const tables = applied.length === 0 ? "tables up to date" : `applied ${applied.join(", ")}`;
      print(
        json
          ? JSON.stringify({ environment, first: isFirst, applied })
          : `Deployed${isFirst ? " for the first time" : ""}; ${tables}.`,
      );
    });
}
