import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { completeDevVars, readDevVars, simulatorIssuer } from "../../cli/dev-vars.mjs";
import { startWorker } from "../../cli/worker-process.ts";
import { logInAsPerson } from "../../simulator/person.ts";
import { startSimulator } from "../../simulator/server.ts";
import { freePorts } from "./free-ports.ts";
import { makeLocalState } from "./local-state.ts";
import { createVisitor, redirectOf, type Visitor } from "./visitor.ts";

/** The worker as `wrangler dev` runs it and the simulator, on ports and with storage of their own. */
export interface RunningSite {
  /** Where the worker itself is. */
  readonly worker: URL;
  /** Where visitors find it. */
  readonly origin: string;
  /** Where wrangler keeps KV, D1 and Durable Objects. */
  readonly state: string;
  /** wrangler's process. */
  readonly pid: number;
  /** Logs a new visitor in at the site. */
  readonly logIn: () => Promise<Visitor>;
  readonly close: () => Promise<void>;
}

export interface RunningSiteOptions {
  /** Settings that differ from those of a first `npm start`. */
  readonly vars?: Readonly<Record<string, string>>;
  /** Where visitors find the site if something stands before the worker. */
  readonly siteUrl?: string;
}

export async function runSite({ vars = {}, siteUrl }: RunningSiteOptions = {}): Promise<RunningSite> {
  const folder = mkdtempSync(join(tmpdir(), "running-site-"));
  const [state, settingsFile] = [join(folder, "state"), join(folder, "settings")];
  await makeLocalState(state);
  const [port, simulatorPort] = await freePorts();
  const site = siteUrl ?? `http://localhost:${port}`;
  completeDevVars(settingsFile, { sitePort: port, simulatorPort });
  const overrides = { ...vars, SITE_URL: site, VIPPS_ISSUER: simulatorIssuer(simulatorPort) };
  const env = { ...readDevVars(settingsFile), ...overrides };
  const simulator = await startSimulator({ port: simulatorPort, env });

  let output = "";
  const worker = startWorker({
    root: process.cwd(),
    port,
    state,
    settingsFile,
    overrides,
    quiet: true,
    onOutput: (line) => {
      if (line.kind !== "noise") output += `${line.text}\n`;
    },
  });
  const close = async () => {
    await worker.stop();
    await simulator.close();
    rmSync(folder, { recursive: true, force: true });
  };
  const url = new URL(`http://127.0.0.1:${port}`);
  const ended = worker.ended.then(() => Promise.reject(new Error(`the worker has ended: ${output}`)));
  await Promise.race([untilAnswered(new URL("/auth/health", url)), ended]).catch(async (error) => {
    await close();
    throw error;
  });
  ended.catch(() => undefined);
  return {
    worker: url,
    origin: site,
    state,
    pid: worker.pid ?? 0,
    logIn: async () => {
      const visitor = createVisitor(site);
      const toVipps = redirectOf(await visitor.request("/auth/login"));
      const back = await logInAsPerson((request) => fetch(request), toVipps);
      await visitor.request(back.href);
      return visitor;
    },
    close,
  };
}

async function untilAnswered(url: URL): Promise<void> {
  while (!(await fetch(url).catch(() => undefined))) await new Promise((wake) => setTimeout(wake, 100));
}
