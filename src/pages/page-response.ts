import type { Html } from "./layout.ts";

/** Everything a page may do is listed; the rest is refused by the browser. No script runs on any page. */
function contentSecurityPolicy(nonce: string, formTargets: readonly string[]): string {
  return [
    "default-src 'none'",
    `style-src 'nonce-${nonce}'`,
    "base-uri 'none'",
    "frame-ancestors 'none'",
    // Chromium also holds the redirect after a form to this list.
    ["form-action 'self'", ...formTargets].join(" "),
  ].join("; ");
}

/**
 * A finished HTML page with the headers that every page of ours carries.
 * @param nonce the nonce of the page's style element.
 * @param formTargets further origins to which a form's answer may redirect.
 */
export async function pageResponse(
  html: Html,
  nonce: string,
  status: number,
  formTargets: readonly string[] = [],
): Promise<Response> {
  return new Response(String(await html), {
    status,
    headers: {
      "content-type": "text/html; charset=utf-8",
      "cache-control": "no-store",
      "content-security-policy": contentSecurityPolicy(nonce, formTargets),
      // Not `no-referrer`: browsers would then send `Origin: null` with the forms of these pages.
      "referrer-policy": "strict-origin",
      "x-content-type-options": "nosniff",
      "x-frame-options": "DENY",
      "cross-origin-opener-policy": "same-origin",
      "permissions-policy": "camera=(), microphone=(), geolocation=()",
      vary: "accept, accept-language, cookie",
    },
  });
}
