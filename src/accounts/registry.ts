import type { D1PreparedStatement } from "@cloudflare/workers-types";
import type { Account, AccountId, AccountRecord, LinkedBy } from "./account.ts";
import type { VippsPerson } from "./vipps-person.ts";

/** What a registry knows of a Vipps user who logs in. */
export interface FoundPerson {
  /** The account this `sub` is linked to. */
  readonly known: KnownAccount | undefined;
  /** Accounts with the same verified phone number or email address; empty where the `sub` is known. */
  readonly candidates: readonly (Candidate & { readonly provable: boolean })[];
}

/** A returning user's account. */
export interface KnownAccount {
  readonly id: AccountId;
  /** Versions of the terms accepted so far, where the registry and the terms share a database. */
  readonly acceptedTerms: readonly string[] | undefined;
  /** Whether the registry has everything that Vipps says now, so that `update` would change nothing. */
  readonly isCurrent: boolean;
  /** Whether nobody has logged in as this Vipps user since it was linked by a proof or by staff; `update` ends that. */
  readonly isFirst?: boolean | undefined;
  /** Whether the account was made by this very call of `findOrCreate`. */
  readonly isNew: boolean;
  /** The groups the person is in, where the registry looks them up at login. */
  readonly groups?: readonly string[] | undefined;
}

/** Which verified address of the user who logs in an account was seen to have. */
export interface SeenContact {
  readonly samePhone: boolean;
  readonly sameEmail: boolean;
}

/** An account that has the phone number or the email address of the user who logs in. */
export interface Candidate extends SeenContact {
  readonly accountId: AccountId;
  readonly name: string | undefined;
  /** Whether another Vipps user of the same sales unit logs in to it already. */
  readonly taken: boolean;
}

export interface CreateOptions {
  /**
   * Makes an account also when others with the same phone number or email address exist: the person said that
   * none of them is theirs.
   */
  readonly evenIfSimilar?: boolean | undefined;
  /**
   * When the login began, in milliseconds since the epoch. One that began before its person was erased makes no
   * account: it throws `Failure("state_expired")`.
   */
  readonly begunAt?: number | undefined;
}

/** What customer service looks for; each field is optional, all given ones must fit. */
export interface AccountSearch {
  readonly phone?: string | undefined;
  readonly email?: string | undefined;
  /** Any words of the name. */
  readonly name?: string | undefined;
  readonly accountId?: string | undefined;
  readonly memberNumber?: string | undefined;
}

/** Fields that staff or the person may correct; `null` empties one. */
export interface Correction {
  readonly name?: string | null;
  readonly phone?: string | null;
  readonly email?: string | null;
  readonly memberNumber?: string | null;
}

/**
 * Where the site's people are kept.
 *
 * Every function throws `Failure("storage_unavailable")` when the registry does not answer within its time
 * limit; then nothing has been half done.
 */
export type Registry = LoginRegistry & AccountDirectory;

/** What a login needs. A returning user costs one `find` before the answer and one `update` after it. */
export interface LoginRegistry {
  /** Finds the account of a `sub`, or the accounts that might be the person's. */
  find(person: VippsPerson): Promise<FoundPerson>;

  /**
   * As `find`, and makes an account for somebody of whom it finds nothing at all, in the same round trip where the
   * registry can. For people who need not be asked anything first. Asked again after a lost answer it finds that
   * account.
   * @param begunAt as in {@link CreateOptions}.
   */
  findOrCreate(person: VippsPerson, begunAt: number | undefined): Promise<FoundPerson>;

  /**
   * Makes an account with its first identity, both or neither.
   * @returns the new account's id; `undefined` when somebody was quicker and the decision must be made again.
   */
  create(person: VippsPerson, options: CreateOptions): Promise<AccountId | undefined>;

  /**
   * Links a Vipps user to an account and brings the account up to date.
   * @returns whether it is linked; `false` when the account is gone, the `sub` was linked to another one
   *   meanwhile, or (for `matched`) the account no longer fits, and the decision must be made again.
   * @param seen what the account was just seen to have, which need not be written again.
   */
  link(accountId: AccountId, person: VippsPerson, by: LinkedBy, seen?: SeenContact): Promise<boolean>;

  /** Takes over what Vipps now says of a returning user. Best effort, and not needed where `isCurrent`. */
  update(accountId: AccountId, person: VippsPerson): Promise<void>;

  /** How a person proves that an old account is theirs. */
  readonly proof: Proof;

  /** The groups of an account, asked for whenever a session is renewed; none for one that is gone. */
  groupsOf(accountId: AccountId): Promise<readonly string[]>;

  /** The account a `sub` is linked to: for the consent webhook and for 'is this somebody else?'. */
  accountOfSub(msn: string, sub: string): Promise<AccountId | undefined>;
}

/** What the person's own page, customer service and the consent webhook need. */
export interface AccountDirectory {
  get(accountId: AccountId): Promise<AccountRecord | undefined>;

  /** At most 50 accounts, the most recently used first. An empty search finds nothing. */
  search(search: AccountSearch): Promise<readonly Account[]>;

  /**
   * @param updatedAt of the account that was looked at: where there is another by now, somebody was quicker.
   * @returns whether it is done. Throws `Failure("request_malformed")` on a taken member number.
   */
  correct(accountId: AccountId, correction: Correction, updatedAt?: number): Promise<boolean>;

  /** Puts an account into these groups and no others. @param updatedAt and the answer as in `correct`. */
  setGroups(accountId: AccountId, groups: readonly string[], updatedAt?: number): Promise<boolean>;

  /** The names of all groups that somebody is in, at most 100. */
  groupNames(): Promise<readonly string[]>;

  /** Whether groups can be changed here; a registry of the site's own keeps them by itself. */
  readonly keepsGroups: boolean;

  /** Takes a Vipps user off an account. @returns whether it was linked. */
  unlink(accountId: AccountId, msn: string, sub: string): Promise<boolean>;

  /** Notes that the user withdrew the consent at Vipps. Repeats change nothing. */
  noteConsentRevoked(msn: string, sub: string): Promise<void>;

  /**
   * Removes the account and its identities.
   * @param alongside deletes what hangs on the account in the worker's own database: in the same transaction
   *   where the registry is in that database, right after otherwise.
   * @returns whether there was such an account.
   */
  erase(accountId: AccountId, alongside: readonly D1PreparedStatement[]): Promise<boolean>;
}

export type Proof =
  /** By a fact only the member knows, such as the member number. */
  | {
      readonly kind: "fact";
      /** @returns the one candidate that the fact belongs to. */
      check(candidates: readonly AccountId[], fact: string): Promise<AccountId | undefined>;
    }
  /** By the site's own old login. */
  | { readonly kind: "site"; readonly url: string; readonly secret: string }
  /** Not by oneself; customer service helps. */
  | { readonly kind: "none" };

/** What a registry knows of groups; one that leaves it out has none. */
type OfGroups = "groupsOf" | "setGroups" | "groupNames" | "keepsGroups";

/**
 * Makes the registry of a project's own.
 * @param site the origin of the site whose people are meant.
 */
export type MakeRegistry = (site: string) => Omit<Registry, OfGroups> & Partial<Pick<Registry, OfGroups>>;
