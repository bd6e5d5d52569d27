// `vipps-login keys`: makes, lists, rotates and prunes the keys that sign sessions.

import { join, relative } from "node:path";
import type { Readable } from "node:stream";
import { Command } from "@commander-js/extra-typings";
import { giveSecret, inFolder, putSecret, secretNames, shown } from "./cloudflare-commands.ts";
import { CommandError, usageError } from "./command-error.mjs";
import type { CommandContext } from "./command-line.ts";
import { readDevVars } from "./dev-vars.mjs";
import {
  arrivesAtSite,
  deployedVars,
  readFromFile,
  readFromSite,
  readFromStdin,
  writeToFile,
} from "./key-places.ts";
import {
  type KeyStatus,
  newKeySet,
  pruned,
  rotated,
  type SessionKeySet,
  statusOf,
} from "./session-key-set.ts";

/** The command `keys`, a command of its own for each thing that can be done to the keys. */
export function keys(context: CommandContext) {
  /** With the options that say where the keys are. */
  const placed = (name: Action) =>
    new Command(name)
      .option("--file <file>", "in a settings file (else .dev.vars)", context.path)
      .option(
        "--env <name>",
        'the deployed worker of that environment of the configuration, "" for the top level; written with "wrangler secret put". What it has now is learned from what the site publishes, or from --file or --stdin',
      )
      .option("--site <url>", "where that site is (else SITE_URL of the configuration)")
      .option(
        "--idle <seconds>",
        "SESSION_IDLE, which decides how long an old key is needed (else as set there, else 604800)",
        (text) => readIdle(text, "--idle"),
      )
      .option("--json", "prints the outcome as JSON");
  const changing = (name: Action) =>
    placed(name)
      .option("--stdout", "prints the new key set, private key included, and nothing else")
      .option("--dry-run", "says what would be done and does nothing");
  const act = (action: Action, given: Given) => run(optionsOf(action, given, context), context);
  return new Command("keys")
    .description("The keys that sign sessions: the setting SESSION_KEYS.")
    .addCommand(
      changing("make")
        .description("makes the first key")
        .option("--replace", "even where there are keys. Everybody is logged out")
        .action((given) => act("make", given)),
    )
    .addCommand(
      placed("list")
        .description("says which key signs, and how long the others are still needed")
        .option("--stdin", "reads the key set from standard input")
        .action((given) => act("list", given)),
    )
    .addCommand(
      changing("rotate")
        .description(
          "puts a new key first; nobody is logged out, because the old one verifies on. Its private half is kept for an hour, for logins that are under way",
        )
        .option("--stdin", "reads the key set from standard input")
        .option("--compromised", "drops all old keys at once. Everybody is logged out")
        .action((given) => act("rotate", given)),
    )
    .addCommand(
      changing("prune")
        .description(
          "removes keys whose last token is gone, and private halves that are of no more use (rotate does it too)",
        )
        .option("--stdin", "reads the key set from standard input")
        .action((given) => act("prune", given)),
    );
}

type Action = "make" | "list" | "rotate" | "prune";

/** What the command line says, whichever of the commands it is. */
interface Given {
  readonly file?: string | undefined;
  readonly env?: string | undefined;
  readonly site?: string | undefined;
  readonly idle?: number | undefined;
  readonly stdin?: true | undefined;
  readonly stdout?: true | undefined;
  readonly replace?: true | undefined;
  readonly compromised?: true | undefined;
  readonly dryRun?: true | undefined;
  readonly json?: true | undefined;
}

interface Options {
  readonly action: Action;
  /** The project's folder. */
  readonly root: string;
  /** A settings file; undefined where the keys are elsewhere. */
  readonly file: string | undefined;
  /** From where the keys are read, if not from a place. */
  readonly input: Readable | undefined;
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

/** @throws {CommandError} */
function optionsOf(action: Action, given: Given, { root, stdin }: CommandContext): Options {
  const { file, env: environment, site, idle } = given;
  const isRead = given.stdin === true;
  const isPrinted = given.stdout === true;
  if (isRead && file !== undefined) throw usageError("--stdin and --file exclude each other");
  if (isPrinted && environment !== undefined) throw usageError("--stdout and --env exclude each other");
  if (isRead && action !== "list" && !isPrinted && environment === undefined)
    throw usageError("Say where the new keys go: --stdout or --env");
  if (action === "prune" && environment !== undefined && file === undefined && !isRead)
    throw usageError(
      "The private key of a deployed worker cannot be read, so only who has it (--file, --stdin) can prune; rotate prunes too",
    );
  const elsewhere = isRead || environment !== undefined || (isPrinted && action === "make");
  return {
    ...{ action, root, environment, site, idle },
    file: file ?? (elsewhere ? undefined : join(root, ".dev.vars")),
    input: isRead ? stdin : undefined,
    stdout: isPrinted,
    compromised: given.compromised === true,
    replace: given.replace === true,
    dryRun: given.dryRun === true,
    json: given.json === true,
  };
}

/** @throws {CommandError} when the text is no number of seconds */
function readIdle(text: string, name: string): number | undefined {
  if (text === "") return undefined;
  if (!/^\d{1,9}$/.test(text)) throw usageError(`${name} takes a number of seconds, not "${text}"`);
  return Number(text);
}

/** The setting that holds the keys. */
const KEYS = "SESSION_KEYS";

/** The settings beside the keys: SITE_URL, AUTH_PATH and SESSION_IDLE are of interest. */
async function settingsBeside({
  root,
  file,
  environment,
}: Options): Promise<Readonly<Record<string, unknown>>> {
  if (environment !== undefined) return deployedVars(root, environment);
  return file === undefined ? {} : readDevVars(file);
}

/** Where the deployed site publishes its keys. */
async function publishedAt(options: Options): Promise<string> {
  const { SITE_URL, AUTH_PATH } = await settingsBeside(options);
  const site = options.site ?? (typeof SITE_URL === "string" ? SITE_URL : "");
  const origin = URL.parse(site)?.origin;
  if (origin === undefined) throw usageError("Say where the site is: --site https://www.example.com");
  return `${origin}${typeof AUTH_PATH === "string" ? AUTH_PATH : "/auth"}/.well-known/jwks.json`;
}

/** The keys as they are now, from wherever the options say. */
async function presentKeys(options: Options): Promise<SessionKeySet | undefined> {
  if (options.input !== undefined) return readFromStdin(options.input);
  if (options.file !== undefined) return readFromFile(options.file);
  return options.environment === undefined ? undefined : readFromSite(await publishedAt(options));
}

/** Where the keys are, in words. */
function placeOf({ root, input, stdout, file, environment }: Options): string {
  const places = [
    file === undefined ? undefined : relative(root, file) || file,
    environment === undefined ? undefined : `the deployed worker (${environment || "top level"})`,
  ].filter((place) => place !== undefined);
  return places.join(" and ") || (stdout ? "standard output" : input ? "standard input" : "");
}

/** The keys as they shall be, and a line that says what is done. */
async function changedKeys(options: Options, at: number, idle: number): Promise<[SessionKeySet, string]> {
  const { action, root, file, environment, replace, compromised } = options;
  if (action === "make") {
    const present =
      (file !== undefined && readFromFile(file) !== undefined) ||
      (environment !== undefined && (await secretNames(inFolder(root), environment)).has(KEYS));
    if (present && !replace)
      throw new CommandError(
        `There are keys in ${placeOf(options)} already. "rotate" changes them and nobody notices; "make --replace" logs everybody out.`,
      );
    return [newKeySet(), "Made a key."];
  }
  const present = await presentKeys(options);
  if (present === undefined)
    throw new CommandError(`There are no keys in ${placeOf(options)}. "make" makes one.`);
  if (action === "prune") {
    const kept = pruned(present, { at, idle });
    const count = present.keys.length - kept.keys.length;
    const halves = kept.keys.filter(({ kid, d }) => d === undefined && hadPrivateHalf(present, kid)).length;
    return [
      kept,
      [
        count === 0 ? "Every key is still needed." : `Removed ${count} of ${present.keys.length} keys.`,
        ...(halves === 0 ? [] : [`Took the private half out of ${halves}: it is of no more use.`]),
      ].join(" "),
    ];
  }
  if (compromised)
    return [newKeySet(), "Made a new key and dropped all others: everybody must log in again."];
  return [rotated(present, { at, idle }), "Made a new key, which signs from now on. Nobody is logged out."];
}

function hadPrivateHalf({ keys }: SessionKeySet, kid: string): boolean {
  return keys.some((key) => key.kid === kid && key.d !== undefined);
}

/** Writes the keys wherever the options say. */
async function write(options: Options, set: SessionKeySet, print: CommandContext["print"]): Promise<void> {
  const { root, file, environment, stdout } = options;
  // The deployed worker first: if it cannot be reached, the copy in the file stays what the worker has.
  if (environment !== undefined) await giveSecret(inFolder(root), environment, KEYS, JSON.stringify(set));
  if (file !== undefined && !stdout) writeToFile(file, set);
  if (stdout) print(JSON.stringify(set));
}

/** What may be said of a key aloud. */
interface KeyReport {
  readonly kid: string;
  readonly status: KeyStatus["is"];
  /** Unix seconds; null where it is not known or does not apply. */
  readonly retired_at: number | null;
  readonly needed_until: number | null;
}

function reportOf(set: SessionKeySet, at: number, idle: number): readonly KeyReport[] {
  return set.keys.map((key) => {
    const status = statusOf(set, key, { at, idle });
    const until = status.is === "gone" ? status.since : status.is === "verifying" ? status.until : undefined;
    return {
      kid: key.kid,
      status: status.is,
      retired_at: key.retired_at ?? null,
      needed_until: until ?? null,
    };
  });
}

const day = (seconds: number): string =>
  new Date(seconds * 1000).toISOString().slice(0, 16).replace("T", " ");

function reportLine({ kid, status, needed_until: until }: KeyReport): string {
  if (status === "signing") return `  ${kid}  signs`;
  if (status === "gone") return `  ${kid}  not needed since ${day(until ?? 0)} UTC`;
  return `  ${kid}  verifies ${until === null ? "until somebody removes it" : `until ${day(until)} UTC`}`;
}

async function run(options: Options, { print, tell: complain }: CommandContext): Promise<void> {
  const { action, environment, stdout, dryRun, json } = options;
  const at = Math.floor(Date.now() / 1000);
  const set = readIdle(String((await settingsBeside(options)).SESSION_IDLE ?? ""), "SESSION_IDLE");
  const idle = options.idle ?? set ?? 7 * 24 * 3600;
  // With --stdout, standard output is the keys and nothing else.
  const say = stdout ? complain : print;
  const tell = (text: string) => (json ? undefined : say(text));

  if (action === "list") {
    const present = await presentKeys(options);
    if (present === undefined)
      throw new CommandError(`There are no keys in ${placeOf(options)}. "make" makes one.`);
    const keys = reportOf(present, at, idle);
    say(json ? JSON.stringify({ keys }) : keys.map(reportLine).join("\n"));
    return;
  }

  const [changed, done] = await changedKeys(options, at, idle);
  const keys = reportOf(changed, at, idle);
  if (dryRun) {
    tell(`Would write to ${placeOf(options)}, had this not been a dry run:`);
    if (environment !== undefined) tell(`  ${shown(putSecret(KEYS, environment, "the key set"))}`);
  } else {
    await write(options, changed, print);
    tell(`${done} Written to ${placeOf(options)}.`);
  }
  tell(keys.map(reportLine).join("\n"));
  const arrived = environment === undefined || dryRun ? undefined : await isPublished(options, changed, tell);
  if (json)
    say(JSON.stringify({ keys, written: dryRun ? null : placeOf(options), published: arrived ?? null }));
}

/** Waits until the site publishes the new key, where it is known where the site is. */
async function isPublished(
  options: Options,
  { keys }: SessionKeySet,
  tell: (text: string) => void,
): Promise<boolean | undefined> {
  const { SITE_URL } = await settingsBeside(options);
  if (options.site === undefined && typeof SITE_URL !== "string") return undefined;
  const url = await publishedAt(options);
  tell(`Waiting for ${url} to publish it …`);
  const arrived = await arrivesAtSite(url, keys[0]?.kid ?? "");
  tell(arrived ? "The site has it." : "The site does not publish it yet. Look again in a minute.");
  return arrived;
}
