import * as oauth from "oauth4webapi";
import { Failure, providerErrorCode } from "../failure.ts";
import { type AuthorizationResponse, acceptAuthorizationResponse } from "./authorization-response.ts";
import type { LoginSecrets } from "./authorize-url.ts";
import { CLOCK_TOLERANCE, checkIdTokenClaims, verifyIdTokenSignature } from "./id-token.ts";
import { knownClaims, lacksRequestedClaims, type VippsIdentity } from "./identity.ts";
import { type ProviderAccess, providerMetadata } from "./metadata.ts";
import type { RelyingParty } from "./relying-party.ts";
import { boundedFetch } from "./request.ts";
import { fetchUserinfo } from "./userinfo.ts";

/** The login that an authorization response belongs to. */
export interface StartedLogin extends LoginSecrets {
  readonly state: string;
  readonly redirectUri: string;
}

/**
 * Turns an authorization response into an identity: one token request, the ID token verified, and userinfo
 * only for requested claims that the ID token did not bring. The code is sent at most once.
 * @throws {Failure} with a code of the stage that failed; nothing the provider sent is in it.
 */
export async function exchangeCode(
  access: ProviderAccess,
  response: AuthorizationResponse,
  login: StartedLogin,
): Promise<VippsIdentity> {
  const { relyingParty } = access;
  const { discovery } = await providerMetadata(access);
  const parameters = acceptAuthorizationResponse(discovery, relyingParty, response, login.state);
  const tokens = await requestTokens(discovery, relyingParty, parameters, login);
  const idToken = tokens.id_token;
  const claims = oauth.getValidatedIdTokenClaims(tokens);
  if (idToken === undefined || claims === undefined)
    throw new Failure("token_malformed", { stage: "token", reason: "no ID token" });
  await verifyIdTokenSignature(access, idToken);
  await checkIdTokenClaims(relyingParty, claims, { nonce: login.nonce, accessToken: tokens.access_token });

  let userClaims = knownClaims(claims);
  if (discovery.userinfo_endpoint !== undefined && lacksRequestedClaims(relyingParty.scope, userClaims)) {
    const userinfo = await fetchUserinfo(discovery, relyingParty, tokens.access_token, claims.sub);
    userClaims = { ...userClaims, ...knownClaims(userinfo) };
  }
  return { sub: claims.sub, authTime: claims.auth_time ?? claims.iat, claims: userClaims };
}

async function requestTokens(
  discovery: oauth.AuthorizationServer,
  relyingParty: RelyingParty,
  parameters: URLSearchParams,
  login: StartedLogin,
): Promise<oauth.TokenEndpointResponse> {
  const client: oauth.Client = {
    client_id: relyingParty.clientId,
    id_token_signed_response_alg: "RS256",
    [oauth.clockTolerance]: CLOCK_TOLERANCE,
  };
  const limits = { unavailable: "token_unavailable", stage: "token", timeLimit: 5_000 } as const;
  const response = await oauth.authorizationCodeGrantRequest(
    discovery,
    client,
    clientAuthentication(relyingParty),
    parameters,
    login.redirectUri,
    login.codeVerifier,
    {
      [oauth.customFetch]: boundedFetch(relyingParty, limits),
      [oauth.allowInsecureRequests]: relyingParty.allowHttp,
    },
  );
  if (response.status !== 200) throw await tokenRefusal(response);
  try {
    return await oauth.processAuthorizationCodeResponse(discovery, client, response, {
      expectedNonce: login.nonce,
      requireIdToken: true,
    });
  } catch (error) {
    throw tokenFault(error);
  }
}

/**
 * `client_secret_basic` in the form encoding of RFC 6749 section 2.3.1 and appendix B. The library's own
 * variant also escapes `-`, `.`, `_` and `*`, which providers that don't decode the header then refuse.
 */
function clientAuthentication({ clientId, clientSecret, tokenAuth }: RelyingParty): oauth.ClientAuth {
  if (tokenAuth === "client_secret_post") return oauth.ClientSecretPost(clientSecret);
  const encode = (text: string) => new URLSearchParams({ "": text }).toString().slice(1);
  return (_server, _client, _body, headers) => {
    headers.set("authorization", `Basic ${btoa(`${encode(clientId)}:${encode(clientSecret)}`)}`);
  };
}

async function tokenRefusal(response: Response): Promise<Failure> {
  const body: unknown = await response.json().catch(() => undefined);
  const raw = typeof body === "object" && body !== null && "error" in body ? body.error : undefined;
  const providerError = typeof raw === "string" ? providerErrorCode(raw) : undefined;
  // Both mean that the sales unit's keys or settings are wrong, which only the site's owner can mend.
  const owners = providerError === "invalid_client" || providerError === "unauthorized_client";
  const reason = `answered with ${response.status}`;
  return new Failure(owners ? "token_client_refused" : "token_refused", {
    stage: "token",
    providerError,
    reason,
  });
}

function tokenFault(error: unknown): Failure {
  if (error instanceof Failure) return error;
  const code = error instanceof oauth.OperationProcessingError ? error.code : undefined;
  if (code === oauth.JWT_CLAIM_COMPARISON || code === oauth.JWT_TIMESTAMP_CHECK) {
    return new Failure("id_token_invalid", {
      stage: "id_token",
      reason: "a claim differs from what was expected",
    });
  }
  return new Failure("token_malformed", { stage: "token", reason: "not a token response" });
}
