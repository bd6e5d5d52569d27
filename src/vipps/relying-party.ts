/** What this site is to the provider: who it is, how it proves it, and what it asks for. */
export interface RelyingParty {
  /** Compared exactly, trailing slash included (OpenID Connect Discovery section 4.3). */
  readonly issuer: string;
  /** Plain http is only ever accepted when the site itself is on localhost. */
  readonly allowHttp: boolean;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly tokenAuth: "client_secret_basic" | "client_secret_post";
  readonly merchantSerialNumber: string;
  readonly redirectUri: string;
  readonly scope: readonly string[];
  readonly market: "NO" | "DK" | "FI" | "SE" | undefined;
  /** Sends `requested_flow=automatic_return_from_vipps_app`. */
  readonly automaticReturn: boolean;
  /** Sends `acr_values` and checks the `acr` claim of the ID token. */
  readonly requireApp: boolean;
  readonly systemName: string;
  readonly systemVersion: string;
}

/** The `acr` value that says the user confirmed in the app (Vipps Login API, in-app confirmation). */
export const APP_CONFIRMATION = "urn:vipps:acr:app_auth";
