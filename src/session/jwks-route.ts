import type { AppContext } from "../http/request-context.ts";
import { publicKey } from "./session-keys.ts";

/** `GET /auth/.well-known/jwks.json`: the public keys of the session token (RFC 7517), for origins. */
export function showPublicKeys(c: AppContext): Response {
  const keys = c.env.settings.session.keys.map(publicKey);
  return new Response(JSON.stringify({ keys }), {
    headers: { "content-type": "application/jwk-set+json", "cache-control": "public, max-age=300" },
  });
}
