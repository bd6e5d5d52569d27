import { findSalesUnit, type Provider } from "./provider.ts";
import { actsFor, type SalesUnit } from "./sales-unit.ts";

/** An error answer of the token endpoint (RFC 6749 section 5.2). */
export interface TokenError {
  readonly error: string;
  readonly description: string;
  readonly status: 400 | 401;
  /** Challenge of the scheme the client tried, if it tried one. */
  readonly scheme?: "Basic" | "Bearer";
}

/** Finds the sales unit a token request is made for, if its keys are right. */
export function authenticateClient(
  provider: Provider,
  headers: Headers,
  form: URLSearchParams,
): SalesUnit | TokenError {
  const authorization = headers.get("Authorization");
  if (authorization === null) return byPost(provider, form);
  if (form.has("client_secret")) {
    return { error: "invalid_request", description: "Use one method of client authentication.", status: 400 };
  }
  const [scheme = "", credentials = ""] = authorization.split(/ (.*)/s);
  if (scheme.toLowerCase() === "bearer") return byPartnerToken(provider, headers, credentials);
  if (scheme.toLowerCase() === "basic") return byBasic(provider, form, credentials);
  return invalidClient("The scheme of the Authorization header is not supported.", "Basic");
}

export function isTokenError(value: object): value is TokenError {
  return "error" in value;
}

function byPost(provider: Provider, form: URLSearchParams): SalesUnit | TokenError {
  const unit = findSalesUnit(provider, form.get("client_id") ?? undefined);
  if (unit === undefined || unit.clientSecret !== form.get("client_secret")) {
    return invalidClient(
      "Unknown client, or the client secret is wrong, or there is no client authentication.",
    );
  }
  if (unit.tokenAuth !== "client_secret_post") {
    return invalidClient("This sales unit is set up for client_secret_basic.");
  }
  return unit;
}

function byBasic(provider: Provider, form: URLSearchParams, credentials: string): SalesUnit | TokenError {
  const readings = readBasic(credentials);
  const right = readings.find(([id, secret]) => findSalesUnit(provider, id)?.clientSecret === secret);
  const [clientId] = right ?? [];
  const unit = findSalesUnit(provider, clientId);
  if (unit === undefined) {
    return invalidClient("Unknown client, or the client secret is wrong.", "Basic");
  }
  const inForm = form.get("client_id");
  if (inForm !== null && inForm !== clientId) {
    return { error: "invalid_request", description: "Two different client_id.", status: 400 };
  }
  if (unit.tokenAuth === "client_secret_post") {
    return invalidClient("This sales unit is set up for client_secret_post.", "Basic");
  }
  return unit;
}

/**
 * What Basic credentials may mean. Both halves are to be form-encoded before they are joined (RFC 6749 section 2.3.1),
 * but curl, Authlib and Vipps' own plugin send them raw, and keys hold a `+` now and then: both readings count.
 */
function readBasic(credentials: string): readonly (readonly [id: string, secret: string])[] {
  try {
    const bytes = Uint8Array.from(atob(credentials.trim()), (character) => character.charCodeAt(0));
    const [id = "", secret = ""] = new TextDecoder().decode(bytes).split(/:(.*)/s);
    const raw = [id, secret] as const;
    try {
      const decode = (half: string) => decodeURIComponent(half.replaceAll("+", " "));
      return [[decode(id), decode(secret)], raw];
    } catch {
      return [raw];
    }
  } catch {
    return [];
  }
}

/** Partner keys: a token from `POST /accesstoken/get`, and the sales unit named by a header. */
function byPartnerToken(provider: Provider, headers: Headers, token: string): SalesUnit | TokenError {
  const held = provider.partnerTokens.get(token);
  if (held === undefined || held.expiresAt <= provider.now()) {
    return invalidClient("The access token is unknown or expired.", "Bearer");
  }
  const msn = headers.get("Merchant-Serial-Number");
  const unit = provider.salesUnits.find((each) => each.msn === msn);
  if (unit === undefined || !actsFor(held.unit, unit)) {
    return invalidClient("These keys do not act for the sales unit in Merchant-Serial-Number.", "Bearer");
  }
  if (unit.tokenAuth === "client_secret_post") {
    return invalidClient("Partner keys need a sales unit set up for client_secret_basic.", "Bearer");
  }
  return unit;
}

function invalidClient(description: string, scheme?: "Basic" | "Bearer"): TokenError {
  return { error: "invalid_client", description, status: 401, ...(scheme && { scheme }) };
}
