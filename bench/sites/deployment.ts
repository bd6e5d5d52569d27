import { appendFileSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { completeDevVars, readDevVars, simulatorIssuer } from "../../cli/dev-vars.mjs";
import { localFile } from "../../cli/local-storage.ts";
import { noteApplied } from "../../cli/migrations.mjs";
import { simulatedUnits } from "../../cli/sites/simulated-units.ts";
import { keepStorage } from "../../cli/sites/sites-command.ts";
import { startWorker } from "../../cli/worker-process.ts";
import { startSimulator } from "../../simulator/server.ts";
import { runCommand } from "../../test/node/command-under-test.ts";
import { ask } from "./visit.ts";

export const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** A deployment on this machine: its storage and its settings file. */
export interface Deployment {
  readonly state: string;
  readonly settings: string;
  readonly sitePort: number;
  readonly simulatorPort: number;
}

/** Makes a deployment with an empty storage, with partner keys and a master key for sites. */
export async function makeDeployment(
  folder: string,
  ports: Pick<Deployment, "sitePort" | "simulatorPort">,
): Promise<Deployment> {
  mkdirSync(folder, { recursive: true });
  const deployment = { state: join(folder, "state"), settings: join(folder, "settings"), ...ports };
  completeDevVars(deployment.settings, ports);
  appendFileSync(
    deployment.settings,
    "\nVIPPS_PARTNER_CLIENT_ID=the-partner\nVIPPS_PARTNER_CLIENT_SECRET=secret-of-the-partner\nVIPPS_PARTNER_SUBSCRIPTION_KEY=key-of-the-partner\n",
  );
  makeDatabase(deployment.state);
  await site(deployment, ["init"]);
  return deployment;
}

/** The tables of the database as `wrangler d1 migrations apply` makes them, without its seconds of starting. */
function makeDatabase(state: string): void {
  const path = localFile("d1", state, "ACCOUNTS_DB");
  mkdirSync(dirname(path), { recursive: true });
  const database = new DatabaseSync(path);
  const folder = join(ROOT, "migrations");
  database.exec("PRAGMA journal_mode = wal");
  for (const name of readdirSync(folder).toSorted()) database.exec(readFileSync(join(folder, name), "utf8"));
  database.close();
  noteApplied(state, folder);
}

/**
 * `vipps-login site …` in this process.
 * @returns what it printed
 * @throws {Error} where it fails
 */
export async function site(
  { state, settings, simulatorPort }: Deployment,
  args: readonly string[],
  mayFail = false,
): Promise<string> {
  const place = ["--persist-to", state, "--settings", settings];
  const env = { VIPPS_ISSUER: simulatorIssuer(simulatorPort) };
  const { code, stdout, stderr } = await runCommand(["site", ...args, ...place], { cwd: ROOT, env });
  if (code !== 0 && !mayFail)
    throw new Error(`site ${args.join(" ")} ended with ${code}: ${stdout}${stderr}`);
  return stdout;
}

/** Does several things to the sites of a deployment with its storage opened once, and not for each. */
export async function withOpenStorage<Value>(
  deployments: readonly Deployment[],
  work: () => Promise<Value>,
): Promise<Value> {
  const open = await Promise.all(
    deployments.map(({ state }) => keepStorage({ root: ROOT, environment: undefined, persistTo: state })),
  );
  return work().finally(() => Promise.all(open.map((one) => one.close())));
}

/** A deployment's worker and the stand-in for Vipps, as `npm start` has them. */
export interface Running {
  readonly pid: number;
  readonly stop: () => Promise<void>;
}

/** Starts both, with the sales units of all sites there are, and waits until they answer. */
export async function start(
  { state, settings, sitePort, simulatorPort }: Deployment,
  overrides: Readonly<Record<string, string>> = {},
): Promise<Running> {
  const vars = readDevVars(settings);
  const place = { root: ROOT, environment: undefined, persistTo: state, settingsFile: settings };
  const salesUnits = await simulatedUnits(place, vars);
  const env = { ...vars, VIPPS_ISSUER: simulatorIssuer(simulatorPort) };
  const simulator = await startSimulator({ port: simulatorPort, env, salesUnits });
  const worker = startWorker({
    ...{ root: ROOT, port: sitePort, state, settingsFile: settings, overrides, quiet: true },
    onOutput: (line) => {
      if (line.kind === "error") console.error(line.text);
    },
  });
  const isUp = () => ask(sitePort, `localhost:${sitePort}`, "/auth/health").catch(() => undefined);
  const givenUpAt = performance.now() + 60_000;
  while ((await isUp())?.status !== 200) {
    if (performance.now() > givenUpAt) throw new Error("the worker does not answer within a minute");
    await pause(200);
  }
  return {
    pid: worker.pid ?? 0,
    stop: async () => {
      await worker.stop();
      await simulator.close();
    },
  };
}
