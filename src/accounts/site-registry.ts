import type { Settings } from "../settings.ts";
import type { VippsIdentity } from "../vipps/identity.ts";
import type { AccountId } from "./account.ts";
import { d1Registry } from "./d1-registry.ts";
import { noRegistry } from "./no-registry.ts";
import type { Proof, Registry } from "./registry.ts";
import { remoteRegistry } from "./remote-registry.ts";

/** The registry that the setting ACCOUNTS names. */
export function siteRegistry({ site: { partition: site }, accounts, storage }: Settings): Registry {
  const { registry } = accounts;
  switch (registry.kind) {
    case "d1":
      return d1Registry(registry.database, site);
    case "remote": {
      const { proofUrl, ...remote } = registry;
      const proof: Proof =
        proofUrl === undefined ? { kind: "none" } : { kind: "site", url: proofUrl, secret: remote.secret };
      return remoteRegistry({ ...remote, site, proof });
    }
    case "none":
      return noRegistry(storage.accounts);
  }
}

/**
 * The account a Vipps user has already.
 * @returns `undefined` for somebody new.
 * @throws {Failure} `storage_unavailable`.
 */
export function knownAccountOf(settings: Settings, { sub }: VippsIdentity): Promise<AccountId | undefined> {
  return siteRegistry(settings).accountOfSub(settings.relyingParty.merchantSerialNumber, sub);
}
