import type { Outbox } from "../events/outbox.ts";
import { Failure } from "../failure.ts";
import type { Settings } from "../settings.ts";
import { outboxOf } from "../settings.ts";
import { fromDatabase } from "../storage-call.ts";
import type { VippsIdentity } from "../vipps/claims.ts";
import type { AccountId } from "./account.ts";
import { currentConsents } from "./consents.ts";
import { d1Directory } from "./d1-directory.ts";
import { d1Login } from "./d1-login.ts";
import { siteRecords } from "./records.ts";
import type { FoundPerson, Proof, Registry } from "./registry.ts";
import { remoteRegistry } from "./remote-registry.ts";
import { termsAcceptances } from "./terms.ts";
import type { VippsPerson } from "./vipps-person.ts";

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

/**
 * The account of a Vipps user of whom something may be kept although they have declined to log in: one they have, or,
 * where nobody is registered anywhere, one that has answered or accepted something.
 * @returns `undefined` for a stranger.
 * @throws {Failure} `storage_unavailable`.
 */
export async function accountOnRecord(
  settings: Settings,
  identity: VippsIdentity,
): Promise<AccountId | undefined> {
  const accountId = await knownAccountOf(settings, identity);
  const records = siteRecords(settings);
  if (accountId === undefined || records === undefined || settings.accounts.registry.kind !== "none")
    return accountId;
  const kept = await Promise.all([currentConsents(records, accountId), termsAcceptances(records, accountId)]);
  return kept.some((list) => list.length > 0) ? accountId : undefined;
}

/** A registry that knows of no groups. */
export const NO_GROUPS = {
  groupsOf: async () => [],
  setGroups: async () => false,
  groupNames: async () => [],
  keepsGroups: false,
} as const satisfies Partial<Registry>;

/**
 * `ACCOUNTS=none`: nobody is registered anywhere; whoever Vipps vouches for is known by their `sub`.
 * @param database where the worker's own records are, if it keeps any.
 * @param site the key of this site's rows there.
 */
export const noRegistry = (database: D1Database | undefined, site: string): Registry => ({
  find: async (person) => found(person),
  findOrCreate: async (person) => found(person),
  create: async ({ sub }) => sub,
  link: async (accountId, { sub }) => accountId === sub,
  update: async () => undefined,
  proof: { kind: "none" },
  accountOfSub: async (_msn, sub) => sub,
  ...NO_GROUPS,
  get: async () => undefined,
  search: async () => [],
  correct: async () => false,
  unlink: async () => false,
  noteConsentRevoked: async () => undefined,
  erase: async (_accountId, alongside) => {
    if (database !== undefined && alongside.length > 0)
      await fromDatabase(site, () => database.batch([...alongside]));
    return false;
  },
});

const found = ({ sub }: VippsPerson): FoundPerson => ({
  known: { id: sub, acceptedTerms: undefined, isCurrent: true, isNew: false },
  candidates: [],
});

/**
 * The embedded registry: accounts and identities in D1, tables in `migrations/`.
 * @param site the key under which this site's rows are kept.
 * @param readsGroups whether a login looks up the person's groups.
 * @param outbox where changes are told; nobody is told of them where it is left out.
 */
export function d1Registry(db: D1Database, site: string, readsGroups = false, outbox?: Outbox): Registry {
  const place = { db, site, outbox };
  return { ...d1Login(place, readsGroups), ...d1Directory(place) };
}
