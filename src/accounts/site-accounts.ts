import type { Outbox } from "../events/outbox.ts";
import { Failure } from "../failure.ts";
import { outboxOf, type Settings } from "../settings.ts";
import { fromDatabase } from "../storage-call.ts";
import {
  type AskedBefore,
  claimsOfScope,
  knownClaims,
  readAskedBefore,
  type VippsClaims,
  type VippsIdentity,
} from "../vipps/claims.ts";
import type { AccountId } from "./account.ts";
import { currentConsents } from "./consents.ts";
import { d1Directory } from "./d1-directory.ts";
import { d1Login } from "./d1-login.ts";
import { siteRecords } from "./records.ts";
import type { Candidate, FoundPerson, MakeRegistry, Proof, Registry, SeenContact } from "./registry.ts";
import { remoteRegistry } from "./remote-registry.ts";
import { termsAcceptances } from "./terms.ts";
import { isSameName, type VippsPerson } from "./vipps-person.ts";

/**
 * The accounts of a site: the registry that keeps them, and which of them somebody gets who logs in: the decision,
 * which is pure, and how it is carried out.
 */

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
const NO_GROUPS = {
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
const noRegistry = (database: D1Database | undefined, site: string): Registry => ({
  find: async (person) => knownBySub(person),
  findOrCreate: async (person) => knownBySub(person),
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

const knownBySub = ({ sub }: VippsPerson): FoundPerson => ({
  known: { id: sub, acceptedTerms: undefined, isCurrent: true, isNew: false },
  candidates: [],
});

/**
 * The embedded registry: accounts and identities in D1, tables in `migrations/`.
 * @param site the key under which this site's rows are kept.
 * @param readsGroups whether a login looks up the person's groups.
 * @param outbox where changes are told; nobody is told of them where it is left out.
 */
export function d1Registry(
  database: D1Database,
  site: string,
  readsGroups = false,
  outbox?: Outbox,
): Registry {
  const records = { database, site, outbox };
  return { ...d1Login(records, readsGroups), ...d1Directory(records) };
}

/** Everything the linking decision depends on. */
export interface LinkingFacts {
  /** The account that this `sub` of this sales unit is linked to. */
  readonly known: AccountId | undefined;
  /** The name Vipps vouches for. */
  readonly name: string | undefined;
  readonly phoneVerified: boolean;
  readonly emailVerified: boolean;
  readonly candidates: readonly Candidate[];
  readonly registration: "open" | "closed";
}

/** Why a person has to prove that an old account is theirs. */
export type DoubtReason =
  /** One account has the phone number or email address, but another name. */
  | "name"
  /** More than one account has them. */
  | "several"
  /** The account is another Vipps user's, and the phone number is not the same. */
  | "taken";

export type LinkingDecision =
  | { readonly kind: "known"; readonly accountId: AccountId }
  | { readonly kind: "link"; readonly accountId: AccountId; readonly seen: SeenContact }
  | { readonly kind: "doubt"; readonly reason: DoubtReason; readonly candidates: readonly AccountId[] }
  | { readonly kind: "create" }
  | { readonly kind: "closed" };

/**
 * Which account a Vipps user gets. The order is that of Vipps' 'Best practices for linking user accounts':
 *
 * 1. An account linked to this `sub` is the user's, whatever else has changed since.
 * 2. Else the accounts with the same verified phone number or the same verified email address are looked at.
 *    An address that is not verified is as good as none.
 * 3. Exactly one, and the names can be one person's: that account. It is not enough when another Vipps user of
 *    the same sales unit has it already, unless the phone number is the same: `sub` only changes when somebody
 *    leaves Vipps and comes back, but father and son share names and email addresses.
 * 4. Several, or another name: the user must prove the old account first.
 * 5. None: a new account, where registration is open.
 */
export function decideLinking(facts: LinkingFacts): LinkingDecision {
  if (facts.known !== undefined) return { kind: "known", accountId: facts.known };
  const matches = facts.candidates.filter(
    ({ samePhone, sameEmail }) => (samePhone && facts.phoneVerified) || (sameEmail && facts.emailVerified),
  );
  const [match] = matches;
  if (match === undefined) return { kind: facts.registration === "open" ? "create" : "closed" };
  const doubt = (reason: DoubtReason): LinkingDecision => ({
    kind: "doubt",
    reason,
    candidates: matches.map(({ accountId }) => accountId),
  });
  if (matches.length > 1) return doubt("several");
  if (!isSameName(facts.name, match.name)) return doubt("name");
  const samePhone = match.samePhone && facts.phoneVerified;
  if (match.taken && !samePhone) return doubt("taken");
  const sameEmail = match.sameEmail && facts.emailVerified;
  return { kind: "link", accountId: match.accountId, seen: { samePhone, sameEmail } };
}

/** Which account the person gets, before anything has been written that the person might still be asked about. */
export interface AccountDecision {
  readonly linking: LinkingDecision;
  /** Versions of the terms a returning user accepted; `undefined` where the registry does not know. */
  readonly acceptedTerms: readonly string[] | undefined;
  /** Whether one of the accounts in doubt can be proven by a fact only the member knows. */
  readonly provable: boolean;
  /** Whether the registry has all that Vipps says of a returning user: then {@link Registry.update} is not needed. */
  readonly isCurrent: boolean;
  /** Whether this is the first login as a member who was there before. */
  readonly isFirst: boolean;
  /** The account of a new person that was made in the same round trip (`createsAtOnce`). */
  readonly made: AccountId | undefined;
  /** The groups of a returning user, where the registry looked them up. */
  readonly groups: readonly string[] | undefined;
}

type Registration = "open" | "closed";

/** What a decision depends on besides the person. */
export interface DecisionOptions {
  /**
   * The person said that none of the accounts in doubt is theirs, so they are somebody new. Counts only where
   * registration is open. Nothing is written before the decision is carried out, so the terms are asked about
   * first and declining them leaves nothing.
   */
  readonly asNew?: boolean | undefined;
  /**
   * Makes the account of a new person in the same round trip. Only for a site that asks new people nothing:
   * neither terms nor consents.
   */
  readonly createsAtOnce?: boolean | undefined;
  /**
   * When the login began, in milliseconds since the epoch. One that began before its person was erased makes no
   * account, and throws `Failure("state_expired")`.
   */
  readonly begunAt?: number | undefined;
}

/**
 * Decides which account a person gets. Reads only, unless `createsAtOnce`: what must be asked of the person first
 * (terms, a proof) is asked before anything is written. May be repeated when its answer got lost.
 * @throws {Failure} `storage_unavailable`; `state_expired` as {@link DecisionOptions} says.
 */
export async function decideAccount(
  registry: Registry,
  registration: Registration,
  person: VippsPerson,
  { asNew = false, createsAtOnce = false, begunAt }: DecisionOptions = {},
): Promise<AccountDecision> {
  const makes = createsAtOnce && registration === "open";
  const { known, candidates } = await (makes
    ? registry.findOrCreate(person, begunAt)
    : registry.find(person));
  const linking: LinkingDecision =
    known?.isNew === true
      ? { kind: "create" }
      : decideLinking({ ...person, known: known?.id, candidates, registration });
  const isNew = asNew && registration === "open" && linking.kind === "doubt";
  return {
    linking: isNew ? { kind: "create" } : linking,
    acceptedTerms: known?.acceptedTerms,
    provable:
      linking.kind === "doubt" &&
      candidates.some(({ accountId, provable }) => provable && linking.candidates.includes(accountId)),
    isCurrent: known?.isCurrent ?? false,
    isFirst: known?.isFirst ?? linking.kind === "link",
    made: known?.isNew === true ? known.id : undefined,
    groups: known?.groups,
  };
}

/** How often a decision is made anew because another login was quicker. */
const ROUNDS = 3;

/**
 * Carries a decision out. When another login changed the registry in between, the decision is made again, so
 * that two logins of one new person make one account.
 * @param options those that the decision was made with.
 * @returns the account, or the decision that has meanwhile become one that needs the person.
 * @throws {Failure} `storage_unavailable`; then there is no account, or a whole one. `state_expired` as
 *   {@link DecisionOptions} says.
 */
export async function settleAccount(
  registry: Registry,
  registration: Registration,
  person: VippsPerson,
  first: AccountDecision,
  options: DecisionOptions = {},
): Promise<
  | {
      readonly accountId: AccountId;
      readonly how: "known" | "link" | "create";
      readonly isCurrent: boolean;
      /** Where the registry looked them up. */
      readonly groups: readonly string[] | undefined;
    }
  | AccountDecision
> {
  let decision = first;
  for (let round = 0; round < ROUNDS; round += 1) {
    const { linking } = decision;
    if (linking.kind === "doubt" || linking.kind === "closed") return decision;
    const accountId = decision.made ?? (await carryOut(registry, person, linking, options));
    const isCurrent = linking.kind !== "known" || decision.isCurrent;
    if (accountId !== undefined) return { accountId, how: linking.kind, isCurrent, groups: decision.groups };
    decision = await decideAccount(registry, registration, person, options);
  }
  throw new Failure("storage_unavailable", { stage: "account", reason: "registry keeps changing" });
}

async function carryOut(
  registry: Registry,
  person: VippsPerson,
  linking: Extract<LinkingDecision, { kind: "known" | "link" | "create" }>,
  { asNew, begunAt }: DecisionOptions,
): Promise<AccountId | undefined> {
  if (linking.kind === "known") return linking.accountId;
  if (linking.kind === "create") return registry.create(person, { evenIfSimilar: asNew, begunAt });
  const { accountId, seen } = linking;
  return (await registry.link(accountId, person, "matched", seen)) ? accountId : undefined;
}

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

/**
 * What Vipps said earlier of a person whom the site knows, as far as it stands in for claims that are missing: the
 * name, number and address of email by which people are known, and nothing that a page or purpose is opened by.
 * @param missing names of claims.
 * @returns `undefined` for somebody new. Whoever is registered nowhere is new each time.
 * @throws {Failure} `storage_unavailable`.
 */
export async function knownClaimsOf(
  settings: Settings,
  identity: VippsIdentity,
  missing: readonly string[],
): Promise<VippsClaims | undefined> {
  const { registry } = settings.accounts;
  if (registry.kind === "none") return undefined;
  // A registry of the site's own keeps what it likes of what Vipps says.
  if (registry.kind !== "d1")
    return (await knownAccountOf(settings, identity)) === undefined ? undefined : {};
  const { partition } = settings.site;
  const statement = registry.database
    .prepare("SELECT told FROM identities WHERE site = ?1 AND msn = ?2 AND sub = ?3")
    .bind(partition, settings.relyingParty.merchantSerialNumber, identity.sub);
  const row = await fromDatabase(partition, () => statement.first<{ told: string }>());
  if (row === null) return undefined;
  const told: Partial<VippsPerson> = JSON.parse(row.told);
  const said = {
    ...{ name: told.name, given_name: told.givenName, family_name: told.familyName },
    ...{ phone_number: told.phone, phone_number_verified: told.phoneVerified },
    ...{ email: told.email, email_verified: told.emailVerified },
  };
  const names = ["name", "phoneNumber", "email"]
    .map(claimsOfScope)
    .filter(([name = ""]) => missing.includes(name))
    .flat();
  return knownClaims(Object.fromEntries(Object.entries(said).filter(([name]) => names.includes(name))));
}
