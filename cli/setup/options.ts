import { existsSync, readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { type Answers, type Behind, FIELDS, faultsIn } from "./answers.ts";

const flagLine = ({ flag, about }: { flag: string; about: string }) =>
  `  ${`--${flag} TEXT`.padEnd(26)}${about}`;

export const HELP = `Usage: npm run setup -- [options]

Sets up one environment of wrangler.toml at Cloudflare: asks what it needs, writes wrangler.toml, makes the KV
namespaces and the database, gives the secrets, makes the tables, deploys, and runs the doctor. May be run again at
any time: what is there already is found and left alone, and a step that failed is done again.

  --env NAME                staging or production, or another that is in wrangler.toml
  --dry-run                 shows every command and every change of a file; executes nothing, asks Cloudflare nothing
  --yes                     asks nothing: what is not said here stays as wrangler.toml has it
  --no-doctor               does not run the doctor at the end

Answers; an empty text removes a setting:
${FIELDS.map(flagLine).join("\n")}
  --assets DIR              the site is a folder of static files
  --origin-url URL          the site is a server at this address
  --own-origin              the site is the server that its DNS record points at
  --route ROUTE             custom-domain, a pattern such as www.example.com/*, or none (else what fits the site)

The client secret never stands on the command line. It is asked for, or taken from the variable
VIPPS_CLIENT_SECRET, or from --client-secret-file FILE ("-" reads standard input); where the worker has one already,
nothing is needed. Session keys are made here and shown to nobody.

Exit code: 0 when all is set up and the doctor found no error, 1 when not, 2 when the command cannot be understood.`;

/** What cannot be understood of the command line. */
export class UsageError extends Error {}

export interface Options {
  /** Undefined where it is to be asked for. */
  readonly environment: string | undefined;
  readonly answers: Answers;
  readonly clientSecretFile: string | undefined;
  readonly yes: boolean;
  readonly dryRun: boolean;
  readonly doctor: boolean;
}

/** @returns undefined if only the help is wanted. @throws {UsageError} */
export function readOptions(args: readonly string[]): Options | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      env: { type: "string" },
      "dry-run": { type: "boolean", default: false },
      yes: { type: "boolean", short: "y", default: false },
      "no-doctor": { type: "boolean", default: false },
      assets: { type: "string" },
      "origin-url": { type: "string" },
      "own-origin": { type: "boolean", default: false },
      route: { type: "string" },
      "client-secret-file": { type: "string" },
      help: { type: "boolean", short: "h", default: false },
      ...Object.fromEntries(FIELDS.map(({ flag }) => [flag, { type: "string" as const }])),
    },
  });
  if (values.help === true) return undefined;
  const texts: Readonly<Record<string, unknown>> = values;
  const given = FIELDS.flatMap(({ name, flag }) => {
    const value = texts[flag];
    return typeof value === "string" ? [[name, value] as const] : [];
  });
  const answers: Answers = {
    values: Object.fromEntries(given),
    behind: readBehind(values.assets, values["origin-url"], values["own-origin"] === true),
    route: values.route,
  };
  // What is missing may still be asked for; what is there must be right.
  const faults = faultsIn(answers).filter((fault) => !/is missing|set together/.test(fault));
  if (faults.length > 0) throw new UsageError(faults.join("; "));
  const environment = values.env;
  if (environment !== undefined && !/^[a-z][a-z0-9-]*$/.test(environment))
    throw new UsageError(`--env takes a name such as production, not "${environment}"`);
  return {
    environment,
    answers,
    clientSecretFile: values["client-secret-file"],
    yes: values.yes === true,
    dryRun: values["dry-run"] === true,
    doctor: values["no-doctor"] !== true,
  };
}

/** @throws {UsageError} */
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
  if (said.length > 1) throw new UsageError("--assets, --origin-url and --own-origin exclude each other");
  return said[0];
}

/**
 * The client secret as scripts give it. @returns undefined where they give none. @throws {UsageError}
 */
export function readClientSecret(
  { clientSecretFile }: Options,
  env: Readonly<Record<string, string | undefined>>,
): string | undefined {
  if (clientSecretFile === undefined) return env.VIPPS_CLIENT_SECRET || undefined;
  if (clientSecretFile !== "-" && !existsSync(clientSecretFile))
    throw new UsageError(`There is no file ${clientSecretFile}`);
  const secret = readFileSync(clientSecretFile === "-" ? 0 : clientSecretFile, "utf8").trim();
  if (secret === "") throw new UsageError("--client-secret-file holds nothing");
  return secret;
}
