import { CommandError } from "./command-error.mjs";
import { hasNoWorker, runWrangler, type WranglerRun, wranglerFault } from "./wrangler.mjs";

/** A command of wrangler, as it is run and as it is shown. */
export interface WranglerCommand {
  readonly args: readonly string[];
  /** What goes to its standard input, in words; the content itself is never shown. */
  readonly input?: string;
}

export const LIST_KV: WranglerCommand = { args: ["kv", "namespace", "list"] };
export const LIST_D1: WranglerCommand = { args: ["d1", "list", "--json"] };
export const listSecrets = (environment: string): WranglerCommand => ({
  args: ["secret", "list", `--env=${environment}`, "--format=json"],
});
export const putSecret = (name: string, environment: string, input: string): WranglerCommand => ({
  args: ["secret", "put", name, `--env=${environment}`],
  input,
});
export const applyRemoteMigrations = (environment: string): WranglerCommand => ({
  args: ["d1", "migrations", "apply", "ACCOUNTS_DB", "--remote", `--env=${environment}`],
});
export const listRemoteMigrations = (environment: string): WranglerCommand => ({
  args: ["d1", "migrations", "list", "ACCOUNTS_DB", "--remote", `--env=${environment}`],
});
export const deploy = (environment: string): WranglerCommand => ({
  args: ["deploy", "--minify", `--env=${environment}`],
});

export const createQueue = (name: string): WranglerCommand => ({ args: ["queues", "create", name] });

/** The command as it could be typed. */
export function shown({ args, input }: WranglerCommand): string {
  return `npx wrangler ${args.join(" ")}${input === undefined ? "" : `   (standard input: ${input})`}`;
}

/** What people really meet, and what to do. The first that fits counts. */
const EXPLANATIONS: readonly (readonly [RegExp, string])[] = [
  [
    /CLOUDFLARE_API_TOKEN|not logged in|must be logged in|not authenticated/i,
    "You are not logged in at Cloudflare. Run: npx wrangler login (in a pipeline, set CLOUDFLARE_API_TOKEN).",
  ],
  [
    /Authentication error|Invalid access token|Invalid API Token|code: (10000|10001|9109|6003)/i,
    "Cloudflare does not accept your login, or it may not do this. Run: npx wrangler login (a token needs Workers Scripts, KV, D1, Queues and Workers Routes: Edit).",
  ],
  [
    /More than one account/i,
    "You have several accounts at Cloudflare. Say which: set CLOUDFLARE_ACCOUNT_ID.",
  ],
  [
    /fetch failed|ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|UND_ERR|network/i,
    "Cloudflare is out of reach from here. Check the network (and a proxy, if there is one) and run this again.",
  ],
  [
    /already exists|already in use|code: (10014|7502)/i,
    "The name is taken by something else in your account. Remove or rename that, or change the name in wrangler.toml.",
  ],
  [
    /could not find zone|zone .*not found|code: (7003|10007).*zone/i,
    "The domain is not a zone of this account at Cloudflare. Add it there first, or choose another SITE_URL.",
  ],
  [
    /route with the same pattern|already has (an )?externally managed DNS|code: (10020|100117)|Hostname .* already has/i,
    "Another worker or a DNS record has this address already. Remove that, or use a route (--route www.example.com/*) in front of it.",
  ],
  [
    /workers\.dev subdomain|code: 10063/i,
    "Your account has no workers.dev address yet. Open Workers & Pages in the dashboard once to make one.",
  ],
];

/** What wrangler's refusal means. */
export function explained(run: WranglerRun): string {
  const all = `${run.errors}\n${run.output}`;
  const explanation = EXPLANATIONS.find(([pattern]) => pattern.test(all))?.[1];
  const said = wranglerFault(run);
  return explanation === undefined ? `wrangler says: ${said}` : `${explanation} (wrangler says: ${said})`;
}

/** Runs commands in the project's folder. */
export type RunCommand = (command: WranglerCommand, input?: string) => Promise<WranglerRun>;

export const inFolder =
  (root: string): RunCommand =>
  ({ args }, input) =>
    runWrangler(root, args, input);

/** What a command printed. @throws {CommandError} when it failed */
export async function outputOf(run: RunCommand, command: WranglerCommand, input?: string): Promise<string> {
  const done = await run(command, input);
  if (done.code !== 0) throw new CommandError(explained(done), "cloudflare");
  return done.output;
}

/**
 * Gives a deployed worker a secret, through standard input, never through arguments. Where there is no worker yet,
 * wrangler makes a draft that the first deployment fills.
 * @throws {CommandError}
 */
export async function giveSecret(
  run: RunCommand,
  environment: string,
  name: string,
  value: string,
): Promise<void> {
  await outputOf(run, putSecret(name, environment, name), value);
}

/** The rows of a list that wrangler prints as JSON. @throws {CommandError} */
async function rowsOf(
  run: RunCommand,
  command: WranglerCommand,
): Promise<readonly Record<string, unknown>[]> {
  const output = await outputOf(run, command);
  try {
    return JSON.parse(output.slice(output.indexOf("["))) as Record<string, unknown>[];
  } catch {
    throw new CommandError(
      `wrangler answered "${command.args.join(" ")}" with something that is no list.`,
      "cloudflare",
    );
  }
}

/** The ids of all KV namespaces of the account by title. @throws {CommandError} */
export async function kvNamespaces(run: RunCommand): Promise<ReadonlyMap<string, string>> {
  return new Map((await rowsOf(run, LIST_KV)).map(({ title, id }) => [String(title), String(id)]));
}

/** The ids of all D1 databases of the account by name. @throws {CommandError} */
export async function databases(run: RunCommand): Promise<ReadonlyMap<string, string>> {
  return new Map((await rowsOf(run, LIST_D1)).map(({ name, uuid }) => [String(name), String(uuid)]));
}

/** The names of the worker's secrets; none where it is not deployed yet. @throws {CommandError} */
export async function secretNames(run: RunCommand, environment: string): Promise<ReadonlySet<string>> {
  const done = await run(listSecrets(environment));
  if (done.code !== 0 && hasNoWorker(done)) return new Set();
  if (done.code !== 0) throw new CommandError(explained(done), "cloudflare");
  return new Set((await rowsOf(async () => done, listSecrets(environment))).map(({ name }) => String(name)));
}

/** Makes the queues that are not there yet. @param onCommand hears of each command before it is run @throws {CommandError} */
export async function makeQueues(
  run: RunCommand,
  names: readonly string[],
  onCommand: (command: WranglerCommand) => void = () => undefined,
): Promise<void> {
  for (const name of names) {
    onCommand(createQueue(name));
    const done = await run(createQueue(name));
    // One that is there already is what was wanted.
    const isThere = /already (exists|taken|in use)|code: 11009/i.test(`${done.errors}\n${done.output}`);
    if (done.code !== 0 && !isThere) throw new CommandError(explained(done), "cloudflare");
  }
}

/** A database as the configuration has it. */
interface Database {
  readonly name: string;
  /** Undefined where a deployment is left to make it, or has. */
  readonly id: string | undefined;
}

/**
 * Deploys the worker and applies the migrations that its database lacks, in the order that leaves no gap: tables come
 * first, so that new code finds them; but a first deployment is what makes the database.
 * @param wanted the databases of the configuration; where there is none, there are no tables
 * @param onCommand hears of each command before it is run
 * @returns the migrations that were applied
 * @throws {CommandError}
 */
export async function deployInOrder(
  run: RunCommand,
  environment: string,
  wanted: readonly Database[],
  onCommand: (command: WranglerCommand) => void = () => undefined,
): Promise<{ readonly isFirst: boolean; readonly applied: readonly string[] }> {
  const perform = (command: WranglerCommand) => {
    onCommand(command);
    return outputOf(run, command);
  };
  const isMade = wanted.every(({ id }) => id !== undefined);
  const present = isMade ? undefined : await databases(run);
  const isFirst = !wanted.every(({ name, id }) => id !== undefined || present?.has(name));
  if (isFirst) await perform(deploy(environment));
  const tables = wanted.length === 0 ? "" : await perform(applyRemoteMigrations(environment));
  if (!isFirst) await perform(deploy(environment));
  return { isFirst, applied: [...new Set(tables.match(/\b[\w.-]+\.sql\b/g) ?? [])] };
}
