import { forgetStranger } from "../accounts/link-requests.ts";
import { siteRecords } from "../accounts/records.ts";
import { forgetVippsConsents, keepVippsConsents } from "../accounts/vipps-consents.ts";
import type { Settings } from "../settings.ts";
import type { VippsIdentity } from "../vipps/identity.ts";

/**
 * Keeps the consents that came with a login before anything is asked of the person: Vipps collects them once.
 * @throws {Failure} `storage_unavailable`; then the login must not go on.
 */
export async function keepArrivedConsents(settings: Settings, { sub, claims }: VippsIdentity): Promise<void> {
  const records = siteRecords(settings);
  const msn = settings.relyingParty.merchantSerialNumber;
  if (records !== undefined) await keepVippsConsents(records, { msn, sub }, claims);
}

/**
 * Erases what is kept of a login its person has just declined: the consents that came with it, and, of somebody who
 * has no account, the request to customer service.
 * @throws {Failure} `storage_unavailable`; may be repeated.
 */
export async function forgetDeclined(settings: Settings, { sub }: VippsIdentity): Promise<void> {
  const records = siteRecords(settings);
  const msn = settings.relyingParty.merchantSerialNumber;
  if (records === undefined) return;
  await forgetVippsConsents(records, { msn, sub });
  await forgetStranger(records, { msn, sub });
}
