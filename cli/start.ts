// `npm start`: the worker in front of the demo site and, if the settings point at it, the simulator.

import { readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, styleText } from "node:util";
import { parse } from "@decimalturn/toml-patch";
import { writtenAsText } from "../src/settings/kinds.ts";
import { SETTINGS } from "../src/settings/table.ts";
import { completeDevVars, readDevVars } from "./dev-vars.mjs";
import { faultsOfLocalWorker } from "./doctor/worker-settings.ts";
import { type AskedPorts, type LocalAddresses, StartError, settleAddresses } from "./local-addresses.ts";
import { applyMigrations, DEFAULT_STATE } from "./migrations.mjs";
import { claimState } from "./running-instance.ts";
import { PreparationError } from "./step.mjs";
import { patternsIn, unguardedFaults } from "./unguarded-assets.ts";
import { startWorker, type WorkerProcess } from "./worker-process.ts";
import type { OutputLine } from "./wrangler-output.ts";

const HELP = `Usage: npm start -- [options]

Runs the worker in front of the demo site, on this machine and without any network. The simulator stands in for
Vipps MobilePay, unless .dev.vars holds keys of a real sales unit.

  --port PORT             where the site is (else the port in SITE_URL, or the next free one)
  --simulator-port PORT   where the simulator is (else the port in VIPPS_ISSUER, or the next free one)
  --persist-to FOLDER     where KV, D1 and Durable Objects are kept (else .wrangler/state)
  --settings FILE         settings to use in place of .dev.vars; made if there is no such file
  --quiet                 print errors only
  --help                  print this`;

interface Options {
  readonly ports: AskedPorts;
  readonly state: string;
  /** In place of .dev.vars; undefined for that one. */
  readonly settingsFile: string | undefined;
  readonly quiet: boolean;
}

const root = dirname(dirname(fileURLToPath(import.meta.url)));

function readPort(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65_535) throw new StartError(`${flag} takes a port from 1 to 65535, not "${text}".`);
  return port;
}

/** @returns undefined if only the help is wanted */
function readOptions(): Options | undefined {
  const { values } = parseArgs({
    options: {
      port: { type: "string" },
      "simulator-port": { type: "string" },
      "persist-to": { type: "string" },
      settings: { type: "string" },
      quiet: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return undefined;
  return {
    ports: {
      site: readPort("--port", values.port),
      simulator: readPort("--simulator-port", values["simulator-port"]),
    },
    state: values["persist-to"] === undefined ? join(root, DEFAULT_STATE) : resolve(values["persist-to"]),
    settingsFile: values.settings === undefined ? undefined : resolve(values.settings),
    quiet: values.quiet,
  };
}

const COLOUR = { error: "red", warn: "yellow" } as const;

function printOutput(line: OutputLine): void {
  if (line.kind === "noise") return;
  if (line.kind === "text") {
    console.log(line.text);
    return;
  }
  const level = line.kind === "error" ? "error" : line.level;
  const time = new Date().toTimeString().slice(0, 8);
  const stream = level === "error" ? process.stderr : process.stdout;
  const colour = level === "error" || level === "warn" ? COLOUR[level] : "reset";
  stream.write(`${styleText("dim", time, { stream })} ${styleText(colour, line.text, { stream })}\n`);
}

/** How long, in milliseconds, to wait between two questions whether the worker is there, and before a sign of life. */
const ASK_EVERY = 100;
const SIGN_OF_LIFE = 20_000;

/** Waits until the worker answers at all; what it answers is its own affair. */
async function untilAnswered(url: string, signal: AbortSignal): Promise<void> {
  const signs = setInterval(() => console.log("Still waiting for the worker to answer …"), SIGN_OF_LIFE);
  try {
    while (!signal.aborted) {
      const answer = await fetch(url, { redirect: "manual", signal: AbortSignal.timeout(5000) }).catch(
        () => undefined,
      );
      if (answer !== undefined) return void (await answer.body?.cancel());
      await new Promise((wake) => setTimeout(wake, ASK_EVERY));
    }
  } finally {
    clearInterval(signs);
  }
}

function banner(addresses: LocalAddresses, settings: Record<string, string>, settingsFile: string): string {
  const simulator = addresses.simulatorPort;
  const strong = (text: string) => styleText("bold", text, { stream: process.stdout });
  const rows: readonly (readonly [string, string])[] = [
    ["Site", strong(addresses.site)],
    simulator === undefined
      ? ["Vipps", settings.VIPPS_ISSUER ?? `the ${settings.VIPPS_ENVIRONMENT ?? "test"} environment`]
      : [
          "Simulator",
          `${strong(`http://127.0.0.1:${simulator}/simulator/control`)}  stands in for Vipps MobilePay`,
        ],
    ["Settings", `${relative(process.cwd(), settingsFile) || settingsFile} and wrangler.toml`],
    ["Stop", "Ctrl-C"],
  ];
  return ["", ...rows.map(([name, value]) => `  ${name.padEnd(11)}${value}`), ""].join("\n");
}

async function start(options: Options): Promise<void> {
  const settingsFile = options.settingsFile ?? join(root, ".dev.vars");
  completeDevVars(settingsFile);
  const settings = readDevVars(settingsFile);

  refuseUnguardedAssets(settings);

  let site: string | undefined;
  const claim = await claimState(options.state, () => ({ pid: process.pid, site }));
  if ("heldBy" in claim) {
    const { pid, site: where } = claim.heldBy;
    throw new StartError(
      `npm start is already running here (process ${pid}): ${where ?? "it is just starting"}. Stop it first, or give this one its own storage with --persist-to.`,
    );
  }
  const addresses = await settleAddresses(settings, options.ports);
  site = addresses.site;
  const config = readConfig(readFileSync(join(root, "wrangler.toml"), "utf8"));
  const effective = { ...varsOf(config), ...settings, ...addresses.overrides };
  const given = { ...config.vars, ...settings, ...addresses.overrides };
  for (const fault of faultsOfLocalWorker(given, bindingsOf(config)))
    console.error(`${fault}. docs/configuration.md has every setting.`);
  const print = (text: string) => (options.quiet ? undefined : console.log(text));
  for (const note of addresses.notes) print(note);
  if ((await applyMigrations(root, options.state)) === "applied") print("Database migrations applied.");

  const stopping = new AbortController();
  const simulator = await startSimulatorOn(addresses.simulatorPort, effective);
  const worker = startWorker({
    root,
    port: addresses.sitePort,
    state: options.state,
    settingsFile: options.settingsFile,
    overrides: addresses.overrides,
    quiet: options.quiet,
    // What wrangler and esbuild say while they are being ended is of no use to anyone.
    onOutput: (line) => stopping.signal.aborted || printOutput(line),
  });
  stopOnSignal(worker, stopping);
  const gone = new AbortController();
  const ended = worker.ended.finally(() => gone.abort());
  await untilAnswered(
    `${addresses.site}${effective.AUTH_PATH ?? SETTINGS.AUTH_PATH.default}/health`,
    gone.signal,
  );
  if (!gone.signal.aborted) print(banner(addresses, effective, settingsFile));

  const fault = await ended;
  await simulator?.close();
  claim.release();
  if (!stopping.signal.aborted)
    throw new StartError(`The worker has stopped: ${fault ?? "wrangler ended without a word."}`);
}

/** @throws {StartError} where wrangler.toml shows something protected without the worker */
function refuseUnguardedAssets(settings: Readonly<Record<string, string>>): void {
  const { assets, vars = {} } = readConfig(readFileSync(join(root, "wrangler.toml"), "utf8"));
  if (assets === undefined) return;
  const protectedPaths = patternsIn(settings.PROTECTED_PATHS ?? writtenAsText(vars.PROTECTED_PATHS));
  const routing = { workerFirst: assets.run_worker_first ?? false, notFound: assets.not_found_handling };
  const authPath = settings.AUTH_PATH ?? (writtenAsText(vars.AUTH_PATH) || SETTINGS.AUTH_PATH.default);
  const faults = unguardedFaults(routing, { protectedPaths, authPath });
  if (faults.length > 0) throw new StartError(`wrangler.toml: ${faults.join(" ")} See docs/site.md.`);
}

/** What the start reads of wrangler.toml. */
interface StartConfig {
  readonly assets?: {
    readonly run_worker_first?: boolean | readonly string[];
    readonly not_found_handling?: string;
    readonly binding?: string;
  };
  readonly vars?: Readonly<Record<string, unknown>>;
  readonly kv_namespaces?: readonly { readonly binding: string }[];
  readonly d1_databases?: readonly { readonly binding: string }[];
  readonly durable_objects?: { readonly bindings?: readonly { readonly name: string }[] };
}

/** The vars as settings of the environment are written: lists with blanks between their members. */
function varsOf({ vars = {} }: StartConfig): Record<string, string> {
  return Object.fromEntries(Object.entries(vars).map(([name, value]) => [name, writtenAsText(value)]));
}

/** The names of what the top level of wrangler.toml binds. */
function bindingsOf(config: StartConfig): ReadonlySet<string> {
  const { assets, kv_namespaces: kv = [], d1_databases: d1 = [], durable_objects: objects } = config;
  const names = [...kv, ...d1].map(({ binding }) => binding);
  names.push(...(objects?.bindings ?? []).map(({ name }) => name));
  return new Set(assets?.binding === undefined ? names : [...names, assets.binding]);
}

const readConfig = (text: string): StartConfig => parse(text) as StartConfig;

async function startSimulatorOn(port: number | undefined, env: Record<string, string>) {
  if (port === undefined) return undefined;
  const { startSimulator } = await import("../simulator/server.ts");
  try {
    return await startSimulator({ port, host: "127.0.0.1", env });
  } catch (error) {
    throw new StartError(error instanceof Error ? error.message : String(error));
  }
}

/** Ends the worker when this process is asked to end, and tells `stopping`. */
function stopOnSignal(worker: WorkerProcess, stopping: AbortController): void {
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(name, () => {
      stopping.abort();
      void worker.stop();
    });
  }
}

/** True for what the command line and the file system refuse: the message says it all. */
const isPlain = (error: unknown): error is Error =>
  error instanceof Error &&
  (error instanceof StartError || error instanceof PreparationError || "code" in error);

try {
  const options = readOptions();
  if (options === undefined) console.log(HELP);
  else await start(options);
  process.exit(0);
} catch (error) {
  if (!isPlain(error)) throw error;
  const typo = "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS");
  console.error(typo ? `${error.message}. "npm start -- --help" lists the options.` : error.message);
  process.exit(1);
}
