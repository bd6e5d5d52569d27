import { base64url, exportJWK, generateKeyPair, type JWK } from "jose";
import type { Browser } from "../worker/browser.ts";
import { VIPPS } from "../worker/site.ts";

export const ISSUER = `${VIPPS}/access-management-1.0/access/`;
export const SUB = "c06c4afe-d9e1-4c5d-939a-177d752a0944";

/** An RSA key pair of a provider, made once per test file: making one takes longer than most tests. */
export interface Signer {
  readonly kid: string;
  readonly privateKey: CryptoKey;
  readonly jwk: JWK;
}

export async function createSigner(kid: string): Promise<Signer> {
  const { privateKey, publicKey } = await generateKeyPair("RS256", { extractable: true });
  const { kty, n, e } = await exportJWK(publicKey);
  return { kid, privateKey, jwk: { kty, n, e, kid, use: "sig", alg: "RS256" } as JWK };
}

export type Endpoint = "discovery" | "jwks" | "token" | "userinfo";
/** Answers in place of the endpoint; `proper` makes the answer it would have given. */
type Answer = (request: Request, proper: () => Promise<Response>) => Response | Promise<Response>;

/** A provider every word of which a test can choose. Left alone, it behaves like the real one. */
export interface HostileProvider {
  /** What the endpoints say in place of the proper answer. */
  readonly answers: Partial<Record<Endpoint, Answer>>;
  /** Members of the discovery document; `undefined` leaves one out. */
  document: Record<string, unknown>;
  /** The entries of the key set. */
  keys: unknown[];
  /** Who signs, and what is changed in header and claims before; `undefined` leaves a member out. */
  signer: Signer;
  header: Record<string, unknown>;
  claims: Record<string, unknown>;
  /** Makes the ID token from header and claims, when signing them is not enough. */
  forge: (header: object, claims: object) => Promise<string>;
  /** Changes to the token response and to userinfo. */
  tokens: Record<string, unknown>;
  userinfo: Record<string, unknown>;
  /** Every request, with its form. */
  readonly requests: {
    readonly endpoint: Endpoint;
    readonly headers: Headers;
    readonly form: URLSearchParams;
  }[];
  /** Codes, tokens, nonces and verifiers that were in use: none of them may turn up anywhere. */
  readonly secrets: Set<string>;
  count(endpoint: Endpoint): number;
  /** Gives tokens for any verifier from now on. */
  ignorePkce(): void;
  /** The person logs in: the redirect back. */
  authorize(authorizeUrl: URL): URL;
  fetch(request: Request): Promise<Response>;
}

const PATHS: Readonly<Record<string, Endpoint>> = {
  "/access-management-1.0/access/.well-known/openid-configuration": "discovery",
  "/access-management-1.0/access/.well-known/jwks.json": "jwks",
  "/access-management-1.0/access/oauth2/token": "token",
  "/vipps-userinfo-api/userinfo": "userinfo",
};

const USER = {
  name: "Kari Nordmann",
  phone_number: "4799999901",
  phone_number_verified: true,
  email: "kari.nordmann@example.com",
  email_verified: true,
};

export function createProvider(signer: Signer): HostileProvider {
  let checksPkce = true;
  const grants = new Map<string, { readonly nonce: string; readonly challenge: string }>();
  const secret = (text: string) => {
    provider.secrets.add(text);
    return text;
  };
  const proper: Record<Endpoint, (form: URLSearchParams) => Promise<Response>> = {
    discovery: async () => Response.json(provider.document),
    jwks: async () => Response.json({ keys: provider.keys }),
    token: async (form) => {
      const grant = grants.get(form.get("code") ?? "");
      grants.delete(form.get("code") ?? "");
      const challenge = await challengeOf(form.get("code_verifier") ?? "");
      if (grant === undefined || (checksPkce && grant.challenge !== challenge)) {
        return Response.json({ error: "invalid_grant" }, { status: 400 });
      }
      const access_token = secret(randomText());
      const id_token = secret(await idToken(provider, grant.nonce, access_token));
      return Response.json({
        access_token,
        id_token,
        token_type: "bearer",
        expires_in: 600,
        ...provider.tokens,
      });
    },
    userinfo: async () => Response.json({ sub: SUB, ...USER, ...provider.userinfo }),
  };
  const provider: HostileProvider = {
    answers: {},
    document: {
      issuer: ISSUER,
      authorization_endpoint: `${ISSUER}oauth2/auth`,
      token_endpoint: `${ISSUER}oauth2/token`,
      jwks_uri: `${ISSUER}.well-known/jwks.json`,
      userinfo_endpoint: `${VIPPS}/vipps-userinfo-api/userinfo`,
      id_token_signing_alg_values_supported: ["RS256"],
    },
    keys: [signer.jwk],
    signer,
    header: {},
    claims: {},
    forge: (header, claims) => signed(provider.signer, header, claims),
    tokens: {},
    userinfo: {},
    requests: [],
    secrets: new Set(),
    count: (endpoint) => provider.requests.filter((request) => request.endpoint === endpoint).length,
    ignorePkce: () => {
      checksPkce = false;
    },
    authorize(url) {
      const [code, state, nonce, challenge] = [
        secret(randomText()),
        ...["state", "nonce", "code_challenge"].map((name) => url.searchParams.get(name) ?? ""),
      ];
      grants.set(code ?? "", { nonce: secret(nonce ?? ""), challenge: challenge ?? "" });
      return new URL(`${url.searchParams.get("redirect_uri")}?code=${code}&state=${secret(state ?? "")}`);
    },
    async fetch(request) {
      const endpoint = PATHS[new URL(request.url).pathname];
      if (endpoint === undefined) return new Response("nothing here", { status: 404 });
      const form = new URLSearchParams(request.method === "POST" ? await request.clone().text() : "");
      provider.requests.push({ endpoint, headers: request.headers, form });
      secret(form.get("code_verifier") ?? "");
      const answer = () => proper[endpoint](form);
      return provider.answers[endpoint]?.(request, answer) ?? answer();
    },
  };
  return provider;
}

function randomText(): string {
  return base64url.encode(crypto.getRandomValues(new Uint8Array(32)));
}

async function challengeOf(verifier: string): Promise<string> {
  return base64url.encode(
    new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier))),
  );
}

async function idToken(provider: HostileProvider, nonce: string, accessToken: string): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  const half = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(accessToken));
  const header = { alg: "RS256", kid: provider.signer.kid, typ: "JWT", ...provider.header };
  const claims = {
    iss: ISSUER,
    aud: ["test-client-id"],
    sub: SUB,
    iat: now,
    exp: now + 3600,
    auth_time: now,
    nonce,
    at_hash: base64url.encode(new Uint8Array(half, 0, 16)),
    ...USER,
    ...provider.claims,
  };
  return provider.forge(header, claims);
}

export function encoded(value: unknown): string {
  return base64url.encode(
    new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value)),
  );
}

/** Signs whatever it is given with RSA PKCS#1 v1.5: jose would refuse most of what a hostile provider signs. */
export async function signed(
  { privateKey }: Signer,
  header: object | string,
  claims: object | string,
): Promise<string> {
  const input = `${encoded(header)}.${encoded(claims)}`;
  const bytes = new TextEncoder().encode(input);
  const signature = await crypto.subtle.sign("RSASSA-PKCS1-v1_5", privateKey, bytes);
  return `${input}.${base64url.encode(new Uint8Array(signature))}`;
}

/** A whole login at this provider: the answer to the callback. */
export async function logInAt(provider: HostileProvider, browser: Browser): Promise<Response> {
  return browser.get(provider.authorize(await browser.startLogin()).href);
}
