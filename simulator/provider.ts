import type { BehaviourStore } from "./behaviour.ts";
import type { Journal } from "./journal.ts";
import type { SigningKeys } from "./keys.ts";
import { type Random, randomToken } from "./random.ts";
import type { CustomConsent, SalesUnit } from "./sales-unit.ts";
import type { Market, TestUser } from "./users.ts";

/** A valid authorize request. */
export interface AuthorizeRequest {
  readonly unit: SalesUnit;
  readonly redirectUri: string;
  readonly scopes: readonly string[];
  readonly state: string;
  /** Empty when the relying party sent none, as it then stands in the ID token. */
  readonly nonce: string;
  readonly codeChallenge: string | undefined;
  readonly codeChallengeMethod: "plain" | "S256";
  readonly requestedFlow: string | undefined;
  readonly market: Market;
  /** The `acr` the relying party asked for and the ID token will carry. */
  readonly acr: string | undefined;
  readonly prompt: "none" | "login" | undefined;
}

/** A person who confirmed in the app, now or in the login a browser remembers. */
export interface Authentication {
  readonly user: TestUser;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly sid: string;
}

/** Where a person stands in the pages of one login. */
export type LoginStep =
  | { readonly name: "landing" }
  | {
      readonly name: "app";
      readonly user: TestUser;
      readonly remember: boolean;
      /** Absent on a phone, where the browser opens the app itself. */
      readonly challenge: Challenge | undefined;
    }
  | { readonly name: "consent"; readonly authentication: Authentication }
  | { readonly name: "done"; readonly returnUrl: string };

/** The number shown in the browser and the three offered in the app. */
export interface Challenge {
  readonly shown: number;
  readonly offered: readonly number[];
}

/** One login from the authorize request to the redirect back. Times in milliseconds since the epoch. */
export interface Login {
  readonly id: string;
  /** The browser it began in; nobody else may continue it. */
  readonly browser: string;
  readonly request: AuthorizeRequest;
  readonly requestedAt: number;
  readonly onPhone: boolean;
  step: LoginStep;
}

export interface DelegatedConsent extends CustomConsent {
  readonly accepted: boolean;
}

/** What a person agreed to share with a sales unit. Times in milliseconds since the epoch. */
export interface Consent {
  readonly scopes: readonly string[];
  readonly delegated: { readonly consents: readonly DelegatedConsent[]; readonly at: number } | undefined;
}

/** What a code or an access token stands for. Times in milliseconds since the epoch. */
export interface Grant {
  readonly request: AuthorizeRequest;
  readonly requestedAt: number;
  readonly authentication: Authentication;
  /** Only in the login in which the person was asked. */
  readonly delegated: Consent["delegated"];
}

export interface AuthorizationCode {
  readonly grant: Grant;
  readonly expiresAt: number;
  /** The access token it was exchanged for; a second use revokes it (RFC 6749 section 4.1.2). */
  exchangedFor: string | undefined;
}

export interface AccessToken {
  readonly grant: Grant;
  readonly expiresAt: number;
}

export interface PartnerToken {
  readonly unit: SalesUnit;
  readonly expiresAt: number;
}

/** Everything one simulator holds, in memory; nothing lives outside it. */
export interface Provider {
  readonly origin: string;
  readonly issuer: string;
  readonly salesUnits: readonly SalesUnit[];
  readonly users: readonly TestUser[];
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly random: Random;
  readonly keys: SigningKeys;
  readonly behaviour: BehaviourStore;
  readonly journal: Journal;
  readonly logins: Map<string, Login>;
  readonly codes: Map<string, AuthorizationCode>;
  readonly accessTokens: Map<string, AccessToken>;
  readonly partnerTokens: Map<string, PartnerToken>;
  /** By sales unit and user, see {@link consentKey}. */
  readonly consents: Map<string, Consent>;
  /** By browser: who chose to be remembered in it. */
  readonly rememberedBrowsers: Map<string, Authentication>;
}

/** Milliseconds an authorization code lives. */
export const CODE_LIFETIME = 2 * 60_000;
/** Milliseconds an access token opens userinfo. */
export const ACCESS_TOKEN_LIFETIME = 10 * 60_000;
/** Milliseconds a person may take over the pages of one login. */
export const LOGIN_LIFETIME = 10 * 60_000;

export function consentKey(unit: SalesUnit, user: TestUser): string {
  return `${unit.clientId} ${user.id}`;
}

export function findSalesUnit(provider: Provider, clientId: string | undefined): SalesUnit | undefined {
  return provider.salesUnits.find((unit) => unit.clientId === clientId);
}

/** Stores a fresh single-use code for the grant and returns it. */
export function issueCode(provider: Provider, grant: Grant): string {
  const code = randomToken(provider.random);
  provider.codes.set(code, { grant, expiresAt: provider.now() + CODE_LIFETIME, exchangedFor: undefined });
  return code;
}

/** Drops what can never be used again, so that a simulator left running does not grow. */
export function sweepExpired(provider: Provider): void {
  const now = provider.now();
  // A used code is kept a while longer, so that its second use is noticed as one.
  const keptBeyondExpiry = 60 * 60_000;
  for (const [id, login] of provider.logins) {
    if (login.requestedAt + LOGIN_LIFETIME + keptBeyondExpiry < now) provider.logins.delete(id);
  }
  for (const records of [provider.codes, provider.accessTokens, provider.partnerTokens]) {
    for (const [key, record] of records) {
      if (record.expiresAt + keptBeyondExpiry < now) records.delete(key);
    }
  }
}
