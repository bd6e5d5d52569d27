import { outboxOf } from "../events/notice.ts";
import { Failure } from "../failure.ts";
import type { Settings } from "../settings.ts";
import type { VippsIdentity } from "../vipps/identity.ts";
import type { AccountId } from "./account.ts";
import { d1Registry } from "./d1-registry.ts";
import { NO_GROUPS, noRegistry } from "./no-registry.ts";
import type { Proof, Registry } from "./registry.ts";
import { remoteRegistry } from "./remote-registry.ts";

/** What a registry knows of groups; one that leaves it out has none. */
type OfGroups = "groupsOf" | "setGroups" | "groupNames" | "keepsGroups";

/**
 * Makes the registry of a project's own.
 * @param site the origin of the site whose people are meant.
 */
export type MakeRegistry = (site: string) => Omit<Registry, OfGroups> & Partial<Pick<Registry, OfGroups>>;

let ownRegistry: MakeRegistry | undefined;

/** Gives ACCOUNTS=own its registry, from now on and for the whole Worker. */
export function useRegistry(make: MakeRegistry | undefined): void {
  ownRegistry = make;
}

function withGroups(own: ReturnType<MakeRegistry>): Registry {
  return knowsGroups(own) ? own : { ...NO_GROUPS, ...own };
}

function knowsGroups(own: ReturnType<MakeRegistry>): own is Registry {
  return own.groupsOf !== undefined && own.setGroups !== undefined && own.groupNames !== undefined;
}

/**
 * The registry that the setting ACCOUNTS names.
 * @throws {Failure} `settings_invalid` where it is the project's own and there is none.
 */
export function siteRegistry(settings: Settings): Registry {
  const { accounts, session, storage } = settings;
  const { registry } = accounts;
  const site = settings.site.partition;
  switch (registry.kind) {
    case "d1":
      return d1Registry(registry.database, site, session.hasGroups, outboxOf(settings));
    case "remote": {
      const { proofUrl, ...remote } = registry;
      const proof: Proof =
        proofUrl === undefined ? { kind: "none" } : { kind: "site", url: proofUrl, secret: remote.secret };
      return remoteRegistry({ ...remote, site, proof });
    }
    case "own":
      if (ownRegistry !== undefined) return withGroups(ownRegistry(settings.site.origin));
      throw new Failure("settings_invalid", {
        stage: "settings",
        details: ["ACCOUNTS=own needs a registry, which the project's code hands to vippsLogin"],
      });
    case "none":
      return noRegistry(storage.accounts, site);
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
