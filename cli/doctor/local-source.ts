import { execFile } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { basename, join, relative, resolve } from "node:path";
import { promisify } from "node:util";
import type { Unstable_Config } from "wrangler";
import { writtenAsText } from "../../src/settings/kinds.ts";
import { secretNames } from "../../src/settings/table.ts";
import { CommandError } from "../command-error.mjs";
import { readDevVars } from "../dev-vars.mjs";
import { pendingMigrations } from "../migrations.mjs";
import { findConfig, migrationsFolder, sectionName } from "../project-config.ts";
import type { SettingsSource, TrackedFile, WorkerConfig } from "./settings-source.ts";

export interface LocalSourceOptions {
  /** The project's folder. */
  readonly root: string;
  /** The environment of wrangler.toml; undefined for the top level. */
  readonly environment: string | undefined;
  /** A settings file in place of .dev.vars or .dev.vars.NAME. */
  readonly settingsFile: string | undefined;
  /** Another wrangler.toml. */
  readonly configFile: string | undefined;
  /** Secrets as they stand in the environment of the process, for pipelines. */
  readonly processEnv: Readonly<Record<string, string | undefined>>;
}

/**
 * The settings on this machine: wrangler.toml and, over it, the settings file. An environment of wrangler.toml has
 * its secrets at Cloudflare, so for one the process's environment is looked at too.
 * @throws {CommandError}
 */
export async function readLocalSource(options: LocalSourceOptions): Promise<SettingsSource> {
  const { root, environment } = options;
  const configFile = options.configFile ?? findConfig(root);
  const settingsFile =
    options.settingsFile ?? join(root, environment === undefined ? ".dev.vars" : `.dev.vars.${environment}`);
  if (options.settingsFile !== undefined && !existsSync(settingsFile))
    throw new CommandError(`There is no file ${options.settingsFile}.`);
  const { vars, worker } = await readConfig(configFile, environment);
  const inFile = readDevVars(settingsFile);
  const inProcess = environment === undefined ? {} : secretsOf(options.processEnv);
  const shown = (path: string) => {
    const near = relative(process.cwd(), path);
    return near.startsWith("..") ? path : near || basename(path);
  };
  const section = environment === undefined ? "" : ` ${sectionName(configFile, environment)}`;
  return {
    name: [`${shown(configFile)}${section}`, existsSync(settingsFile) && shown(settingsFile)]
      .filter((part) => part !== false)
      .join(" and "),
    environment,
    values: { ...textsOf(vars), ...inFile, ...inProcess },
    vars,
    secretsElsewhere: environment !== undefined,
    deployedSecrets: undefined,
    otherEnvironments: otherEnvironments(root, settingsFile),
    settingsFiles: existsSync(settingsFile)
      ? [
          {
            path: shown(settingsFile),
            mode: process.platform === "win32" ? undefined : statSync(settingsFile).mode,
          },
        ]
      : [],
    trackedFiles: await trackedFiles(root),
    worker,
    pendingMigrations:
      environment === undefined ? pendingMigrations(root, localMigrations(options)) : undefined,
  };
}

/** Another configuration is not the project's, whose migrations are where they always are. */
const localMigrations = ({ root, configFile }: LocalSourceOptions): string | undefined =>
  configFile === undefined ? migrationsFolder(root) : undefined;

/** Variables as text. */
function textsOf(vars: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(Object.entries(vars).map(([name, value]) => [name, writtenAsText(value)]));
}

/**
 * The settings of a deployment as far as they can be had on this machine: wrangler.toml's, over them those of the
 * settings file, and over these the secrets among the variables of this process.
 * @param environment "" for the top level of wrangler.toml as it is deployed, whose secrets are at Cloudflare;
 *   undefined for this machine.
 * @throws {CommandError}
 */
export async function readDeployment({
  root,
  environment,
  settingsFile,
  processEnv,
}: Omit<LocalSourceOptions, "configFile">): Promise<Readonly<Record<string, unknown>>> {
  const { vars } = await readConfig(findConfig(root), environment || undefined);
  if (environment === undefined) return { ...vars, ...readDevVars(settingsFile ?? join(root, ".dev.vars")) };
  // .dev.vars is this machine's alone.
  const file = settingsFile ?? (environment === "" ? undefined : join(root, `.dev.vars.${environment}`));
  return { ...vars, ...(file !== undefined && readDevVars(file)), ...secretsOf(processEnv) };
}

function secretsOf(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    secretNames().flatMap((name) => {
      const value = env[name];
      return value === undefined || value === "" ? [] : [[name, value]];
    }),
  );
}

/** What the settings files of the other environments hold, by the names of the files. */
function otherEnvironments(root: string, settingsFile: string): Record<string, Record<string, string>> {
  const names = [".dev.vars", ".dev.vars.staging", ".dev.vars.production"];
  return Object.fromEntries(
    names
      .map((name) => join(root, name))
      .filter((path) => path !== resolve(settingsFile) && existsSync(path))
      .map((path) => [basename(path), readDevVars(path)]),
  );
}

interface Config {
  readonly vars: Readonly<Record<string, unknown>>;
  readonly worker: WorkerConfig;
}

/** @throws {CommandError} with what wrangler says of the file */
async function readConfig(configFile: string, environment: string | undefined): Promise<Config> {
  if (!existsSync(configFile)) throw new CommandError(`There is no file ${configFile}.`);
  // wrangler refuses an environment that is not there in many words, so it is looked for first.
  const top = await wranglerConfig(configFile, undefined);
  if (environment !== undefined && !top.definedEnvironments?.includes(environment))
    throw new CommandError(
      `${basename(configFile)} has no ${sectionName(basename(configFile), environment)}.`,
    );
  const config = environment === undefined ? top : await wranglerConfig(configFile, environment);
  const bindings = new Map<string, string>([
    ...config.kv_namespaces.map(({ binding }) => [binding, "kv"] as const),
    ...config.d1_databases.map(({ binding }) => [binding, "d1"] as const),
    ...config.durable_objects.bindings.map(({ name }) => [name, "durable object"] as const),
    ...(config.queues?.producers ?? []).map(({ binding }) => [binding, "queue"] as const),
    ...(config.ratelimits ?? []).map(({ name }) => [name, "rate limiter"] as const),
  ]);
  if (config.assets?.binding !== undefined) bindings.set(config.assets.binding, "assets");
  const routes = [...(config.route === undefined ? [] : [config.route]), ...(config.routes ?? [])];
  return {
    vars: config.vars,
    worker: {
      compatibilityDate: config.compatibility_date,
      bindings,
      // Without a binding they are uploaded and never shown.
      assets: config.assets?.binding === undefined ? undefined : config.assets.directory,
      assetRouting:
        config.assets?.directory === undefined
          ? undefined
          : {
              workerFirst: config.assets.run_worker_first ?? false,
              notFound: config.assets.not_found_handling,
            },
      objectClasses: classesAfter(config.migrations),
      routes: routes.map((route) => (typeof route === "string" ? route : route.pattern)),
      workersDev: config.workers_dev ?? routes.length === 0,
      crons: config.triggers.crons ?? [],
      consumesEvents: consumesEvents(config),
    },
  };
}

/** Whether what goes into the queue of events comes back to this Worker. */
function consumesEvents({ queues }: Unstable_Config): boolean {
  const queue = queues.producers?.find(({ binding }) => binding === "EVENTS_QUEUE")?.queue;
  return queues.consumers?.some((consumer) => consumer.queue === queue) === true;
}

async function wranglerConfig(configFile: string, environment: string | undefined): Promise<Unstable_Config> {
  process.env.WRANGLER_LOG ??= "error";
  const { unstable_readConfig: read } = await import("wrangler");
  try {
    return read(
      { config: configFile, ...(environment !== undefined && { env: environment }) },
      { hideWarnings: true },
    );
  } catch (error) {
    const lines = String(error instanceof Error ? error.message : error).split("\n");
    const line = lines
      .map((text) => text.trim())
      .find((text) => text !== "" && !text.startsWith("Processing"));
    throw new CommandError(`${basename(configFile)} cannot be read: ${line ?? "wrangler does not say why."}`);
  }
}

/** Larger files hold no settings. In bytes. */
const LARGEST = 1024 * 1024;

/** The files that git tracks, as they are here. */
async function trackedFiles(root: string): Promise<readonly TrackedFile[] | undefined> {
  const run = promisify(execFile);
  const list = await run("git", ["ls-files", "-z"], { cwd: root, maxBuffer: 64 * LARGEST }).catch(
    () => undefined,
  );
  return list?.stdout
    .split("\0")
    .filter((path) => path !== "" && existsSync(join(root, path)) && statSync(join(root, path)).isFile())
    .filter((path) => statSync(join(root, path)).size <= LARGEST)
    .map((path) => ({ path, text: readFileSync(join(root, path), "utf8") }));
}

/** The classes that are there once every migration has been applied, in their order. */
function classesAfter(migrations: Unstable_Config["migrations"]): readonly string[] {
  const classes = new Set<string>();
  for (const migration of migrations) {
    const { renamed_classes: renamed = [], deleted_classes: deleted = [] } = migration;
    for (const name of [...(migration.new_classes ?? []), ...(migration.new_sqlite_classes ?? [])])
      classes.add(name);
    for (const name of [...deleted, ...renamed.map(({ from }) => from)]) classes.delete(name);
    for (const { to } of renamed) classes.add(to);
  }
  return [...classes].sort();
}
