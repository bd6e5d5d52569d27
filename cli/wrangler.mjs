// How wrangler is run: which one, by which Node, asking nobody anything.

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";
import { CommandError } from "./command-error.mjs";

/** Keeps wrangler from metrics, update checks, a copy of Cloudflare's request data and log files. */
export const WRANGLER_OFFLINE = {
  WRANGLER_SEND_METRICS: "false",
  WRANGLER_HIDE_BANNER: "true",
  WRANGLER_WRITE_LOGS: "false",
  CLOUDFLARE_CF_FETCH_ENABLED: "false",
};

/**
 * wrangler's own program, run with a Node: the project's, else the one that came with this command.
 * @param {string} root the project's folder
 * @throws {CommandError} where there is none
 */
export function wranglerProgram(root) {
  for (const from of [join(root, "package.json"), fileURLToPath(import.meta.url)]) {
    try {
      return join(dirname(createRequire(from).resolve("wrangler/package.json")), "bin", "wrangler.js");
    } catch {
      // Not from here.
    }
  }
  throw new CommandError(`wrangler is not installed in ${root}. Run: npm install`);
}

/**
 * The Node to run the development tools with: the one that comes with the packages, else the one running this.
 * @param {string} root
 */
export function toolsNode(root) {
  const bundled = join(root, "node_modules", ".bin", "node");
  return process.platform !== "win32" && existsSync(bundled) ? bundled : process.execPath;
}

/**
 * What a run of wrangler came to. The code is 127 if it could not be started, as in a shell.
 * @typedef {{ readonly code: number, readonly output: string, readonly errors: string }} WranglerRun
 */

/**
 * Runs wrangler without letting it ask anything.
 * @param {string} root the project's folder
 * @param {readonly string[]} args
 * @param {string} [input] for its standard input: where secrets go, never into arguments
 * @returns {Promise<WranglerRun>}
 */
export function runWrangler(root, args, input = "") {
  const child = spawn(toolsNode(root), [wranglerProgram(root), ...args], {
    cwd: root,
    // A quieter WRANGLER_LOG of the caller would swallow what is read here; CI keeps wrangler from asking.
    env: { ...process.env, ...WRANGLER_OFFLINE, WRANGLER_LOG: "log", NO_COLOR: "1", CI: "true" },
    stdio: ["pipe", "pipe", "pipe"],
  });
  let output = "";
  let errors = "";
  child.stdout.setEncoding("utf8").on("data", (text) => {
    output += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text) => {
    errors += text;
  });
  // A wrangler that fails early does not read; its exit code says so.
  child.stdin.on("error", () => undefined).end(input);
  return new Promise((resolve) => {
    child.on("error", (error) => resolve({ code: 127, output, errors: error.message }));
    child.on("close", (code) =>
      // wrangler colours its errors whatever NO_COLOR says.
      resolve({ code: code ?? 1, output, errors: stripVTControlCharacters(errors) }),
    );
  });
}

/**
 * True if wrangler says that there is no such worker yet.
 * @param {WranglerRun} run
 */
export const hasNoWorker = ({ errors }) => /Worker "[^"]*"( \(env: [^)]*\))? not found/.test(errors);

/**
 * Why wrangler failed, in one line. With --json it says so on its standard output, as JSON.
 * @param {WranglerRun} run
 */
export function wranglerFault({ errors, output }) {
  const all = stripVTControlCharacters(`${errors}\n${output}`);
  const said = all.match(/\[ERROR\]\s*(.+)/)?.[1] ?? all.match(/"text": "(.+?)"/)?.[1];
  const line = said ?? (errors || output).trim().split("\n").at(-1) ?? "";
  return line.trim() || "it ended without a word.";
}
