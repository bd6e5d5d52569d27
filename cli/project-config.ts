// The project's configuration of wrangler: wrangler.jsonc, wrangler.json or wrangler.toml, whichever it has.

import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { parse as parseToml, patch } from "@decimalturn/toml-patch";
import {
  applyEdits,
  type JSONPath,
  modify,
  type ParseError,
  parse as parseJsonc,
  printParseErrorCode,
} from "jsonc-parser";
import { CommandError } from "./command-error.mjs";

/** A table of TOML, an object of JSON. */
export type ConfigTable = Record<string, unknown>;

export interface ProjectConfig {
  /** Absolute. */
  readonly path: string;
  /** The file's name, for people. */
  readonly name: string;
  readonly text: string;
  readonly values: ConfigTable;
}

/** Since then no Authorization header follows a redirect to another origin (compatibility flags of workerd). */
export const SAFE_SINCE = "2025-09-01";

/** In the order in which wrangler looks for them. */
const NAMES = ["wrangler.json", "wrangler.jsonc", "wrangler.toml"];

/** Where a project's configuration is. @throws {CommandError} where it has none */
export function findConfig(root: string): string {
  const name = NAMES.find((one) => existsSync(join(root, one)));
  if (name !== undefined) return join(root, name);
  throw new CommandError(
    `There is no wrangler.jsonc and no wrangler.toml in ${root}. Run this in your project's folder, or name that with --cwd.`,
  );
}

/** The name of a project's configuration, for messages; what it would be called where there is none. */
export const configName = (root: string): string =>
  NAMES.find((one) => existsSync(join(root, one))) ?? "wrangler.jsonc";

/** A project's configuration as it stands there. @throws {CommandError} where it has none or it cannot be read */
export function readConfig(root: string): ProjectConfig {
  const path = findConfig(root);
  const text = readFileSync(path, "utf8");
  const name = basename(path);
  return { path, name, text, values: parseConfig(text, name) };
}

/**
 * What a configuration says.
 * @param name the file's: its ending tells the format
 * @throws {CommandError} where it cannot be read
 */
export function parseConfig(text: string, name: string): ConfigTable {
  const value = name.endsWith(".toml") ? tomlOf(text, name) : jsonOf(text, name);
  if (isTable(value)) return value;
  throw new CommandError(`${name} cannot be read: it is no object.`);
}

function tomlOf(text: string, name: string): unknown {
  try {
    return parseToml(text);
  } catch (error) {
    const [line] = (error instanceof Error ? error.message : String(error)).split("\n");
    throw new CommandError(`${name} cannot be read: ${line}`);
  }
}

function jsonOf(text: string, name: string): unknown {
  const errors: ParseError[] = [];
  const value: unknown = parseJsonc(text, errors, { allowTrailingComma: true });
  const [error] = errors;
  if (error === undefined) return value;
  const line = text.slice(0, error.offset).split("\n").length;
  throw new CommandError(`${name} cannot be read: ${printParseErrorCode(error.error)} in line ${line}`);
}

export const isTable = (value: unknown): value is ConfigTable =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export const tablesIn = (value: unknown): readonly ConfigTable[] =>
  Array.isArray(value) ? value.filter(isTable) : [];

/** How a part of the configuration is called in its own format; the empty name is the top level. */
export const sectionName = (name: string, environment: string | undefined): string =>
  environment ? (name.endsWith(".toml") ? `[env.${environment}]` : `env.${environment}`) : name;

/**
 * One environment of a configuration; the empty name is the top level.
 * @throws {CommandError} where it has none of that name
 */
export function environmentIn({ name, values }: Pick<ProjectConfig, "name" | "values">, environment: string) {
  const section = environment === "" ? values : isTable(values.env) ? values.env[environment] : undefined;
  if (isTable(section)) return section;
  throw new CommandError(
    `${name} has no ${sectionName(name, environment)}. Copy another environment and its parts under that name.`,
  );
}

/**
 * The text of a configuration with other values. Only what differs is written anew: comments, order and all else stay
 * as they are.
 */
export function withValues({ name, text, values: before }: ProjectConfig, values: ConfigTable): string {
  if (name.endsWith(".toml")) {
    const changed = patch(text, values);
    return text.endsWith("\n") && !changed.endsWith("\n") ? `${changed}\n` : changed;
  }
  const formattingOptions = { insertSpaces: !/^\t/m.test(text), tabSize: 2, eol: "\n" };
  let changed = text;
  for (const [path, value] of differences(before, values, []))
    changed = applyEdits(changed, modify(changed, path, value, { formattingOptions }));
  return changed;
}

/** What differs, by where it stands; a value that is gone is undefined. */
function* differences(
  before: unknown,
  after: unknown,
  path: JSONPath,
): Generator<readonly [JSONPath, unknown]> {
  if (isTable(before) && isTable(after)) {
    for (const key of new Set([...Object.keys(before), ...Object.keys(after)]))
      yield* differences(before[key], after[key], [...path, key]);
  } else if (!isDeepStrictEqual(before, after)) yield [path, after];
}

/** The file in which the Worker begins, absolute; undefined where the configuration names none. @throws {CommandError} */
export function mainOf(config: ProjectConfig, environment = ""): string | undefined {
  const main = environmentIn(config, environment).main ?? config.values.main;
  return typeof main === "string" ? resolve(dirname(config.path), main) : undefined;
}

/** The binding of the database. */
const DATABASE = "ACCOUNTS_DB";

/**
 * The database as it is on this machine: its id, and its migrations, absolute (`migrations_dir` of its binding, else
 * wrangler's own default).
 */
export function localDatabase(
  root: string,
  environment = "",
): { readonly id: string; readonly migrations: string } {
  const section = environmentIn(readConfig(root), environment);
  const database = tablesIn(section.d1_databases).find(({ binding }) => binding === DATABASE);
  const { migrations_dir: folder, preview_database_id, database_id } = database ?? {};
  const id = preview_database_id ?? database_id;
  return {
    id: typeof id === "string" ? id : DATABASE,
    migrations: resolve(root, typeof folder === "string" ? folder : "migrations"),
  };
}

/** Where the migrations of the database are, absolute. */
export const migrationsFolder = (root: string, environment?: string): string =>
  localDatabase(root, environment).migrations;
