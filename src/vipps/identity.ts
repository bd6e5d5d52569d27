/** Who logged in, as the provider vouches for it. */
export interface VippsIdentity {
  /** Stable for one user at one sales unit; differs between sales units. */
  readonly sub: string;
  /** When the user last authenticated at the provider, in seconds since the epoch. */
  readonly authTime: number;
  readonly claims: VippsClaims;
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

/** Longer values are cut off by refusing them: no real name or address comes near. In characters. */
const TEXT_LIMIT = 500;

/** The claims that are of the right type; anything else a provider sends is dropped. */
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
    if (typeof value === "object" && value !== null && !Array.isArray(value)) claims[name] = value;
  }
  if (Array.isArray(raw.other_addresses)) claims.other_addresses = raw.other_addresses;
  return claims;
}

/** The claim whose presence shows that a scope has been answered (Vipps Login API, scopes). */
const CLAIM_OF_SCOPE: Readonly<Record<string, keyof VippsClaims>> = {
  name: "name",
  profile: "name",
  phoneNumber: "phone_number",
  phone: "phone_number",
  email: "email",
  address: "address",
  birthDate: "birthdate",
  gender: "gender",
  nin: "nin",
  customFlow: "delegatedConsents",
  delegatedConsents: "delegatedConsents",
};

/** Whether something was asked for that these claims do not answer. */
export function lacksRequestedClaims(scope: readonly string[], claims: VippsClaims): boolean {
  return scope.some((word) => {
    const claim = CLAIM_OF_SCOPE[word];
    return claim !== undefined && claims[claim] === undefined;
  });
}
