import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { completeDevVars, readDevVars, simulatorIssuer } from "../../cli/dev-vars.mjs";
import { applyMigrations } from "../../cli/migrations.mjs";
import { startWorker, type WorkerProcess } from "../../cli/worker-process.ts";
import { startSimulator } from "../../simulator/server.ts";
import { freePorts } from "../node/free-ports.ts";
import type { Target } from "./attack.ts";

/** A worker and a simulator on ports and with storage of their own, for as long as the attacks last. */
export interface Surroundings {
  readonly target: Target;
  readonly close: () => Promise<void>;
}

/** How long, in milliseconds, a worker may take to answer at all. */
const PATIENCE = 90_000;

/**
 * Starts what `npm start` starts.
 * @param settings in place of those of a first `npm start`.
 * @throws when the worker ends, or does not answer within 90 seconds.
 */
export async function startSurroundings(
  root: string,
  settings: Readonly<Record<string, string>>,
): Promise<Surroundings> {
  const folder = mkdtempSync(join(tmpdir(), "attacks-"));
  const [state, settingsFile] = [join(folder, "state"), join(folder, "settings")];
  await applyMigrations(root, state);
  const [sitePort, simulatorPort] = await freePorts();
  const site = new URL(`http://localhost:${sitePort}`);
  completeDevVars(settingsFile, { sitePort, simulatorPort });
  const overrides = { SITE_URL: site.origin, VIPPS_ISSUER: simulatorIssuer(simulatorPort), ...settings };
  const env = { ...readDevVars(settingsFile), ...overrides };
  const simulator = await startSimulator({ port: simulatorPort, env });
  const events: string[] = [];
  const start = () =>
    startWorker({
      root,
      port: sitePort,
      state,
      settingsFile,
      overrides,
      quiet: false,
      onOutput: (line) => {
        if (line.kind === "event" || line.kind === "error") events.push(line.text);
      },
    });
  const sessionUrl = new URL(`${settings.AUTH_PATH ?? "/auth"}/session`, site);
  const answering = async (started: WorkerProcess) => {
    const ended = started.ended.then((fault) => Promise.reject(new Error(`the worker has ended: ${fault}`)));
    ended.catch(() => undefined);
    await Promise.race([untilAnswered(sessionUrl), ended]);
  };
  let worker = start();
  const restart = async (between: (state: string) => Promise<void>) => {
    await worker.stop();
    await between(state);
    worker = start();
    await answering(worker);
  };
  const close = async () => {
    await worker.stop();
    await simulator.close();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await answering(worker);
    const authPath = settings.AUTH_PATH ?? "/auth";
    return { target: { site, simulator: new URL(simulator.url), authPath, events, restart }, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function untilAnswered(url: URL): Promise<void> {
  const start = performance.now();
  while (!(await fetch(url).catch(() => undefined))) {
    if (performance.now() - start > PATIENCE) throw new Error(`no answer from ${url.href}`);
    await new Promise((wake) => setTimeout(wake, 100));
  }
}
