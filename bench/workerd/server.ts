import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, existsSync, fstatSync, mkdirSync, openSync, readSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { openConnection } from "../load/connection.ts";
import { capnpConfig, type ServerConfig } from "./config.ts";
import { type Cores, onMeasuredCore } from "./cores.ts";
import { WORKERD } from "./executable.ts";

/** A workerd process that answers. */
export interface Server {
  readonly pid: number;
  readonly port: number;
  /** Where the V8 inspector listens, if it was asked for. */
  readonly inspectorPort: number | undefined;
  /** The last lines of a level that its Worker logged, or that workerd itself wrote, at most so many. */
  lastLines(count: number): readonly string[];
  /** Ends the process. */
  stop(): Promise<void>;
}

export interface ServerOptions {
  /** Where the configuration goes and Durable Objects keep their files; the bundles lie in it. */
  readonly folder: string;
  readonly services: ServerConfig["services"];
  readonly main: string;
  readonly cores: Cores | undefined;
  readonly inspector?: boolean;
}

/** How long a process may take to answer, in milliseconds. */
const START_LIMIT = 20_000;

/**
 * Starts `workerd serve` and waits until it answers.
 * @throws Error with what workerd wrote when it does not
 */
export async function startServer(options: ServerOptions): Promise<Server> {
  const { folder, services, main, cores } = options;
  const storage = join(folder, "storage");
  mkdirSync(storage, { recursive: true });
  const port = await freePort();
  const inspectorPort = options.inspector === true ? await freePort() : undefined;
  const config = join(folder, `config-${port}.capnp`);
  writeFileSync(config, capnpConfig({ services, main, port, storage }));
  const inspector = inspectorPort === undefined ? [] : [`--inspector-addr=127.0.0.1:${inspectorPort}`];
  const [command = "", ...args] = onMeasuredCore(cores, [WORKERD, "serve", config, ...inspector]);
  // A file, because reading a pipe would take time from the generator.
  const logFile = join(folder, `log-${port}.txt`);
  const log = openSync(logFile, "w");
  const child = spawn(command, args, { stdio: ["ignore", log, log] });
  closeSync(log);
  running.add(child);
  logFiles.add(logFile);
  const output = () => tailOf(logFile).slice(-4000);
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  void ended.then(() => running.delete(child));
  await untilItAnswers(port, child, output);
  return {
    pid: child.pid ?? 0,
    port,
    inspectorPort,
    lastLines: (count) => linesWorthALook(logFile, count),
    async stop() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

/** As much of a log as is ever looked at, in bytes. */
const TAIL = 256 * 1024;

const logFiles = new Set<string>();

function tailOf(path: string): string {
  if (!existsSync(path)) return "";
  const file = openSync(path, "r");
  try {
    const { size } = fstatSync(file);
    const tail = Buffer.alloc(Math.min(size, TAIL));
    readSync(file, tail, 0, tail.length, Math.max(0, size - TAIL));
    return tail.toString("utf8");
  } finally {
    closeSync(file);
  }
}

/** The last lines that are no everyday ones: the Worker's with a level above info, and workerd's own. */
function linesWorthALook(path: string, count: number): readonly string[] {
  return tailOf(path)
    .split("\n")
    .filter((line) => line.trim() !== "" && !/^stack: |"level":"(?:info|debug)"/.test(line))
    .slice(-count);
}

/** What the Workers of all processes of this run wrote last, for when something failed. */
export function lastLinesOfAll(count: number): readonly string[] {
  return [...logFiles].flatMap((path) => linesWorthALook(path, count)).slice(-count);
}

const running = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

async function untilItAnswers(port: number, child: ChildProcess, output: () => string): Promise<void> {
  const givenUpAt = performance.now() + START_LIMIT;
  for (;;) {
    if (child.exitCode !== null) throw new Error(`workerd ended with ${child.exitCode}:\n${output()}`);
    try {
      const connection = openConnection(port);
      await connection.send({ path: "/.bench/ready" }).finally(() => connection.close());
      return;
    } catch {
      if (performance.now() > givenUpAt) {
        child.kill("SIGKILL");
        throw new Error(`workerd did not answer within ${START_LIMIT / 1000} s:\n${output()}`);
      }
      await pause(20);
    }
  }
}

/** A port of this machine that is free now. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const address = server.address();
  await new Promise((closed) => server.close(closed));
  if (address === null || typeof address === "string") throw new Error("no free port");
  return address.port;
}
