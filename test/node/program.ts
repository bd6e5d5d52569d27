import { type ChildProcess, spawn } from "node:child_process";

/** A program that runs until it is ended. */
export interface Program {
  readonly process: ChildProcess;
  /** Everything it has printed. */
  readonly output: () => string;
  readonly end: () => Promise<void>;
}

/**
 * Starts a server and waits until it answers.
 * @throws {Error} with what it printed, if it ends before
 */
export async function startServer(
  command: string,
  args: readonly string[],
  url: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Program> {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...env } });
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
  while (running && !(await fetch(url, { redirect: "manual" }).catch(() => undefined)))
    await new Promise((wake) => setTimeout(wake, 50));
  if (!running) throw new Error(`${command} has ended: ${output}`);
  return {
    process: child,
    output: () => output,
    end: async () => {
      child.kill("SIGTERM");
      await ended;
    },
  };
}
