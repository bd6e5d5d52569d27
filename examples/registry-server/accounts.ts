// The site's own accounts, as some system of yours would keep them. Here: a list in memory, saved as JSON.

/** What Vipps says of a user. */
export interface Person {
  readonly msn: string;
  readonly sub: string;
  readonly name?: string;
  readonly given_name?: string;
  readonly family_name?: string;
  readonly phone?: string;
  readonly phone_verified: boolean;
  readonly email?: string;
  readonly email_verified: boolean;
  readonly profile: Readonly<Record<string, unknown>>;
}

/** A Vipps user linked to an account. Times in seconds since the epoch. */
export interface Identity {
  readonly msn: string;
  readonly sub: string;
  readonly linked_at: number;
  readonly linked_by: string;
  last_login_at: number | null;
  consent_revoked_at: number | null;
}

export interface Account {
  readonly id: string;
  name?: string | null;
  given_name?: string | null;
  family_name?: string | null;
  /** E.164 digits without the plus sign. */
  phone?: string | null;
  /** Lower case. */
  email?: string | null;
  phone_verified?: boolean;
  email_verified?: boolean;
  profile?: Readonly<Record<string, unknown>>;
  member_number?: string | null;
  readonly created_at?: number;
  updated_at?: number;
  last_login_at?: number | null;
  identities?: readonly Identity[];
  /** Salt and hash of the password of the old login. */
  password?: string;
}

/** What customer service looks for; everything given must fit. */
export interface AccountSearch {
  readonly phone?: string | undefined;
  readonly email?: string | undefined;
  readonly name?: string | undefined;
  readonly id?: string | undefined;
  readonly member_number?: string | undefined;
}

export type Accounts = ReturnType<typeof createAccounts>;

const now = () => Math.floor(Date.now() / 1000);

/**
 * @param accounts those there are; the list is kept up to date
 * @param save called after every change
 */
export function createAccounts(accounts: Account[], save: () => void) {
  const byId = (id: string) => accounts.find((account) => account.id === id);
  const identityOf = (account: Account, msn: string, sub: string) =>
    account.identities?.find((identity) => identity.msn === msn && identity.sub === sub);
  const bySub = (msn: string, sub: string) =>
    accounts.find((account) => identityOf(account, msn, sub) !== undefined);

  /** Accounts with the verified phone number or the verified email address of a person. */
  const similar = (person: Person) =>
    accounts.flatMap((account) => {
      const same_phone =
        person.phone_verified && account.phone_verified === true && account.phone === person.phone;
      const same_email =
        person.email_verified && account.email_verified === true && account.email === person.email;
      if (!same_phone && !same_email) return [];
      const taken = account.identities?.some(({ msn }) => msn === person.msn) ?? false;
      return [{ id: account.id, name: account.name ?? null, same_phone, same_email, taken }];
    });

  /** Takes over what Vipps says. Nothing unverified takes the place of something verified. */
  const takeOver = (account: Account, person: Person) => {
    account.name = person.name ?? account.name ?? null;
    account.given_name = person.given_name ?? account.given_name ?? null;
    account.family_name = person.family_name ?? account.family_name ?? null;
    if (person.phone !== undefined && (person.phone_verified || !account.phone_verified)) {
      Object.assign(account, { phone: person.phone, phone_verified: person.phone_verified });
    }
    if (person.email !== undefined && (person.email_verified || !account.email_verified)) {
      Object.assign(account, { email: person.email, email_verified: person.email_verified });
    }
    account.profile = { ...account.profile, ...person.profile };
    Object.assign(account, { updated_at: now(), last_login_at: now() });
  };

  const addIdentity = (account: Account, { msn, sub }: Person, by: string) => {
    const identity = {
      msn,
      sub,
      linked_at: now(),
      linked_by: by,
      last_login_at: now(),
      consent_revoked_at: null,
    };
    account.identities = [...(account.identities ?? []), identity];
  };

  return {
    all: () => accounts,
    byId,
    bySub,
    similar,

    /** @returns the id; `undefined` where somebody was quicker */
    create(person: Person, evenIfSimilar: boolean): string | undefined {
      if (bySub(person.msn, person.sub) !== undefined) return undefined;
      if (!evenIfSimilar && similar(person).length > 0) return undefined;
      const account: Account = { id: crypto.randomUUID(), created_at: now() };
      takeOver(account, person);
      addIdentity(account, person, "created");
      accounts.push(account);
      save();
      return account.id;
    },

    /** @returns false where the decision must be made again */
    link(id: string, person: Person, by: string): boolean {
      const account = byId(id);
      if (account === undefined) return false;
      const owner = bySub(person.msn, person.sub);
      if (owner !== undefined) return owner === account;
      if (by === "matched") {
        const [match, ...others] = similar(person);
        if (match?.id !== id || others.length > 0 || (match.taken && !match.same_phone)) return false;
      }
      takeOver(account, person);
      addIdentity(account, person, by);
      save();
      return true;
    },

    update(id: string, person: Person): void {
      const account = byId(id);
      const identity = account && identityOf(account, person.msn, person.sub);
      if (account === undefined || identity === undefined) return;
      takeOver(account, person);
      Object.assign(identity, { last_login_at: now(), consent_revoked_at: null });
      save();
    },

    search({ phone, email, name, id, member_number }: AccountSearch, limit: number): Account[] {
      const words = (name ?? "").toLowerCase().split(/\s+/).filter(Boolean);
      const fits = (account: Account) =>
        (phone === undefined || account.phone === phone) &&
        (email === undefined || account.email === email) &&
        (id === undefined || account.id === id) &&
        (member_number === undefined || account.member_number === member_number) &&
        words.every((word) => account.name?.toLowerCase().includes(word));
      return accounts.filter(fits).slice(0, limit);
    },

    correct(
      id: string,
      { name, phone, email, member_number }: Readonly<Record<string, string | null>>,
    ): "done" | "unknown" | "taken" {
      const account = byId(id);
      if (account === undefined) return "unknown";
      const taken = accounts.some((other) => other !== account && other.member_number === member_number);
      if (typeof member_number === "string" && taken) return "taken";
      if (name !== undefined) Object.assign(account, { name, given_name: null, family_name: null });
      if (phone !== undefined) Object.assign(account, { phone, phone_verified: phone !== null });
      if (email !== undefined) Object.assign(account, { email, email_verified: email !== null });
      if (member_number !== undefined) account.member_number = member_number;
      account.updated_at = now();
      save();
      return "done";
    },

    unlink(id: string, msn: string, sub: string): boolean {
      const account = byId(id);
      const identity = account && identityOf(account, msn, sub);
      if (account === undefined || identity === undefined) return false;
      account.identities = account.identities?.filter((other) => other !== identity) ?? [];
      save();
      return true;
    },

    noteConsentRevoked(msn: string, sub: string): void {
      const account = bySub(msn, sub);
      const identity = account && identityOf(account, msn, sub);
      if (identity === undefined || identity.consent_revoked_at !== null) return;
      identity.consent_revoked_at = now();
      save();
    },

    erase(id: string): boolean {
      const index = accounts.findIndex((account) => account.id === id);
      if (index < 0) return false;
      accounts.splice(index, 1);
      save();
      return true;
    },
  };
}
