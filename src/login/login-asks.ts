import { readPath } from "../http/request-path.ts";
import { readRequired } from "../rules/asked-rule.ts";
import { asksForMore, requirementsOf } from "../rules/path-rules.ts";
import { distinct, lacking, type Requirement } from "../rules/requirement.ts";
import { type AuthenticSession, now } from "../session/session.ts";
import type { Settings } from "../settings.ts";
import type { VippsClaims, VippsIdentity } from "../vipps/claims.ts";
import { claimsOfScope, profileScopes } from "../vipps/claims.ts";
import type { RelyingParty } from "../vipps/relying-party.ts";

/** What a login asks of Vipps on top of what every login of the site does. */
export interface LoginAsks {
  /** Confirmation in the app. */
  readonly app: boolean;
  /** The birth date, by which an age is judged. */
  readonly birthDate: boolean;
  /** What the site needs more of the person for: a name of PURPOSES. */
  readonly purpose?: string | undefined;
}

/** Nothing more than every login. */
export const NO_ASKS: LoginAsks = { app: false, birthDate: false };

/**
 * What the place where a login leads to requires, and what a proxy or a route in front of it named as `require`.
 * @param returnTo a safe return URL.
 * @throws {Failure} `rule_unknown`.
 */
export function requiredOfLogin(
  settings: Settings,
  query: URLSearchParams | undefined,
  returnTo: string,
): readonly Requirement[] {
  const named = readRequired(settings, query?.getAll("require") ?? []);
  // In a safe return URL that is a path, nothing stands before the query and the fragment but the parsed path.
  const isPath = asksForMore(settings.site) && returnTo.startsWith("/");
  const path = isPath ? readPath(returnTo.replace(/[?#].*$/s, "")) : undefined;
  return distinct([...((path && requirementsOf(settings.site, path)) ?? []), ...named]);
}

/** Whether a new login could bring what a session lacks. */
export function loginCouldHelp(required: readonly Requirement[], session: AuthenticSession): boolean {
  const lacks = lacking(required, session, now());
  return lacks.length > 0 && lacks.every(({ remedy }) => remedy === "login");
}

/** What a login has to ask for so that what is required can be met. */
export function asksFor(required: readonly Requirement[]): LoginAsks {
  return {
    app: required.some(({ kind }) => kind === "acr"),
    birthDate: required.some(({ kind }) => kind === "age"),
  };
}

/** Whether a login asks for anything that another one would not. */
export const isForMore = (asks: LoginAsks | undefined): boolean =>
  asks !== undefined && (asks.app || asks.birthDate || asks.purpose !== undefined);

/** Scopes of one login alone. */
function furtherScope(settings: Settings, asks: LoginAsks): readonly string[] {
  const further = [...(asks.birthDate ? ["birthDate"] : []), ...bundleOf(settings, asks)];
  return [...new Set(further)].filter((word) => !settings.relyingParty.scope.includes(word));
}

/** The scopes of the purpose that a login is for. */
const bundleOf = ({ login }: Settings, { purpose }: LoginAsks): readonly string[] =>
  (purpose !== undefined && login.purposes.get(purpose)) || [];

/** The relying party as it is in one login. */
export function askingParty(settings: Settings, asks: LoginAsks | undefined): RelyingParty {
  const { relyingParty } = settings;
  if (asks === undefined || !isForMore(asks)) return relyingParty;
  const askedOnce = furtherScope(settings, asks);
  return {
    ...relyingParty,
    scope: [...relyingParty.scope, ...askedOnce],
    askedOnce,
    needed: [...new Set([...askedOnce, ...bundleOf(settings, asks)])],
    requireApp: relyingParty.requireApp || asks.app,
  };
}

/**
 * The identity with what only this login asked for set aside, so that it gets no further than the session: into no
 * registry, and no other token.
 */
export function setAside(
  settings: Settings,
  asks: LoginAsks | undefined,
  identity: VippsIdentity,
): VippsIdentity {
  if (asks === undefined || !isForMore(asks)) return identity;
  const { relyingParty, login } = settings;
  const { purpose } = asks;
  const bundle = purpose === undefined ? undefined : login.purposes.get(purpose);
  // Of a purpose that is gone from the settings since the login began, all goes that may have come for it.
  const isGone = purpose !== undefined && bundle === undefined;
  const further = isGone
    ? profileScopes().filter((word) => !relyingParty.scope.includes(word))
    : furtherScope(settings, asks);
  const names = new Set(further.flatMap(claimsOfScope));
  const usual = new Set(relyingParty.scope.flatMap(claimsOfScope));
  const isFurther = (name: string) => names.has(name) && !usual.has(name);
  const claims = picked(identity.claims, (name) => !isFurther(name));
  const broughtNames = new Set(bundle?.flatMap(claimsOfScope));
  return {
    ...identity,
    claims,
    ...(asks.birthDate && { aside: picked(identity.claims, (name) => name === "birthdate") }),
    ...(purpose !== undefined &&
      bundle !== undefined && {
        brought: { purpose, claims: picked(identity.claims, (name) => broughtNames.has(name)) },
      }),
  };
}

function picked(claims: VippsClaims, isWanted: (name: string) => boolean): VippsClaims {
  return Object.fromEntries(Object.entries(claims).filter(([name]) => isWanted(name)));
}
