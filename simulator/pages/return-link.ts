import { html } from "hono/html";
import type { Login } from "../provider.ts";
import { salesUnitName } from "../sales-unit.ts";
import { pageResponse } from "./layout.ts";

/** The end of a login that is to return in another browser: the link as text. */
export function returnLinkPage(login: Login, returnUrl: string): Promise<Response> {
  return pageResponse({
    title: "Return in another browser",
    market: login.request.market,
    copies: true,
    content: html`
<h1>Return in another browser</h1>
<p>The simulator is set to return in another browser, as a phone may do. Open this link there. It works once and for two minutes.</p>
<div class="field">
<label for="return-link">Return link to ${salesUnitName(login.request.unit)}</label>
<textarea id="return-link" readonly rows="6" spellcheck="false">${returnUrl}</textarea>
</div>
<p class="actions"><button class="primary" type="button" data-copy="return-link" hidden>Copy the link</button>
<a class="button" href="${returnUrl}" data-return-link>Return in this browser after all</a></p>
<p role="status" data-copied></p>`,
  });
}
