import type { AskedBefore } from "./requested-claims.ts";

/** Who logged in, as the provider vouches for it. */
export interface VippsIdentity {
  /** Stable for one user at one sales unit; differs between sales units. */
  readonly sub: string;
  /** When the user last authenticated at the provider, in seconds since the epoch. */
  readonly authTime: number;
  readonly claims: VippsClaims;
  /** Which requested claims need not be asked for again for a while; to be kept with the person's identity. */
  readonly asked?: AskedBefore | undefined;
}

/** User claims of the ID token and userinfo that this worker knows what to do with. */
export interface VippsClaims {
  readonly name?: string;
  readonly given_name?: string;
  readonly family_name?: string;
  readonly email?: string;
  readonly email_verified?: boolean;
  readonly phone_number?: string;
  readonly phone_number_verified?: boolean;
  readonly birthdate?: string;
  readonly address?: Readonly<Record<string, unknown>>;
  readonly other_addresses?: readonly unknown[];
  readonly gender?: string;
  readonly nin?: string;
  readonly delegatedConsents?: Readonly<Record<string, unknown>>;
}

const TEXT = [
  "name",
  "given_name",
  "family_name",
  "email",
  "phone_number",
  "birthdate",
  "gender",
  "nin",
] as const;

/** Longer values are dropped: no real name comes near. In characters. */
const TEXT_LIMIT = 500;
/** Larger structures are dropped: no real address or consent comes near. In characters of JSON. */
const STRUCTURE_LIMIT = 16_384;

/** The claims that are of the right type and of a sane size; anything else a provider sends is dropped. */
export function knownClaims(raw: Readonly<Record<string, unknown>>): VippsClaims {
  const claims: Record<string, unknown> = {};
  for (const name of TEXT) {
    const value = raw[name];
    if (typeof value === "string" && value !== "" && value.length <= TEXT_LIMIT) claims[name] = value;
  }
  for (const name of ["email_verified", "phone_number_verified"] as const) {
    // Vipps documents booleans; some providers send the word.
    if (name in raw) claims[name] = raw[name] === true || raw[name] === "true";
  }
  for (const name of ["address", "delegatedConsents"] as const) {
    const value = raw[name];
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    if (isObject && isSmall(value)) claims[name] = value;
  }
  const { other_addresses } = raw;
  if (Array.isArray(other_addresses) && isSmall(other_addresses)) claims.other_addresses = other_addresses;
  return claims;
}

function isSmall(value: object): boolean {
  return JSON.stringify(value).length <= STRUCTURE_LIMIT;
}

/**
 * What is known of the user when the ID token left something out. What the provider signed wins, and a value
 * counts as verified only where the one who says so speaks of the same value.
 */
export function completedClaims(idToken: VippsClaims, userinfo: VippsClaims): VippsClaims {
  const claims: Record<string, unknown> = { ...userinfo, ...idToken };
  for (const name of ["email", "phone_number"] as const) {
    const verified = `${name}_verified` as const;
    const says = [idToken, userinfo].find((source) => source[name] === claims[name] && verified in source);
    delete claims[verified];
    if (says !== undefined) claims[verified] = says[verified];
  }
  return claims;
}
