import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { completeDevVars, readDevVars } from "../../cli/dev-vars.mjs";
import { isFree } from "../../cli/ports.ts";
import { logInAsPerson } from "../../simulator/person.ts";
import { freePorts } from "./free-ports.ts";
import { createVisitor, redirectOf, type Visitor } from "./visitor.ts";

interface Start {
  readonly process: ChildProcess;
  /** Everything it has printed, errors included. */
  readonly output: () => string;
  /** Settles when it has printed its banner. */
  readonly ready: Promise<void>;
  /** Its exit code; null if a signal ended it. */
  readonly exited: Promise<number | null>;
}

/** Runs a command where there is no network but the loopback. */
const CUT_OFF = ["unshare", "--map-root-user", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"];

function canCutNetwork(): boolean {
  const [command = "", ...args] = [...CUT_OFF, "true"];
  return spawnSync(command, args, { stdio: "ignore" }).status === 0;
}

let folder: string;
let sitePort: number;
let simulatorPort: number;
const started: Start[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "start-"));
  [sitePort, simulatorPort] = await freePorts();
});

afterEach(async () => {
  for (const { process, exited } of started.splice(0)) {
    process.kill("SIGTERM");
    await exited;
  }
  rmSync(folder, { recursive: true, force: true });
});

/** Runs `node cli/start.ts` with storage and settings of its own. @param wrapper a command to run it under */
function start(args: readonly string[] = [], wrapper: readonly string[] = []): Start {
  const own = ["--persist-to", join(folder, "state"), "--settings", join(folder, "settings")];
  const [command = "", ...rest] = [...wrapper, process.execPath, "cli/start.ts", ...own, ...args];
  const child = spawn(command, rest, { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  const ready = new Promise<void>((resolve) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text) => {
        output += text;
        if (output.includes("Ctrl-C")) resolve();
      });
    }
  });
  const exited = new Promise<number | null>((resolve) => child.once("close", resolve));
  const run = { process: child, output: () => output, ready: beforeEnd(ready, exited, () => output), exited };
  run.ready.catch(() => undefined);
  started.push(run);
  return run;
}

/** The promise, but failing at once with the output if the process ends first. */
function beforeEnd(promise: Promise<void>, ended: Promise<unknown>, output: () => string): Promise<void> {
  const tooEarly = ended.then(() => Promise.reject(new Error(`ended before it was ready: ${output()}`)));
  return Promise.race([promise, tooEarly]);
}

const onPorts = () => ["--port", String(sitePort), "--simulator-port", String(simulatorPort)];

async function logIn(site: string): Promise<Visitor> {
  const visitor = createVisitor(site);
  const toVipps = redirectOf(await visitor.request("/auth/login?return_to=/members/"));
  const back = await logInAsPerson((request) => fetch(request), toVipps);
  const done = await visitor.request(back.href);
  expect(redirectOf(done).pathname).toBe("/members/");
  return visitor;
}

describe("npm start", () => {
  test("brings up a site and a simulator that a login walks through, and stops both", async () => {
    const { output, ready, process, exited } = start(onPorts());
    await ready;
    expect(output()).toContain(`http://localhost:${sitePort}`);
    expect(output()).toContain(`http://127.0.0.1:${simulatorPort}/simulator/control`);
    const visitor = await logIn(`http://localhost:${sitePort}`);
    expect(await visitor.session()).toMatchObject({
      authenticated: true,
      user: { name: expect.any(String) },
    });

    process.kill("SIGTERM");
    expect(await exited).toBe(0);
    expect([await isFree(sitePort), await isFree(simulatorPort)]).toEqual([true, true]);
  });

  test("keeps to the settings file it is given, which it makes", async () => {
    const developers = existsSync(".dev.vars") ? readFileSync(".dev.vars", "utf8") : undefined;
    const { ready } = start(onPorts());
    await ready;
    expect(statSync(join(folder, "settings")).mode & 0o777).toBe(0o600);
    const toVipps = redirectOf(
      await fetch(`http://localhost:${sitePort}/auth/login`, { redirect: "manual" }),
    );
    expect(toVipps.searchParams.get("client_id")).toBe(readDevVars(join(folder, "settings")).VIPPS_CLIENT_ID);
    expect(existsSync(".dev.vars") ? readFileSync(".dev.vars", "utf8") : undefined).toBe(developers);
  });

  test("says so, the second time in the same folder, and leaves the first alone", async () => {
    const first = start(onPorts());
    await first.ready;
    const second = start();
    expect(await second.exited).toBe(1);
    expect(second.output()).toBe(
      `npm start is already running here (process ${first.process.pid}): http://localhost:${sitePort}. Stop it first, or give this one its own storage with --persist-to.\n`,
    );
    expect((await fetch(`http://localhost:${sitePort}/auth/health`)).status).toBe(200);
  });

  test("leaves nothing behind when it is killed, and the next start takes up where it was", async () => {
    const first = start(onPorts());
    await first.ready;
    const visitor = await logIn(`http://localhost:${sitePort}`);
    first.process.kill("SIGKILL");
    expect(await first.exited).toBeNull();
    await vi.waitFor(async () => expect(await isFree(sitePort)).toBe(true), {
      timeout: 10_000,
      interval: 50,
    });

    await start(onPorts()).ready;
    expect(await visitor.session()).toMatchObject({ authenticated: true });
  });

  test("steps aside for other programs on its usual ports, and a login still works", async () => {
    const others = [createServer(), createServer()];
    const [site, simulator] = others;
    await new Promise<void>((done) => site?.listen(sitePort, "127.0.0.1", done));
    await new Promise<void>((done) => simulator?.listen(simulatorPort, "127.0.0.1", done));
    try {
      completeDevVars(join(folder, "settings"), { sitePort, simulatorPort });
      const { output, ready } = start();
      await ready;
      expect(output()).toContain(`Port ${sitePort} is taken by another program: the site is on `);
      expect(output()).toContain(`Port ${simulatorPort} is taken by another program: the simulator is on `);
      const address = /Site +(http:\/\/localhost:\d+)/.exec(output())?.[1] ?? "";
      expect(address).not.toBe(`http://localhost:${sitePort}`);
      expect(await (await logIn(address)).session()).toMatchObject({ authenticated: true });
    } finally {
      for (const server of others) server.close();
    }
  });

  test("refuses a port that it was told to take and can't, in one line", async () => {
    const other = createServer();
    await new Promise<void>((done) => other.listen(sitePort, "127.0.0.1", done));
    try {
      const { output, exited } = start(onPorts());
      expect(await exited).toBe(1);
      expect(output()).toBe(`Port ${sitePort} is taken by another program. Choose another with --port.\n`);
    } finally {
      other.close();
    }
  });

  test.runIf(existsSync("/proc/self/task"))("says so and stops if the worker dies", async () => {
    const { process, output, ready, exited } = start(onPorts());
    await ready;
    const [wrangler] = childrenOf(process.pid);
    const [inner] = childrenOf(wrangler);
    globalThis.process.kill(inner ?? 0, "SIGKILL");
    expect(await exited).toBe(1);
    expect(output().trim().split("\n").at(-1)).toMatch(/^The worker has stopped: /);
    expect(await isFree(simulatorPort)).toBe(true);
    await untilFree(sitePort);
  });

  test.runIf(canCutNetwork())("needs no network", async () => {
    const { output, ready } = start(onPorts(), CUT_OFF);
    await ready;
    expect(output()).toContain(`http://localhost:${sitePort}`);
  });

  test("explains itself and its mistakes", () => {
    const run = (...args: string[]) => {
      try {
        return execFileSync(process.execPath, ["cli/start.ts", ...args], { encoding: "utf8", stdio: "pipe" });
      } catch (error) {
        return (error as { stderr: string }).stderr;
      }
    };
    expect(run("--help")).toMatch(/--port[\s\S]+--simulator-port[\s\S]+--persist-to/);
    expect(run("--port", "http")).toBe('--port takes a port from 1 to 65535, not "http".\n');
    expect(run("--prot", "1")).toMatch(/^Unknown option '--prot'.*--help" lists the options\.\n$/);
  });
});

/** Killed processes let go of their ports when the system gets round to it. */
const untilFree = (port: number) =>
  vi.waitFor(async () => expect(await isFree(port)).toBe(true), { timeout: 10_000, interval: 50 });

/** Linux's list of a process's children. */
function childrenOf(pid = 0): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").map(Number);
}
