import { html } from "hono/html";
import { pageResponse } from "./layout.ts";

/** A page for when the person can't be sent back to the relying party. */
export function errorPage(status: number, code: string, description: string): Promise<Response> {
  return pageResponse({
    title: "Login can't go on",
    status,
    content: html`
<h1>Login can't go on</h1>
<p>${description}</p>
<p class="quiet">Error code <code>${code}</code>. The real service shows an error page of its own here and does not send anyone back.</p>`,
  });
}
