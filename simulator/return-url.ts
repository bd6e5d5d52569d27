import type { OAuthError } from "./authorize.ts";
import { type Grant, issueCode, type Provider } from "./provider.ts";

/** The redirect back with a code (RFC 6749 section 4.1.2), or what the behaviour makes of it. */
export function returnWithCode(provider: Provider, grant: Grant): string {
  const { returnError, returnErrorDescription } = provider.behaviour.current;
  const { redirectUri, state, scopes } = grant.request;
  if (returnError !== "") {
    return returnWithError(provider, redirectUri, state, {
      code: returnError,
      description: returnErrorDescription,
    });
  }
  const parameters = new URLSearchParams({ code: issueCode(provider, grant) });
  appendState(provider, parameters, state);
  parameters.append("scope", scopes.join(" "));
  appendIss(provider, parameters);
  return `${redirectUri}?${parameters}`;
}

/** The redirect back with an error (RFC 6749 section 4.1.2.1). */
export function returnWithError(
  provider: Provider,
  redirectUri: string,
  state: string | undefined,
  error: OAuthError,
): string {
  const parameters = new URLSearchParams({ error: error.code });
  if (provider.behaviour.current.returnState === "glued") {
    // One documented example has the state behind the description with a question mark.
    const description = encodeURIComponent(error.description);
    return `${redirectUri}?${parameters}&error_description=${description}?state=${encodeURIComponent(state ?? "")}`;
  }
  parameters.append("error_description", error.description);
  if (state !== undefined) appendState(provider, parameters, state);
  appendIss(provider, parameters);
  return `${redirectUri}?${parameters}`;
}

function appendState(provider: Provider, parameters: URLSearchParams, state: string): void {
  switch (provider.behaviour.current.returnState) {
    case "proper":
    case "glued":
      parameters.append("state", state);
      break;
    case "altered":
      parameters.append("state", altered(state));
      break;
    case "duplicated":
      parameters.append("state", state);
      parameters.append("state", state);
      break;
    case "lost":
      break;
  }
}

function altered(state: string): string {
  return state.slice(0, -1) + (state.endsWith("A") ? "B" : "A");
}

function appendIss(provider: Provider, parameters: URLSearchParams): void {
  switch (provider.behaviour.current.returnIss) {
    case "proper":
      parameters.append("iss", provider.issuer);
      break;
    case "wrong":
      parameters.append("iss", "https://attacker.example/");
      break;
    case "empty":
      parameters.append("iss", "");
      break;
    case "none":
      break;
  }
}
