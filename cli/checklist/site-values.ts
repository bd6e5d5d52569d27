import { writtenAsText } from "../../src/settings/kinds.ts";
import { isUnset } from "../../src/settings/read-settings.ts";
import { SETTINGS } from "../../src/settings/table.ts";

/** What the site's own settings say, before anything is changed for a run. */
export interface SiteValues {
  /** Settings that have a value, by name. Secrets among them. */
  readonly values: Readonly<Record<string, string>>;
  readonly scopes: readonly string[];
  readonly authPath: string;
  readonly isPartner: boolean;
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
