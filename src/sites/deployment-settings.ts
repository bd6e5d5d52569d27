import { writtenAsText } from "../settings/kinds.ts";
import { inheritedNames, rowOf, SETTING_NAMES, SETTINGS } from "../settings/table.ts";
import type { SiteValues } from "./site-document.ts";

/** The keys of a partner: the deployment's, whichever of its sites they act for. */
export const partnerKeys = () =>
  SETTING_NAMES.filter((name) => {
    const { scope, needed } = rowOf(name);
    return scope === "deployment" && typeof needed === "object" && needed.is === "partner";
  });

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
  if (!isPartner) return { values: { ...inherited, ...site } };
  const chosen = Object.entries(isElsewhere).filter(([, elsewhere]) => elsewhere);
  if (chosen.length > 0)
    return { faults: chosen.map(([name]) => `${name} is the deployment's with VIPPS_KEYS=partner`) };
  const partner = Object.fromEntries(partnerKeys().map((name) => [name, deployment[name]]));
  return { values: { ...inherited, ...site, ...partner } };
}
