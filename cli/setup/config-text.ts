import { diff } from "node:util";
import { parse, patch } from "@decimalturn/toml-patch";
import { writtenAsText } from "../../src/settings/kinds.ts";
import { CommandError } from "../command-error.mjs";
import type { Answers, Behind } from "./answers.ts";

/** The ids of what exists at Cloudflare, by binding. */
export interface ResourceIds {
  readonly kv: Readonly<Record<string, string>>;
  readonly d1: Readonly<Record<string, string>>;
}

/** One [env.NAME] as it stands in the text. */
export interface EnvironmentConfig {
  readonly workerName: string;
  readonly vars: Readonly<Record<string, string>>;
  readonly kv: readonly { readonly binding: string; readonly id: string | undefined }[];
  readonly d1: readonly {
    readonly binding: string;
    readonly name: string;
    readonly id: string | undefined;
  }[];
}

type Table = Record<string, unknown>;

const isTable = (value: unknown): value is Table =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const tablesIn = (value: unknown): readonly Table[] => (Array.isArray(value) ? value.filter(isTable) : []);

const textOf = (value: unknown): string | undefined =>
  typeof value === "string" && value !== "" ? value : undefined;

/** @throws {CommandError} */
function parsed(text: string): Table {
  try {
    const config: unknown = parse(text);
    if (isTable(config)) return config;
  } catch (error) {
    const [line] = (error instanceof Error ? error.message : String(error)).split("\n");
    throw new CommandError(`wrangler.toml cannot be read: ${line}`);
  }
  throw new CommandError("wrangler.toml cannot be read.");
}

/** @throws {CommandError} */
function environmentIn(config: Table, environment: string): Table {
  const section = isTable(config.env) ? config.env[environment] : undefined;
  if (isTable(section)) return section;
  throw new CommandError(
    `wrangler.toml has no [env.${environment}]. Copy [env.staging] and its parts under that name.`,
  );
}

/** @throws {CommandError} */
export function readEnvironment(text: string, environment: string): EnvironmentConfig {
  const config = parsed(text);
  const section = environmentIn(config, environment);
  const vars = isTable(section.vars) ? section.vars : {};
  const workerName = textOf(section.name) ?? `${textOf(config.name) ?? "vipps-login-worker"}-${environment}`;
  return {
    workerName,
    vars: Object.fromEntries(Object.entries(vars).map(([name, value]) => [name, writtenAsText(value)])),
    kv: tablesIn(section.kv_namespaces).map(({ binding, id }) => ({
      binding: String(binding),
      id: textOf(id),
    })),
    d1: tablesIn(section.d1_databases).map(({ binding, database_name, database_id }) => ({
      binding: String(binding),
      name: textOf(database_name) ?? resourceName(workerName, String(binding)),
      id: textOf(database_id),
    })),
  };
}

/** As wrangler itself names what it makes for a binding, so that what it made is found again. */
export const resourceName = (workerName: string, binding: string): string =>
  `${workerName}-${binding.toLowerCase().replaceAll("_", "-")}`;

/**
 * The text with the answers in [env.NAME]. Comments, order and all else stay as they are.
 * @throws {CommandError}
 */
export function withAnswers(text: string, environment: string, answers: Answers): string {
  const config = parsed(text);
  const section = environmentIn(config, environment);
  const vars = isTable(section.vars) ? section.vars : {};
  section.vars = vars;
  for (const [name, value = ""] of Object.entries(answers.values)) {
    if (value.trim() === "") delete vars[name];
    else vars[name] = value.trim();
  }
  if (answers.behind !== undefined) putBehind(section, vars, answers.behind);
  const site = URL.parse(String(vars.SITE_URL));
  if (site !== null) putRoute(section, site, answers);
  return written(text, config);
}

function putBehind(section: Table, vars: Table, behind: Behind): void {
  if (behind.kind === "origin") vars.ORIGIN_URL = behind.url;
  else delete vars.ORIGIN_URL;
  section.assets =
    behind.kind === "assets"
      ? {
          directory: behind.directory,
          binding: "ASSETS",
          run_worker_first: true,
          not_found_handling: "404-page",
        }
      : // An environment cannot do without the assets of the top level, but without a binding nobody sees them.
        { directory: "demo", run_worker_first: true };
}

function putRoute(section: Table, { hostname }: URL, { route, behind }: Answers): void {
  const isOwnAddress = hostname.endsWith(".workers.dev") || /^(localhost|127\.0\.0\.1)$/.test(hostname);
  // A site with a server behind its DNS record keeps that record; any other host becomes the worker's own.
  const usual = isOwnAddress ? "none" : behind?.kind === "route" ? `${hostname}/*` : "custom-domain";
  // What was set by hand is left alone unless something else is asked for.
  if (route === undefined && (section.routes !== undefined || section.route !== undefined)) return;
  const wanted = route ?? usual;
  delete section.route;
  if (wanted === "none") delete section.routes;
  else section.routes = wanted === "custom-domain" ? [{ pattern: hostname, custom_domain: true }] : [wanted];
  if (hostname.endsWith(".workers.dev")) section.workers_dev = true;
}

/** The text with the ids of what is there at Cloudflare. @throws {CommandError} */
export function withIds(text: string, environment: string, ids: ResourceIds): string {
  const config = parsed(text);
  const section = environmentIn(config, environment);
  for (const namespace of tablesIn(section.kv_namespaces))
    namespace.id = ids.kv[String(namespace.binding)] ?? namespace.id;
  for (const database of tablesIn(section.d1_databases))
    database.database_id = ids.d1[String(database.binding)] ?? database.database_id;
  for (const table of [...tablesIn(section.kv_namespaces), ...tablesIn(section.d1_databases)]) {
    for (const [key, value] of Object.entries(table)) if (value === undefined) delete table[key];
  }
  return written(text, config);
}

/** Only what differs is written anew. */
function written(text: string, config: Table): string {
  const changed = patch(text, config);
  return text.endsWith("\n") && !changed.endsWith("\n") ? `${changed}\n` : changed;
}

/** What changes from one text to the other, line by line; nothing where they are the same. */
export function changedLines(before: string, after: string): readonly string[] {
  if (before === after) return [];
  return diff(before.split("\n"), after.split("\n")).flatMap(([operation, line]) =>
    operation === 0 ? [] : [`${operation === 1 ? "-" : "+"} ${line}`],
  );
}
