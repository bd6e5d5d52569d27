import { PATHS } from "./discovery.ts";
import { type AuthorizeRequest, findSalesUnit, type Provider } from "./provider.ts";
import { KNOWN_SCOPES, type SalesUnit, scopesInPlan } from "./sales-unit.ts";
import type { Market } from "./users.ts";

/** The value of `acr_values` that asks for confirmation in the app, and of the claim that states it. */
export const APP_AUTH_ACR = "urn:vipps:acr:app_auth";

/** What is to be done with an authorize request. */
export type AuthorizeOutcome =
  | { readonly kind: "valid"; readonly request: AuthorizeRequest }
  /** The person is sent back with an error (RFC 6749 section 4.1.2.1). */
  | {
      readonly kind: "returnError";
      readonly redirectUri: string;
      readonly state: string | undefined;
      readonly error: OAuthError;
    }
  /** Nowhere safe to send the person: an error page here. */
  | { readonly kind: "errorPage"; readonly status: 400 | 401; readonly error: OAuthError }
  /** A partner's `msn` gives way to the sales unit's `client_id`. */
  | { readonly kind: "redirect"; readonly location: string };

export interface OAuthError {
  readonly code: string;
  readonly description: string;
}

/** Checks an authorize request in the order in which the answers become possible. */
export function checkAuthorizeRequest(provider: Provider, url: URL): AuthorizeOutcome {
  const parameters = url.searchParams;
  const one = (name: string) => parameters.get(name) ?? undefined;

  const msn = one("msn");
  if (msn !== undefined && one("client_id") === undefined) return partnerRedirect(provider, url, msn);

  const unit = findSalesUnit(provider, one("client_id"));
  if (unit === undefined) {
    return errorPage(401, "invalid_client", "The client_id belongs to no sales unit with Login switched on.");
  }
  const redirectUri = one("redirect_uri");
  if (redirectUri === undefined || parameters.getAll("redirect_uri").length > 1) {
    return errorPage(400, "invalid_request", "The redirect_uri is missing or given twice.");
  }
  if (!unit.redirectUris.includes(redirectUri)) {
    return errorPage(
      400,
      "invalid_request",
      `The redirect_uri is not registered for this sales unit. It must match an entry byte by byte: ${redirectUri}`,
    );
  }

  const state = one("state");
  const error = firstError(unit, parameters);
  if (error !== undefined) return { kind: "returnError", redirectUri, state, error };
  const scopes = grantedScopes(provider, unit, parameters);
  if ("code" in scopes) return { kind: "returnError", redirectUri, state, error: scopes };

  return {
    kind: "valid",
    request: {
      unit,
      redirectUri,
      scopes,
      state: state ?? "",
      nonce: one("nonce") ?? "",
      codeChallenge: one("code_challenge"),
      codeChallengeMethod: one("code_challenge_method") === "S256" ? "S256" : "plain",
      requestedFlow: one("requested_flow"),
      market: MARKETS.find((market) => market === one("market")) ?? unit.market ?? "NO",
      acr: one("acr_values")
        ?.split(" ")
        .find((value) => value === APP_AUTH_ACR),
      prompt: (["none", "login"] as const).find((prompt) => prompt === one("prompt")),
    },
  };
}

function partnerRedirect(provider: Provider, url: URL, msn: string): AuthorizeOutcome {
  const unit = provider.salesUnits.find((each) => each.msn === msn);
  if (unit === undefined) return errorPage(401, "invalid_client", "The msn belongs to no sales unit.");
  const location = new URL(provider.origin + PATHS.authorize);
  for (const [name, value] of url.searchParams) {
    if (name !== "msn") location.searchParams.append(name, value);
  }
  location.searchParams.set("client_id", unit.clientId);
  return { kind: "redirect", location: location.href };
}

function errorPage(status: 400 | 401, code: string, description: string): AuthorizeOutcome {
  return { kind: "errorPage", status, error: { code, description } };
}

const MARKETS: readonly Market[] = ["NO", "DK", "FI", "SE"];

const FLOWS: readonly string[] = ["automatic_return_from_vipps_app", "app_to_app_v2", "app_to_app"];

/** RFC 7636 section 4.2: 43 to 128 unreserved characters. */
const CODE_CHALLENGE = /^[A-Za-z0-9._~-]{43,128}$/;

/** The first mistake in the parameters apart from the scope. */
function firstError(unit: SalesUnit, parameters: URLSearchParams): OAuthError | undefined {
  const one = (name: string) => parameters.get(name) ?? undefined;
  const twice = [...new Set(parameters.keys())].find((name) => parameters.getAll(name).length > 1);
  if (twice !== undefined) return invalidRequest(`The parameter ${twice} is given twice.`);
  if (one("response_type") !== "code") {
    return { code: "unsupported_response_type", description: "The response_type must be code." };
  }
  if ((one("state") ?? "").length < 8) {
    return { code: "invalid_state", description: "The state must be at least 8 characters long." };
  }
  if (one("request") !== undefined) {
    return { code: "request_not_supported", description: "Request objects are not supported." };
  }
  if (one("request_uri") !== undefined) {
    return { code: "request_uri_not_supported", description: "Request objects are not supported." };
  }
  if ((one("response_mode") ?? "query") !== "query")
    return invalidRequest("The response_mode must be query.");
  return pkceError(one) ?? flowError(unit, one) ?? displayError(unit, one);
}

function invalidRequest(description: string): OAuthError {
  return { code: "invalid_request", description };
}

type Parameter = (name: string) => string | undefined;

function pkceError(one: Parameter): OAuthError | undefined {
  const challenge = one("code_challenge");
  const method = one("code_challenge_method");
  if (challenge === undefined) {
    return method === undefined
      ? undefined
      : invalidRequest("A code_challenge_method without code_challenge.");
  }
  if (!CODE_CHALLENGE.test(challenge)) return invalidRequest("The code_challenge is not well formed.");
  if (method === undefined || method === "plain" || method === "S256") return undefined;
  return invalidRequest("The code_challenge_method must be S256 or plain.");
}

function flowError(unit: SalesUnit, one: Parameter): OAuthError | undefined {
  const flow = one("requested_flow");
  if (flow === undefined) return undefined;
  if (!FLOWS.includes(flow)) return invalidRequest("The requested_flow is not known.");
  if (flow === "app_to_app_v2" && one("code_challenge") === undefined) {
    return invalidRequest("The flow app_to_app_v2 requires PKCE.");
  }
  if (flow !== "app_to_app") return undefined;
  const callback = one("app_callback_uri");
  if (callback === undefined || !URL.canParse(callback)) {
    return { code: "invalid_app_callback_uri", description: "The app_callback_uri is not well formed." };
  }
  if (unit.redirectUris.includes(callback)) return undefined;
  return { code: "app_callback_uri_not_registered", description: "The app_callback_uri is not registered." };
}

function displayError(unit: SalesUnit, one: Parameter): OAuthError | undefined {
  const isApp = one("final_redirect_is_app");
  if (isApp !== undefined && isApp !== "true" && isApp !== "false") {
    return invalidRequest("The final_redirect_is_app must be true or false.");
  }
  const market = one("market");
  if (market !== undefined && !MARKETS.some((each) => each === market)) {
    return invalidRequest("The market must be NO, DK, FI or SE.");
  }
  if (one("acr_values") !== undefined && unit.inAppConfirmation !== true) {
    return invalidRequest("The sales unit may not send acr_values.");
  }
  return undefined;
}

function grantedScopes(
  provider: Provider,
  unit: SalesUnit,
  parameters: URLSearchParams,
): readonly string[] | OAuthError {
  const asked = [...new Set((parameters.get("scope") ?? "").split(" ").filter((scope) => scope !== ""))];
  if (!asked.includes("openid")) return invalidScope("The scope must contain openid.");
  const unknown = asked.find((scope) => !KNOWN_SCOPES.some((known) => known === scope));
  if (unknown !== undefined) return invalidScope(`The scope ${unknown} is not known.`);
  const plan = scopesInPlan(unit);
  const outside = asked.filter((scope) => scope !== "openid" && !plan.includes(scope));
  if (outside.length === 0) return asked;
  if (provider.behaviour.current.scopeOutsidePlan === "drop") {
    return asked.filter((scope) => !outside.includes(scope));
  }
  return invalidScope(`Not in the sales unit's plan: ${outside.join(" ")}.`);
}

function invalidScope(description: string): OAuthError {
  return { code: "invalid_scope", description };
}
