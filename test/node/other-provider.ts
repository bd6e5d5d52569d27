import { generateKeyPairSync, randomBytes, randomUUID } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import Provider from "oidc-provider";
import { createVisitor, redirectOf } from "./visitor.ts";

/** The person who logs in at the other provider. */
export const ACCOUNT = {
  sub: "ada",
  name: "Ada Lovelace",
  given_name: "Ada",
  family_name: "Lovelace",
  phone_number: "4712345678",
  phone_number_verified: true,
  email: "ada@example.com",
  email_verified: true,
};

export interface OtherProvider {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** `METHOD path` of every request it got, in order, queries left out. */
  readonly requests: string[];
  readonly close: () => Promise<void>;
}

export interface ProviderOptions {
  readonly redirectUri: string;
  /** True: claims that a scope asks for are at userinfo only (OpenID Connect Core section 5.4), else in the ID token. */
  readonly claimsAtUserinfoOnly: boolean;
  readonly tokenAuth: "client_secret_basic" | "client_secret_post";
}

/** Starts `oidc-provider`, a certified provider that knows nothing of Vipps, with one client. */
export async function startOtherProvider(options: ProviderOptions): Promise<OtherProvider> {
  const requests: string[] = [];
  let answer: ReturnType<Provider["callback"]> | undefined;
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${pathOf(request)}`);
    answer?.(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The provider has no port.");
  const issuer = `http://127.0.0.1:${address.port}`;
  const client = { clientId: randomUUID(), clientSecret: randomBytes(32).toString("base64url") };
  answer = new Provider(issuer, {
    clients: [
      {
        client_id: client.clientId,
        client_secret: client.clientSecret,
        redirect_uris: [options.redirectUri],
        token_endpoint_auth_method: options.tokenAuth,
      },
    ],
    claims: {
      openid: ["sub"],
      name: ["name", "given_name", "family_name"],
      phoneNumber: ["phone_number", "phone_number_verified"],
      email: ["email", "email_verified"],
    },
    conformIdTokenClaims: options.claimsAtUserinfoOnly,
    findAccount: (_context: unknown, accountId: string) => ({
      accountId,
      claims: async () => ({ ...ACCOUNT, sub: accountId }),
    }),
    pkce: { required: () => true },
    jwks: { keys: [signingKey()] },
    cookies: { keys: [randomBytes(16).toString("hex")] },
  }).callback();
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { issuer, ...client, requests, close };
}

const pathOf = (request: IncomingMessage) => (request.url ?? "").replace(/\?.*/, "");

function signingKey() {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  return { ...privateKey.export({ format: "jwk" }), alg: "RS256", use: "sig" };
}

const FORM = { "content-type": "application/x-www-form-urlencoded" };

/**
 * Goes through the provider's own pages, as a person in a browser.
 * @param authorizeUrl where the worker sends the browser
 * @param choice `cancel` follows the page's link that aborts the login
 * @returns the redirect back to the site; it is not followed
 */
export async function walkThrough(authorizeUrl: URL, choice: "log in" | "cancel"): Promise<URL> {
  const visitor = createVisitor(authorizeUrl.origin);
  let next = authorizeUrl;
  for (let step = 0; next.origin === authorizeUrl.origin; step += 1) {
    if (step > 10) throw new Error(`The provider leads nowhere: ${next.pathname}`);
    const response = await visitor.request(next.href);
    if (response.status !== 200) {
      next = redirectOf(response);
      continue;
    }
    const page = await response.text();
    const [, prompt = ""] = /name="prompt" value="(\w+)"/.exec(page) ?? [];
    const [, abort = ""] = /href="([^"]+\/abort)"/.exec(page) ?? [];
    if (choice === "cancel") next = new URL(abort, next);
    else {
      const body = new URLSearchParams({ prompt, login: ACCOUNT.sub, password: "any" });
      next = redirectOf(await visitor.request(next.href, { method: "POST", headers: FORM, body }));
    }
  }
  return next;
}
