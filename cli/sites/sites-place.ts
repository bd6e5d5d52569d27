// Where the sites are: on this machine or at Cloudflare, and how the command line says so.

import { join } from "node:path";
import { Command } from "@commander-js/extra-typings";
import { usageError } from "../command-error.mjs";
import type { CommandContext } from "../command-line.ts";

/** Where the sites and the master key are. */
export interface SitesPlace {
  /** The project's folder. */
  readonly root: string;
  /** The environment at Cloudflare, "" for the top level; undefined for this machine. */
  readonly environment: string | undefined;
  /** Where wrangler keeps the local copy; its own place where undefined. */
  readonly persistTo: string | undefined;
  /** The settings file with SITES_KEYS, where it is not the usual one. */
  readonly settingsFile: string | undefined;
}

/** A command about sites, with the options that say where they are. */
export const placedCommand = (name: string) =>
  new Command(name)
    .option("--local", 'in the local storage of "vipps-login dev" (the default)')
    .option(
      "--env <name>",
      'at Cloudflare, in that environment of the configuration ("" for the top level). SITES_KEYS is then read from .dev.vars.<name> or from the environment variable of that name',
    )
    .option("--persist-to <folder>", "where the local storage is, if not in wrangler's own place")
    .option("--settings <file>", "the settings file with SITES_KEYS, in place of the usual one");

interface PlaceOptions {
  readonly local?: true | undefined;
  readonly env?: string | undefined;
  readonly persistTo?: string | undefined;
  readonly settings?: string | undefined;
}

/** @throws {CommandError} */
export function placeOf({ root, path }: CommandContext, options: PlaceOptions): SitesPlace {
  const { local, env: environment, persistTo, settings } = options;
  if (local && environment !== undefined)
    throw usageError("--local and --env exclude each other: a site is here or at Cloudflare");
  return {
    ...{ root, environment },
    persistTo: persistTo === undefined ? undefined : path(persistTo),
    settingsFile: settings === undefined ? undefined : path(settings),
  };
}

/** The settings file that holds SITES_KEYS. */
export function settingsFileOf({ root, environment, settingsFile }: SitesPlace): string {
  return settingsFile ?? join(root, environment ? `.dev.vars.${environment}` : ".dev.vars");
}

/** Where the sites are, in words. */
export const placeName = ({ environment }: SitesPlace): string =>
  environment === undefined ? "here" : `at Cloudflare (${environment || "top level"})`;
