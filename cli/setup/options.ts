// The answers of the set-up as the command line gives them.

import { existsSync, readFileSync } from "node:fs";
import { Command } from "@commander-js/extra-typings";
import { usageError } from "../command-error.mjs";
import type { CommandContext } from "../command-line.ts";
import { type Answers, type Behind, FIELDS, faultsIn } from "./answers.ts";

export interface Options {
  /** Undefined where it is to be asked for. */
  readonly environment: string | undefined;
  readonly answers: Answers;
  readonly clientSecretFile: string | undefined;
  readonly yes: boolean;
  readonly dryRun: boolean;
  readonly doctor: boolean;
}

/** The command `setup`. @param perform what it does */
export function setupCommand({ path }: CommandContext, perform: (options: Options) => Promise<void>) {
  const command = new Command("setup")
    .description(
      "Sets up one environment of the configuration at Cloudflare: asks what it needs, writes it down, gives the secrets, deploys (which makes the KV namespaces and the database), makes the tables, and runs the doctor. May be run again at any time: what is there already is found and left alone, and a step that failed is done again.",
    )
    .option(
      "--env <name>",
      'staging or production, or another that is in the configuration; "" for its top level',
    )
    .option(
      "--dry-run",
      "shows every command and every change of a file; executes nothing, asks Cloudflare nothing",
    )
    .option("-y, --yes", "asks nothing: what is not said here stays as the configuration has it")
    .option("--no-doctor", "does not run the doctor at the end")
    .option("--assets <folder>", "the site is a folder of static files")
    .option("--origin-url <url>", "the site is a server at this address")
    .option("--own-origin", "the site is the server that its DNS record points at")
    .option(
      "--sites-only",
      'the deployment has no site of its own: each one that it serves is added with "site add"',
    )
    .option(
      "--route <route>",
      "custom-domain, a pattern such as www.example.com/*, or none (else what fits the site)",
    )
    .option(
      "--client-secret-file <file>",
      'the client secret ("-" reads standard input); else it is asked for, or taken from VIPPS_CLIENT_SECRET',
    );
  for (const { flag, about } of FIELDS) command.option(`--${flag} <text>`, about);
  return command.addHelpText("after", HELP_END).action(async (options) => {
    const { env: environment, clientSecretFile, yes, dryRun, doctor } = options;
    // The options made of FIELDS are known by their rows alone.
    const texts: Readonly<Record<string, unknown>> = command.opts();
    const given = FIELDS.flatMap(({ name, flag }) => {
      const value = texts[flag.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())];
      return typeof value === "string" ? [[name, value] as const] : [];
    });
    const answers: Answers = {
      values: Object.fromEntries(given),
      behind: readBehind(options.assets, options.originUrl, options.ownOrigin === true),
      route: options.route,
      sitesOnly: options.sitesOnly === true,
    };
    // What is missing may still be asked for; what is there must be right.
    const faults = faultsIn(answers).filter((fault) => !/is missing|set together/.test(fault));
    if (faults.length > 0) throw usageError(faults.join("; "));
    if (environment !== undefined && environment !== "" && !/^[a-z][a-z0-9-]*$/.test(environment))
      throw usageError(`--env takes a name such as production, not "${environment}"`);
    const isFile = clientSecretFile !== undefined && clientSecretFile !== "-";
    await perform({
      ...{ environment, answers, doctor, yes: yes === true, dryRun: dryRun === true },
      clientSecretFile: isFile ? path(clientSecretFile) : clientSecretFile,
    });
  });
}

const HELP_END = `
An empty text removes a setting. The client secret never stands on the command line; where the worker has one
already, nothing is needed. Session keys are made here and shown to nobody.

Exit code: 0 when all is set up and the doctor found no error, 1 when not, 2 when the command cannot be understood.`;

/** @throws {CommandError} */
function readBehind(
  assets: string | undefined,
  originUrl: string | undefined,
  ownOrigin: boolean,
): Behind | undefined {
  const said: Behind[] = [
    ...(assets === undefined ? [] : [{ kind: "assets" as const, directory: assets }]),
    ...(originUrl === undefined ? [] : [{ kind: "origin" as const, url: originUrl }]),
    ...(ownOrigin ? [{ kind: "route" as const }] : []),
  ];
  if (said.length > 1) throw usageError("--assets, --origin-url and --own-origin exclude each other");
  return said[0];
}

/**
 * The client secret as scripts give it. @returns undefined where they give none. @throws {CommandError}
 */
export function readClientSecret(
  { clientSecretFile }: Options,
  env: Readonly<Record<string, string | undefined>>,
): string | undefined {
  if (clientSecretFile === undefined) return env.VIPPS_CLIENT_SECRET || undefined;
  if (clientSecretFile !== "-" && !existsSync(clientSecretFile))
    throw usageError(`There is no file ${clientSecretFile}`);
  const secret = readFileSync(clientSecretFile === "-" ? 0 : clientSecretFile, "utf8").trim();
  if (secret === "") throw usageError("--client-secret-file holds nothing");
  return secret;
}
