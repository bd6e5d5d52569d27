import type { Html, PageContext } from "./layout.ts";
import { imageSources } from "./site-face.ts";

interface PageOptions {
  /** Further origins to which a form's answer may redirect. */
  readonly formTargets?: readonly string[];
  /** Whether other pages may show it in a part of them. Only a page without any secret, form or button may say so. */
  readonly isFramed?: boolean;
}

type ShownIn = Pick<PageContext, "nonce" | "face">;

/** Everything a page may do is listed; the rest is refused by the browser. No script runs but the page's own. */
function contentSecurityPolicy(
  { nonce, face }: ShownIn,
  { formTargets = [], isFramed = false }: PageOptions,
): string {
  const images = imageSources(face);
  return [
    "default-src 'none'",
    `style-src 'nonce-${nonce}'`,
    `script-src 'nonce-${nonce}'`,
    ...(images.length > 0 ? [["img-src", ...images].join(" ")] : []),
    "base-uri 'none'",
    `frame-ancestors ${isFramed ? "*" : "'none'"}`,
    // Chromium also holds the redirect after a form to this list.
    ["form-action 'self'", ...formTargets].join(" "),
  ].join("; ");
}

/**
 * A finished HTML page. What every answer of ours carries besides is in `http/around.ts`.
 * @param context what the page was made with: the nonce of its style and script elements, and where its images are.
 */
export async function pageResponse(
  html: Html,
  context: ShownIn,
  status: number,
  options: PageOptions = {},
): Promise<Response> {
  return new Response(String(await html), {
    status,
    headers: {
      "content-type": "text/html; charset=utf-8",
      "cache-control": "no-store",
      "content-security-policy": contentSecurityPolicy(context, options),
      vary: "accept, accept-language, cookie",
    },
  });
}
