import { spawn } from "node:child_process";
import { stripVTControlCharacters } from "node:util";
import { toolsNode, WRANGLER_OFFLINE, wranglerProgram } from "./wrangler.mjs";

/** What a run of wrangler came to. */
export interface WranglerRun {
  /** 127 if it could not be started, as in a shell. */
  readonly code: number;
  readonly output: string;
  readonly errors: string;
}

/**
 * Runs wrangler without letting it ask anything.
 * @param input for its standard input: where secrets go, never into arguments
 */
export function runWrangler(root: string, args: readonly string[], input = ""): Promise<WranglerRun> {
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

/** True if wrangler says that there is no such worker yet. */
export const hasNoWorker = ({ errors }: WranglerRun): boolean =>
  /Worker "[^"]*"( \(env: [^)]*\))? not found/.test(errors);

/** Why wrangler failed, in one line. */
export function wranglerFault({ errors, output }: WranglerRun): string {
  const text = errors || output;
  const line = text.match(/\[ERROR\]\s*(.+)/)?.[1] ?? text.trim().split("\n").at(-1) ?? "";
  return line.trim() || "it ended without a word.";
}
