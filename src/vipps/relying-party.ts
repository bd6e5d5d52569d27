/** This site and its provider: what the one is to the other, and what it requires of it. */

/** What this site is to the provider: who it is, how it proves it, and what it asks for. */
export interface RelyingParty {
  /** Compared exactly, trailing slash included (OpenID Connect Discovery section 4.3). */
  readonly issuer: string;
  /** Further origins on which the provider's endpoints may lie; normally none. */
  readonly endpointOrigins: readonly string[];
  /** Plain http is only ever accepted when the site itself is on localhost. */
  readonly allowHttp: boolean;
  readonly keys: OwnKeys | PartnerKeys;
  readonly merchantSerialNumber: string;
  readonly redirectUri: string;
  readonly scope: readonly string[];
  /** Those of them that this one login asks for. */
  readonly askedOnce?: readonly string[];
  /** Those of them to which this one login needs the answer. */
  readonly needed?: readonly string[];
  readonly market: "NO" | "DK" | "FI" | "SE" | undefined;
  /** Sends `requested_flow=automatic_return_from_vipps_app`. */
  readonly automaticReturn: boolean;
  /** Sends `acr_values` and checks the `acr` claim of the ID token. */
  readonly requireApp: boolean;
  readonly systemName: string;
  readonly systemVersion: string;
}

/** The keys of the sales unit itself. */
export interface OwnKeys {
  readonly kind: "own";
  readonly clientId: string;
  readonly clientSecret: string;
  readonly tokenAuth: "client_secret_basic" | "client_secret_post";
}

/** The keys of a partner, who acts for sales units of others and does not know their `client_id`. */
export interface PartnerKeys {
  readonly kind: "partner";
  readonly clientId: string;
  readonly clientSecret: string;
  /** Goes to the access-token endpoint alone; the login endpoints refuse it. */
  readonly subscriptionKey: string;
}

/**
 * The name under which `oauth4webapi` knows us where it needs one and checks nothing against it: a partner does
 * not know the `client_id` of the sales unit.
 */
export function clientName({ keys, merchantSerialNumber }: RelyingParty): string {
  return keys.kind === "own" ? keys.clientId : merchantSerialNumber;
}

/** The `acr` value that says the user confirmed in the app (Vipps Login API, in-app confirmation). */
export const APP_CONFIRMATION = "urn:vipps:acr:app_auth";

/** A discovery document as it came. */
type Document = Readonly<Record<string, unknown>>;

/** Where the provider's endpoints may lie: on the issuer's origin, and on those that PROVIDER_ENDPOINTS names. */
export function isProviderOrigin({ issuer, endpointOrigins }: RelyingParty, url: URL): boolean {
  return url.origin === new URL(issuer).origin || endpointOrigins.includes(url.origin);
}

/**
 * What a provider says of itself that would end every login with it, told before anybody is sent there. What it
 * says nothing of is taken to be as OpenID Connect Discovery section 3 wants it.
 * @returns a phrase of ours for each.
 */
export function unmetRequirements(document: Document): readonly string[] {
  const lacks = (name: string, wanted: string) => {
    const list = document[name];
    return Array.isArray(list) && !list.includes(wanted);
  };
  return [
    lacks("id_token_signing_alg_values_supported", "RS256") && "signs no ID tokens with RS256",
    lacks("response_types_supported", "code") && "has no authorization code flow",
    lacks("grant_types_supported", "authorization_code") && "has no authorization code flow",
    lacks("response_modes_supported", "query") && "answers no authorization request in the query",
    document.require_pushed_authorization_requests === true && "demands pushed authorization requests",
    document.require_signed_request_object === true && "demands signed request objects",
  ].filter((phrase, index, all): phrase is string => phrase !== false && all.indexOf(phrase) === index);
}

/** Whether the provider takes the way in which this relying party proves who it is, as far as it says. */
export function takesClientAuthentication({ keys }: RelyingParty, document: Document): boolean {
  const methods = document.token_endpoint_auth_methods_supported;
  return keys.kind === "partner" || !Array.isArray(methods) || methods.includes(keys.tokenAuth);
}

/**
 * How an issuer that is not the configured one differs, for the log: hosts are named where they are the kind of
 * text a host is, nothing else of it.
 */
export function issuerDifference(configured: string, stated: unknown): string {
  if (typeof stated !== "string") return "names no issuer";
  const host = URL.parse(stated)?.host;
  if (host === undefined || !/^[a-z0-9.:[\]-]{1,100}$/.test(host)) return "issuer is not an address";
  const expected = new URL(configured).host;
  if (host !== expected) return `issuer is at ${host}, not at ${expected}`;
  const bare = (issuer: string) => (issuer.endsWith("/") ? issuer.slice(0, -1) : issuer);
  return bare(stated) === bare(configured)
    ? "issuer differs by the slash at its end"
    : "issuer differs in its spelling or path";
}
