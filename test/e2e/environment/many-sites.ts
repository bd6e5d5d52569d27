import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { completeDevVars, readDevVars, simulatorIssuer } from "../../../cli/dev-vars.mjs";
import { makeLocalDatabase } from "../../../cli/local-storage.ts";
import { nextFreePort } from "../../../cli/ports.ts";
import { localDatabase } from "../../../cli/project-config.ts";
import { startWorker } from "../../../cli/worker-process.ts";
import { startSimulator } from "../../../simulator/server.ts";

/** A site of its own as the test wants it; where it is and what is behind it come from here. */
export interface WantedSite {
  /** `bakeri` becomes `bakeri.localhost`. */
  readonly name: string;
  /** What the pages of its origin say. */
  readonly heading: string;
  /** A script that its origin has besides, by its path. */
  readonly scripts?: Readonly<Record<string, string>>;
  readonly salesUnit: { readonly msn: string; readonly name: string };
  readonly settings: Readonly<Record<string, string>>;
}

/** One worker with several sites, a simulator, and an origin behind each site. */
export interface RunningSites {
  /** Origins, in the order the sites were wanted in. */
  readonly origins: readonly string[];
  /** A host that leads to the worker and belongs to nobody. */
  readonly stranger: string;
  readonly stop: () => Promise<void>;
}

/** @param from ports are looked for from here on. */
export async function startSites(wanted: readonly WantedSite[], from: number): Promise<RunningSites> {
  const root = process.cwd();
  const folder = mkdtempSync(join(tmpdir(), "many-sites-"));
  const [state, settings, file] = [
    join(folder, "state"),
    join(folder, "settings"),
    join(folder, "sites.json"),
  ];
  const ports: number[] = [];
  for (let port = from; ports.length < wanted.length + 2; ) {
    const free = await nextFreePort(port, ports);
    if (free === undefined) throw new Error(`no port is free from ${port} on`);
    ports.push(free);
    port = free + 1;
  }
  const [sitePort = 0, simulatorPort = 0, ...originPorts] = ports;
  completeDevVars(settings, { sitePort, simulatorPort });
  makeLocalDatabase(state, localDatabase(root));

  const sites = wanted.map(({ name, heading, scripts = {}, salesUnit, settings: own }, index) => {
    const SITE_URL = `http://${name}.localhost:${sitePort}`;
    const keys = { clientId: `client-of-${name}`, clientSecret: `secret-of-${name}` };
    return {
      server: serveOrigin(heading, scripts, originPorts[index] ?? 0),
      unit: { ...keys, ...salesUnit, redirectUris: [`${SITE_URL}/auth/callback`] },
      values: {
        SITE_URL,
        VIPPS_CLIENT_ID: keys.clientId,
        VIPPS_CLIENT_SECRET: keys.clientSecret,
        VIPPS_MSN: salesUnit.msn,
        ORIGIN_URL: `http://127.0.0.1:${originPorts[index]}`,
        ...own,
      },
    };
  });
  writeFileSync(file, JSON.stringify(sites.map(({ values }) => values)));
  for (const command of [["init"], ["add", "--file", file]]) {
    const args = ["cli/vipps-login.ts", "site", ...command, "--persist-to", state, "--settings", settings];
    const { status, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
    if (status !== 0) throw new Error(`site ${command[0]} ended with ${status}: ${stderr}`);
  }

  const env = { ...readDevVars(settings), VIPPS_ISSUER: simulatorIssuer(simulatorPort) };
  const salesUnits = sites.map(({ unit }) => unit);
  const simulator = await startSimulator({ port: simulatorPort, env, salesUnits });
  const worker = startWorker({
    ...{ root, port: sitePort, state, settingsFile: settings, overrides: {}, quiet: true },
    onOutput: () => undefined,
  });
  const stop = async () => {
    await worker.stop();
    await simulator.close();
    for (const { server } of sites) server.close().closeAllConnections();
    rmSync(folder, { recursive: true, force: true });
  };
  while (!(await fetch(`http://localhost:${sitePort}/auth/health`).catch(() => undefined))?.ok)
    await new Promise((wake) => setTimeout(wake, 100));
  return {
    origins: sites.map(({ values }) => values.SITE_URL),
    stranger: `http://nobody.localhost:${sitePort}`,
    stop,
  };
}

/** A small web server that knows nothing of logins but the headers it is sent. */
function serveOrigin(heading: string, scripts: Readonly<Record<string, string>>, port: number): Server {
  return createServer(({ url = "", headers }, response) => {
    if (scripts[url] !== undefined) {
      response.setHeader("content-type", "text/javascript");
      response.end(scripts[url]);
      return;
    }
    const who = headers["remote-name"] ? decodeURIComponent(String(headers["remote-name"])) : "a stranger";
    response.setHeader("content-type", "text/html; charset=utf-8");
    response.end(
      `<!doctype html><title>${heading}</title><h1>${heading}</h1><p>${url}: hello, ${who}</p><a href="/auth/login?return_to=/members/">Log in</a>`,
    );
  }).listen(port, "127.0.0.1");
}
