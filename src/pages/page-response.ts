import type { Html } from "./layout.ts";

/** Everything a page may do is listed; the rest is refused by the browser. No script runs but the page's own. */
function contentSecurityPolicy(nonce: string, formTargets: readonly string[]): string {
  return [
    "default-src 'none'",
    `style-src 'nonce-${nonce}'`,
    `script-src 'nonce-${nonce}'`,
    "base-uri 'none'",
    "frame-ancestors 'none'",
    // Chromium also holds the redirect after a form to this list.
    ["form-action 'self'", ...formTargets].join(" "),
  ].join("; ");
}

/**
 * A finished HTML page. What every answer of ours carries besides is in `http/answer-headers.ts`.
 * @param nonce the nonce of the page's style and script elements.
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
      vary: "accept, accept-language, cookie",
    },
  });
}
