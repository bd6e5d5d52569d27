import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "./free-ports.ts";
import { makeLocalState } from "./local-state.ts";

export interface Start {
  readonly process: ChildProcess;
  /** Everything it has printed, errors included. */
  readonly output: () => string;
  /** Settles when it has printed its banner; fails if it ends before. */
  readonly ready: Promise<void>;
  /** Its exit code; null if a signal ended it. */
  readonly exited: Promise<number | null>;
}

/** Storage, settings and ports of their own for `npm start`. */
export interface Place {
  readonly sitePort: number;
  readonly simulatorPort: number;
  readonly site: string;
  readonly settingsFile: string;
  /** The options that make a start take both ports. */
  readonly onPorts: readonly string[];
  /** The options that make a command about sites work here. */
  readonly here: readonly string[];
  /** Runs `vipps-login dev` here. @param wrapper a command to run it under */
  readonly start: (options?: readonly string[], wrapper?: readonly string[]) => Start;
  /** What is in its folder for temporary files, but for the code that Node compiled. */
  readonly leftBehind: () => string[];
  /** Ends what was started and takes the place away. */
  readonly clear: () => Promise<void>;
}

export async function makePlace(): Promise<Place> {
  const folder = mkdtempSync(join(tmpdir(), "start-"));
  const [state, settingsFile] = [join(folder, "state"), join(folder, "settings")];
  const temporary = join(folder, "tmp");
  mkdirSync(temporary);
  await makeLocalState(state);
  const [sitePort, simulatorPort] = await freePorts();
  const started: Start[] = [];
  const here = ["--persist-to", state, "--settings", settingsFile];
  return {
    here,
    sitePort,
    simulatorPort,
    site: `http://localhost:${sitePort}`,
    settingsFile,
    onPorts: ["--port", String(sitePort), "--simulator-port", String(simulatorPort)],
    start: (options = [], wrapper = []) => {
      const run = observe(
        [...wrapper, process.execPath, "cli/vipps-login.ts", "dev", ...here, ...options],
        temporary,
      );
      started.push(run);
      return run;
    },
    leftBehind: () => readdirSync(temporary).filter((name) => name !== "node-compile-cache"),
    clear: async () => {
      for (const { process, exited } of started) {
        process.kill("SIGTERM");
        await exited;
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** @param temporary folder for temporary files: programs that are killed leave theirs behind */
function observe([command = "", ...args]: readonly string[], temporary: string): Start {
  const env = { ...process.env, TMPDIR: temporary };
  const child = spawn(command, args, { env, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  const exited = new Promise<number | null>((resolve) => child.once("close", resolve));
  const ready = new Promise<void>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text) => {
        output += text;
        if (output.includes("Ctrl-C")) resolve();
      });
    }
    exited.then(() => reject(new Error(`ended before it was ready: ${output}`)));
  });
  ready.catch(() => undefined);
  return { process: child, output: () => output, ready, exited };
}
