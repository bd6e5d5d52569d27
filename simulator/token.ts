import { authenticateClient, isTokenError, type TokenError } from "./client-authentication.ts";
import { signIdToken } from "./id-token.ts";
import { ACCESS_TOKEN_LIFETIME, type AuthorizationCode, type Provider } from "./provider.ts";
import { base64url, randomToken } from "./random.ts";
import type { SalesUnit } from "./sales-unit.ts";

/** The token endpoint: exchanges an authorization code (RFC 6749 section 4.1.3, RFC 7636 section 4.5). */
export async function tokenResponse(provider: Provider, request: Request): Promise<Response> {
  const form = await tokenForm(request);
  if (isTokenError(form)) return errorResponse(form);
  const unit = authenticateClient(provider, request.headers, form);
  if (isTokenError(unit)) return errorResponse(unit);
  const grantType = form.get("grant_type");
  if (grantType === "client_credentials") return clientCredentialsResponse(provider);
  if (grantType !== "authorization_code") {
    return errorResponse({
      error: grantType === null ? "invalid_request" : "unsupported_grant_type",
      description: "The grant_type must be authorization_code or client_credentials.",
      status: 400,
    });
  }
  for (const name of ["code", "redirect_uri"]) {
    if (!form.has(name)) return errorResponse(invalidRequest(`The parameter ${name} is missing.`));
  }
  const challenge = await codeChallengeOf(form);
  // From here to the end of `exchange` nothing waits, so that a code can't be used twice at once.
  const exchanged = exchange(provider, unit, form, challenge);
  if (isTokenError(exchanged)) return errorResponse(exchanged);
  return successResponse(provider, exchanged.code, exchanged.accessToken);
}

/**
 * A token for the sales unit itself (RFC 6749 section 4.4): no person has agreed to anything, so no ID token comes
 * with it and userinfo refuses it.
 */
function clientCredentialsResponse(provider: Provider): Response {
  const answer = {
    access_token: randomToken(provider.random),
    expires_in: EXPIRES_IN,
    scope: "",
    token_type: "bearer",
  };
  return Response.json(answer, { headers: NO_STORE });
}

/** Reads the body; `client_id`, `code` and the rest may each be given once (RFC 6749 section 3.2). */
async function tokenForm(request: Request): Promise<URLSearchParams | TokenError> {
  const type = request.headers.get("Content-Type") ?? "";
  if (!/^application\/x-www-form-urlencoded\s*(;|$)/i.test(type)) {
    return invalidRequest("The body must be application/x-www-form-urlencoded.");
  }
  const form = new URLSearchParams(new TextDecoder().decode(await request.arrayBuffer()));
  const twice = [...new Set(form.keys())].find((name) => form.getAll(name).length > 1);
  return twice === undefined ? form : invalidRequest(`The parameter ${twice} is given twice.`);
}

interface CodeChallenge {
  readonly plain: string;
  readonly S256: string;
}

async function codeChallengeOf(form: URLSearchParams): Promise<CodeChallenge | undefined> {
  const verifier = form.get("code_verifier");
  if (verifier === null) return undefined;
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
  return { plain: verifier, S256: base64url(new Uint8Array(hash)) };
}

function exchange(
  provider: Provider,
  unit: SalesUnit,
  form: URLSearchParams,
  challenge: CodeChallenge | undefined,
): { readonly code: AuthorizationCode; readonly accessToken: string } | TokenError {
  const code = provider.codes.get(form.get("code") ?? "");
  if (code === undefined || code.grant.request.unit.clientId !== unit.clientId) {
    return invalidGrant("The code is unknown or was issued to another client.");
  }
  if (code.exchangedFor !== undefined) {
    provider.accessTokens.delete(code.exchangedFor);
    return invalidGrant("The code has been used.");
  }
  if (code.expiresAt <= provider.now()) return invalidGrant("The code has expired.");
  const { request } = code.grant;
  if (request.redirectUri !== form.get("redirect_uri")) {
    return invalidGrant("The redirect_uri differs from the one in the authorize request.");
  }
  if (request.codeChallenge !== challenge?.[request.codeChallengeMethod]) {
    return invalidGrant("The code_verifier does not fit the code_challenge of the authorize request.");
  }
  const accessToken = randomToken(provider.random);
  code.exchangedFor = accessToken;
  provider.accessTokens.set(accessToken, {
    grant: code.grant,
    expiresAt: provider.now() + ACCESS_TOKEN_LIFETIME,
  });
  return { code, accessToken };
}

async function successResponse(
  provider: Provider,
  { grant }: AuthorizationCode,
  accessToken: string,
): Promise<Response> {
  const proper = {
    access_token: accessToken,
    expires_in: EXPIRES_IN,
    id_token: await signIdToken(provider, grant, accessToken),
    scope: grant.request.scopes.join(" "),
    token_type: "bearer",
  };
  return Response.json(spoiled(provider, proper), { headers: NO_STORE });
}

function spoiled(provider: Provider, proper: Record<string, unknown>): Record<string, unknown> {
  const without = (name: string) =>
    Object.fromEntries(Object.entries(proper).filter(([key]) => key !== name));
  switch (provider.behaviour.current.tokenResponse) {
    case "proper":
      return proper;
    case "noIdToken":
      return without("id_token");
    case "noAccessToken":
      return without("access_token");
    case "noExpiresIn":
      return without("expires_in");
    case "otherCase":
      return { ...proper, token_type: "BEARER" };
    case "wrongType":
      return { ...proper, token_type: "mac" };
  }
}

/** What the answer says, in seconds. Userinfo opens for {@link ACCESS_TOKEN_LIFETIME} alone, as Vipps documents it. */
const EXPIRES_IN = 3599;

const NO_STORE = { "Cache-Control": "no-store", Pragma: "no-cache" };

function errorResponse({ error, description, status, scheme }: TokenError): Response {
  const headers = new Headers(NO_STORE);
  if (scheme !== undefined)
    headers.set("WWW-Authenticate", `${scheme} realm="Vipps MobilePay Login simulator"`);
  return Response.json({ error, error_description: description }, { status, headers });
}

function invalidRequest(description: string): TokenError {
  return { error: "invalid_request", description, status: 400 };
}

function invalidGrant(description: string): TokenError {
  return { error: "invalid_grant", description, status: 400 };
}

/** The revocation endpoint (RFC 7009): an unknown token is as good as a revoked one. */
export async function revocationResponse(provider: Provider, request: Request): Promise<Response> {
  const form = await tokenForm(request);
  if (isTokenError(form)) return errorResponse(form);
  const unit = authenticateClient(provider, request.headers, form);
  if (isTokenError(unit)) return errorResponse(unit);
  const token = form.get("token");
  if (token === null) return errorResponse(invalidRequest("The parameter token is missing."));
  const held = provider.accessTokens.get(token);
  if (held?.grant.request.unit.clientId === unit.clientId) provider.accessTokens.delete(token);
  return new Response(null, { status: 200, headers: NO_STORE });
}
