// `npm run bench:sites`: what a thousand sites on one worker cost, from their file to a login.

import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { openSession } from "../cli/d1-session.ts";
import { completeDevVars, readDevVars, simulatorIssuer } from "../cli/dev-vars.mjs";
import { applyMigrations } from "../cli/migrations.mjs";
import { nextFreePort } from "../cli/ports.ts";
import { readSites } from "../cli/sites/site-store.ts";
import { startWorker } from "../cli/worker-process.ts";
import type { SalesUnit } from "../simulator/sales-unit.ts";
import { startSimulator } from "../simulator/server.ts";
import { watchWorkerdMemory } from "../test/node/process-memory.ts";
import { measureFlood } from "./sites/flood.ts";
import { measureStore } from "./sites/kv.ts";
import { measureLife } from "./sites/life.ts";
import { ask, hostOf, logInAt } from "./sites/visit.ts";

const HELP = `Usage: npm run bench:sites [-- --only life|kv|flood] [-- --sites N --logins M]

--only life   300 sites through an agency's day: added, a default changed, checked with 100 ms a call at Vipps,
              renamed, handed to another deployment, removed, with logins in between (--sites N for another number)
--only kv     10,000 sites in Cloudflare's KV, played by a stand-in: what adding one and the other commands ask it
--only flood  one site flooded with logins that cannot end, and what the others notice of it

Without --only: adds N sites (1,000) from a file to an empty local storage, cuts the first run off half-way, lets a second one
finish, and a third find nothing to do. Then asks every site for its session, twice, and logs somebody in at M of
them (50). Prints times, the size in KV and workerd's memory. The exit code is 1 when something is not as it should be.`;

const root = dirname(dirname(fileURLToPath(import.meta.url)));

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    sites: { type: "string" },
    logins: { type: "string", default: "50" },
    help: { type: "boolean", short: "h" },
  },
});

interface Bench {
  readonly folder: string;
  readonly state: string;
  readonly settings: string;
  readonly file: string;
  readonly sitePort: number;
  readonly simulatorPort: number;
  readonly units: readonly SalesUnit[];
}

async function prepare(count: number): Promise<Bench> {
  const folder = mkdtempSync(join(tmpdir(), "bench-sites-"));
  const sitePort = (await nextFreePort(23_000, [])) ?? 0;
  const simulatorPort = (await nextFreePort(23_000, [sitePort])) ?? 0;
  const [state, settings, file] = ["state", "settings", "sites.json"].map((name) => join(folder, name));
  if (state === undefined || settings === undefined || file === undefined) throw new Error("no folder");
  completeDevVars(settings, { sitePort, simulatorPort });
  await applyMigrations(root, state);
  const numbers = Array.from({ length: count }, (_, index) => index + 1);
  const units = numbers.map((number) => ({
    clientId: `client-of-site-${number}`,
    clientSecret: `secret-of-site-${number}-${"x".repeat(20)}`,
    msn: String(200_000 + number),
    redirectUris: [`http://${hostOf(number, sitePort)}/auth/callback`],
  }));
  const markets = ["NO", "DK", "FI", "SE"];
  const sites = units.map((unit, index) => ({
    SITE_URL: `http://${hostOf(index + 1, sitePort)}`,
    VIPPS_CLIENT_ID: unit.clientId,
    VIPPS_CLIENT_SECRET: unit.clientSecret,
    VIPPS_MSN: unit.msn,
    VIPPS_MARKET: markets[index % markets.length],
    PROTECTED_PATHS: "/members/*",
  }));
  writeFileSync(file, JSON.stringify({ sites }));
  return { folder, state, settings, file, sitePort, simulatorPort, units };
}

function siteCommand({ state, settings }: Bench, args: readonly string[]): readonly string[] {
  return [join(root, "cli/vipps-login.ts"), "site", ...args, "--persist-to", state, "--settings", settings];
}

const seconds = (since: number): string => `${((performance.now() - since) / 1000).toFixed(1)} s`;

/** @returns how many sites each run found to do */
async function addAll(bench: Bench, count: number): Promise<boolean> {
  const run = (args: readonly string[]) => {
    const { stdout, status } = spawnSync(process.execPath, [...siteCommand(bench, args)], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "inherit"],
    });
    if (status !== 0) throw new Error(`site ${args[0]} ended with ${status}`);
    return stdout;
  };
  run(["init"]);
  const add = ["add", "--file", bench.file, "--json"];
  const cut = spawn(process.execPath, [...siteCommand(bench, add)], { stdio: "ignore" });
  const gone = new Promise((resolve) => cut.once("close", resolve));
  await pause(6_000);
  cut.kill("SIGKILL");
  await gone;

  let since = performance.now();
  const resumed = JSON.parse(run(add));
  console.log(
    `a run cut off after 6 s left ${resumed.unchanged} sites; the next added the other ${resumed.added} in ${seconds(since)}`,
  );
  since = performance.now();
  const again = JSON.parse(run(add));
  console.log(`once more, with nothing to do: ${again.unchanged} unchanged in ${seconds(since)}`);
  return resumed.unchanged + resumed.added === count && again.unchanged === count;
}

async function printSize(bench: Bench, count: number): Promise<void> {
  const hosts = Array.from({ length: count }, (_, index) => hostOf(index + 1, bench.sitePort));
  const session = await openSession({ root, remote: false, environment: undefined, persistTo: bench.state });
  const texts = await readSites(session, hosts).finally(() => session.close());
  const sizes = [...texts.values()].map((text) => Buffer.byteLength(text));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  console.log(
    `in KV: ${sizes.length} documents, ${(total / 1024).toFixed(0)} KiB, ${Math.round(total / sizes.length)} bytes each; the file: ${(statSync(bench.file).size / 1024).toFixed(0)} KiB`,
  );
}

const median = (times: readonly number[]): string =>
  `${(times.toSorted((one, other) => one - other)[Math.floor(times.length / 2)] ?? 0).toFixed(1)} ms`;

/** Asks hosts one after the other. @returns milliseconds of each answer */
async function askEach(port: number, hosts: readonly string[]): Promise<readonly number[]> {
  const times: number[] = [];
  for (const host of hosts) {
    const since = performance.now();
    const { status } = await ask(port, host, "/auth/session");
    if (status !== 200) throw new Error(`${host} answered ${status}`);
    times.push(performance.now() - since);
  }
  return times;
}

/** A whole login at one site, with its own sales unit. @returns its milliseconds, without the person's */
async function loginTime(port: number, number: number): Promise<number> {
  const { clientId, took } = await logInAt(port, hostOf(number, port));
  if (clientId !== `client-of-site-${number}`) throw new Error(`site ${number} used another's sales unit`);
  return took;
}

async function serve(bench: Bench, count: number, logins: number): Promise<void> {
  const { settings, state, sitePort, simulatorPort, units } = bench;
  const env = { ...readDevVars(settings), VIPPS_ISSUER: simulatorIssuer(simulatorPort) };
  const simulator = await startSimulator({ port: simulatorPort, env, salesUnits: units });
  const worker = startWorker({
    ...{ root, port: sitePort, state, settingsFile: settings, overrides: {}, quiet: true },
    onOutput: (line) => {
      if (line.kind === "error") console.error(line.text);
    },
  });
  try {
    const isUp = () => ask(sitePort, `localhost:${sitePort}`, "/auth/health").catch(() => undefined);
    while ((await isUp())?.status !== 200) await pause(200);
    const hosts = Array.from({ length: count }, (_, index) => hostOf(index + 1, sitePort));
    // wrangler dev grows with every request it passes on, whoever it is for; that is not to be held against sites.
    await askEach(sitePort, Array(2 * count).fill(`localhost:${sitePort}`));
    const memory = await watchWorkerdMemory(worker.pid ?? 0, async () => {
      const [first, later] = [await askEach(sitePort, hosts), await askEach(sitePort, hosts)];
      console.log(
        `a request to each site: the first ${median(first)}, a later one ${median(later)} (medians)`,
      );
    });
    const mib = (bytes: number) => `${(bytes / 2 ** 20).toFixed(0)} MiB`;
    if (memory)
      console.log(
        `workerd's memory: ${mib(memory.before)} after ${2 * count} requests to its own site, at most ${mib(memory.peak)} with as many to these`,
      );
    const times: number[] = [];
    for (let step = 0; step < logins; step += 1)
      times.push(await loginTime(sitePort, 1 + Math.floor((step * count) / logins)));
    console.log(`a login on each of ${times.length} sites: all done, ${median(times)} each (median)`);
    const stranger = await ask(sitePort, `nobody.localhost:${sitePort}`, "/auth/login");
    console.log(`a host of nobody: ${stranger.status} ${JSON.stringify(stranger.body)}`);
  } finally {
    await worker.stop();
    await simulator.close();
  }
}

async function measure(count: number, logins: number): Promise<void> {
  console.log(`${count.toLocaleString("en")} sites, under wrangler dev`);
  const bench = await prepare(count);
  try {
    if (!(await addAll(bench, count))) process.exitCode = 1;
    await printSize(bench, count);
    await serve(bench, count, logins);
  } finally {
    rmSync(bench.folder, { recursive: true, force: true });
  }
}

const PARTS = {
  life: (folder: string, ports: Ports) => measureLife(Number(values.sites ?? 300), folder, ports),
  kv: (folder: string) => measureStore(Number(values.sites ?? 10_000), folder),
  flood: measureFlood,
} as const;

interface Ports {
  readonly sitePort: number;
  readonly simulatorPort: number;
}

async function measurePart(name: keyof typeof PARTS): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "bench-sites-"));
  const sitePort = (await nextFreePort(23_000, [])) ?? 0;
  const simulatorPort = (await nextFreePort(23_000, [sitePort])) ?? 0;
  try {
    if (!(await PARTS[name](folder, { sitePort, simulatorPort }))) process.exitCode = 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const isPart = (name: string): name is keyof typeof PARTS => Object.hasOwn(PARTS, name);

const { only } = values;
if (values.help) console.log(HELP);
else if (only === undefined) await measure(Number(values.sites ?? 1_000), Number(values.logins));
else if (isPart(only)) await measurePart(only);
else {
  console.error(`There is no part ${only}: ${Object.keys(PARTS).join(", ")}.`);
  process.exitCode = 2;
}
// Connections that are kept open for the next request would keep the process.
if (only !== undefined) process.exit();
