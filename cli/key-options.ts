// The command line of `npm run keys`.

import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

export const HELP = `Usage: npm run keys -- make|list|rotate|prune [options]

The keys that sign sessions: the setting SESSION_KEYS.
  make     makes the first key
  list     says which key signs, and how long the others are still needed
  rotate   puts a new key first; nobody is logged out, because the old one verifies on. Its private half is kept
           for an hour, for logins that are under way
  prune    removes keys whose last token is gone, and private halves that are of no more use (rotate does it too)

Where they are:
  --file FILE      a settings file (else .dev.vars)
  --env NAME       the deployed worker of that environment in wrangler.toml, "" for the top level; written with
                   "wrangler secret put". What it has now is learned from what the site publishes, or from --file
                   or --stdin
  --site URL       where that site is (else SITE_URL in wrangler.toml)
  --stdin          reads the key set from standard input
  --stdout         prints the new key set, private key included, and nothing else

  --compromised    rotate: drops all old keys at once. Everybody is logged out
  --replace        make: even where there are keys. Everybody is logged out
  --idle SECONDS   SESSION_IDLE, which decides how long an old key is needed (else as set there, else 604800)
  --dry-run        says what would be done and does nothing
  --json           prints the outcome as JSON
  --help           prints this`;

const ACTIONS = ["make", "list", "rotate", "prune"] as const;
type Action = (typeof ACTIONS)[number];

export interface Options {
  readonly action: Action;
  /** A settings file; undefined where the keys are elsewhere. */
  readonly file: string | undefined;
  readonly stdin: boolean;
  readonly stdout: boolean;
  /** The environment of a deployed worker; undefined for none. */
  readonly environment: string | undefined;
  readonly site: string | undefined;
  readonly idle: number | undefined;
  readonly compromised: boolean;
  readonly replace: boolean;
  readonly dryRun: boolean;
  readonly json: boolean;
}

/** The project's folder. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** What cannot be understood of the command line. */
export class UsageError extends Error {}

/** @returns undefined if only the help is wanted */
export function readOptions(): Options | undefined {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      file: { type: "string" },
      stdin: { type: "boolean", default: false },
      stdout: { type: "boolean", default: false },
      env: { type: "string" },
      site: { type: "string" },
      idle: { type: "string" },
      compromised: { type: "boolean", default: false },
      replace: { type: "boolean", default: false },
      "dry-run": { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return undefined;
  const [word, ...rest] = positionals;
  const action = ACTIONS.find((name) => name === word);
  if (action === undefined || rest.length > 0) throw new UsageError(`Say one of ${ACTIONS.join(", ")}`);
  if (values.stdin && values.file !== undefined)
    throw new UsageError("--stdin and --file exclude each other");
  if (values.stdout && values.env !== undefined)
    throw new UsageError("--stdout and --env exclude each other");
  if (values.stdout && action === "list") throw new UsageError("list prints no keys: leave --stdout out");
  if (values.stdin && action === "make") throw new UsageError("make reads no keys: leave --stdin out");
  if (values.stdin && action !== "list" && !values.stdout && values.env === undefined)
    throw new UsageError("Say where the new keys go: --stdout or --env");
  if (action === "prune" && values.env !== undefined && values.file === undefined && !values.stdin)
    throw new UsageError(
      "The private key of a deployed worker cannot be read, so only who has it (--file, --stdin) can prune; rotate prunes too",
    );
  const elsewhere = values.stdin || values.env !== undefined || (values.stdout && action === "make");
  return {
    action,
    file: values.file ?? (elsewhere ? undefined : join(root, ".dev.vars")),
    stdin: values.stdin,
    stdout: values.stdout,
    environment: values.env,
    site: values.site,
    idle: readIdle(values.idle, "--idle"),
    compromised: values.compromised,
    replace: values.replace,
    dryRun: values["dry-run"],
    json: values.json,
  };
}

/** @throws {UsageError} when the text is no number of seconds */
export function readIdle(text: string | undefined, name: string): number | undefined {
  if (text === undefined || text === "") return undefined;
  if (!/^\d{1,9}$/.test(text)) throw new UsageError(`${name} takes a number of seconds, not "${text}"`);
  return Number(text);
}
