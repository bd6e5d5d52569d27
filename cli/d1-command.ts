// SQL for the D1 database, carried out by wrangler: here, or at Cloudflare.

import { spawn } from "node:child_process";
import { stripVTControlCharacters } from "node:util";
import { toolsNode, WRANGLER_OFFLINE, wranglerProgram } from "./wrangler.mjs";

/** The binding of the database in wrangler.toml. */
const DATABASE = "ACCOUNTS_DB";

export interface D1Target {
  /** The project's folder. */
  readonly root: string;
  /** At Cloudflare, or the local copy that `wrangler dev` uses. */
  readonly remote: boolean;
  /** The environment of wrangler.toml. */
  readonly environment: string | undefined;
  /** Where wrangler keeps the local copy; its own place where undefined. */
  readonly persistTo: string | undefined;
}

/** wrangler did not do what it should. The message is one line. */
export class D1Error extends Error {}

/** Carries out a file of SQL. @throws {D1Error} */
export async function executeFile(target: D1Target, path: string): Promise<void> {
  await runWrangler(target, ["--file", path]);
}

/** The rows of one query. @throws {D1Error} */
export async function query(target: D1Target, sql: string): Promise<Record<string, unknown>[]> {
  const output = await runWrangler(target, ["--json", "--command", sql]);
  try {
    const [{ results }] = JSON.parse(output.slice(output.indexOf("[")));
    return results;
  } catch {
    throw new D1Error("wrangler answered with something that is no result.");
  }
}

function runWrangler(target: D1Target, args: readonly string[]): Promise<string> {
  const { root, remote, environment, persistTo } = target;
  const where = remote
    ? ["--remote"]
    : ["--local", ...(persistTo === undefined ? [] : ["--persist-to", persistTo])];
  const which = environment === undefined ? [] : ["--env", environment];
  const child = spawn(
    toolsNode(root),
    [wranglerProgram(root), "d1", "execute", DATABASE, "--yes", ...where, ...which, ...args],
    {
      cwd: root,
      // Results are on wrangler's log, so it must not be quieter than that.
      env: { ...process.env, ...WRANGLER_OFFLINE, WRANGLER_LOG: "log", NO_COLOR: "1" },
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  let output = "";
  let errors = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    errors = (errors + text).slice(-20_000);
  });
  return new Promise((resolve, reject) => {
    child.once("error", (error) => reject(new D1Error(error.message)));
    child.once("close", (code) => {
      if (code === 0) return resolve(output);
      const all = stripVTControlCharacters(`${errors}\n${output}`);
      const reason =
        /\[ERROR\] (.+)/.exec(all)?.[1] ?? /"text": "(.+?)"/.exec(all)?.[1] ?? all.trim().split("\n").at(-1);
      reject(new D1Error(explained(reason ?? `wrangler ended with ${code}`)));
    });
  });
}

/** What to do about the faults people really meet. */
export function explained(reason: string): string {
  if (reason.includes("no such table"))
    return `${reason} (Apply the migrations first: npx wrangler d1 migrations apply ${DATABASE} --local or --remote.)`;
  return reason;
}
