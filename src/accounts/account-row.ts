import { readGroups } from "../group-name.ts";
import type { Account, LinkedBy, LinkedIdentity } from "./account.ts";

/**
 * An event's id is its second, and behind it a number in so many bits that tells the events of one second apart:
 * in order of time, in one key, without an index of its own for the time.
 */
export const SECOND_BITS = 20;

/** A row of `accounts`, as D1 and the command line read it. */
export interface AccountRow {
  readonly id: string;
  readonly name: string | null;
  readonly given_name: string | null;
  readonly family_name: string | null;
  readonly phone: string | null;
  readonly phone_verified: number;
  readonly email: string | null;
  readonly email_verified: number;
  readonly profile: string;
  readonly member_number: string | null;
  readonly groups: string;
  readonly origin: Account["origin"];
  readonly created_at: number;
  readonly updated_at: number;
  readonly last_login_at: number | null;
}

/** Of `accounts a`. A login writes nothing there: when the last one was, `logins` knows, as long as it keeps it. */
export const ACCOUNT_COLUMNS = `a.id, a.name, a.given_name, a.family_name, a.phone, a.phone_verified, a.email,
  a.email_verified, a.profile, a.member_number, a.groups, a.origin, a.created_at, a.updated_at,
  coalesce((SELECT l.id >> ${SECOND_BITS} FROM logins l INDEXED BY logins_by_account
    WHERE l.account_id = a.id AND l.site = a.site AND l.outcome = 'logged_in' ORDER BY l.id DESC LIMIT 1),
    a.last_login_at) AS last_login_at`;

export function accountOf(row: AccountRow): Account {
  return {
    id: row.id,
    name: row.name ?? undefined,
    givenName: row.given_name ?? undefined,
    familyName: row.family_name ?? undefined,
    phone: row.phone ?? undefined,
    phoneVerified: row.phone_verified === 1,
    email: row.email ?? undefined,
    emailVerified: row.email_verified === 1,
    profile: JSON.parse(row.profile),
    memberNumber: row.member_number ?? undefined,
    groups: readGroups(JSON.parse(row.groups)),
    origin: row.origin,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    lastLoginAt: row.last_login_at ?? undefined,
  };
}

/** A Vipps user of an account, as a row of `identities` has it, and the site's own registry tells it. */
export interface IdentityRow {
  readonly msn: string;
  readonly sub: string;
  readonly linked_at: number;
  readonly linked_by: LinkedBy;
  readonly last_login_at?: number | null | undefined;
  readonly consent_revoked_at?: number | null | undefined;
}

export function identityOf(row: IdentityRow): LinkedIdentity {
  return {
    msn: row.msn,
    sub: row.sub,
    linkedAt: row.linked_at,
    linkedBy: row.linked_by,
    lastLoginAt: row.last_login_at ?? undefined,
    consentRevokedAt: row.consent_revoked_at ?? undefined,
  };
}
