import type { Market } from "./users.ts";

/** One sales unit: what a merchant sets up for Login in the business portal. */
export interface SalesUnit {
  readonly clientId: string;
  readonly clientSecret: string;
  /** Merchant Serial Number. */
  readonly msn: string;
  /** Shown on the pages; the MSN where absent. */
  readonly name?: string;
  /** How the token endpoint authenticates this unit; the other method is answered with `invalid_client`. */
  readonly tokenAuth?: "client_secret_basic" | "client_secret_post";
  /** Compared byte by byte with the request's `redirect_uri`. */
  readonly redirectUris: readonly string[];
  /** Scopes in the unit's plan; everything but `gender` and `nin` where absent. */
  readonly scopes?: readonly string[];
  /** The keys are partner keys: they act for this unit's own MSN and for every unit they manage. */
  readonly partner?: boolean;
  /** `clientId` of the partner that acts for this unit. */
  readonly managedBy?: string;
  /** The subscription key `POST /accesstoken/get` asks for; any value but an empty one where absent. */
  readonly subscriptionKey?: string;
  /** The paid tier that may send `acr_values`. */
  readonly inAppConfirmation?: boolean;
  /** Theme of the pages where the request names no `market`. */
  readonly market?: Market;
  /** Questions asked with the scope `customFlow` or `delegatedConsents`. */
  readonly customFlow?: readonly CustomConsent[];
}

/** One tick box of a sales unit's own consent screen. */
export interface CustomConsent {
  readonly id: string;
  readonly required: boolean;
  readonly text: string;
}

/** Scopes that the discovery document lists, in its order. */
export const LISTED_SCOPES = [
  "openid",
  "name",
  "phoneNumber",
  "nin",
  "address",
  "birthDate",
  "delegatedConsents",
  "email",
  "gender",
] as const;

/**
 * Scopes Vipps MobilePay Login knows: those, and some that work without being listed. `api_version_2` was asked for by
 * clients of the first years; it brings nothing.
 */
export const KNOWN_SCOPES = [...LISTED_SCOPES, "customFlow", "api_version_2"] as const;

/** Scopes given only by application. */
const SCOPES_BY_APPLICATION: readonly string[] = ["gender", "nin"];

export const DEFAULT_CUSTOM_FLOW: readonly CustomConsent[] = [
  { id: "membership-terms", required: true, text: "I accept the terms of membership" },
  { id: "newsletter", required: false, text: "Send me the newsletter by email" },
];

export function scopesInPlan(unit: SalesUnit): readonly string[] {
  return unit.scopes ?? KNOWN_SCOPES.filter((scope) => !SCOPES_BY_APPLICATION.includes(scope));
}

export function salesUnitName(unit: SalesUnit): string {
  return unit.name ?? `Sales unit ${unit.msn}`;
}

/** Whether the partner's keys may act for the sales unit. */
export function actsFor(partner: SalesUnit, unit: SalesUnit): boolean {
  return (
    partner.partner === true && (unit.clientId === partner.clientId || unit.managedBy === partner.clientId)
  );
}

/** As the portal has them: sites that share a sales unit are one, with the redirect URIs of all of them. */
export function sharedSalesUnits(units: readonly SalesUnit[]): readonly SalesUnit[] {
  const shared: SalesUnit[] = [];
  for (const unit of units) {
    const at = shared.findIndex((known) => isSameUnit(known, unit));
    const known = shared[at];
    if (known === undefined) shared.push(unit);
    else shared[at] = together(known, unit);
  }
  return shared;
}

/** A site without keys of its own, for which the partner's act, names the unit by its MSN alone. */
function isSameUnit(one: SalesUnit, other: SalesUnit): boolean {
  if (one.msn !== other.msn) return false;
  if (one.managedBy !== undefined || other.managedBy !== undefined) return true;
  return one.clientId === other.clientId && one.clientSecret === other.clientSecret;
}

function together(one: SalesUnit, other: SalesUnit): SalesUnit {
  const managedBy = one.managedBy ?? other.managedBy;
  return {
    ...(one.managedBy === undefined ? one : other),
    redirectUris: [...new Set([...one.redirectUris, ...other.redirectUris])],
    ...(managedBy !== undefined && { managedBy }),
  };
}

/**
 * Checks what the business portal checks when a sales unit is set up.
 * @throws Error naming every mistake at once
 */
export function assertSalesUnits(units: readonly SalesUnit[]): void {
  const mistakes = units.flatMap((unit) =>
    unit.redirectUris
      .filter((uri) => !isRegistrableRedirectUri(uri))
      .map((uri) => `sales unit ${unit.msn}: redirect URI ${uri} ${REDIRECT_URI_RULE}`),
  );
  for (const key of ["clientId", "msn"] as const) {
    const twice = [...Map.groupBy(units, (unit) => unit[key])].filter(([, same]) => same.length > 1);
    mistakes.push(
      ...twice.map(([value, same]) => `${key} ${value} belongs to ${sitesOf(same)}. ${ONE_UNIT}`),
    );
  }
  if (mistakes.length > 0) throw new Error(mistakes.join("\n"));
}

/** Where units are used, for whoever has to put them right. */
function sitesOf(units: readonly SalesUnit[]): string {
  const places = units.map(({ msn, clientId, redirectUris: [first] }) => {
    const origin = first === undefined ? undefined : URL.parse(first)?.origin;
    return `${origin ?? "a site"} (MSN ${msn}, client id ${clientId})`;
  });
  return places.join(" and to ");
}

const ONE_UNIT =
  "Sites that share a sales unit have the same VIPPS_MSN, VIPPS_CLIENT_ID and VIPPS_CLIENT_SECRET: give them the same, or each its own.";

const REDIRECT_URI_RULE =
  "must be https (http for localhost) or an app's own scheme with a path, without # and ?";

function isRegistrableRedirectUri(uri: string): boolean {
  if (!/^[\x21-\x7e]+$/.test(uri) || /[#?]/.test(uri) || !URL.canParse(uri)) return false;
  const { protocol, hostname } = new URL(uri);
  if (protocol === "https:") return true;
  if (protocol === "http:") return /^(localhost|.+\.localhost|127\.0\.0\.1|\[::1\])$/.test(hostname);
  return /^[a-z][a-z0-9+.-]*:\/{0,2}[^/]/i.test(uri);
}
