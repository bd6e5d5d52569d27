// `vipps-login dev`: the worker in front of the project's site and, if the settings point at it, the simulator.

import { watch } from "node:fs";
import http from "node:http";
import https from "node:https";
import { basename, dirname, join, relative } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { isDeepStrictEqual, styleText } from "node:util";
import { Command } from "@commander-js/extra-typings";
import { patternOf } from "../src/rules/path-rules.ts";
import { writtenAsText } from "../src/settings/kinds.ts";
import { settingTable } from "../src/settings/table.ts";
import { CommandError, isPlain } from "./command-error.mjs";
import { type CommandContext, portNumber } from "./command-line.ts";
import { openSession } from "./d1-session.ts";
import { completeDevVars, readDevVars } from "./dev-vars.mjs";
import { faultsOfLocalWorker } from "./doctor/worker-settings.ts";
import {
  type AskedAddresses,
  type LocalAddresses,
  notesOnFurther,
  settleAddresses,
} from "./local-addresses.ts";
import { applyMigrations, DEFAULT_STATE } from "./migrations.mjs";
import { readRules } from "./path-rule.ts";
import { printable } from "./printable.ts";
import { configName, mainOf, migrationsFolder, type ProjectConfig, readConfig } from "./project-config.ts";
import { languagesOf } from "./project-languages.ts";
import { claimState } from "./running-instance.ts";
import { faultsOfFiles, shownFiles } from "./site-files.ts";
import { listSites } from "./sites/site-store.ts";
import type { SitesPlace } from "./sites/sites-place.ts";
import { patternsIn, unguardedFaults } from "./unguarded-assets.ts";
import { startWorker } from "./worker-process.ts";
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
    .option("--https", "serves the site with TLS, by a certificate made on this machine, as Safari needs it")
    .option("--quiet", "prints errors only")
    .action(({ port, simulatorPort, https = false, persistTo, settings, quiet = false }) => {
      const { root } = context;
      const state = persistTo ?? join(root, DEFAULT_STATE);
      const asked = { sitePort: port, simulatorPort, https };
      return start({ root, asked, state, settingsFile: settings, quiet }, context);
    });
}

interface Options {
  /** The project's folder. */
  readonly root: string;
  readonly asked: AskedAddresses;
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
  stream.write(
    `${styleText("dim", time, { stream })} ${styleText(colour, printable(line.text), { stream })}\n`,
  );
}

/** How long, in milliseconds, to wait between two questions whether the worker is there, and before a sign of life. */
const ASK_EVERY = 100;
const SIGN_OF_LIFE = 20_000;

/** Waits until the worker answers at all; what it answers is its own affair. */
async function untilAnswered(url: string, signal: AbortSignal, { tell }: CommandContext): Promise<void> {
  const signs = setInterval(() => tell("Still waiting for the worker to answer …"), SIGN_OF_LIFE);
  try {
    while (!signal.aborted && !(await isAnswered(url))) await pause(ASK_EVERY);
  } finally {
    clearInterval(signs);
  }
}

/** Whether somebody answers there. The certificate of a site on this machine is nobody's but its own. */
function isAnswered(url: string): Promise<boolean> {
  const { get } = url.startsWith("https:") ? https : http;
  return new Promise((resolve) => {
    const options = { rejectUnauthorized: false, timeout: 5000 };
    get(url, options, (answer) => {
      answer.destroy();
      resolve(true);
    })
      .on("timeout", function (this: http.ClientRequest) {
        this.destroy();
      })
      .on("error", () => resolve(false));
  });
}

function printBanner(
  { root, stdout }: CommandContext,
  addresses: LocalAddresses,
  settings: Record<string, string>,
  settingsFile: string,
): void {
  const simulator = addresses.simulatorPort;
  const strong = (text: string) => styleText("bold", text, { stream: stdout });
  const rows: readonly (readonly [string, string])[] = [
    ["Site", strong(addresses.site)],
    simulator === undefined
      ? [
          "Vipps",
          printable(settings.VIPPS_ISSUER ?? `the ${settings.VIPPS_ENVIRONMENT ?? "test"} environment`),
        ]
      : [
          "Simulator",
          `${strong(`http://127.0.0.1:${simulator}/simulator/control`)}  stands in for Vipps MobilePay`,
        ],
    ["Settings", printable(`${relative(root, settingsFile) || settingsFile} and ${configName(root)}`)],
    ...(addresses.isHttps
      ? [["Certificate", "made here: the browser warns once, and you let it through"] as const]
      : []),
    ["Stop", "Ctrl-C"],
  ];
  stdout.write(`\n${rows.map(([name, value]) => `  ${name.padEnd(13)}${value}\n`).join("")}\n`);
}

/** Runs the worker until somebody ends it, and anew whenever the settings file says something else. */
async function start(options: Options, context: CommandContext): Promise<void> {
  const settingsFile = options.settingsFile ?? join(options.root, ".dev.vars");
  let site: string | undefined;
  const claim = await claimState(options.state, () => ({ pid: process.pid, site }));
  if ("heldBy" in claim) {
    const { pid, site: where } = claim.heldBy;
    throw new CommandError(
      `The worker is already running here (process ${pid}): ${where ?? "it is just starting"}. Stop it first, or give this one its own storage with --persist-to.`,
    );
  }
  const stopping = new AbortController();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, () => stopping.abort());
  let settings = completedSettings(settingsFile, options.asked);
  refuseUnguardedAssets(readConfig(options.root), settings);
  try {
    while (!stopping.signal.aborted) {
      const changed = settingsOtherThan(settings, settingsFile, options, context);
      const end = AbortSignal.any([stopping.signal, changed.signal]);
      await runOnce(
        { ...options, settings, end, onSite: (address) => (site = address) },
        settingsFile,
        context,
      );
      settings = completedSettings(settingsFile, options.asked);
      changed.stop();
    }
  } finally {
    claim.release();
  }
}

/** What is made says the ports that were asked for: other commands read there where the site is. */
function completedSettings(
  settingsFile: string,
  { sitePort, simulatorPort }: AskedAddresses,
): Record<string, string> {
  completeDevVars(settingsFile, {
    ...(sitePort && { sitePort }),
    ...(simulatorPort && { simulatorPort }),
  });
  return readDevVars(settingsFile);
}

/** Editors write a file in several steps, in milliseconds. */
const SETTLED_AFTER = 200;

/** Aborts its signal when the settings file says something that can be run with and is not what it said before. */
function settingsOtherThan(
  present: Readonly<Record<string, string>>,
  settingsFile: string,
  { root, quiet }: Options,
  { print, tell }: CommandContext,
) {
  const changed = new AbortController();
  const look = () => {
    const settings = readDevVars(settingsFile);
    if (isDeepStrictEqual(settings, present)) return;
    try {
      refuseUnguardedAssets(readConfig(root), settings);
    } catch (error) {
      if (!isPlain(error)) throw error;
      tell(`${basename(settingsFile)} changed, but not for use: ${error.message}`);
      return;
    }
    if (!quiet) print(`${basename(settingsFile)} changed: starting anew with it.`);
    changed.abort();
  };
  let waiting: NodeJS.Timeout | undefined;
  const name = basename(settingsFile);
  // The folder, because an editor may put a new file in place of the old one.
  const watcher = watch(dirname(settingsFile), { persistent: false }, (_event, file) => {
    if (file !== null && file !== name) return;
    clearTimeout(waiting);
    waiting = setTimeout(look, SETTLED_AFTER);
  });
  const stop = () => {
    clearTimeout(waiting);
    watcher.close();
  };
  return { signal: changed.signal, stop };
}

interface Run extends Options {
  readonly settings: Record<string, string>;
  /** Ends the run. */
  readonly end: AbortSignal;
  readonly onSite: (address: string) => void;
}

/** Where wrangler lets a cron trigger fire, which nothing does by itself on this machine; and how often it is made to. */
const LOOK_FOR_EVENTS = `/cdn-cgi/local/scheduled?cron=${encodeURIComponent("*/5 * * * *")}`;
const MINUTE = 60_000;

/** @throws {CommandError} when the worker ends by itself */
async function runOnce(run: Run, settingsFile: string, context: CommandContext): Promise<void> {
  const { root, state, settings, quiet, end } = run;
  const config = readConfig(root);
  const addresses = await settleAddresses(settings, run.asked);
  run.onSite(addresses.site);
  const effective = { ...varsOf(config), ...settings, ...addresses.overrides };
  const { vars = {} }: StartConfig = config.values;
  const given = { ...vars, ...settings, ...addresses.overrides };
  const isLanguage = languagesOf(mainOf(config));
  for (const fault of faultsOfLocalWorker(given, bindingsOf(config.values), isLanguage, addresses.site))
    context.tell(`${fault}. docs/configuration.md has every setting.`);
  for (const fault of fileFaults(root, config, settings)) context.tell(fault);
  const print = (text: string) => (quiet ? undefined : context.print(text));
  for (const note of addresses.notes) print(note);
  // Without the keys of further sites the worker serves none, so there is nothing to look for.
  if (effective.SITES_KEYS) {
    const storage = await openSession({ root, remote: false, environment: undefined, persistTo: state });
    for (const note of notesOnFurther([...(await listSites(storage)).keys()], addresses.sitePort))
      print(note);
    await storage.close();
  }
  if ((await applyMigrations(root, state, migrationsFolder(root))) === "applied")
    print("Database migrations applied.");

  const place = { root, environment: undefined, persistTo: state, settingsFile };
  const simulator = await startSimulatorOn(addresses.simulatorPort, effective, place);
  const worker = startWorker({
    ...{ root, state, quiet, settingsFile: run.settingsFile, overrides: addresses.overrides },
    ...{ port: addresses.sitePort, https: addresses.isHttps },
    // What wrangler and esbuild say while they are being ended is of no use to anyone.
    onOutput: (line) => end.aborted || printOutput(context, line),
  });
  const stop = () => void worker.stop();
  end.addEventListener("abort", stop);
  if (end.aborted) stop();
  const gone = new AbortController();
  const ended = worker.ended.finally(() => gone.abort());
  const authPath = effective.AUTH_PATH ?? settingTable().AUTH_PATH.default;
  await untilAnswered(`${addresses.site}${authPath}/health`, gone.signal, context);
  if (!gone.signal.aborted && !end.aborted) printBanner(context, addresses, effective, settingsFile);

  const looking = bindingsOf(config.values).has("EVENTS_QUEUE")
    ? setInterval(() => void isAnswered(`${addresses.site}${LOOK_FOR_EVENTS}`), MINUTE)
    : undefined;
  const fault = await ended;
  clearInterval(looking);
  await simulator?.close();
  if (!end.aborted)
    throw new CommandError(`The worker has stopped: ${fault ?? "wrangler ended without a word."}`);
}

/** @throws {CommandError} where the configuration shows something protected without the worker */
function refuseUnguardedAssets(
  { name, values }: ProjectConfig,
  settings: Readonly<Record<string, string>>,
): void {
  const { assets, vars = {} }: StartConfig = values;
  if (assets === undefined) return;
  const protectedPaths = patternsOf(settings.PROTECTED_PATHS ?? vars.PROTECTED_PATHS);
  const routing = { workerFirst: assets.run_worker_first ?? false, notFound: assets.not_found_handling };
  const authPath = settings.AUTH_PATH ?? (writtenAsText(vars.AUTH_PATH) || settingTable().AUTH_PATH.default);
  const faults = unguardedFaults(routing, { protectedPaths, authPath });
  if (faults.length > 0) throw new CommandError(`${name}: ${faults.join(" ")} See docs/site.md.`);
}

/** The patterns of PROTECTED_PATHS; of one that the worker refuses, those that can be made out. */
function patternsOf(value: unknown): readonly string[] {
  const read = readRules(value);
  return "rules" in read ? read.rules.map(patternOf) : patternsIn(writtenAsText(value));
}

/** What is wrong with the files of the site, for people. */
function fileFaults(
  root: string,
  { values }: ProjectConfig,
  settings: Readonly<Record<string, string>>,
): readonly string[] {
  const { assets, vars = {} }: StartConfig = values;
  const shown = assets?.directory === undefined ? undefined : shownFiles(root, assets.directory);
  if (shown === undefined || assets?.binding === undefined) return [];
  const setting = (name: string) => settings[name] ?? writtenAsText(vars[name]);
  const isAll = setting("ORIGIN_URL") === "" && assets.not_found_handling !== "single-page-application";
  const patterns = patternsOf(settings.PROTECTED_PATHS ?? vars.PROTECTED_PATHS);
  const { secrets, unused } = faultsOfFiles(shown, isAll ? patterns : []);
  return [secrets && `${secrets} Name it in ${shown.folder}/.assetsignore.`, unused].filter(
    (fault) => fault !== undefined,
  );
}

/** What the start reads of the configuration. */
interface StartConfig {
  readonly assets?: {
    readonly directory?: string;
    readonly run_worker_first?: boolean | readonly string[];
    readonly not_found_handling?: string;
    readonly binding?: string;
  };
  readonly vars?: Readonly<Record<string, unknown>>;
  readonly kv_namespaces?: readonly { readonly binding: string }[];
  readonly d1_databases?: readonly { readonly binding: string }[];
  readonly durable_objects?: { readonly bindings?: readonly { readonly name: string }[] };
  readonly queues?: { readonly producers?: readonly { readonly binding: string }[] };
}

/** The vars as settings of the environment are written: lists with blanks between their members. */
function varsOf({ values }: ProjectConfig): Record<string, string> {
  const { vars = {} }: StartConfig = values;
  return Object.fromEntries(Object.entries(vars).map(([name, value]) => [name, writtenAsText(value)]));
}

/** The names of what the top level of the configuration binds. */
function bindingsOf(config: StartConfig): ReadonlySet<string> {
  const { assets, kv_namespaces: kv = [], d1_databases: d1 = [], durable_objects: objects, queues } = config;
  const names = [...kv, ...d1].map(({ binding }) => binding);
  names.push(...(objects?.bindings ?? []).map(({ name }) => name));
  names.push(...(queues?.producers ?? []).map(({ binding }) => binding));
  return new Set(assets?.binding === undefined ? names : [...names, assets.binding]);
}

/** What the simulator has to know of the further sites stored here (docs/many-sites.md). */
async function unitsOfSites(place: SitesPlace, env: Record<string, string>) {
  const { simulatedUnits } = await import("./sites/simulated-units.ts");
  return simulatedUnits(place, env);
}

async function startSimulatorOn(port: number | undefined, env: Record<string, string>, place: SitesPlace) {
  if (port === undefined) return undefined;
  const { startSimulator } = await import("../simulator/server.ts");
  try {
    const salesUnits = env.SITES_KEYS ? await unitsOfSites(place, env) : [];
    return await startSimulator({ port, host: "127.0.0.1", env, salesUnits });
  } catch (error) {
    throw new CommandError(error instanceof Error ? error.message : String(error));
  }
}
