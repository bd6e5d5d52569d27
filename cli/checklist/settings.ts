import { randomBytes, randomUUID } from "node:crypto";
import { writtenAsText } from "../../src/settings/kinds.ts";
import { isUnset } from "../../src/settings/read-settings.ts";
import { settingTable } from "../../src/settings/table.ts";
import { freshSessionKeys } from "../dev-vars.mjs";

/** What the site's own settings say, before anything is changed for a run. */
export type SiteValues = ReturnType<typeof siteValuesFrom>;

/** Unset and empty are the same, as in the worker. */
export function siteValuesFrom(all: Readonly<Record<string, unknown>>) {
  /** Settings that have a value, by name. Secrets among them. */
  const values: Readonly<Record<string, string>> = Object.fromEntries(
    Object.entries(all).flatMap(([name, value]) => (isUnset(value) ? [] : [[name, writtenAsText(value)]])),
  );
  const scopes: readonly string[] = settingTable().VIPPS_SCOPE.default;
  return {
    values,
    scopes: values.VIPPS_SCOPE?.split(/[\s,]+/).filter(Boolean) ?? scopes,
    authPath: values.AUTH_PATH ?? settingTable().AUTH_PATH.default,
    isPartner: values.VIPPS_KEYS === "partner",
  } as const;
}

/** What a setting is in the run, undefined where it is left out, and why. */
type Changes = Readonly<Record<string, readonly [value: string | undefined, why: string]>>;

const OWN_KEYS = [undefined, "left out: the simulator is asked with a sales unit's own keys"] as const;
const NOBODY = [undefined, "left out: made-up people must not get into the site's registry"] as const;

/** Changed where the site has them: most only make sense where it is deployed. */
const IN_PLACE: Changes = {
  SESSION_COOKIE_DOMAIN: [undefined, "left out: the site is on localhost"],
  DATA_JURISDICTION: [undefined, "left out: nothing is stored but on this machine"],
  VIPPS_KEYS: OWN_KEYS,
  VIPPS_PARTNER_CLIENT_ID: OWN_KEYS,
  VIPPS_PARTNER_CLIENT_SECRET: OWN_KEYS,
  VIPPS_PARTNER_SUBSCRIPTION_KEY: OWN_KEYS,
  SITES_KEYS: [undefined, "left out: the run is about one site"],
  REGISTRY_URL: NOBODY,
  REGISTRY_PROOF_URL: NOBODY,
  REGISTRY_SECRET: NOBODY,
  VIPPS_ENVIRONMENT: [undefined, "left out: the simulator stands in for Vipps"],
  ACCOUNTS: ["d1", "accounts of this run are on this machine"],
  REGISTRATION: ["open", "the simulator's people are new"],
};

/** What the checklist asks to be shown, where the site has none: the app is nobody's. */
const DEMONSTRATED: Changes = {
  VIPPS_MSN: ["123456", "made up for the simulator"],
  APP_REDIRECT_URIS: [
    "checklist.demonstration://login/callback",
    "for demonstration: the site's settings name no native app",
  ],
  TERMS_URL: ["/", "for demonstration: the site's settings name no terms"],
  TERMS_VERSION: ["demonstration", "for demonstration: the site's settings name no terms"],
};

/** The site's settings, changed as far as a run on this machine, against the simulator as its issuer, needs. */
export function settingsForSimulator({ values: own }: SiteValues, site: string, issuer: string) {
  const always: Changes = {
    SITE_URL: [site, "the site runs on this machine"],
    VIPPS_ISSUER: [issuer, "the simulator stands in for Vipps"],
    VIPPS_CLIENT_ID: [randomUUID(), "made up for the simulator"],
    VIPPS_CLIENT_SECRET: [randomBytes(32).toString("base64url"), "made up for the simulator"],
    SESSION_KEYS: [freshSessionKeys(), "made for this run alone"],
    SUPPORT_STAFF: ["+4799999901", "one of the simulator's test users is the staff"],
  };
  const changes = [
    ...Object.entries(IN_PLACE).filter(([name]) => own[name] !== undefined),
    ...Object.entries(always),
    ...Object.entries(DEMONSTRATED).filter(([name]) => own[name] === undefined),
  ];
  const values: Record<string, string> = { ...own };
  for (const [name, [value]] of changes) {
    if (value === undefined) delete values[name];
    else values[name] = value;
  }
  return { values, changed: changes.map(([name, [, why]]) => ({ name, why })) };
}
