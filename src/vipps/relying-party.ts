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
