// `npm run setup`: sets up an environment at Cloudflare, guided or by a script.

import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { CloudflareError, inFolder } from "./cloudflare-commands.ts";
import { SourceError } from "./doctor/local-source.ts";
import { Cancelled } from "./setup/ask.ts";
import { ConfigError } from "./setup/config-text.ts";
import { HELP, readClientSecret, readOptions, UsageError } from "./setup/options.ts";
import { setUp } from "./setup/set-up.ts";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  if (options === undefined) {
    console.log(HELP);
    return 0;
  }
  const isTerminal = process.stdin.isTTY && process.stdout.isTTY;
  const isDone = await setUp(options, {
    root,
    run: inFolder(root),
    terminal: isTerminal ? { input: process.stdin, output: process.stdout } : undefined,
    output: process.stdout,
    clientSecret: readClientSecret(options, process.env),
  });
  return isDone ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  const usage = error instanceof UsageError || isArgumentError(error);
  const isPlain = [CloudflareError, ConfigError, Cancelled, SourceError].some(
    (kind) => error instanceof kind,
  );
  if (!(error instanceof Error) || (!usage && !isPlain)) throw error;
  console.error(`${error.message}${usage ? '. "npm run setup -- --help" lists the options.' : ""}`);
  process.exitCode = usage ? 2 : 1;
}

function isArgumentError(error: unknown): error is Error {
  return error instanceof Error && "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS");
}
