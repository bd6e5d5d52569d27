import * as oauth from "oauth4webapi";
import { Failure, type FailureCode, providerErrorCode } from "../failure.ts";
import { clientName, type RelyingParty } from "./relying-party.ts";

/** What the browser brought back from the provider, before anything of it is believed. */
export interface AuthorizationResponse {
  readonly parameters: URLSearchParams;
  readonly state: string | undefined;
  readonly error: string | undefined;
  readonly code: string | undefined;
}

/** Values longer than this are not of any provider. In characters. */
const LENGTH_LIMIT = 4_096;

/**
 * Reads the query of the callback.
 * @throws {Failure} `response_malformed` when a parameter comes twice (RFC 6749 section 3.1) or is absurdly long;
 *   the failure that stands for the provider's error when there is no state, so that it belongs to no login.
 */
export function readAuthorizationResponse(parameters: URLSearchParams): AuthorizationResponse {
  for (const name of ["state", "code", "error", "iss", "response"]) {
    const values = parameters.getAll(name);
    if (values.length > 1 || (values[0]?.length ?? 0) > LENGTH_LIMIT) {
      throw malformed("a parameter is repeated or too long");
    }
  }
  const error = parameters.get("error") || undefined;
  const glued = error === undefined ? undefined : gluedState(parameters.get("error_description"));
  const state = parameters.get("state") || glued;
  if (state === undefined && error !== undefined) {
    throw isKnownError(error) ? providerFailure(error) : unaskedFailure(error);
  }
  return { parameters, state, error, code: parameters.get("code") || undefined };
}

/** Vipps documents one error whose state is glued to the description: `…the%20login?state=XYZ`. */
function gluedState(description: string | null): string | undefined {
  return description?.slice(-LENGTH_LIMIT).match(/\?state=([^&?]+)$/)?.[1];
}

const KNOWN_ERRORS = [
  "access_denied",
  "wrong_challenge",
  "outdated_app_version",
  "unknown_reject_reason",
  "login_required",
  "consent_required",
  "interaction_required",
  "account_selection_required",
  "server_error",
  "temporarily_unavailable",
  "invalid_request",
  "invalid_scope",
  "unauthorized_client",
  "unsupported_response_type",
  "invalid_app_callback_uri",
  "app_callback_uri_not_registered",
] as const satisfies readonly FailureCode[];

function isKnownError(error: string): error is (typeof KNOWN_ERRORS)[number] {
  return KNOWN_ERRORS.some((known) => known === error);
}

/** The failure that stands for an error code of the provider, known or not. */
function providerFailure(error: string): Failure {
  const code = isKnownError(error) ? error : "provider_error_unknown";
  return new Failure(code, { stage: "callback", providerError: providerErrorCode(error) });
}

/**
 * The failure that stands for an answer with an error to a login of ours: the provider's error, or that somebody else
 * sent it (RFC 9207 has `iss` in errors too). One without `iss` is taken for what it says: nothing is made of it.
 */
export function errorAnswer(
  { issuer }: RelyingParty,
  { parameters }: AuthorizationResponse,
  error: string,
): Failure {
  const sender = parameters.get("iss");
  if (sender === null || sender === issuer) return providerFailure(error);
  return new Failure("response_issuer_mismatch", { stage: "callback" });
}

/** An error that nobody knows, about a login that nobody began: whoever wrote it, it was hardly the provider. */
function unaskedFailure(error: string): Failure {
  return new Failure("provider_error_unasked", {
    stage: "callback",
    providerError: providerErrorCode(error),
  });
}

const malformed = (reason: string) => new Failure("response_malformed", { stage: "callback", reason });

/**
 * Checks a successful response and gives the parameters the token request may use.
 * @param state the state this login was started with.
 * @throws {Failure} `response_issuer_mismatch` when `iss` is wrong, or missing though advertised (RFC 9207
 *   section 2.4); `response_malformed` when there is no code or anything else is off.
 */
export function acceptAuthorizationResponse(
  discovery: oauth.AuthorizationServer,
  relyingParty: RelyingParty,
  response: AuthorizationResponse,
  state: string,
): URLSearchParams {
  if (response.code === undefined) throw malformed("no code");
  const issuer = response.parameters.get("iss");
  // The library takes an empty `iss` for an absent one.
  const advertised = discovery.authorization_response_iss_parameter_supported === true;
  if (issuer === null ? advertised : issuer !== relyingParty.issuer) {
    throw new Failure("response_issuer_mismatch", { stage: "callback" });
  }
  try {
    return oauth.validateAuthResponse(
      discovery,
      { client_id: clientName(relyingParty) },
      response.parameters,
      state,
    );
  } catch {
    throw malformed("not a code flow response");
  }
}
