import { decodeJwt, type JWTPayload } from "jose";
import { createSigningKeys } from "../../simulator/keys.ts";
import { logInAsPerson, type PersonChoices } from "../../simulator/person.ts";
import {
  createSimulator,
  type SalesUnit,
  type Simulator,
  type SimulatorOptions,
} from "../../simulator/simulator.ts";

export const ORIGIN = "https://apitest.vipps.no";
export const REDIRECT_URI = "https://club.example/auth/callback";

export const CLUB: SalesUnit = {
  clientId: "club-client",
  clientSecret: "club: secret+%",
  msn: "123456",
  name: "The club",
  redirectUris: [REDIRECT_URI, "club://app/callback"],
};

/** A code verifier and its S256 challenge, the pair of RFC 7636 appendix B. */
export const VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
export const CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/** A clock that only moves when told to; starts at a fixed moment. */
export function createClock() {
  let milliseconds = Date.parse("2026-11-22T12:00:00Z");
  return {
    now: () => milliseconds,
    advance(by: number) {
      milliseconds += by;
    },
  };
}

const sharedKeys = createSigningKeys();

/** A simulator with one sales unit, or those given. A test that rotates keys gives it keys of its own. */
export function simulatorWith(options: Partial<SimulatorOptions> = {}): Simulator {
  return createSimulator({ origin: ORIGIN, salesUnits: [CLUB], keys: sharedKeys, ...options });
}

/** An authorize URL as a relying party makes it; `undefined` leaves a parameter out. */
export function authorizeUrl(changes: Readonly<Record<string, string | undefined>> = {}): URL {
  const url = new URL(`${ORIGIN}/access-management-1.0/access/oauth2/auth`);
  const parameters: Record<string, string | undefined> = {
    client_id: CLUB.clientId,
    response_type: "code",
    scope: "openid name phoneNumber email",
    state: "state-of-24-characters-x",
    nonce: "nonce-of-24-characters-x",
    redirect_uri: REDIRECT_URI,
    ...changes,
  };
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined) url.searchParams.set(name, value);
  }
  return url;
}

/** Opens the authorize URL and follows nothing. */
export function authorize(
  simulator: Simulator,
  changes?: Readonly<Record<string, string | undefined>>,
): Promise<Response> {
  return simulator.fetch(new Request(authorizeUrl(changes)));
}

/** The parameters with which the browser comes back to the relying party. */
export function parametersOf(target: URL | string | null): Record<string, string> {
  if (target === null) throw new Error("There is no redirect.");
  return Object.fromEntries(new URL(target).searchParams);
}

/** Logs a person in and returns the code. */
export async function codeFor(
  simulator: Simulator,
  changes?: Readonly<Record<string, string | undefined>>,
  choices?: PersonChoices,
): Promise<string> {
  const back = await logInAsPerson(simulator.fetch, authorizeUrl(changes), choices);
  const code = back.searchParams.get("code");
  if (code === null) throw new Error(`There is no code: ${back.search}`);
  return code;
}

/** HTTP Basic credentials, each half form-encoded first (RFC 6749 section 2.3.1). */
export function basic(clientId: string, clientSecret: string): string {
  const encode = (half: string) => new URLSearchParams({ half }).toString().slice("half=".length);
  return `Basic ${btoa(`${encode(clientId)}:${encode(clientSecret)}`)}`;
}

interface TokenRequest {
  readonly form?: Readonly<Record<string, string | undefined>>;
  readonly headers?: Readonly<Record<string, string | undefined>>;
}

/** A token request of the club; `undefined` leaves a field or header out. */
export function requestToken(
  simulator: Simulator,
  code: string,
  changes: TokenRequest = {},
): Promise<Response> {
  const form = { grant_type: "authorization_code", code, redirect_uri: REDIRECT_URI, ...changes.form };
  const headers = { Authorization: basic(CLUB.clientId, CLUB.clientSecret), ...changes.headers };
  return simulator.fetch(
    new Request(`${simulator.issuer}oauth2/token`, {
      method: "POST",
      headers: present(headers),
      body: new URLSearchParams(present(form)),
    }),
  );
}

function present(values: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

export interface Tokens {
  readonly access_token: string;
  readonly id_token: string;
  readonly expires_in: number;
  readonly scope: string;
  readonly token_type: string;
}

/** The whole login: code, tokens, decoded ID token. */
export async function logIn(
  simulator: Simulator,
  changes?: Readonly<Record<string, string | undefined>>,
  choices?: PersonChoices,
): Promise<{ readonly tokens: Tokens; readonly claims: JWTPayload }> {
  const response = await requestToken(simulator, await codeFor(simulator, changes, choices));
  const tokens = (await response.json()) as Tokens;
  return { tokens, claims: decodeJwt(tokens.id_token) };
}

/** A request to userinfo with the access token as Bearer. */
export function requestUserinfo(
  simulator: Simulator,
  accessToken: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  return simulator.fetch(
    new Request(`${ORIGIN}/vipps-userinfo-api/userinfo`, {
      headers: { Authorization: `Bearer ${accessToken}`, ...headers },
    }),
  );
}

/** The parsed JSON body. */
export async function json(response: Response | Promise<Response>): Promise<Record<string, unknown>> {
  return (await (await response).json()) as Record<string, unknown>;
}
