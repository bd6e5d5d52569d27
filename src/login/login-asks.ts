import { queryParameters } from "../http/query.ts";
import { readPath } from "../http/request-path.ts";
import { readRequired } from "../rules/asked-rule.ts";
import { requirementsOf } from "../rules/path-rules.ts";
import { distinct, lacking, type Requirement } from "../rules/requirement.ts";
import { type AuthenticSession, now } from "../session/session.ts";
import type { Settings } from "../settings.ts";
import type { VippsClaims, VippsIdentity } from "../vipps/identity.ts";
import type { RelyingParty } from "../vipps/relying-party.ts";
import { claimsOfScope } from "../vipps/requested-claims.ts";

/** What a login asks of Vipps on top of what every login of the site does. */
export interface LoginAsks {
  /** Confirmation in the app. */
  readonly app: boolean;
  /** The birth date, by which an age is judged. */
  readonly birthDate: boolean;
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
  request: Pick<Request, "url">,
  returnTo: string,
): readonly Requirement[] {
  const named = readRequired(settings, queryParameters(request, "require"));
  const path = returnTo.startsWith("/")
    ? readPath(new URL(returnTo, settings.site.origin).pathname)
    : undefined;
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

/** Scopes on top of those of every login. */
function furtherScope({ relyingParty }: Settings, { birthDate }: LoginAsks): readonly string[] {
  return (birthDate ? ["birthDate"] : []).filter((word) => !relyingParty.scope.includes(word));
}

/** The relying party as it is in one login. */
export function askingParty(settings: Settings, asks: LoginAsks | undefined): RelyingParty {
  const { relyingParty } = settings;
  if (asks === undefined || (!asks.app && !asks.birthDate)) return relyingParty;
  return {
    ...relyingParty,
    scope: [...relyingParty.scope, ...furtherScope(settings, asks)],
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
  const further = asks === undefined ? [] : furtherScope(settings, asks);
  if (further.length === 0) return identity;
  const names = new Set<string>(further.flatMap(claimsOfScope));
  const entries = Object.entries(identity.claims);
  const aside: VippsClaims = Object.fromEntries(entries.filter(([name]) => names.has(name)));
  const claims: VippsClaims = Object.fromEntries(entries.filter(([name]) => !names.has(name)));
  return { ...identity, claims, aside };
}
