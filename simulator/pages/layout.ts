import { html } from "hono/html";
import type { Market } from "../users.ts";

/** A piece of escaped HTML made by `html` from Hono. */
export type Html = ReturnType<typeof html>;

export const STYLESHEET_PATH = "/simulator/style.css";
export const COPY_SCRIPT_PATH = "/simulator/copy.js";

/** What the pages may load: their own stylesheet and script, nothing from elsewhere. */
const CONTENT_SECURITY_POLICY =
  "default-src 'none'; style-src 'self'; script-src 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none'";

interface Page {
  readonly title: string;
  readonly market?: Market;
  readonly content: Html;
  readonly status?: number;
  /** Wide pages hold tables. */
  readonly wide?: boolean;
  /** Loads the script that copies a link; the page works without it. */
  readonly copies?: boolean;
}

/**
 * A whole page as a response.
 *
 * `form-action` is left out of the policy on purpose: browsers apply it to every redirect after a form, and the
 * last form of a login redirects to the relying party and on to wherever that leads.
 */
export async function pageResponse(page: Page): Promise<Response> {
  const body = await html`<!doctype html>
<html lang="en" data-market="${page.market ?? "NO"}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>${page.title} – Simulator</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${STYLESHEET_PATH}">
${page.copies === true ? html`<script src="${COPY_SCRIPT_PATH}" defer></script>` : ""}
</head>
<body>
<header class="banner"><p><strong>Simulator</strong> This is a simulator of Vipps MobilePay Login. Nobody real logs in here.</p></header>
<main class="${page.wide === true ? "wide" : "narrow"}">
${page.content}
</main>
<footer><p><a href="/simulator/control">How this simulator behaves</a></p></footer>
</body>
</html>`;
  return new Response(body.toString(), {
    status: page.status ?? 200,
    headers: {
      "Content-Type": "text/html; charset=utf-8",
      "Cache-Control": "no-store",
      "Content-Security-Policy": CONTENT_SECURITY_POLICY,
      "Referrer-Policy": "same-origin",
      "X-Content-Type-Options": "nosniff",
      "X-Frame-Options": "DENY",
    },
  });
}
