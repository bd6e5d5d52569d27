// A file of sites, YAML or JSON.

import { existsSync, readFileSync } from "node:fs";
import * as v from "valibot";
import { parse } from "yaml";
import { writtenAsText } from "../../src/settings/kinds.ts";
import type { SiteValues } from "../../src/sites/site-document.ts";
import { CommandError } from "../command-error.mjs";

/** Numbers and booleans are written down as such; lists and mappings are settings that hold JSON. */
const settings = v.record(v.string(), v.unknown());

const siteFile = v.union([
  v.pipe(
    v.array(settings),
    v.transform((sites) => ({ defaults: {}, sites })),
  ),
  v.object({ defaults: v.optional(settings, {}), sites: v.array(settings) }),
]);

/**
 * The sites of a file, each with what it says itself and what it leaves to the defaults.
 * @param env from where `env:NAME` takes its values.
 * @throws {CommandError}
 */
export function readSiteFile(
  path: string,
  env: Readonly<Record<string, string | undefined>>,
): readonly SiteValues[] {
  if (!existsSync(path)) throw new CommandError(`There is no file ${path}.`);
  const read = v.safeParse(siteFile, parsed(path));
  if (!read.success)
    throw new CommandError(`${path} must hold a list of sites, or {"defaults": {…}, "sites": [ … ]}.`);
  const { defaults, sites } = read.output;
  if (sites.length === 0) throw new CommandError(`${path} holds no site.`);
  return sites.map((site, index) => {
    const entries = Object.entries({ ...defaults, ...site });
    return Object.fromEntries(
      entries
        .filter(([, value]) => value !== null && value !== "")
        .map(([name, value]) => [name, asText(value, `${name} of site ${index + 1} in ${path}`, env)]),
    );
  });
}

function parsed(path: string): unknown {
  try {
    // JSON is YAML; a tag could only make something else of it than text.
    return parse(readFileSync(path, "utf8"), { schema: "core", logLevel: "error" });
  } catch (error) {
    const [line = ""] = String(error instanceof Error ? error.message : error).split("\n");
    throw new CommandError(`${path} is neither YAML nor JSON: ${line.replace(/:$/, "")}`);
  }
}

function asText(value: unknown, where: string, env: Readonly<Record<string, string | undefined>>): string {
  if (typeof value === "string") {
    const name = /^env:(\w+)$/.exec(value)?.[1];
    if (name === undefined) return value;
    const found = env[name];
    if (!found) throw new CommandError(`${where}: the environment variable ${name} is not set.`);
    return found;
  }
  return writtenAsText(value);
}
