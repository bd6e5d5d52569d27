import * as v from "valibot";
import { readOrigin, writtenAsText } from "../settings/kinds.ts";
import { isLocalHost, isUnset, type Surroundings, settingsFrom } from "../settings/read-settings.ts";
import {
  inheritedNames,
  isSealed,
  OWN_SITE,
  rowOf,
  settingNames,
  settingTable,
  siteNames,
} from "../settings/table.ts";
import type { SettingsResult } from "../settings/types.ts";
import type { SiteValues } from "./site-document.ts";
import { siteHost } from "./site-host.ts";

/** The keys of a partner: the deployment's, whichever of its sites they act for. */
export const partnerKeys = () =>
  settingNames().filter((name) => {
    const { scope, needed } = rowOf(name);
    return scope === "deployment" && typeof needed === "object" && needed.is === "partner";
  });

/** The deployment's settings, of which its sites may use some. */
export type DeploymentValues = Readonly<Record<string, unknown>>;

/** What says whether a deployment has a site of its own, and where. */
type OwnSiteValues = { readonly [Name in (typeof OWN_SITE)[number] | "SITES_KEYS"]?: unknown };

/** Whether the deployment's own settings are a site of their own beside those in KV. */
export function hasOwnSite(deployment: OwnSiteValues): boolean {
  return isUnset(deployment.SITES_KEYS) || !OWN_SITE.every((name) => isUnset(deployment[name]));
}

/** Whether an address is the deployment's own site's, and so no further one's. */
export function isOwnAddress(deployment: OwnSiteValues, url: string): boolean {
  const { SITE_URL } = deployment;
  const host = siteHost(url);
  if (!isUnset(SITE_URL)) return host !== undefined && siteHost(writtenAsText(SITE_URL)) === host;
  const { hostname } = new URL(url);
  // Without SITE_URL, as on a developer's machine, names below localhost are left to the documents.
  return hasOwnSite(deployment) && isLocalHost(hostname) && !hostname.endsWith(".localhost");
}

/** What can be only one site's, though it is no secret. */
const ONE_SITES: readonly string[] = ["SITE_URL", "VIPPS_MSN", "VIPPS_CLIENT_ID", "SESSION_COOKIE_DOMAIN"];

/**
 * SITE_DEFAULTS: what further sites are that say nothing else themselves.
 * @returns them, or every name among them that sites cannot share.
 */
export function siteDefaults(
  deployment: DeploymentValues,
): { readonly values: Readonly<Record<string, unknown>> } | { readonly faults: readonly string[] } {
  if (isUnset(deployment.SITE_DEFAULTS)) return { values: {} };
  const read = v.safeParse(settingTable().SITE_DEFAULTS.kind().schema(), deployment.SITE_DEFAULTS);
  if (!read.success) return { faults: [`SITE_DEFAULTS ${read.issues[0].message}`] };
  const known: readonly string[] = siteNames();
  const wrong = Object.keys(read.output).filter(
    (name) => !known.includes(name) || isSealed(name) || ONE_SITES.includes(name),
  );
  if (wrong.length > 0)
    return { faults: wrong.map((name) => `SITE_DEFAULTS: ${name} is no setting that sites can share`) };
  return { values: read.output };
}

/**
 * The settings of a site together with what it has from the deployment.
 * @returns all of them, or what a site with partner keys may not choose: these keys go to the provider that the
 *   deployment names, and to none that a site names.
 */
export function withDeployment(
  own: SiteValues,
  deployment: DeploymentValues,
): { readonly values: Readonly<Record<string, unknown>> } | { readonly faults: readonly string[] } {
  const defaults = siteDefaults(deployment);
  if ("faults" in defaults) return defaults;
  const site: Readonly<Record<string, unknown>> = { ...defaults.values, ...own };
  const environment = writtenAsText(deployment.VIPPS_ENVIRONMENT) || settingTable().VIPPS_ENVIRONMENT.default;
  const isOther = (name: string) =>
    site[name] !== undefined && writtenAsText(site[name]) !== writtenAsText(deployment[name]);
  const isElsewhere = {
    VIPPS_ENVIRONMENT: (site.VIPPS_ENVIRONMENT ?? environment) !== environment,
    VIPPS_ISSUER: isOther("VIPPS_ISSUER"),
    PROVIDER_ENDPOINTS: isOther("PROVIDER_ENDPOINTS"),
  };
  const isPartner = site.VIPPS_KEYS === "partner";
  const inherited: Record<string, unknown> = Object.fromEntries(
    inheritedNames().map((name) => [name, deployment[name]]),
  );
  // The deployment's issuer is that of its own environment, and its endpoints are those of its own issuer.
  if (isElsewhere.VIPPS_ENVIRONMENT) delete inherited.VIPPS_ISSUER;
  if (isElsewhere.VIPPS_ENVIRONMENT || isElsewhere.VIPPS_ISSUER) delete inherited.PROVIDER_ENDPOINTS;
  // Nobody but the deployment says who its own people are, and nobody but its own provider knows them.
  const isOwnProvider = Object.values(isElsewhere).every((elsewhere) => !elsewhere);
  const AGENCY_STAFF = isOwnProvider ? deployment.AGENCY_STAFF : undefined;
  if (!isPartner) return { values: { ...inherited, ...site, AGENCY_STAFF } };
  const chosen = Object.entries(isElsewhere).filter(([, elsewhere]) => elsewhere);
  if (chosen.length > 0)
    return { faults: chosen.map(([name]) => `${name} is the deployment's with VIPPS_KEYS=partner`) };
  const partner = Object.fromEntries(partnerKeys().map((name) => [name, deployment[name]]));
  return { values: { ...inherited, ...site, AGENCY_STAFF, ...partner } };
}

/**
 * The settings of a further site, from what it says itself and what it has from the deployment: the one reading of
 * them, by the worker and by every command.
 * @returns the settings, or every fault at once. Never throws.
 */
export function furtherSettings(
  own: SiteValues,
  deployment: DeploymentValues,
  surroundings: Omit<Surroundings, "origin" | "otherAddresses">,
): SettingsResult {
  const all = withDeployment(own, deployment);
  if ("faults" in all) return all;
  const ownUrl = readOrigin(writtenAsText(deployment.SITE_URL));
  const otherAddresses = ownUrl === undefined ? [] : [ownUrl];
  return settingsFrom(all.values, { ...surroundings, otherAddresses, origin: undefined });
}
