import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { WRANGLER_OFFLINE, wranglerProgram } from "./wrangler.mjs";
import { type OutputLine, readOutputLine } from "./wrangler-output.ts";

export interface WorkerOptions {
  /** The project's folder. */
  readonly root: string;
  readonly port: number;
  /** TLS, with a certificate that wrangler makes on this machine. */
  readonly https?: boolean;
  /** Where wrangler keeps KV, D1 and Durable Objects; absolute. */
  readonly state: string;
  /** A settings file in place of .dev.vars; undefined for .dev.vars itself. */
  readonly settingsFile: string | undefined;
  /** Settings that win over the file's. */
  readonly overrides: Readonly<Record<string, string>>;
  /** Leaves out all but errors. */
  readonly quiet: boolean;
  readonly onOutput: (line: OutputLine) => void;
}

export interface WorkerProcess {
  /** wrangler's process, of which workerd is a descendant. */
  readonly pid: number | undefined;
  /** Settles when wrangler is gone: with the last error it reported, if it did. */
  readonly ended: Promise<string | undefined>;
  /** Ends wrangler and workerd; resolves when both are gone. */
  readonly stop: () => Promise<void>;
}

/** How long, in milliseconds, wrangler may take to end by itself before it is made to. */
const STOP_WITHIN = 4000;

function readLines(stream: Readable | null, onLine: (line: string) => void): Promise<void> {
  if (stream === null) return Promise.resolve();
  return new Promise((resolve) => {
    createInterface({ input: stream }).on("line", onLine).on("close", resolve);
  });
}

/** Kills what is left of wrangler's process group: workerd, should wrangler have died before it. */
function killGroup(child: ChildProcess): void {
  if (child.pid === undefined || process.platform === "win32") return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // Nobody is left, which is the rule.
  }
}

/**
 * Starts the worker with `wrangler dev`, in a process group of its own, so that Ctrl-C reaches this process
 * first and everything of the worker can be ended together.
 */
export function startWorker(options: WorkerOptions): WorkerProcess {
  const { root, port, https = false, state, settingsFile, overrides, quiet, onOutput } = options;
  const guard = new URL("exit-with-parent.mjs", import.meta.url).href;
  const args = [
    ...["dev", "--port", String(port), "--inspector-port", "0", "--persist-to", state],
    ...["--show-interactive-dev-session=false", "--log-level", quiet ? "error" : "log"],
    ...(https ? ["--local-protocol", "https"] : []),
    ...(settingsFile === undefined ? [] : ["--env-file", settingsFile]),
    ...Object.entries(overrides).flatMap(([name, value]) => ["--var", `${name}:${value}`]),
  ];
  const child = spawn(process.execPath, ["--import", guard, wranglerProgram(root), ...args], {
    cwd: root,
    env: { ...process.env, ...WRANGLER_OFFLINE },
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    detached: process.platform !== "win32",
  });

  let fault: string | undefined;
  const onLine = (raw: string) => {
    const line = readOutputLine(raw);
    if (line.kind === "error") fault = line.text;
    // Some of wrangler's errors name what they are about on the line below.
    else if (line.kind === "text" && fault?.endsWith(":")) fault = `${fault} ${line.text.trim()}`;
    onOutput(line);
  };
  const ended = new Promise<string | undefined>((resolve) => {
    const output = Promise.all([readLines(child.stdout, onLine), readLines(child.stderr, onLine)]);
    child.once("error", (error) => resolve(error.message));
    child.once("exit", () => {
      killGroup(child);
      output.then(() => resolve(fault));
    });
  });

  const stop = async () => {
    const force = setTimeout(() => killGroup(child), STOP_WITHIN);
    child.kill("SIGTERM");
    await ended;
    clearTimeout(force);
  };
  return { pid: child.pid, ended, stop };
}
