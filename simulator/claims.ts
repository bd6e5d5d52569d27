import type { Behaviour, UserFault } from "./behaviour.ts";
import type { Grant } from "./provider.ts";
import { uuidFrom } from "./random.ts";
import type { SalesUnit } from "./sales-unit.ts";
import { EMPTY_ADDRESS, fullName, type TestUser } from "./users.ts";

/**
 * The person's `sub` at the sales unit: a UUID that stays the same over restarts and differs between units
 * (pairwise, OpenID Connect Core section 8.1).
 */
export async function subjectOf(unit: SalesUnit, user: TestUser): Promise<string> {
  const seed = new TextEncoder().encode(`${unit.clientId}\n${user.id}`);
  return uuidFrom(new Uint8Array(await crypto.subtle.digest("SHA-256", seed)));
}

/** The person with the faults the behaviour puts into their data. */
export function withUserFaults(user: TestUser, behaviour: Behaviour): TestUser {
  const faults = [...(behaviour.userFaults.everyone ?? []), ...(behaviour.userFaults[user.id] ?? [])];
  return faults.reduce((person, fault) => USER_FAULT_EFFECTS[fault](person), user);
}

const USER_FAULT_EFFECTS: Readonly<Record<UserFault, (user: TestUser) => TestUser>> = {
  unverifiedEmail: (user) => ({ ...user, emailVerified: false }),
  noEmail: ({ email: _email, ...user }) => ({ ...user, emailVerified: false }),
  emptyAddress: (user) => ({ ...user, address: EMPTY_ADDRESS, otherAddresses: [] }),
  changedPhoneNumber: (user) => ({
    ...user,
    formerPhoneNumber: user.phoneNumber,
    phoneNumber: `${user.phoneNumber.slice(0, -2)}77`,
  }),
};

type Claims = Readonly<Record<string, unknown>>;

/** The claims of each scope that brings some; `gender` and `nin` bring none, as in the real test environment. */
const CLAIMS_OF_SCOPE: Readonly<Record<string, (user: TestUser) => Claims>> = {
  name: (user) => ({ name: fullName(user), given_name: user.givenName, family_name: user.familyName }),
  phoneNumber: (user) => ({ phone_number: user.phoneNumber, phone_number_verified: true }),
  email: (user) =>
    user.email === undefined
      ? { email_verified: false }
      : { email: user.email, email_verified: user.emailVerified },
  address: (user) => ({ address: user.address, other_addresses: user.otherAddresses }),
  birthDate: (user) => ({ birthdate: user.birthdate }),
};

/** The user data of a grant, without `sub` and `sid`. */
export function userClaims(grant: Grant, behaviour: Behaviour): Claims {
  const user = withUserFaults(grant.authentication.user, behaviour);
  const claims = grant.request.scopes.map((scope) => CLAIMS_OF_SCOPE[scope]?.(user) ?? {});
  return Object.assign({}, ...claims, delegatedConsents(grant));
}

/**
 * What the person answered in the sales unit's own flow, scope `customFlow`: in the userinfo response alone, and
 * only in the login in which they were asked.
 */
export function flowResult({ delegated, request }: Grant): Claims {
  if (delegated === undefined || !request.scopes.includes("customFlow")) return {};
  return {
    flowResult: {
      language: "EN",
      screens: [
        {
          title: `Welcome to ${request.unit.name ?? request.unit.msn}`,
          description: "You can withdraw your consents at any time.",
          terms: { links: [{ title: "Terms", url: "https://example.com/terms" }] },
          elements: delegated.consents.map(({ id, accepted, required, text }) => ({
            type: "checkbox",
            id,
            title: text,
            checked: accepted,
            required,
            readMore: null,
          })),
        },
      ],
      timeOfConsent: timeOfConsent(delegated.at),
    },
  };
}

/** @param at milliseconds since the epoch */
const timeOfConsent = (at: number): string => new Date(at).toISOString().replace(/\.\d{3}Z$/, "Z");

/** The older form of the same, scope `delegatedConsents`. */
function delegatedConsents({ delegated, request }: Grant): Claims {
  if (delegated === undefined || !request.scopes.includes("delegatedConsents")) return {};
  return {
    delegatedConsents: {
      language: "EN",
      heading: `Consents for ${request.unit.name ?? request.unit.msn}`,
      termsDescription: "By continuing you accept the terms. You can withdraw your consents at any time.",
      confirmConsentButtonText: "Share and continue",
      links: {
        termsLinkText: "Read the terms",
        termsLinkUrl: "https://example.com/terms",
        privacyStatementLinkText: "Read the privacy statement",
        privacyStatementLinkUrl: "https://example.com/privacy",
      },
      timeOfConsent: timeOfConsent(delegated.at),
      consents: delegated.consents.map(({ id, accepted, required, text }) => ({
        id,
        accepted,
        required,
        textDisplayedToUser: text,
      })),
    },
  };
}
