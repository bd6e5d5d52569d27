import { randomBytes } from "node:crypto";
import { type Alteration, withBody } from "./altered-server.ts";
import { type Fault, withValues } from "./doctor-fault.ts";

/** Changes what discovery says. */
const discovery =
  (change: Readonly<Record<string, unknown>>): Alteration =>
  (answer, path) =>
    path.endsWith("/openid-configuration") ? withBody(answer, (body) => ({ ...body, ...change })) : answer;

/** Sends the visitor to a page of the provider's own that says what is wrong, as authorization servers do. */
const toErrorPage =
  (code: string, description: string): Alteration =>
  (answer, path) =>
    path.endsWith("/oauth2/auth")
      ? new Response(null, {
          status: 302,
          headers: {
            location: `/error?${new URLSearchParams({ error: code, error_description: description })}`,
          },
        })
      : answer;

/** Faults in what Vipps says, and in how it takes the settings. */
export const FAULTS_AT_VIPPS: readonly Fault[] = [
  {
    fault: "discovery down",
    found: ["discovery"],
    says: /answers 503 instead of a discovery document/,
    behaviour: { endpoints: { discovery: { answer: "down" } } },
  },
  {
    fault: "discovery that never answers",
    found: ["discovery"],
    says: /does not answer within 0\.3 seconds/,
    behaviour: { endpoints: { discovery: { answer: "hang" } } },
    changes: { timeLimit: 300, target: undefined },
  },
  {
    fault: "discovery that is a web page",
    found: ["discovery"],
    says: /no JSON object/,
    behaviour: { endpoints: { discovery: { answer: "html" } } },
  },
  {
    fault: "nobody at the issuer's address",
    found: ["discovery"],
    says: /refuses the connection.*\n.*npm start/,
    source: (source, { closedPort }) =>
      withValues({ VIPPS_ISSUER: `http://127.0.0.1:${closedPort}/access-management-1.0/access/` })(source),
    here: true,
  },
  {
    fault: "an issuer without its slash",
    found: ["issuer"],
    says: /the slash at the end counts/,
    behaviour: { discoveryIssuer: "withoutSlash" },
  },
  {
    fault: "another issuer",
    found: ["issuer"],
    says: /is of the issuer http.*attacker\.example/,
    behaviour: { discoveryIssuer: "other" },
  },
  {
    fault: "no token endpoint",
    found: ["endpoints"],
    says: /token_endpoint is missing/,
    provider: discovery({ token_endpoint: undefined }),
  },
  {
    fault: "a token endpoint on another origin, which is shown no keys",
    found: ["endpoints"],
    says: /token_endpoint is on https:\/\/attacker\.example, not on the issuer's origin.*\n.*PROVIDER_ENDPOINTS/,
    provider: discovery({ token_endpoint: "https://attacker.example/token" }),
  },
  {
    fault: "a provider that demands pushed authorization requests",
    found: ["endpoints"],
    says: /demands pushed authorization requests/,
    provider: discovery({ require_pushed_authorization_requests: true }),
  },
  {
    fault: "a provider without the code flow",
    found: ["endpoints"],
    says: /has no authorization code flow/,
    provider: discovery({ response_types_supported: ["id_token"] }),
  },
  {
    fault: "a provider with plain PKCE only",
    found: ["pkce"],
    says: /does not support S256/,
    provider: discovery({ code_challenge_methods_supported: ["plain"] }),
  },
  {
    fault: "a provider that signs otherwise",
    found: ["signing-algorithm"],
    says: /RS256/,
    provider: discovery({ id_token_signing_alg_values_supported: ["ES256"] }),
  },
  {
    fault: "an empty key set",
    found: ["provider-keys"],
    says: /holds no key that can verify/,
    provider: (answer, path) => (path.endsWith("/jwks.json") ? Response.json({ keys: [] }) : answer),
  },
  {
    fault: "a scope misspelt",
    found: ["scopes", "authorize-request"],
    says: /capitals count.*\n.*phoneNumber for phonenumber/,
    source: withValues({ VIPPS_SCOPE: "openid name phonenumber" }),
    here: true,
  },
  {
    fault: "a scope outside the plan",
    found: ["authorize-request"],
    says: /refuses the scopes "openid nin"/,
    source: withValues({ VIPPS_SCOPE: "openid nin" }),
    here: true,
  },
  {
    fault: "a method of client authentication that is not supported",
    found: ["client-authentication"],
    says: /does not take client_secret_basic/,
    provider: discovery({ token_endpoint_auth_methods_supported: ["private_key_jwt"] }),
  },
  {
    fault: "an unknown client id",
    found: ["client-id", "client-keys"],
    says: /does not know this VIPPS_CLIENT_ID \(invalid_client\)/,
    source: withValues({ VIPPS_CLIENT_ID: "0d6a9b4c-2a83-4f0e-9a6c-8d0f2f6f3a11" }),
    here: true,
  },
  {
    fault: "a redirect URI that is not registered",
    found: ["redirect-uri-registered"],
    says: /http:\/\/localhost:1234\/auth\/callback is not registered/,
    source: withValues({ SITE_URL: "http://localhost:1234" }),
    here: true,
  },
  {
    fault: "a redirect URI that is not registered, said on an error page behind a redirect",
    found: ["redirect-uri-registered"],
    says: /is not registered for the sales unit/,
    provider: toErrorPage(
      "invalid_request",
      "The 'redirect_uri' parameter does not match any of the registered URLs.",
    ),
  },
  {
    fault: "an unknown client id, said on an error page behind a redirect",
    found: ["client-id"],
    says: /does not know this VIPPS_CLIENT_ID \(invalid_client\)/,
    provider: toErrorPage("invalid_client", "The requested OAuth 2.0 Client does not exist."),
  },
  {
    fault: "a request refused with a code nobody documented",
    found: ["authorize-request"],
    says: /refuses the request \(sales_unit_asleep\)/,
    provider: toErrorPage("sales_unit_asleep", "Try again tomorrow."),
  },
  {
    fault: "an authorize endpoint that fails",
    found: ["authorize-request"],
    says: /refuses the request/,
    behaviour: { endpoints: { authorize: { answer: "down" } } },
  },
  {
    fault: "a wrong client secret",
    found: ["client-keys"],
    says: /Vipps refuses the keys \(invalid_client\)/,
    source: withValues({ VIPPS_CLIENT_SECRET: randomBytes(24).toString("base64url") }),
  },
  {
    fault: "the other method of client authentication",
    found: ["client-keys"],
    says: /set up for client_secret_basic, not client_secret_post/,
    source: withValues({ VIPPS_TOKEN_AUTH: "client_secret_post" }),
  },
  {
    fault: "keys of the production environment",
    found: ["client-keys"],
    says: /These are keys of Vipps' production environment/,
    source: (source, patient) => withValues({ VIPPS_CLIENT_SECRET: patient.otherSecret })(source),
  },
  {
    fault: "Login not switched on",
    found: ["client-keys"],
    says: /unauthorized_client.*\n.*Switch on Login/,
    behaviour: {
      endpoints: { token: { answer: "error", errorCode: "unauthorized_client", errorStatus: 400 } },
    },
  },
  {
    fault: "a token endpoint that accepts anything",
    found: ["client-keys"],
    says: /answers 200 to an invented code/,
    provider: (answer, path) =>
      path.endsWith("/oauth2/token") ? Response.json({ access_token: "a", token_type: "bearer" }) : answer,
  },
  {
    fault: "a clock that is fast",
    found: ["clock"],
    says: /clock is 12\d seconds ahead/,
    changes: { now: () => Date.now() + 125_000 },
  },
  {
    fault: "a clock that is slow",
    found: ["clock"],
    says: /clock is (39|40|41) seconds behind/,
    changes: { now: () => Date.now() - 40_000 },
  },
];
