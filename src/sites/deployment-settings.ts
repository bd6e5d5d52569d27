import type { SiteValues } from "./site-document.ts";

/** What a site leaves to the deployment it is served by, unless it says otherwise. */
export const INHERITED = [
  "VIPPS_ENVIRONMENT",
  "VIPPS_ISSUER",
  "PROVIDER_ENDPOINTS",
  "DATA_JURISDICTION",
  "LOGIN_LOCATION",
  "LOGIN_SHARDS",
] as const;

/** The keys of a partner: the deployment's, whichever of its sites they act for. */
export const PARTNER_KEYS = [
  "VIPPS_PARTNER_CLIENT_ID",
  "VIPPS_PARTNER_CLIENT_SECRET",
  "VIPPS_PARTNER_SUBSCRIPTION_KEY",
] as const;

/** The deployment's settings, of which its sites may use some. */
export type DeploymentValues = Readonly<Record<string, unknown>>;

/**
 * The settings of a site together with what it has from the deployment.
 * @returns all of them, or what a site with partner keys may not choose: these keys go to the provider that the
 *   deployment names, and to none that a site names.
 */
export function withDeployment(
  site: SiteValues,
  deployment: DeploymentValues,
): { readonly values: Readonly<Record<string, unknown>> } | { readonly faults: readonly string[] } {
  const environment = deployment.VIPPS_ENVIRONMENT || "test";
  const isOther = (name: string) => site[name] !== undefined && site[name] !== deployment[name];
  const isElsewhere = {
    VIPPS_ENVIRONMENT: (site.VIPPS_ENVIRONMENT ?? environment) !== environment,
    VIPPS_ISSUER: isOther("VIPPS_ISSUER"),
    PROVIDER_ENDPOINTS: isOther("PROVIDER_ENDPOINTS"),
  };
  const isPartner = site.VIPPS_KEYS === "partner";
  const inherited = Object.fromEntries(INHERITED.map((name) => [name, deployment[name]]));
  // The deployment's issuer is that of its own environment, and its endpoints are those of its own issuer.
  if (isElsewhere.VIPPS_ENVIRONMENT) delete inherited.VIPPS_ISSUER;
  if (isElsewhere.VIPPS_ENVIRONMENT || isElsewhere.VIPPS_ISSUER) delete inherited.PROVIDER_ENDPOINTS;
  if (!isPartner) return { values: { ...inherited, ...site } };
  const chosen = Object.entries(isElsewhere).filter(([, elsewhere]) => elsewhere);
  if (chosen.length > 0)
    return { faults: chosen.map(([name]) => `${name} is the deployment's with VIPPS_KEYS=partner`) };
  const partner = Object.fromEntries(PARTNER_KEYS.map((name) => [name, deployment[name]]));
  return { values: { ...inherited, ...site, ...partner } };
}
