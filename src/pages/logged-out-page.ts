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

interface LogoutPageProps extends PageContext {
  /** Takes the form. */
  readonly action: string;
  /** Where to go then; `undefined` for the page that says so. */
  readonly returnTo?: string | undefined;
  /** To whoever said no after a yes, or after the terms were accepted. */
  readonly tooLate?: "yes" | "accepted";
  readonly siteHref?: string;
}

/**
 * Asks somebody who came by a link whether to log out: links log nobody out, as other websites have them too. Or tells
 * whoever stopped a login too late that they can still log out.
 */
export function logoutPage(props: LogoutPageProps): Html {
  const { language, siteName, action, returnTo, tooLate, siteHref = "/" } = props;
  const { loggedOut, noTooLate, sessions, backToSite } = textsIn(language);
  const content = html`
${tooLate && html`<p>${noTooLate[tooLate]}</p>`}
<p>${filled(loggedOut.how, { site: siteName })}</p>
<form method="post" action="${action}">
${returnTo !== undefined && html`<input type="hidden" name="return_to" value="${returnTo}">`}
<p class="actions">
<button class="button primary">${sessions.end}</button>
<a class="button" href="${siteHref}">${backToSite}</a>
</p>
</form>`;
  return layout({ ...props, title: tooLate ? noTooLate.title : loggedOut.ask, inert: true, content });
}
