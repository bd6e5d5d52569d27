import type { Html } from "./layout.ts";

interface PageOptions {
  /** Further origins to which a form's answer may redirect. */
  readonly formTargets?: readonly string[];
  /** Whether other pages may show it in a part of them. Only a page without any secret, form or button may say so. */
  readonly isFramed?: boolean;
}

/** Everything a page may do is listed; the rest is refused by the browser. No script runs but the page's own. */
function contentSecurityPolicy(nonce: string, { formTargets = [], isFramed = false }: PageOptions): string {
  return [
    "default-src 'none'",
    `style-src 'nonce-${nonce}'`,
    `script-src 'nonce-${nonce}'`,
    "base-uri 'none'",
    `frame-ancestors ${isFramed ? "*" : "'none'"}`,
    // Chromium also holds the redirect after a form to this list.
    ["form-action 'self'", ...formTargets].join(" "),
  ].join("; ");
}

/**
 * A finished HTML page. What every answer of ours carries besides is in `http/answer-headers.ts`.
 * @param nonce the nonce of the page's style and script elements.
 */
export async function pageResponse(
  html: Html,
  nonce: string,
  status: number,
  options: PageOptions = {},
): Promise<Response> {
  return new Response(String(await html), {
    status,
    headers: {
      "content-type": "text/html; charset=utf-8",
      "cache-control": "no-store",
      "content-security-policy": contentSecurityPolicy(nonce, options),
      vary: "accept, accept-language, cookie",
    },
  });
}
