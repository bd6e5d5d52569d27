import { sha256 } from "../crypto-text.ts";
import { APP_CONFIRMATION, type RelyingParty } from "./relying-party.ts";

/** The secrets of one login that only we know. */
export interface LoginSecrets {
  /** RFC 7636 section 4.1. Sent once, to the token endpoint. */
  readonly codeVerifier: string;
  /** OpenID Connect Core section 3.1.2.1. Comes back inside the ID token. */
  readonly nonce: string;
}

/** What may differ from login to login; nothing of it is ever taken from the visitor. */
export interface AuthorizeRequest extends LoginSecrets {
  readonly state: string;
  readonly redirectUri: string;
  /** `app_to_app_v2` for native apps that receive the redirect themselves. */
  readonly nativeApp: boolean;
  /**
   * Whether the user has to authenticate anew though the provider remembers them (OpenID Connect Core section
   * 3.1.2.1). What the provider makes of it is judged by `auth_time`.
   */
  readonly anew: boolean;
}

/**
 * The URL that sends the browser to Vipps, per the Login API's authorize endpoint.
 * @param endpoint `authorization_endpoint` of the discovery document.
 */
export async function authorizeUrl(
  endpoint: string,
  relyingParty: RelyingParty,
  request: AuthorizeRequest,
): Promise<string> {
  const beginning = beginningOf(endpoint, relyingParty, request.redirectUri);
  // No character of a state, a nonce or a digest has to be escaped.
  const own = `state=${request.state}&nonce=${request.nonce}&code_challenge=${await sha256(request.codeVerifier)}`;
  const flow = request.nativeApp
    ? "&requested_flow=app_to_app_v2&final_redirect_is_app=true"
    : relyingParty.automaticReturn
      ? "&requested_flow=automatic_return_from_vipps_app"
      : "";
  return `${beginning}&${own}${flow}${request.anew ? "&prompt=login" : ""}`;
}

/** What is the same in nearly every login of a relying party. */
interface Beginning {
  readonly endpoint: string;
  readonly redirectUri: string;
  readonly url: string;
}

const beginnings = new WeakMap<RelyingParty, Beginning>();

/** The URL as far as it is the same in nearly every login. */
function beginningOf(endpoint: string, relyingParty: RelyingParty, redirectUri: string): string {
  const known = beginnings.get(relyingParty);
  if (known?.endpoint === endpoint && known.redirectUri === redirectUri) return known.url;
  const parameters: Record<string, string> = {
    response_type: "code",
    // A partner names the sales unit; Vipps puts the unit's own client_id in its place.
    ...(relyingParty.keys.kind === "own"
      ? { client_id: relyingParty.keys.clientId }
      : { msn: relyingParty.merchantSerialNumber }),
    scope: relyingParty.scope.join(" "),
    // The provider's default is `plain`, so it is always said (RFC 7636 section 4.3).
    code_challenge_method: "S256",
    ...(relyingParty.market !== undefined && { market: relyingParty.market }),
    ...(relyingParty.requireApp && { acr_values: APP_CONFIRMATION }),
    redirect_uri: redirectUri,
  };
  const { href, search } = new URL(endpoint);
  const [address = ""] = href.split(/[?#]/, 1);
  const url = `${address}${search === "" ? "?" : `${search}&`}${asQuery(parameters)}`;
  beginnings.set(relyingParty, { endpoint, redirectUri, url });
  return url;
}

/** Vipps asks for scopes separated by %20; URLSearchParams would write a plus sign. */
function asQuery(parameters: Readonly<Record<string, string>>): string {
  return Object.entries(parameters)
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
    .join("&");
}
