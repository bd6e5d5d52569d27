import type { AppContext } from "../http/request-context.ts";
import script from "./vipps-login.client.js";

/** `GET /auth/vipps-login.js`: the `<vipps-login>` custom element for static pages. */
export function serveElement(_c: AppContext): Response {
  return new Response(script, {
    headers: {
      "content-type": "text/javascript; charset=utf-8",
      "cache-control": "public, max-age=3600, stale-while-revalidate=86400",
      "cross-origin-resource-policy": "cross-origin",
      "x-content-type-options": "nosniff",
    },
  });
}
