// `npm run keys`: makes, lists, rotates and prunes the keys that sign sessions.

import { relative, resolve } from "node:path";
import { readDevVars } from "./dev-vars.mjs";
import { HELP, type Options, readIdle, readOptions, root, UsageError } from "./key-options.ts";
import {
  arrivesAtSite,
  deployedVars,
  deployKeys,
  hasDeployedKeys,
  readFromFile,
  readFromSite,
  readFromStdin,
  secretCommand,
  writeToFile,
} from "./key-places.ts";
import {
  KeySetError,
  type KeyStatus,
  newKeySet,
  pruned,
  rotated,
  type SessionKeySet,
  statusOf,
} from "./session-key-set.ts";

/** The settings beside the keys: SITE_URL, AUTH_PATH and SESSION_IDLE are of interest. */
async function settingsBeside({ file, environment }: Options): Promise<Readonly<Record<string, unknown>>> {
  if (environment !== undefined) return deployedVars(root, environment);
  return file === undefined ? {} : readDevVars(file);
}

/** Where the deployed site publishes its keys. */
async function publishedAt(options: Options): Promise<string> {
  const { SITE_URL, AUTH_PATH } = await settingsBeside(options);
  const site = options.site ?? (typeof SITE_URL === "string" ? SITE_URL : "");
  const origin = URL.parse(site)?.origin;
  if (origin === undefined) throw new UsageError("Say where the site is: --site https://www.example.com");
  return `${origin}${typeof AUTH_PATH === "string" ? AUTH_PATH : "/auth"}/.well-known/jwks.json`;
}

/** The keys as they are now, from wherever the options say. */
async function presentKeys(options: Options): Promise<SessionKeySet | undefined> {
  if (options.stdin) return readFromStdin();
  if (options.file !== undefined) return readFromFile(options.file);
  return options.environment === undefined ? undefined : readFromSite(await publishedAt(options));
}

/** Where the keys are, in words. */
function placeOf({ stdin, stdout, file, environment }: Options): string {
  const places = [
    file === undefined ? undefined : relative(process.cwd(), resolve(file)) || file,
    environment === undefined ? undefined : `the deployed worker (${environment || "top level"})`,
  ].filter((place) => place !== undefined);
  return places.join(" and ") || (stdout ? "standard output" : stdin ? "standard input" : "");
}

/** The keys as they shall be, and a line that says what is done. */
async function changedKeys(options: Options, at: number, idle: number): Promise<[SessionKeySet, string]> {
  const { action, file, environment, replace, compromised } = options;
  if (action === "make") {
    const present =
      (file !== undefined && readFromFile(file) !== undefined) ||
      (environment !== undefined && (await hasDeployedKeys(root, environment)));
    if (present && !replace)
      throw new KeySetError(
        `There are keys in ${placeOf(options)} already. "rotate" changes them and nobody notices; "make --replace" logs everybody out.`,
      );
    return [newKeySet(), "Made a key."];
  }
  const present = await presentKeys(options);
  if (present === undefined)
    throw new KeySetError(`There are no keys in ${placeOf(options)}. "make" makes one.`);
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
async function write(options: Options, set: SessionKeySet): Promise<void> {
  const { file, environment, stdout } = options;
  // The deployed worker first: if it cannot be reached, the copy in the file stays what the worker has.
  if (environment !== undefined) await deployKeys(root, environment, set);
  if (file !== undefined && !stdout) writeToFile(file, set);
  if (stdout) process.stdout.write(`${JSON.stringify(set)}\n`);
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

async function run(options: Options): Promise<void> {
  const { action, environment, stdout, dryRun, json } = options;
  const at = Math.floor(Date.now() / 1000);
  const set = readIdle(String((await settingsBeside(options)).SESSION_IDLE ?? ""), "SESSION_IDLE");
  const idle = options.idle ?? set ?? 7 * 24 * 3600;
  // With --stdout, standard output is the keys and nothing else.
  const say = (text: string) => (stdout ? console.error(text) : console.log(text));
  const tell = (text: string) => (json ? undefined : say(text));

  if (action === "list") {
    const present = await presentKeys(options);
    if (present === undefined)
      throw new KeySetError(`There are no keys in ${placeOf(options)}. "make" makes one.`);
    const keys = reportOf(present, at, idle);
    say(json ? JSON.stringify({ keys }) : keys.map(reportLine).join("\n"));
    return;
  }

  const [changed, done] = await changedKeys(options, at, idle);
  const keys = reportOf(changed, at, idle);
  if (dryRun) {
    tell(`Would write to ${placeOf(options)}, had this not been a dry run:`);
    if (environment !== undefined) tell(`  wrangler ${secretCommand("put", environment).join(" ")}`);
  } else {
    await write(options, changed);
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

try {
  const options = readOptions();
  if (options === undefined) console.log(HELP);
  else await run(options);
} catch (error) {
  const usage = error instanceof UsageError || isArgumentError(error);
  if (!usage && !(error instanceof KeySetError) && !isFileError(error)) throw error;
  console.error(`${error.message}${usage ? '. "npm run keys -- --help" lists the options.' : ""}`);
  process.exitCode = usage ? 2 : 1;
}

function isArgumentError(error: unknown): error is Error {
  return error instanceof Error && "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS");
}

/** True for what the file system refuses (no rights, no space): the message says it all. */
function isFileError(error: unknown): error is Error {
  return error instanceof Error && "syscall" in error;
}
