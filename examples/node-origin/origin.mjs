// An origin that checks the session token itself. All it knows of the worker is where its public keys are.

import { createServer } from "node:http";
import { createRemoteJWKSet, jwtVerify } from "jose";

const jwksUrl = new URL(process.env.JWKS_URL ?? "http://localhost:8787/auth/.well-known/jwks.json");
const issuer = jwksUrl.href.replace("/.well-known/jwks.json", "");
// Fetches the keys once, keeps them, and looks again when a token names a key it has not seen.
const keys = createRemoteJWKSet(jwksUrl);

/** Who is asking, or undefined. The cookie is `__Secure-vipps-session` where SESSION_COOKIE_DOMAIN is set. */
async function sessionOf(cookies = "") {
  const token = /(?:^|; )__Host-vipps-session=([^;]+)/.exec(cookies)?.[1];
  if (token === undefined) return undefined;
  const required = { issuer, audience: jwksUrl.origin, typ: "session+jwt", algorithms: ["ES256"] };
  const verified = await jwtVerify(token, keys, { ...required, requiredClaims: ["exp", "sub", "sid"] }).catch(
    () => undefined,
  );
  return verified?.payload;
}

const server = createServer(async (request, response) => {
  const session = await sessionOf(request.headers.cookie);
  const body =
    session === undefined ? { error: "log in first" } : { account: session.sub, name: session.name };
  response.writeHead(session === undefined ? 401 : 200, {
    "content-type": "application/json",
    "cache-control": "no-store",
  });
  response.end(JSON.stringify(body));
});
server.listen(Number(process.env.PORT ?? 3000), "127.0.0.1", () => {
  const address = server.address();
  if (address !== null && typeof address === "object") console.log(`http://localhost:${address.port}`);
});
