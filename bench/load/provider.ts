import { createHash, randomUUID } from "node:crypto";
import { type CryptoKey, decodeJwt, SignJWT } from "jose";
import { createSigningKeys } from "../../simulator/keys.ts";
import { logInAsPerson } from "../../simulator/person.ts";
import { createSimulator } from "../../simulator/simulator.ts";
import { accessTokenOf, type Profile } from "./access-token.ts";
import { SITE } from "./connection.ts";
import { SALES_UNIT } from "./sales-unit.ts";

/** The provider: what its Worker serves, and the person who is already logged in there. */
export interface Provider {
  readonly issuer: string;
  /** What `bench/workers/provider.ts` answers with, as JSON. */
  readonly discovery: string;
  readonly jwks: string;
  /**
   * What the provider would do for somebody who is known and has consented.
   * @param person which of the made-up people logs in
   * @returns the path and query of the redirect back
   */
  confirm(authorizeUrl: string, person: number): Promise<string>;
}

/** Vipps' test environment, played by the simulator of this project: its documents, its keys, its ID token. */
export async function createProvider(): Promise<Provider> {
  const keys = createSigningKeys();
  const callback = `${SITE}/callback`;
  const simulator = createSimulator({
    origin: "https://apitest.vipps.no",
    keys,
    salesUnits: [{ ...SALES_UNIT, redirectUris: [callback] }],
  });
  const get = async (url: string) => (await simulator.fetch(new Request(url))).text();
  const discovery = await get(`${simulator.issuer}.well-known/openid-configuration`);
  const endpoints: { jwks_uri: string; authorization_endpoint: string; token_endpoint: string } =
    JSON.parse(discovery);
  const claims = await simulatedClaims(simulator.fetch, endpoints, callback);
  const { privateKey, kid } = await keys.current();
  return {
    issuer: simulator.issuer,
    discovery,
    jwks: await get(endpoints.jwks_uri),
    async confirm(authorizeUrl, person) {
      const query = new URL(authorizeUrl).searchParams;
      const code = await signIdToken(privateKey, kid, {
        ...claims,
        ...profileOf(person),
        nonce: query.get("nonce") ?? "",
      });
      const back = new URL(query.get("redirect_uri") ?? "");
      back.searchParams.set("code", code);
      back.searchParams.set("scope", query.get("scope") ?? "openid");
      const state = query.get("state");
      if (state !== null) back.searchParams.set("state", state);
      return back.pathname + back.search;
    },
  };
}

/** The claims of an ID token of the simulator, from a whole login there. */
async function simulatedClaims(
  fetch: (request: Request) => Promise<Response>,
  endpoints: { readonly authorization_endpoint: string; readonly token_endpoint: string },
  redirectUri: string,
): Promise<Record<string, unknown>> {
  const authorize = new URL(endpoints.authorization_endpoint);
  authorize.search = new URLSearchParams({
    response_type: "code",
    client_id: SALES_UNIT.clientId,
    redirect_uri: redirectUri,
    scope: "openid name phoneNumber email",
    state: "a-state-of-some-length",
    nonce: "a-nonce",
  }).toString();
  const back = await logInAsPerson(fetch, authorize);
  const response = await fetch(
    new Request(endpoints.token_endpoint, {
      method: "POST",
      headers: { authorization: `Basic ${btoa(`${SALES_UNIT.clientId}:${SALES_UNIT.clientSecret}`)}` },
      body: new URLSearchParams({
        grant_type: "authorization_code",
        code: back.searchParams.get("code") ?? "",
        redirect_uri: redirectUri,
      }),
    }),
  );
  const { id_token: idToken }: { id_token: string } = await response.json();
  return { ...decodeJwt(idToken) };
}

/** People with numbers for names: every one another person to a registry. */
export function profileOf(person: number): Profile {
  const digits = String(person).padStart(7, "0");
  return {
    sub: `00000000-0000-4000-8000-${digits.padStart(12, "0")}`,
    name: `Kari Nordmann ${digits}`,
    given_name: "Kari",
    family_name: `Nordmann ${digits}`,
    email: `kari.${digits}@example.com`,
    email_verified: true,
    phone_number: `479${digits}`,
    phone_number_verified: true,
  };
}

function signIdToken(
  key: CryptoKey,
  kid: string,
  claims: Profile & Readonly<Record<string, unknown>>,
): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  const hash = createHash("sha256").update(accessTokenOf(claims)).digest();
  return new SignJWT({
    ...claims,
    iat: now,
    exp: now + 3600,
    at_hash: hash.subarray(0, 16).toString("base64url"),
    jti: randomUUID(),
  })
    .setProtectedHeader({ alg: "RS256", kid, typ: "JWT" })
    .sign(key);
}
