import type { AppContext } from "../http/request-context.ts";
import { publishedKeys } from "./session-keys.ts";

/** `GET /auth/.well-known/jwks.json`: the public keys of the session token (RFC 7517), for origins. */
export function showPublicKeys(c: AppContext): Response {
  return new Response(JSON.stringify({ keys: publishedKeys(c.env.settings.session) }), {
    headers: { "content-type": "application/jwk-set+json", "cache-control": "public, max-age=300" },
  });
}
