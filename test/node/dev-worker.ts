import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { vi } from "vitest";
import { freshSessionKeys } from "../../cli/dev-vars.mjs";
import { startWorker } from "../../cli/worker-process.ts";
import { freePorts } from "./free-ports.ts";
import { makeLocalState } from "./local-state.ts";

/** The worker under `wrangler dev`, on a port and with storage of its own. */
export interface DevWorker {
  readonly site: string;
  readonly port: number;
  /** The events it has logged, as lines of `event name=value …`. */
  readonly events: string[];
  /** Kills wrangler and workerd as a power cut would, and starts them again with the same storage. */
  killAndRestart(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts the worker with an issuer and further settings; resolves when it answers. */
export async function startDevWorker(settings: Readonly<Record<string, string>>): Promise<DevWorker> {
  const folder = mkdtempSync(join(tmpdir(), "dev-worker-"));
  const [port] = await freePorts();
  const site = `http://localhost:${port}`;
  const events: string[] = [];
  const all = {
    SITE_URL: site,
    VIPPS_CLIENT_ID: "test-client-id",
    VIPPS_CLIENT_SECRET: "test-client-secret",
    VIPPS_MSN: "123456",
    SESSION_KEYS: freshSessionKeys(),
    ...settings,
  };
  const settingsFile = join(folder, "settings");
  writeFileSync(
    settingsFile,
    Object.entries(all)
      .map(([name, value]) => `${name}='${value}'\n`)
      .join(""),
  );
  await makeLocalState(join(folder, "state"));
  const start = async () => {
    const process_ = startWorker({
      root: process.cwd(),
      port,
      state: join(folder, "state"),
      settingsFile,
      overrides: {},
      quiet: false,
      onOutput: (line) => {
        if (line.kind === "event") events.push(line.text);
      },
    });
    await vi.waitFor(() => fetch(`${site}/auth/session`), { timeout: 90_000, interval: 100 });
    return process_;
  };
  let worker = await start();
  return {
    site,
    port,
    events,
    async killAndRestart() {
      if (worker.pid === undefined) throw new Error("wrangler did not start");
      process.kill(-worker.pid, "SIGKILL");
      await worker.ended;
      worker = await start();
    },
    async stop() {
      await worker.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
