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
 * Erases the consents that came with a login its person has just declined.
 * @throws {Failure} `storage_unavailable`.
 */
export async function forgetArrivedConsents(settings: Settings, { sub }: VippsIdentity): Promise<void> {
  const records = siteRecords(settings);
  const msn = settings.relyingParty.merchantSerialNumber;
  if (records !== undefined) await forgetVippsConsents(records, { msn, sub });
}
