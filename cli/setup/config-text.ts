// The answers of the set-up in the project's configuration.

import { relative, resolve, sep } from "node:path";
import { diff } from "node:util";
import { writtenAsText } from "../../src/settings/kinds.ts";
import {
  type ConfigTable,
  environmentIn,
  isTable,
  type ProjectConfig,
  parseConfig,
  tablesIn,
  withValues,
} from "../project-config.ts";
import type { Answers, Behind } from "./answers.ts";

/** One environment as it stands in the configuration. */
export interface EnvironmentConfig {
  readonly workerName: string;
  readonly vars: Readonly<Record<string, string>>;
  /** The titles that a deployment gives to namespaces whose bindings have no id, by binding. */
  readonly kv: ReadonlyMap<string, string>;
  readonly d1: readonly { readonly name: string; readonly id: string | undefined }[];
  /** The names of all queues that it names. */
  readonly queues: readonly string[];
}

const textOf = (value: unknown): string | undefined =>
  typeof value === "string" && value !== "" ? value : undefined;

/** @param environment the empty name is the top level. @throws {CommandError} */
export function readEnvironment(config: ProjectConfig, environment: string): EnvironmentConfig {
  const section = environmentIn(config, environment);
  const vars = isTable(section.vars) ? section.vars : {};
  const top = textOf(config.values.name) ?? "vipps-login-worker";
  const workerName = environment === "" ? top : (textOf(section.name) ?? `${top}-${environment}`);
  return {
    workerName,
    vars: Object.fromEntries(Object.entries(vars).map(([name, value]) => [name, writtenAsText(value)])),
    kv: new Map(
      tablesIn(section.kv_namespaces)
        .filter(({ id }) => textOf(id) === undefined)
        .map(({ binding }) => [String(binding), resourceName(workerName, String(binding))]),
    ),
    d1: tablesIn(section.d1_databases).map(({ binding, database_name, database_id }) => ({
      name: textOf(database_name) ?? resourceName(workerName, String(binding)),
      id: textOf(database_id),
    })),
    queues: queuesIn(section),
  };
}

/** The queue, and the one for what cannot be taken from it, each once. */
function queuesIn({ queues }: ConfigTable): readonly string[] {
  if (!isTable(queues)) return [];
  const tables = [...tablesIn(queues.producers), ...tablesIn(queues.consumers)];
  const names = tables.flatMap(({ queue, dead_letter_queue: dead }) => [textOf(queue), textOf(dead)]);
  return [...new Set(names.filter((name) => name !== undefined))];
}

/** As wrangler itself names what it makes for a binding, so that what it made is found again. */
export const resourceName = (workerName: string, binding: string): string =>
  `${workerName}-${binding.toLowerCase().replaceAll("_", "-")}`;

/**
 * The text with the answers in one environment. Comments, order and all else stay as they are.
 * @param root the project's folder
 * @throws {CommandError}
 */
export function withAnswers(
  config: ProjectConfig,
  environment: string,
  answers: Answers,
  root: string,
): string {
  const values = parseConfig(config.text, config.name);
  const section = environmentIn({ name: config.name, values }, environment);
  const vars = isTable(section.vars) ? section.vars : {};
  section.vars = vars;
  for (const [name, value = ""] of Object.entries(answers.values)) {
    if (value.trim() === "") delete vars[name];
    else vars[name] = value.trim();
  }
  if (writtenAsText(vars.EVENTS_URL) !== "") putQueue(section, values, environment);
  if (answers.behind !== undefined) putBehind({ section, vars, top: values, root }, answers.behind);
  putRoute(section, URL.parse(writtenAsText(vars.SITE_URL))?.hostname, answers);
  return withValues(config, values);
}

/** The text with ids of namespaces beside their bindings. @throws {CommandError} */
export function withKvIds(
  config: ProjectConfig,
  environment: string,
  ids: Readonly<Record<string, string>>,
): string {
  const values = parseConfig(config.text, config.name);
  const section = environmentIn({ name: config.name, values }, environment);
  for (const namespace of tablesIn(section.kv_namespaces)) {
    const id = ids[String(namespace.binding)];
    if (id !== undefined) namespace.id = id;
  }
  return withValues(config, values);
}

interface Place {
  readonly section: ConfigTable;
  readonly vars: ConfigTable;
  readonly top: ConfigTable;
  readonly root: string;
}

/** The queue through which events go, and the trigger that looks for what it left over, unless they are there. */
function putQueue(section: ConfigTable, top: ConfigTable, environment: string): void {
  const { workerName } = readEnvironment({ name: "", path: "", text: "", values: top }, environment);
  const producers = isTable(section.queues) ? tablesIn(section.queues.producers) : [];
  if (!producers.some(({ binding }) => binding === "EVENTS_QUEUE")) {
    const queue = `${workerName}-events`;
    section.queues = {
      ...(isTable(section.queues) ? section.queues : {}),
      producers: [...producers, { binding: "EVENTS_QUEUE", queue }],
      consumers: [
        ...(isTable(section.queues) ? tablesIn(section.queues.consumers) : []),
        {
          queue,
          max_batch_size: 10,
          max_batch_timeout: 1,
          max_retries: 20,
          dead_letter_queue: `${queue}-dead`,
        },
      ],
    };
  }
  const triggers = isTable(section.triggers)
    ? section.triggers
    : isTable(top.triggers)
      ? top.triggers
      : undefined;
  const crons = Array.isArray(triggers?.crons) ? triggers.crons : [];
  if (!crons.includes(EVENTS_CRON)) section.triggers = { crons: [...crons, EVENTS_CRON] };
}

/** As src/scheduled-work.ts knows it. */
const EVENTS_CRON = "*/5 * * * *";

function putBehind({ section, vars, top, root }: Place, behind: Behind): void {
  if (behind.kind === "origin") vars.ORIGIN_URL = behind.url;
  else delete vars.ORIGIN_URL;
  const inherited = section !== top && isTable(top.assets) ? top.assets.directory : undefined;
  if (behind.kind === "assets")
    section.assets = {
      directory: fromRoot(root, behind.directory),
      binding: "ASSETS",
      run_worker_first: true,
      not_found_handling: "404-page",
    };
  // An environment cannot do without the assets of the top level, but without a binding nobody sees them.
  else if (inherited !== undefined) section.assets = { directory: inherited, run_worker_first: true };
  else delete section.assets;
}

/** A folder as it stands in the configuration on any machine: from the project's own, with slashes. */
function fromRoot(root: string, folder: string): string {
  const path = relative(root, resolve(root, folder)).split(sep).join("/");
  return path === "" ? "." : path;
}

function putRoute(section: ConfigTable, host: string | undefined, { route, behind }: Answers): void {
  const isOwnAddress =
    host === undefined || host.endsWith(".workers.dev") || /^(localhost|127\.0\.0\.1)$/.test(host);
  // A site with a server behind its DNS record keeps that record; any other host becomes the worker's own.
  const usual = isOwnAddress ? "none" : behind?.kind === "route" ? `${host}/*` : "custom-domain";
  // What was set by hand is left alone unless something else is asked for.
  if (route === undefined && (section.routes !== undefined || section.route !== undefined)) return;
  const wanted = route ?? usual;
  delete section.route;
  if (wanted === "none") delete section.routes;
  else section.routes = wanted === "custom-domain" ? [{ pattern: host, custom_domain: true }] : [wanted];
  if (host?.endsWith(".workers.dev")) section.workers_dev = true;
}

/** What changes from one text to the other, line by line; nothing where they are the same. */
export function changedLines(before: string, after: string): readonly string[] {
  if (before === after) return [];
  return diff(before.split("\n"), after.split("\n")).flatMap(([operation, line]) =>
    operation === 0 ? [] : [`${operation === 1 ? "-" : "+"} ${line}`],
  );
}
