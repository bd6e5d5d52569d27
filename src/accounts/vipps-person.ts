import type { AskedBefore } from "../vipps/claims.ts";
import { type VippsClaims, type VippsIdentity, withFullName } from "../vipps/claims.ts";

/** What Vipps says of the user who logs in, in the form in which the registry keeps and compares it. */
export interface VippsPerson {
  /** The sales unit for which `sub` holds. */
  readonly msn: string;
  readonly sub: string;
  readonly name: string | undefined;
  readonly givenName: string | undefined;
  readonly familyName: string | undefined;
  /** E.164 digits without the plus sign. */
  readonly phone: string | undefined;
  readonly phoneVerified: boolean;
  /** Lower case. */
  readonly email: string | undefined;
  readonly emailVerified: boolean;
  readonly profile: Readonly<Record<string, unknown>>;
  /** What Vipps was asked for and need not be asked again for a while. */
  readonly asked?: AskedBefore | undefined;
}

/** Claims kept beside name, phone and email. `nin` is not: nothing here needs it. */
const PROFILE_CLAIMS = [
  "address",
  "other_addresses",
  "birthdate",
  "gender",
] as const satisfies readonly (keyof VippsClaims)[];

/**
 * The person behind an identity.
 * @param msn Merchant Serial Number of the sales unit that was logged in to; `sub` differs between sales units.
 */
export function vippsPerson({ sub, claims, asked }: VippsIdentity, msn: string): VippsPerson {
  const phone = normalPhone(claims.phone_number);
  const email = normalEmail(claims.email);
  return {
    msn,
    sub,
    name: withFullName(claims).name,
    givenName: claims.given_name,
    familyName: claims.family_name,
    phone,
    // Vipps verifies every number and does not always say so; only an explicit `false` means unverified
    // (Vipps Login API guide, 'Best practices for linking user accounts').
    phoneVerified: phone !== undefined && claims.phone_number_verified !== false,
    email,
    // An email address is the opposite: it counts only when Vipps says that it is verified (same source).
    emailVerified: email !== undefined && claims.email_verified === true,
    profile: Object.fromEntries(
      PROFILE_CLAIMS.flatMap((claim) => (claims[claim] === undefined ? [] : [[claim, claims[claim]]])),
    ),
    ...(asked !== undefined && { asked }),
  };
}

/** Longer texts are no phone numbers, however they are written. In characters. */
const PHONE_LIMIT = 50;
/** The longest address that can be written to (RFC 5321 section 4.5.3.1), in characters. */
const EMAIL_LIMIT = 320;

/** E.164 digits of a number as Vipps sends it (`4712345678`), with or without a plus sign. */
export function normalPhone(phone: string | undefined): string | undefined {
  if (phone !== undefined && phone.length > PHONE_LIMIT) return undefined;
  const digits = phone?.replace(/^\+|[\s()-]/g, "");
  return digits !== undefined && /^[1-9]\d{6,14}$/.test(digits) ? digits : undefined;
}

/** An email address in the one spelling in which addresses are compared: trimmed, NFC, lower case. */
export function normalEmail(email: string | undefined): string | undefined {
  if (email !== undefined && email.length > EMAIL_LIMIT) return undefined;
  const normal = email?.trim().normalize("NFC").toLowerCase();
  return normal !== undefined && /^[^\s@]+@[^\s@]+$/.test(normal) ? normal : undefined;
}
