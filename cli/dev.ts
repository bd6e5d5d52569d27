// `vipps-login dev`: the worker in front of the project's site and, if the settings point at it, the simulator.

import { join, relative } from "node:path";
import { styleText } from "node:util";
import { Command } from "@commander-js/extra-typings";
import { writtenAsText } from "../src/settings/kinds.ts";
import { SETTINGS } from "../src/settings/table.ts";
import { CommandError } from "./command-error.mjs";
import { type CommandContext, portNumber } from "./command-line.ts";
import { completeDevVars, readDevVars } from "./dev-vars.mjs";
import { faultsOfLocalWorker } from "./doctor/worker-settings.ts";
import { type AskedPorts, type LocalAddresses, settleAddresses } from "./local-addresses.ts";
import { applyMigrations, DEFAULT_STATE } from "./migrations.mjs";
import { configName, type ProjectConfig, readConfig } from "./project-config.ts";
import { claimState } from "./running-instance.ts";
import { patternsIn, unguardedFaults } from "./unguarded-assets.ts";
import { startWorker, type WorkerProcess } from "./worker-process.ts";
import type { OutputLine } from "./wrangler-output.ts";

/** The command `dev`. */
export function dev(context: CommandContext) {
  return new Command("dev")
    .description(
      "Runs the worker in front of the site, on this machine and without any network. The simulator stands in for Vipps MobilePay, unless .dev.vars holds keys of a real sales unit.",
    )
    .option(
      "--port <port>",
      "where the site is (else the port in SITE_URL, or the next free one)",
      portNumber,
    )
    .option(
      "--simulator-port <port>",
      "where the simulator is (else the port in VIPPS_ISSUER, or the next free one)",
      portNumber,
    )
    .option(
      "--persist-to <folder>",
      "where KV, D1 and Durable Objects are kept (else .wrangler/state)",
      context.path,
    )
    .option(
      "--settings <file>",
      "settings to use in place of .dev.vars; made if there is no such file",
      context.path,
    )
    .option("--quiet", "prints errors only")
    .action(({ port, simulatorPort, persistTo, settings, quiet = false }) => {
      const { root } = context;
      const state = persistTo ?? join(root, DEFAULT_STATE);
      const ports = { site: port, simulator: simulatorPort };
      return start({ root, ports, state, settingsFile: settings, quiet }, context);
    });
}

interface Options {
  /** The project's folder. */
  readonly root: string;
  readonly ports: AskedPorts;
  readonly state: string;
  /** In place of .dev.vars; undefined for that one. */
  readonly settingsFile: string | undefined;
  readonly quiet: boolean;
}

const COLOUR = { error: "red", warn: "yellow" } as const;

function printOutput({ print, stdout, stderr }: CommandContext, line: OutputLine): void {
  if (line.kind === "noise") return;
  if (line.kind === "text") {
    print(line.text);
    return;
  }
  const level = line.kind === "error" ? "error" : line.level;
  const time = new Date().toTimeString().slice(0, 8);
  const stream = level === "error" ? stderr : stdout;
  const colour = level === "error" || level === "warn" ? COLOUR[level] : "reset";
  stream.write(`${styleText("dim", time, { stream })} ${styleText(colour, line.text, { stream })}\n`);
}

/** How long, in milliseconds, to wait between two questions whether the worker is there, and before a sign of life. */
const ASK_EVERY = 100;
const SIGN_OF_LIFE = 20_000;

/** Waits until the worker answers at all; what it answers is its own affair. */
async function untilAnswered(url: string, signal: AbortSignal, { tell }: CommandContext): Promise<void> {
  const signs = setInterval(() => tell("Still waiting for the worker to answer …"), SIGN_OF_LIFE);
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

function banner(
  { root, stdout }: CommandContext,
  addresses: LocalAddresses,
  settings: Record<string, string>,
  settingsFile: string,
): string {
  const simulator = addresses.simulatorPort;
  const strong = (text: string) => styleText("bold", text, { stream: stdout });
  const rows: readonly (readonly [string, string])[] = [
    ["Site", strong(addresses.site)],
    simulator === undefined
      ? ["Vipps", settings.VIPPS_ISSUER ?? `the ${settings.VIPPS_ENVIRONMENT ?? "test"} environment`]
      : [
          "Simulator",
          `${strong(`http://127.0.0.1:${simulator}/simulator/control`)}  stands in for Vipps MobilePay`,
        ],
    ["Settings", `${relative(root, settingsFile) || settingsFile} and ${configName(root)}`],
    ["Stop", "Ctrl-C"],
  ];
  return ["", ...rows.map(([name, value]) => `  ${name.padEnd(11)}${value}`), ""].join("\n");
}

async function start(options: Options, context: CommandContext): Promise<void> {
  const { root } = options;
  const settingsFile = options.settingsFile ?? join(root, ".dev.vars");
  completeDevVars(settingsFile);
  const settings = readDevVars(settingsFile);

  const config = readConfig(root);
  refuseUnguardedAssets(config, settings);

  let site: string | undefined;
  const claim = await claimState(options.state, () => ({ pid: process.pid, site }));
  if ("heldBy" in claim) {
    const { pid, site: where } = claim.heldBy;
    throw new CommandError(
      `The worker is already running here (process ${pid}): ${where ?? "it is just starting"}. Stop it first, or give this one its own storage with --persist-to.`,
    );
  }
  const addresses = await settleAddresses(settings, options.ports);
  site = addresses.site;
  const effective = { ...varsOf(config), ...settings, ...addresses.overrides };
  const { vars = {} }: StartConfig = config.values;
  const given = { ...vars, ...settings, ...addresses.overrides };
  for (const fault of faultsOfLocalWorker(given, bindingsOf(config.values)))
    context.tell(`${fault}. docs/configuration.md has every setting.`);
  const print = (text: string) => (options.quiet ? undefined : context.print(text));
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
    onOutput: (line) => stopping.signal.aborted || printOutput(context, line),
  });
  stopOnSignal(worker, stopping);
  const gone = new AbortController();
  const ended = worker.ended.finally(() => gone.abort());
  const authPath = effective.AUTH_PATH ?? SETTINGS.AUTH_PATH.default;
  await untilAnswered(`${addresses.site}${authPath}/health`, gone.signal, context);
  if (!gone.signal.aborted) print(banner(context, addresses, effective, settingsFile));

  const fault = await ended;
  await simulator?.close();
  claim.release();
  if (!stopping.signal.aborted)
    throw new CommandError(`The worker has stopped: ${fault ?? "wrangler ended without a word."}`);
}

/** @throws {CommandError} where the configuration shows something protected without the worker */
function refuseUnguardedAssets(
  { name, values }: ProjectConfig,
  settings: Readonly<Record<string, string>>,
): void {
  const { assets, vars = {} }: StartConfig = values;
  if (assets === undefined) return;
  const protectedPaths = patternsIn(settings.PROTECTED_PATHS ?? writtenAsText(vars.PROTECTED_PATHS));
  const routing = { workerFirst: assets.run_worker_first ?? false, notFound: assets.not_found_handling };
  const authPath = settings.AUTH_PATH ?? (writtenAsText(vars.AUTH_PATH) || SETTINGS.AUTH_PATH.default);
  const faults = unguardedFaults(routing, { protectedPaths, authPath });
  if (faults.length > 0) throw new CommandError(`${name}: ${faults.join(" ")} See docs/site.md.`);
}

/** What the start reads of the configuration. */
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
function varsOf({ values }: ProjectConfig): Record<string, string> {
  const { vars = {} }: StartConfig = values;
  return Object.fromEntries(Object.entries(vars).map(([name, value]) => [name, writtenAsText(value)]));
}

/** The names of what the top level of the configuration binds. */
function bindingsOf(config: StartConfig): ReadonlySet<string> {
  const { assets, kv_namespaces: kv = [], d1_databases: d1 = [], durable_objects: objects } = config;
  const names = [...kv, ...d1].map(({ binding }) => binding);
  names.push(...(objects?.bindings ?? []).map(({ name }) => name));
  return new Set(assets?.binding === undefined ? names : [...names, assets.binding]);
}

async function startSimulatorOn(port: number | undefined, env: Record<string, string>) {
  if (port === undefined) return undefined;
  const { startSimulator } = await import("../simulator/server.ts");
  try {
    return await startSimulator({ port, host: "127.0.0.1", env });
  } catch (error) {
    throw new CommandError(error instanceof Error ? error.message : String(error));
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
