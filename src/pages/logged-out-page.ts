import { html } from "hono/html";
import { filled, textsIn } from "./language.ts";
import { type Html, layout, type PageContext } from "./layout.ts";

interface LoggedOutPageProps extends PageContext {
  /** Begins a login. */
  readonly loginHref: string;
}

/** Says that this browser is logged out here, and that it may not be at Vipps. */
export function loggedOutPage(props: LoggedOutPageProps): Html {
  const { language, brand, siteName, loginHref } = props;
  const { loggedOut, backToSite } = textsIn(language);
  const values = { brand, site: siteName };
  const content = html`
<p>${filled(loggedOut.done, values)}</p>
<p class="note">${filled(loggedOut.shared, values)}</p>
<p class="actions">
<a class="button primary" href="/">${backToSite}</a>
<a class="button" href="${loginHref}">${loggedOut.again}</a>
</p>`;
  return layout({ ...props, title: loggedOut.title, inert: true, content });
}
