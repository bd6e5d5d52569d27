// The sales units of the sites on this machine, for the simulator.

import type { SalesUnit } from "../../simulator/sales-unit.ts";
import { settingTable } from "../../src/settings/table.ts";
import { openSiteDocument, readSiteDocument, type SiteValues } from "../../src/sites/site-document.ts";
import { masterKeysAt } from "./master-key-place.ts";
import { listSites, readSites } from "./site-store.ts";
import { withStorage } from "./sites-command.ts";
import type { SitesPlace } from "./sites-place.ts";

/**
 * The sales units that the sites stored here name, one for each site, also where sites share one. Sites that do not open
 * are the worker's to complain about.
 * @param deployment settings of the deployment: partner keys act for the units of sites that have none of their own.
 * @throws {CommandError}
 */
export async function simulatedUnits(
  place: SitesPlace,
  deployment: Readonly<Record<string, string>>,
): Promise<readonly SalesUnit[]> {
  const keys = masterKeysAt(place, { SITES_KEYS: deployment.SITES_KEYS });
  const sites = await withStorage(place, async (session) => {
    const texts = await readSites(session, [...(await listSites(session)).keys()]);
    const opened = Array.from(texts, async ([host, text]) => {
      const document = readSiteDocument(text);
      return document && (await openSiteDocument(keys, host, document));
    });
    return (await Promise.all(opened)).filter((values) => values !== undefined);
  });
  const { VIPPS_PARTNER_CLIENT_ID: partnerId, VIPPS_PARTNER_CLIENT_SECRET: partnerSecret } = deployment;
  const units = sites.map((site): SalesUnit => {
    const isPartners = site.VIPPS_KEYS === "partner" || site.VIPPS_CLIENT_ID === undefined;
    return {
      clientId: site.VIPPS_CLIENT_ID ?? `of-${site.VIPPS_MSN}`,
      clientSecret: site.VIPPS_CLIENT_SECRET ?? "of-the-partner",
      msn: site.VIPPS_MSN ?? "",
      redirectUris: redirectUris(site),
      ...(isPartners && partnerId !== undefined && { managedBy: partnerId }),
    };
  });
  const isUsed = units.some(({ managedBy }) => managedBy !== undefined);
  if (!isUsed || partnerId === undefined || partnerSecret === undefined) return units;
  const partner = {
    clientId: partnerId,
    clientSecret: partnerSecret,
    msn: "999999",
    redirectUris: [],
    partner: true,
  };
  return [partner, ...units];
}

function redirectUris({ SITE_URL, AUTH_PATH, APP_REDIRECT_URIS = "" }: SiteValues): readonly string[] {
  const callback = `${SITE_URL}${AUTH_PATH ?? settingTable().AUTH_PATH.default}/callback`;
  return [callback, ...APP_REDIRECT_URIS.split(/[\s,]+/).filter((uri) => uri !== "")];
}
