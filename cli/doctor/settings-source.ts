import { execFile } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { promisify } from "node:util";
import type { Unstable_Config } from "wrangler";
import { writtenAsText } from "../../src/settings/kinds.ts";
import { secretNames } from "../../src/settings/table.ts";
import * as cloudflare from "../cloudflare-commands.ts";
import { CommandError } from "../command-error.mjs";
import { readDevVars } from "../dev-vars.mjs";
import { pendingMigrations } from "../migrations.mjs";
import { findConfig, migrationsFolder, sectionName } from "../project-config.ts";
import { languagesOf } from "../project-languages.ts";
import { shownFiles } from "../site-files.ts";

/** The settings to examine and everything known around them. */
export interface SettingsSource {
  /** In words, such as "wrangler.toml and .dev.vars". */
  readonly name: string;
  /** The file of the project's configuration, such as "wrangler.jsonc". */
  readonly configName: string;
  /** The environment of it; undefined for the top level. */
  readonly environment: string | undefined;
  /** Every setting by name as text, secrets included, as far as they can be had here. */
  readonly values: Readonly<Record<string, string>>;
  /** The part of them that stands in wrangler.toml, as TOML or JSON has it: numbers, booleans, lists. */
  readonly vars: Readonly<Record<string, unknown>>;
  /** Whether a secret that is not among the values may be at Cloudflare, where nobody can read it. */
  readonly secretsElsewhere: boolean;
  /** Names of the secrets at Cloudflare; undefined where it was not asked. */
  readonly deployedSecrets: readonly string[] | undefined;
  /** Settings of other environments, by the name of their file: a secret belongs to one of them alone. */
  readonly otherEnvironments: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** The files with settings on this machine, and their permission bits, where the system has any. */
  readonly settingsFiles: readonly { readonly path: string; readonly mode: number | undefined }[];
  /** The files that git tracks, as they are here; undefined where there is no git. */
  readonly trackedFiles: readonly { readonly path: string; readonly text: string }[] | undefined;
  /** Whether the Worker can show pages in a language, as far as the project's code says. */
  readonly isLanguage: (code: string) => boolean;
  /** What stands in the way of putting the settings together at all; for a further site only. */
  readonly faults?: readonly string[];
  /** Undefined where the worker's configuration is another's affair. */
  readonly worker: WorkerConfig | undefined;
  /** Migrations that are not applied; undefined where that cannot be seen. */
  readonly pendingMigrations: readonly string[] | undefined;
}

export interface LocalSourceOptions {
  /** The project's folder. */
  readonly root: string;
  /** The environment of wrangler.toml; undefined for the top level. */
  readonly environment: string | undefined;
  /** A settings file in place of .dev.vars or .dev.vars.NAME. */
  readonly settingsFile: string | undefined;
  /** Another wrangler.toml. */
  readonly configFile: string | undefined;
  /** Where the local storage is; undefined for wrangler's own place. */
  readonly persistTo?: string | undefined;
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
  const isThere = existsSync(settingsFile);
  if (options.settingsFile !== undefined && !isThere)
    throw new CommandError(`There is no file ${options.settingsFile}.`);
  const { vars, worker, isLanguage } = await readConfig(configFile, environment);
  const inProcess = environment === undefined ? {} : secretsOf(options.processEnv);
  const shown = (path: string) => {
    const near = relative(process.cwd(), path);
    return near.startsWith("..") ? path : near || basename(path);
  };
  const section = environment === undefined ? "" : ` ${sectionName(configFile, environment)}`;
  const mode = isThere && process.platform !== "win32" ? statSync(settingsFile).mode : undefined;
  // Another configuration is not the project's, whose migrations are where they always are.
  const migrations = options.configFile === undefined ? migrationsFolder(root) : undefined;
  return {
    name: `${shown(configFile)}${section}${isThere ? ` and ${shown(settingsFile)}` : ""}`,
    configName: basename(configFile),
    environment,
    values: { ...textsOf(vars), ...readDevVars(settingsFile), ...inProcess },
    vars,
    secretsElsewhere: environment !== undefined,
    deployedSecrets: undefined,
    otherEnvironments: otherEnvironments(root, settingsFile),
    settingsFiles: isThere ? [{ path: shown(settingsFile), mode }] : [],
    trackedFiles: await trackedFiles(root),
    isLanguage,
    worker,
    pendingMigrations:
      environment === undefined ? pendingMigrations(root, migrations, options.persistTo) : undefined,
  };
}

/**
 * Adds what only Cloudflare knows: which secrets the deployed worker has, and which migrations are not applied.
 * @throws {CommandError}
 */
export async function withRemote(
  run: cloudflare.RunCommand,
  source: SettingsSource,
): Promise<SettingsSource> {
  const { environment = "", worker } = source;
  const [secrets, migrations] = await Promise.all([
    cloudflare.secretNames(run, environment),
    worker?.bindings.has("ACCOUNTS_DB") === true
      ? cloudflare.outputOf(run, cloudflare.listRemoteMigrations(environment))
      : undefined,
  ]);
  const files =
    migrations === undefined ? undefined : [...new Set(migrations.match(/\b[\w.-]+\.sql\b/g) ?? [])];
  return { ...source, deployedSecrets: [...secrets], pendingMigrations: files };
}

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
  return Object.fromEntries(secretNames().flatMap((name) => (env[name] ? [[name, env[name]]] : [])));
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

/** What wrangler.toml says of the worker, for one environment. */
export type WorkerConfig = Awaited<ReturnType<typeof readConfig>>["worker"];

/** @throws {CommandError} with what wrangler says of the file */
async function readConfig(configFile: string, environment: string | undefined) {
  if (!existsSync(configFile)) throw new CommandError(`There is no file ${configFile}.`);
  // wrangler refuses an environment that is not there in many words, so it is looked for first.
  const top = await wranglerConfig(configFile, undefined);
  if (environment !== undefined && !top.definedEnvironments?.includes(environment))
    throw new CommandError(
      `${basename(configFile)} has no ${sectionName(basename(configFile), environment)}.`,
    );
  const config = environment === undefined ? top : await wranglerConfig(configFile, environment);
  const { assets, queues } = config;
  const routes = [...(config.route === undefined ? [] : [config.route]), ...(config.routes ?? [])];
  const eventQueue = queues.producers?.find(({ binding }) => binding === "EVENTS_QUEUE")?.queue;
  return {
    vars: config.vars,
    isLanguage: languagesOf(config.main),
    worker: {
      compatibilityDate: config.compatibility_date,
      /** What each is, by the name of the binding. */
      bindings: new Map<string, string>([
        ...config.kv_namespaces.map(({ binding }) => [binding, "kv"] as const),
        ...config.d1_databases.map(({ binding }) => [binding, "d1"] as const),
        ...config.durable_objects.bindings.map(({ name }) => [name, "durable object"] as const),
        ...(queues.producers ?? []).map(({ binding }) => [binding, "queue"] as const),
        ...(config.ratelimits ?? []).map(({ name }) => [name, "rate limiter"] as const),
        ...(assets?.binding === undefined ? [] : [[assets.binding, "assets"] as const]),
      ]),
      /** The folder of the static assets, as written. Without a binding they are uploaded and never shown. */
      assets: assets?.binding === undefined ? undefined : assets.directory,
      /** The files that are shown of it; undefined where there are none. */
      shownFiles:
        assets?.binding === undefined || assets.directory === undefined
          ? undefined
          : shownFiles(dirname(configFile), assets.directory),
      /** What of the assets passes the worker; undefined where there are none. */
      assetRouting:
        assets?.directory === undefined
          ? undefined
          : { workerFirst: assets.run_worker_first ?? false, notFound: assets.not_found_handling },
      /** Classes of Durable Objects that the migrations leave, by name. */
      objectClasses: classesAfter(config.migrations),
      /** Patterns such as `www.example.com/*`; a custom domain stands for all its paths. */
      routes: routes.map((route) => (typeof route === "string" ? route : route.pattern)),
      workersDev: config.workers_dev ?? routes.length === 0,
      crons: config.triggers.crons ?? [],
      logsAddresses: logsAddresses(config.observability),
      /** Whether what goes into the queue EVENTS_QUEUE comes back to this Worker. */
      consumesEvents: queues.consumers?.some((consumer) => consumer.queue === eventQueue) === true,
    },
  };
}

/** Whether Cloudflare keeps lines of its own that have the address of each request, codes and state among them. */
function logsAddresses(kept: Unstable_Config["observability"]): boolean {
  const areLinesKept = kept?.logs?.enabled ?? kept?.enabled ?? false;
  return areLinesKept && !(kept?.redact_query_string === true && kept.logs?.invocation_logs === false);
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

async function trackedFiles(root: string): Promise<SettingsSource["trackedFiles"]> {
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
