import { html } from "hono/html";
import { textsIn } from "../language.ts";
import { type Html, layout, type PageContext } from "../layout.ts";
import type { Notice } from "../texts/support/support-texts.ts";
import { supportTextsIn } from "./support-language.ts";
import { supportStylesheet } from "./support-stylesheet.ts";

/** What every page of the console is given. */
export interface SupportPageProps extends PageContext {
  /** Where the console begins. */
  readonly home: string;
  readonly logoutAction: string;
  readonly notice: Notice | undefined;
  /** Whether the reader is of the deployment's own people, who may look at all sites. */
  readonly isAgency: boolean;
}

/** The frame of the console's pages: the way back to the search, and what the last action has led to. */
export function supportLayout(props: SupportPageProps, title: string, content: Html): Html {
  const { language, home, logoutAction, notice } = props;
  const texts = supportTextsIn(language);
  const { backToSite, logOut } = textsIn(language);
  const beside = html`
<nav aria-label="${texts.title}">
<a href="${home}">${texts.newSearch}</a>
<a href="${home}/members">${texts.members}</a>
<a href="${home}/log">${texts.audit}</a>
<a href="/">${backToSite}</a>
<form method="post" action="${logoutAction}"><button type="submit">${logOut}</button></form>
</nav>`;
  const withNotice = html`
${notice !== undefined && html`<p class="note" role="status">${texts.notices[notice]}</p>`}
${content}`;
  return layout({ ...props, title, content: withNotice, wide: { styles: supportStylesheet, beside } });
}

/** A part of a page with a heading of its own. */
export function panel(title: string, content: Html): Html {
  return html`
<section class="panel">
<h2>${title}</h2>
${content}
</section>`;
}
