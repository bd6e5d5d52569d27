import { unstable_readConfig as readConfig } from "wrangler";
import { writtenAsText } from "../../src/settings/kinds.ts";
import { isUnset } from "../../src/settings/read-settings.ts";
import { SETTINGS } from "../../src/settings/table.ts";
import { readDevVars } from "../dev-vars.mjs";
import { findConfig } from "../project-config.ts";

/** What the site's own settings say, before anything is changed for a run. */
export interface SiteValues {
  /** Settings that have a value, by name. Secrets among them. */
  readonly values: Readonly<Record<string, string>>;
  readonly scopes: readonly string[];
  readonly authPath: string;
  readonly isPartner: boolean;
}

/**
 * Reads the settings as the worker gets them on this machine: the vars of the configuration, and over them the file.
 * @param root the project's folder
 * @param settingsFile .dev.vars, or what stands in its place
 * @param environment of the configuration; undefined for its top level
 * @throws Error of wrangler when there is no such environment
 */
export function readSiteValues(root: string, settingsFile: string, environment?: string): SiteValues {
  const { vars } = readConfig(
    { config: findConfig(root), ...(environment !== undefined && { env: environment }) },
    { hideWarnings: true },
  );
  return siteValuesFrom({ ...vars, ...readDevVars(settingsFile) });
}

/** Unset and empty are the same, as in the worker. */
export function siteValuesFrom(all: Readonly<Record<string, unknown>>): SiteValues {
  const values = Object.fromEntries(
    Object.entries(all).flatMap(([name, value]) => (isUnset(value) ? [] : [[name, writtenAsText(value)]])),
  );
  return {
    values,
    scopes: values.VIPPS_SCOPE?.split(/[\s,]+/).filter(Boolean) ?? SETTINGS.VIPPS_SCOPE.default,
    authPath: values.AUTH_PATH ?? SETTINGS.AUTH_PATH.default,
    isPartner: values.VIPPS_KEYS === "partner",
  };
}
