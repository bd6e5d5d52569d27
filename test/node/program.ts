import { type ChildProcess, spawn } from "node:child_process";

/** A program that runs until it is ended. */
export interface Program {
  readonly process: ChildProcess;
  /** Everything it has printed. */
  readonly output: () => string;
  readonly end: () => Promise<void>;
}

/** How long a program may take to end by itself, in milliseconds. */
const PATIENCE = 5_000;

/**
 * Starts a server and waits until it answers.
 * @param ready an address that answers then, or whether it is ready, asked again and again
 * @throws {Error} with what it printed, if it ends before
 */
export async function startServer(
  command: string,
  args: readonly string[],
  ready: string | (() => boolean),
  env: Readonly<Record<string, string>> = {},
): Promise<Program> {
  // In a process group of its own, so that workers of its own end with it.
  const child = spawn(command, args, {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...env },
    detached: true,
  });
  const signal = (name: NodeJS.Signals) => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, name);
    } catch {
      // Nobody is left in the group.
    }
  };
  process.once("exit", () => signal("SIGKILL"));
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text) => {
      output += text;
    });
  }
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  let running = true;
  ended.then(() => {
    running = false;
  });
  const isReady = async () =>
    typeof ready === "string"
      ? (await fetch(ready, { redirect: "manual" }).catch(() => undefined)) !== undefined
      : ready();
  while (running && !(await isReady())) await new Promise((wake) => setTimeout(wake, 50));
  if (!running) throw new Error(`${command} has ended: ${output}`);
  return {
    process: child,
    output: () => output,
    end: async () => {
      signal("SIGTERM");
      // Some end only when what they were asked last is answered, and workers of theirs may hold the pipes open.
      const patience = setTimeout(() => signal("SIGKILL"), PATIENCE);
      if (child.exitCode === null && child.signalCode === null)
        await new Promise<void>((resolve) => child.once("exit", () => resolve()));
      clearTimeout(patience);
      signal("SIGKILL");
      child.stdout.destroy();
      child.stderr.destroy();
    },
  };
}
