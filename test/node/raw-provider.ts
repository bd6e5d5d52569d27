import { createHash, randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, SignJWT } from "jose";

export type Endpoint = "discovery" | "jwks" | "token" | "userinfo";

/** Answers in place of an endpoint, down to the bytes on the wire. */
export type RawAnswer = (request: IncomingMessage, response: ServerResponse) => void;

/** A provider behind a real socket, every byte of which a test can choose. Left alone, it behaves. */
export interface RawProvider {
  readonly issuer: string;
  readonly origin: string;
  readonly answers: Partial<Record<Endpoint, RawAnswer>>;
  /** Answers a token request with this code in place of the endpoint: many may misbehave at the same time. */
  readonly tokenAnswers: Map<string, RawAnswer>;
  /** Claims that differ from the proper ones. */
  claims: Record<string, unknown>;
  /** Every path asked for, in order. */
  readonly requests: string[];
  count(endpoint: Endpoint): number;
  /** The person logs in: the redirect back. */
  authorize(authorizeUrl: URL): URL;
  close(): Promise<void>;
}

const PATHS: Readonly<Record<string, Endpoint>> = {
  "/.well-known/openid-configuration": "discovery",
  "/jwks": "jwks",
  "/token": "token",
  "/userinfo": "userinfo",
};

export async function startRawProvider(): Promise<RawProvider> {
  const { privateKey, publicKey } = await generateKeyPair("RS256");
  const keys = [{ ...(await exportJWK(publicKey)), kid: "one", alg: "RS256", use: "sig" }];
  const grants = new Map<string, { readonly nonce: string; readonly challenge: string }>();
  const sockets = new Set<{ destroy(): void }>();

  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    provider.requests.push(pathname);
    const endpoint = PATHS[pathname];
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const form = new URLSearchParams(Buffer.concat(chunks).toString());
    const answer =
      provider.tokenAnswers.get(form.get("code") ?? "") ?? (endpoint && provider.answers[endpoint]);
    if (answer !== undefined) return answer(request, response);
    if (endpoint === undefined) return sendJson(response, { error: "nothing here" }, 404);
    await proper[endpoint](response, form);
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const proper: Record<Endpoint, (response: ServerResponse, form: URLSearchParams) => Promise<void>> = {
    discovery: async (response) =>
      sendJson(response, {
        issuer: origin,
        authorization_endpoint: `${origin}/authorize`,
        token_endpoint: `${origin}/token`,
        jwks_uri: `${origin}/jwks`,
        userinfo_endpoint: `${origin}/userinfo`,
      }),
    jwks: async (response) => sendJson(response, { keys }),
    token: async (response, form) => {
      const code = form.get("code") ?? "";
      const grant = grants.get(code);
      grants.delete(code);
      const verifier = form.get("code_verifier") ?? "";
      if (grant?.challenge !== createHash("sha256").update(verifier).digest("base64url")) {
        return sendJson(response, { error: "invalid_grant" }, 400);
      }
      const id_token = await new SignJWT({
        nonce: grant.nonce,
        sub: "c06c4afe-d9e1-4c5d-939a-177d752a0944",
        name: "Kari Nordmann",
        phone_number: "4799999901",
        email: "kari.nordmann@example.com",
        email_verified: true,
        ...provider.claims,
      })
        .setProtectedHeader({ alg: "RS256", kid: "one" })
        .setIssuer(origin)
        .setAudience(["test-client-id"])
        .setIssuedAt()
        .setExpirationTime("1h")
        .sign(privateKey);
      sendJson(response, { access_token: "opaque", token_type: "bearer", id_token });
    },
    userinfo: async (response) => sendJson(response, { sub: "c06c4afe-d9e1-4c5d-939a-177d752a0944" }),
  };

  const provider: RawProvider = {
    issuer: origin,
    origin,
    answers: {},
    tokenAnswers: new Map(),
    claims: {},
    requests: [],
    count: (endpoint) => provider.requests.filter((path) => PATHS[path] === endpoint).length,
    authorize(url) {
      const code = randomBytes(16).toString("hex");
      const one = (name: string) => url.searchParams.get(name) ?? "";
      grants.set(code, { nonce: one("nonce"), challenge: one("code_challenge") });
      return new URL(`${one("redirect_uri")}?code=${code}&state=${one("state")}`);
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((closed) => server.close(closed));
    },
  };
  return provider;
}

export function sendJson(response: ServerResponse, body: unknown, status = 200): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}
