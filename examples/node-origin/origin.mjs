// An origin that checks the session token itself. All it knows of the worker is where its public keys are.

import { createServer } from "node:http";
import { createRemoteJWKSet, jwtVerify } from "jose";

const jwksUrl = new URL(process.env.JWKS_URL ?? "http://localhost:8787/auth/.well-known/jwks.json");
const issuer = jwksUrl.href.replace("/.well-known/jwks.json", "");
// Fetches the keys once, keeps them for five minutes, and looks again, at most every half minute, when a token names a
// key it has not seen.
const keys = createRemoteJWKSet(jwksUrl, {
  cacheMaxAge: 300_000,
  cooldownDuration: 30_000,
  timeoutDuration: 5_000,
});

const required = {
  issuer,
  audience: jwksUrl.origin,
  typ: "session+jwt",
  algorithms: ["ES256"],
  requiredClaims: ["exp", "sub", "sid"],
  // No two clocks agree, and a token is used in the second it was signed.
  clockTolerance: 60,
};

/**
 * The cookies of one name. It is `__Secure-vipps-session` where SESSION_COOKIE_DOMAIN is set.
 * @param {string} name
 */
function cookiesNamed(name, header = "") {
  const values = header.split(";").flatMap((pair) => {
    const [found, ...value] = pair.trim().split("=");
    return found === name ? [value.join("=")] : [];
  });
  // Browsers send two at most; more is somebody's attempt to keep us busy.
  return [...new Set(values)].slice(0, 4);
}

/**
 * Who is asking, or undefined: also where two sessions are sent, of which one must have been planted.
 * @param {string | undefined} cookies
 */
async function sessionOf(cookies) {
  const sessions = new Map();
  for (const token of cookiesNamed("__Host-vipps-session", cookies)) {
    const verified = await jwtVerify(token, keys, required).catch(() => undefined);
    if (verified !== undefined) sessions.set(verified.payload.sid, verified.payload);
  }
  return sessions.size === 1 ? [...sessions.values()][0] : undefined;
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
