import * as v from "valibot";
import { writtenAsText } from "../settings/kinds.ts";
import { isUnset } from "../settings/read-settings.ts";
import { inheritedNames, isSealed, rowOf, SETTING_NAMES, SETTINGS, siteNames } from "../settings/table.ts";
import type { SiteValues } from "./site-document.ts";

/** The keys of a partner: the deployment's, whichever of its sites they act for. */
export const partnerKeys = () =>
  SETTING_NAMES.filter((name) => {
    const { scope, needed } = rowOf(name);
    return scope === "deployment" && typeof needed === "object" && needed.is === "partner";
  });

/** The deployment's settings, of which its sites may use some. */
export type DeploymentValues = Readonly<Record<string, unknown>>;

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
  const read = v.safeParse(SETTINGS.SITE_DEFAULTS.kind.schema(), deployment.SITE_DEFAULTS);
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
  const environment = writtenAsText(deployment.VIPPS_ENVIRONMENT) || SETTINGS.VIPPS_ENVIRONMENT.default;
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
