// The project's configuration of wrangler: wrangler.jsonc, wrangler.json or wrangler.toml, whichever it has.

import { existsSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { parse as parseToml } from "@decimalturn/toml-patch";
import { type ParseError, parse as parseJsonc, printParseErrorCode } from "jsonc-parser";
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
