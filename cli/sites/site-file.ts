// A file of sites, YAML or JSON.

import { existsSync, readFileSync } from "node:fs";
import { isAlias, isMap, isScalar, isSeq, type Node, parseDocument } from "yaml";
import { isSealed } from "../../src/settings/table.ts";
import type { SiteValues } from "../../src/sites/site-document.ts";
import { CommandError } from "../command-error.mjs";

/** What a setting is in a file, before it is text. */
type Setting = string | { readonly rounded: true };
type Settings = Readonly<Record<string, Setting>>;

/**
 * The sites of a file, each with what it says itself and what it leaves to the defaults.
 * @param env from where a secret takes its value that is written `env:NAME`.
 * @param defaults for every site that says nothing else, and where the file's own defaults say nothing.
 * @throws {CommandError}
 */
export function readSiteFile(
  path: string,
  env: Readonly<Record<string, string | undefined>>,
  defaults: SiteValues = {},
): readonly SiteValues[] {
  if (!existsSync(path)) throw new CommandError(`There is no file ${path}.`);
  const read = sitesIn(path);
  if (read.sites.length === 0) throw new CommandError(`${path} holds no site.`);
  return read.sites.map((site, index) => {
    const entries = Object.entries({ ...defaults, ...read.defaults, ...site });
    return Object.fromEntries(
      entries
        .filter(([, value]) => value !== "")
        .map(([name, value]) => [name, asText(name, value, `${name} of site ${index + 1} in ${path}`, env)]),
    );
  });
}

/** The text of a file. What is no UTF-8 would come out with marks for its letters, on the pages of a customer. @throws {CommandError} */
function textOf(path: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(path));
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new CommandError(`${path} is not UTF-8: save it as that.`);
  }
}

/** @throws {CommandError} */
function sitesIn(path: string): { readonly defaults: Settings; readonly sites: readonly Settings[] } {
  // JSON is YAML. Tags could only make something else of it than text, so they are not followed.
  const document = parseDocument(textOf(path), { schema: "core", logLevel: "error" });
  const [fault] = document.errors;
  if (fault !== undefined) {
    const [line = ""] = fault.message.split("\n");
    throw new CommandError(`${path} is neither YAML nor JSON: ${line.replace(/:$/, "")}`);
  }
  const whole = document.contents;
  const member = (name: string): unknown => (isMap(whole) ? whole.get(name, true) : undefined);
  const sites = isSeq(whole) ? whole : member("sites");
  const defaults = member("defaults");
  const isList = isSeq(sites) && sites.items.every((site) => isMap(resolved(site)));
  const names = isMap(whole) ? whole.items.map(({ key }) => String(key)) : [];
  const isWhole = names.every((name) => name === "sites" || name === "defaults");
  if (!isList || !isWhole || !(defaults === undefined || isMap(resolved(defaults))))
    throw new CommandError(`${path} must hold a list of sites, or {"defaults": {…}, "sites": [ … ]}.`);
  return { defaults: settingsIn(defaults), sites: sites.items.map(settingsIn) };

  function resolved(node: unknown): Node | undefined {
    if (isAlias(node)) return node.resolve(document) as Node | undefined;
    return (node ?? undefined) as Node | undefined;
  }

  function settingsIn(node: unknown): Settings {
    const map = resolved(node);
    if (!isMap(map)) return {};
    return Object.fromEntries(map.items.map(({ key, value }) => [String(key), settingOf(value)]));
  }

  /** What stands there as it is written: 1.10 is no 1.1, and no digit of a long number is lost. */
  function settingOf(node: unknown): Setting {
    const value = resolved(node);
    if (isScalar(value)) {
      if (value.value === null || value.value === undefined) return "";
      return typeof value.value === "number" ? (value.source ?? String(value.value)) : String(value.value);
    }
    if (value === undefined) return "";
    return isRounded(value) ? { rounded: true } : JSON.stringify(value.toJS(document));
  }

  /** Whether a number within it would not be written again as it stands there. */
  function isRounded(node: unknown): boolean {
    const value = resolved(node);
    if (isScalar(value)) return typeof value.value === "number" && String(value.value) !== value.source;
    if (isSeq(value)) return value.items.some(isRounded);
    if (isMap(value)) return value.items.some((pair) => isRounded(pair.value));
    return false;
  }
}

/** @param env only secrets come from it: a customer's file must not bring a variable into what everybody sees. */
function asText(
  setting: string,
  value: Setting,
  where: string,
  env: Readonly<Record<string, string | undefined>>,
): string {
  if (typeof value !== "string")
    throw new CommandError(`${where}: a number in it would be rounded. Put it in quotes.`);
  const name = /^env:(\w+)$/.exec(value)?.[1];
  if (name === undefined) return value;
  if (!isSealed(setting))
    throw new CommandError(`${where}: env: is for secrets alone. Write the value itself.`);
  const found = env[name];
  if (!found) throw new CommandError(`${where}: the environment variable ${name} is not set.`);
  return found;
}
