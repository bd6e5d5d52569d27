import type { AskedBefore } from "./requested-claims.ts";

/** Who logged in, as the provider vouches for it. */
export interface VippsIdentity {
  /** Stable for one user at one sales unit; differs between sales units. */
  readonly sub: string;
  /** When the user last authenticated at the provider, in seconds since the epoch. */
  readonly authTime: number;
  readonly claims: VippsClaims;
  /** How the user authenticated, where the provider was asked for confirmation in the app and says that it was. */
  readonly acr?: string | undefined;
  /** Claims that this login alone asked for: they go no further than its session. */
  readonly aside?: VippsClaims | undefined;
  /** What the login brought for a purpose of the site's, where it named one. */
  readonly brought?: BroughtClaims | undefined;
  /** Which requested claims need not be asked for again for a while; to be kept with the person's identity. */
  readonly asked?: AskedBefore | undefined;
}

/** Claims that a person shared for a purpose of the site's. */
export interface BroughtClaims {
  /** A name of PURPOSES. */
  readonly purpose: string;
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
  /** What Vipps collected for the site: scope `customFlow`, and the older `delegatedConsents`. */
  readonly flowResult?: Readonly<Record<string, unknown>>;
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
/** A value of blanks alone is as good as none. */
const SAYS_SOMETHING = /[^\s\p{C}]/u;
/** Larger structures are dropped: no real address comes near. In characters of JSON. */
const STRUCTURE_LIMIT = 16_384;
/** Consents come once and are not asked for again: a whole answer of the provider has room. */
const CONSENTS_LIMIT = 256 * 1024;
/** Deeper structures are cut off: SQLite reads JSON to a depth of 1,000, a real claim has seven. */
const DEPTH_LIMIT = 32;

/** The claims that are of the right type and of a sane size; anything else a provider sends is dropped. */
export function knownClaims(raw: Readonly<Record<string, unknown>>): VippsClaims {
  const claims: Record<string, unknown> = {};
  for (const name of TEXT) {
    const value = raw[name];
    if (typeof value === "string" && SAYS_SOMETHING.test(value) && value.length <= TEXT_LIMIT)
      claims[name] = value;
  }
  for (const name of ["email_verified", "phone_number_verified"] as const) {
    // Vipps documents booleans; some providers send the word.
    if (name in raw) claims[name] = raw[name] === true || raw[name] === "true";
  }
  for (const name of ["address", "flowResult", "delegatedConsents"] as const) {
    const value = raw[name];
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    if (!isObject) continue;
    const shallow = cutOff(value, DEPTH_LIMIT);
    if (isSmall(shallow, name === "address" ? STRUCTURE_LIMIT : CONSENTS_LIMIT)) claims[name] = shallow;
  }
  if (Array.isArray(raw.other_addresses)) {
    const shallow = cutOff(raw.other_addresses, DEPTH_LIMIT);
    if (isSmall(shallow, STRUCTURE_LIMIT)) claims.other_addresses = shallow;
  }
  return claims;
}

/**
 * The claims with a full name where the provider gave only its parts. Once all claims are there: a name that userinfo
 * knows goes before one put together here.
 */
export function withFullName(claims: VippsClaims): VippsClaims {
  const parts = [claims.given_name, claims.family_name].filter((part) => part !== undefined);
  return claims.name !== undefined || parts.length === 0 ? claims : { ...claims, name: parts.join(" ") };
}

function isSmall(value: unknown, limit: number): boolean {
  return JSON.stringify(value).length <= limit;
}

function cutOff(value: unknown, depth: number): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (depth === 0) return null;
  if (Array.isArray(value)) return value.map((item) => cutOff(item, depth - 1));
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, cutOff(item, depth - 1)]));
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
