import type { Settings } from "../settings.ts";
import { fromDatabase } from "../storage-call.ts";
import { type AskedBefore, readAskedBefore } from "../vipps/requested-claims.ts";

/**
 * What Vipps was asked for in vain at this person's last login. Nothing once the person has withdrawn the consent:
 * then Vipps asks for everything anew. A registry of the site's own keeps no such thing, so there Vipps is asked
 * again at every login.
 * @throws {Failure} `storage_unavailable`.
 */
export async function askedBefore(settings: Settings, sub: string): Promise<AskedBefore | undefined> {
  const { registry } = settings.accounts;
  if (registry.kind !== "d1") return undefined;
  const statement = registry.database
    .prepare(
      `SELECT told -> 'asked' AS asked FROM identities
       WHERE site = ?1 AND msn = ?2 AND sub = ?3 AND consent_revoked_at IS NULL`,
    )
    .bind(settings.site.partition, settings.relyingParty.merchantSerialNumber, sub);
  const row = await fromDatabase(settings.site.partition, () => statement.first<{ asked: string | null }>());
  return row?.asked ? readAskedBefore(JSON.parse(row.asked)) : undefined;
}
