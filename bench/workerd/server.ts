import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
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
  const child = spawn(command, args, { stdio: ["ignore", "ignore", "pipe"] });
  running.add(child);
  let output = "";
  child.stderr.setEncoding("utf8").on("data", (written: string) => {
    output = (output + written).slice(-4000);
  });
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  void ended.then(() => running.delete(child));
  await untilItAnswers(port, child, () => output);
  return {
    pid: child.pid ?? 0,
    port,
    inspectorPort,
    async stop() {
      child.kill("SIGKILL");
      await ended;
    },
  };
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
