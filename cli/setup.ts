// `vipps-login setup`: sets up an environment at Cloudflare, guided or by a script.

import { inFolder } from "./cloudflare-commands.ts";
import type { CommandContext } from "./command-line.ts";
import { readClientSecret, setupCommand } from "./setup/options.ts";
import { setUp } from "./setup/set-up.ts";

/** The command `setup`. */
export function setup(context: CommandContext) {
  return setupCommand(context, async (options) => {
    const { root, env, stdin: input, stdout: output } = context;
    const isTerminal = input.isTTY && output.isTTY;
    const isDone = await setUp(options, {
      ...{ root, output, run: inFolder(root) },
      terminal: isTerminal ? { input, output } : undefined,
      clientSecret: readClientSecret(options, env),
    });
    if (!isDone) context.exitCode = 1;
  });
}
