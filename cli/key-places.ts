import { existsSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import type { Readable } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import { CommandError } from "./command-error.mjs";
import { parseDevVars } from "./dev-vars.mjs";
import { findConfig } from "./project-config.ts";
import { parseKeySet, type SessionKeySet } from "./session-key-set.ts";
import { putSecret } from "./settings-file.ts";

/** The keys in a settings file, if it has some. @throws {CommandError} when they are unusable */
export function readFromFile(path: string): SessionKeySet | undefined {
  const text = existsSync(path) ? parseDevVars(readFileSync(path, "utf8")).SESSION_KEYS : undefined;
  return text === undefined || text.trim() === "" ? undefined : parseKeySet(text, `SESSION_KEYS in ${path}`);
}

/** Puts the keys into a settings file. */
export function writeToFile(path: string, set: SessionKeySet): void {
  putSecret(path, "SESSION_KEYS", JSON.stringify(set));
}

export async function readFromStdin(input: Readable): Promise<SessionKeySet> {
  let text = "";
  for await (const chunk of input.setEncoding("utf8")) text += chunk;
  return parseKeySet(text, "What came on standard input");
}

/** How long a site may take to answer, in milliseconds. */
const SITE_TIME_LIMIT = 10_000;

/**
 * The public keys that a running worker publishes. Whatever they signed, they verify.
 * @param url of its JWKS.
 * @throws {CommandError} when it does not answer with a key set.
 */
export async function readFromSite(url: string): Promise<SessionKeySet> {
  const signal = AbortSignal.timeout(SITE_TIME_LIMIT);
  const answer = await fetch(url, { redirect: "manual", signal }).catch((error: Error) => {
    throw new CommandError(`${url} does not answer: ${String(error.cause ?? error.message)}`);
  });
  if (answer.status !== 200) {
    await answer.body?.cancel();
    throw new CommandError(`${url} answers ${answer.status} instead of the published keys.`);
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
 * The vars of an environment of the configuration; the empty name is the top level.
 * @throws {CommandError} when there is no such environment
 */
export async function deployedVars(
  root: string,
  environment: string,
): Promise<Readonly<Record<string, unknown>>> {
  // Loading wrangler takes a second, which only these commands need to wait.
  const { unstable_readConfig: readConfig } = await import("wrangler");
  const file = { config: findConfig(root) };
  const top = readConfig(file, { hideWarnings: true });
  if (environment === "") return top.vars;
  // wrangler refuses an environment that is not there in many words, so it is looked for first.
  if (!top.definedEnvironments?.includes(environment))
    throw new CommandError(`${basename(file.config)} has no environment "${environment}".`);
  return readConfig({ ...file, env: environment }, { hideWarnings: true }).vars;
}
