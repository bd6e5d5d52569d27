/** The id under which the site knows a person: stable, and the `sub` of the session token. */
export type AccountId = string;

/** A person as the site knows them. Times in seconds since the epoch. */
export interface Account {
  readonly id: AccountId;
  readonly name: string | undefined;
  readonly givenName: string | undefined;
  readonly familyName: string | undefined;
  /** E.164 digits without the plus sign: `4799999901`. */
  readonly phone: string | undefined;
  /** Whether Vipps, the member list or staff vouch for the number. */
  readonly phoneVerified: boolean;
  /** Lower case. */
  readonly email: string | undefined;
  readonly emailVerified: boolean;
  /** Further claims the site asked for: `address`, `other_addresses`, `birthdate`, `gender`. */
  readonly profile: Readonly<Record<string, unknown>>;
  readonly memberNumber: string | undefined;
  /** Names of the groups the person is in, sorted. */
  readonly groups: readonly string[];
  /** Where it came from: a first login, the member list, staff, or the site's own registry. */
  readonly origin: "vipps" | "import" | "staff" | "site";
  /** Where the site's own registry says it. */
  readonly createdAt: number | undefined;
  readonly updatedAt: number;
  readonly lastLoginAt: number | undefined;
}

/** A Vipps user that an account belongs to. Times in seconds since the epoch. */
export interface LinkedIdentity {
  /** The sales unit for which `sub` holds. */
  readonly msn: string;
  readonly sub: string;
  readonly linkedAt: number;
  readonly linkedBy: LinkedBy;
  readonly lastLoginAt: number | undefined;
  readonly consentRevokedAt: number | undefined;
}

/** How an identity came to its account: with a new account, by the linking rules, by a proof, or by staff. */
export type LinkedBy = "created" | "matched" | "proven" | "staff";

/** An account with everything that hangs on it in the registry. */
export interface AccountRecord {
  readonly account: Account;
  readonly identities: readonly LinkedIdentity[];
}
