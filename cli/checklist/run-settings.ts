import { randomBytes, randomUUID } from "node:crypto";
import { freshSessionKeys } from "../dev-vars.mjs";
import type { ChangedSetting } from "./evidence.ts";
import type { SiteValues } from "./site-values.ts";

const OWN_KEYS = "the simulator is asked with a sales unit's own keys";
const NOBODY_MADE_UP = "made-up people must not get into the site's registry";

/** Settings that only make sense where the site is deployed. */
const LEFT_OUT = {
  SESSION_COOKIE_DOMAIN: "the site is on localhost",
  DATA_JURISDICTION: "nothing is stored but on this machine",
  VIPPS_KEYS: OWN_KEYS,
  VIPPS_PARTNER_CLIENT_ID: OWN_KEYS,
  VIPPS_PARTNER_CLIENT_SECRET: OWN_KEYS,
  VIPPS_PARTNER_SUBSCRIPTION_KEY: OWN_KEYS,
  SITES_KEYS: "the run is about one site",
  REGISTRY_URL: NOBODY_MADE_UP,
  REGISTRY_PROOF_URL: NOBODY_MADE_UP,
  REGISTRY_SECRET: NOBODY_MADE_UP,
  VIPPS_ENVIRONMENT: "the simulator stands in for Vipps",
} as const;

/** An app of nobody's, to show the flow of apps where the site has none. */
const DEMONSTRATED_APP = "checklist.demonstration://login/callback";

/** Whose phone number opens the console during a run against the simulator: its test user Kari Nordmann. */
export const STAFF_PHONE = "+4799999901";

/**
 * The site's settings, changed as far as a run against the simulator needs: the keys are made up, and what the
 * checklist asks to be shown but the settings leave out (terms, the console) is switched on for demonstration.
 * @param site origin on this machine
 * @param issuer the simulator's
 */
export function settingsForSimulator(
  own: SiteValues,
  site: string,
  issuer: string,
): { readonly values: Readonly<Record<string, string>>; readonly changed: readonly ChangedSetting[] } {
  const left = Object.entries(own.values).filter(([name]) => !Object.hasOwn(LEFT_OUT, name));
  const changed: ChangedSetting[] = Object.entries(LEFT_OUT)
    .filter(([name]) => Object.hasOwn(own.values, name))
    .map(([name, why]) => ({ name, why: `left out: ${why}` }));
  const set: Record<string, readonly [value: string, why: string]> = {
    SITE_URL: [site, "the site runs on this machine"],
    VIPPS_ISSUER: [issuer, "the simulator stands in for Vipps"],
    VIPPS_CLIENT_ID: [randomUUID(), "made up for the simulator"],
    VIPPS_CLIENT_SECRET: [randomBytes(32).toString("base64url"), "made up for the simulator"],
    SESSION_KEYS: [freshSessionKeys(), "made for this run alone"],
    SUPPORT_STAFF: [STAFF_PHONE, "one of the simulator's test users is the staff"],
    ...(own.values.VIPPS_MSN === undefined && { VIPPS_MSN: ["123456", "made up for the simulator"] }),
    ...(own.values.ACCOUNTS !== undefined && {
      ACCOUNTS: ["d1", "accounts of this run are on this machine"],
    }),
    ...(own.values.REGISTRATION !== undefined && {
      REGISTRATION: ["open", "the simulator's people are new"],
    }),
    ...(own.values.APP_REDIRECT_URIS === undefined && {
      APP_REDIRECT_URIS: [DEMONSTRATED_APP, "for demonstration: the site's settings name no native app"],
    }),
    ...(own.values.TERMS_URL === undefined && {
      TERMS_URL: ["/", "for demonstration: the site's settings name no terms"],
      TERMS_VERSION: ["demonstration", "for demonstration: the site's settings name no terms"],
    }),
  };
  for (const [name, [, why]] of Object.entries(set)) changed.push({ name, why });
  return {
    values: {
      ...Object.fromEntries(left),
      ...Object.fromEntries(Object.entries(set).map(([name, [value]]) => [name, value])),
    },
    changed,
  };
}
