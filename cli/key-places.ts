import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { parseDevVars } from "./dev-vars.mjs";
import { hasNoWorker, runWrangler, type WranglerRun, wranglerFault } from "./run-wrangler.ts";
import { KeySetError, parseKeySet, type SessionKeySet } from "./session-key-set.ts";
import { putSecret } from "./settings-file.ts";

/** The keys in a settings file, if it has some. @throws {KeySetError} when they are unusable */
export function readFromFile(path: string): SessionKeySet | undefined {
  const text = existsSync(path) ? parseDevVars(readFileSync(path, "utf8")).SESSION_KEYS : undefined;
  return text === undefined || text.trim() === "" ? undefined : parseKeySet(text, `SESSION_KEYS in ${path}`);
}

/** Puts the keys into a settings file. */
export function writeToFile(path: string, set: SessionKeySet): void {
  putSecret(path, "SESSION_KEYS", JSON.stringify(set));
}

export async function readFromStdin(): Promise<SessionKeySet> {
  let text = "";
  for await (const chunk of process.stdin.setEncoding("utf8")) text += chunk;
  return parseKeySet(text, "What came on standard input");
}

/** How long a site may take to answer, in milliseconds. */
const SITE_TIME_LIMIT = 10_000;

/**
 * The public keys that a running worker publishes. Whatever they signed, they verify.
 * @param url of its JWKS.
 * @throws {KeySetError} when it does not answer with a key set.
 */
export async function readFromSite(url: string): Promise<SessionKeySet> {
  const signal = AbortSignal.timeout(SITE_TIME_LIMIT);
  const answer = await fetch(url, { redirect: "manual", signal }).catch((error: Error) => {
    throw new KeySetError(`${url} does not answer: ${String(error.cause ?? error.message)}`);
  });
  if (answer.status !== 200) {
    await answer.body?.cancel();
    throw new KeySetError(`${url} answers ${answer.status} instead of the published keys.`);
  }
  return parseKeySet(await answer.text(), url);
}

/** How long a new secret may take to reach the site, and how often to look, in milliseconds. */
const ARRIVAL = { limit: 60_000, interval: 1_000 };

/** Waits until a site publishes a key. @returns whether it does within a minute */
export async function arrivesAtSite(url: string, kid: string): Promise<boolean> {
  const end = Date.now() + ARRIVAL.limit;
  while (Date.now() < end) {
    const published = await readFromSite(url).catch(() => undefined);
    if (published?.keys.some((key) => key.kid === kid)) return true;
    await pause(ARRIVAL.interval);
  }
  return false;
}

/**
 * The [vars] of an environment in wrangler.toml; the empty name is the top level.
 * @throws {KeySetError} when there is no such environment
 */
export async function deployedVars(
  root: string,
  environment: string,
): Promise<Readonly<Record<string, unknown>>> {
  // Loading wrangler takes a second, which only these commands need to wait.
  const { unstable_readConfig: readConfig } = await import("wrangler");
  const file = { config: join(root, "wrangler.toml") };
  const top = readConfig(file, { hideWarnings: true });
  if (environment === "") return top.vars;
  // wrangler refuses an environment that is not there in many words, so it is looked for first.
  if (!top.definedEnvironments?.includes(environment))
    throw new KeySetError(`wrangler.toml has no environment "${environment}".`);
  return readConfig({ ...file, env: environment }, { hideWarnings: true }).vars;
}

/** What wrangler is called with for an environment of wrangler.toml; the empty name is the top level. */
export const secretCommand = (action: "put" | "list", environment: string): readonly string[] =>
  action === "put"
    ? ["secret", "put", "SESSION_KEYS", `--env=${environment}`]
    : ["secret", "list", `--env=${environment}`, "--format=json"];

/** Whether a deployed worker has keys already. @throws {KeySetError} with what wrangler said */
export async function hasDeployedKeys(root: string, environment: string): Promise<boolean> {
  const run = await runWrangler(root, secretCommand("list", environment));
  // A worker that is not there yet has no secrets.
  if (run.code !== 0 && hasNoWorker(run)) return false;
  if (run.code !== 0) throw faultOf(run);
  return namesIn(run.output).includes("SESSION_KEYS");
}

/** The names of secrets in what wrangler listed. @throws {KeySetError} when that cannot be read */
function namesIn(output: string): readonly string[] {
  try {
    return (JSON.parse(output) as readonly { name: string }[]).map(({ name }) => name);
  } catch {
    throw new KeySetError("wrangler listed the secrets in a form that cannot be read.");
  }
}

/** Makes the keys the secret of a deployed worker. They go through standard input, never through arguments. */
export async function deployKeys(root: string, environment: string, set: SessionKeySet): Promise<void> {
  const command = secretCommand("put", environment);
  const run = await runWrangler(root, command, JSON.stringify(set));
  if (run.code !== 0) throw faultOf(run);
}

const faultOf = (run: WranglerRun) => new KeySetError(`wrangler could not do it: ${wranglerFault(run)}`);
