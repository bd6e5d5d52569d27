import { calculateJwkThumbprint, type JWK } from "jose";
import { toJwk } from "./keys.ts";
import type { Provider } from "./provider.ts";
import { LISTED_SCOPES } from "./sales-unit.ts";

/** Path under which the access management API answers. */
export const ACCESS_PATH = "/access-management-1.0/access";
export const PATHS = {
  discovery: `${ACCESS_PATH}/.well-known/openid-configuration`,
  jwks: `${ACCESS_PATH}/.well-known/jwks.json`,
  authorize: `${ACCESS_PATH}/oauth2/auth`,
  token: `${ACCESS_PATH}/oauth2/token`,
  revocation: `${ACCESS_PATH}/oauth2/revoke`,
  userinfo: "/vipps-userinfo-api/userinfo",
  backchannel: "/vipps-login-ciba/api/backchannel/authentication",
  accesstoken: "/accesstoken/get",
} as const;

/** The discovery document, with the members the real one has (OpenID Connect Discovery section 3). */
export function discoveryResponse(provider: Provider): Response {
  const { origin } = provider;
  const { advertiseIss } = provider.behaviour.current;
  const document = {
    ...statedIssuer(provider),
    authorization_endpoint: origin + PATHS.authorize,
    token_endpoint: origin + PATHS.token,
    userinfo_endpoint: origin + PATHS.userinfo,
    jwks_uri: origin + PATHS.jwks,
    revocation_endpoint: origin + PATHS.revocation,
    backchannel_authentication_endpoint: origin + PATHS.backchannel,
    scopes_supported: LISTED_SCOPES,
    response_types_supported: ["code"],
    response_modes_supported: ["query"],
    grant_types_supported: ["authorization_code", "client_credentials"],
    subject_types_supported: ["pairwise"],
    id_token_signing_alg_values_supported: ["RS256"],
    token_endpoint_auth_methods_supported: ["client_secret_post", "client_secret_basic"],
    code_challenge_methods_supported: ["S256"],
    claims_supported: ["sub"],
    claims_parameter_supported: false,
    request_parameter_supported: false,
    request_uri_parameter_supported: false,
    ...(advertiseIss && { authorization_response_iss_parameter_supported: true }),
  };
  return Response.json(document, { headers: { "Cache-Control": "max-age=3600" } });
}

function statedIssuer({ issuer, origin, behaviour }: Provider): { issuer?: string } {
  switch (behaviour.current.discoveryIssuer) {
    case "proper":
      return { issuer };
    case "withoutSlash":
      return { issuer: issuer.replace(/\/$/, "") };
    case "other":
      return { issuer: `${origin}.attacker.example/` };
    case "missing":
      return {};
  }
}

/** The key set (RFC 7517 section 5). */
export async function jwksResponse(provider: Provider): Promise<Response> {
  const { idTokenFault, junkKeys } = provider.behaviour.current;
  const published = await provider.keys.published();
  const proper = await Promise.all(published.map(toJwk));
  const ellipticCurve = idTokenFault === "es256" ? [await toJwk(await provider.keys.ellipticCurve())] : [];
  const junk = junkKeys ? await unusableKeys(proper) : [];
  return Response.json({ keys: [...junk, ...proper, ...ellipticCurve] });
}

/** Entries a relying party must step over: other types, other uses, broken values, things that are no keys. */
async function unusableKeys(proper: readonly JWK[]): Promise<readonly unknown[]> {
  const [first] = proper;
  const thumbprint = first === undefined ? "junk" : await calculateJwkThumbprint(first);
  return [
    { kty: "oct", kid: `oct-${thumbprint}`, k: "anVuaw", alg: "HS256", use: "sig" },
    { kty: "EC", crv: "P-256", kid: `ec-${thumbprint}`, x: "not-on-the-curve", y: "not-on-the-curve" },
    { kty: "RSA", kid: `enc-${thumbprint}`, use: "enc", alg: "RSA-OAEP", n: first?.n, e: "AQAB" },
    { kty: "RSA", kid: `broken-${thumbprint}`, use: "sig", alg: "RS256", n: "AQAB" },
    { kty: "of-the-future", kid: `future-${thumbprint}` },
    {},
  ];
}
