import { html } from "hono/html";
import { filled, textsIn } from "./language.ts";
import { type Html, layout, type PageContext } from "./layout.ts";

/** Says that an account is gone, and what became of what hung on it. */
export function erasedPage(props: PageContext): Html {
  const { me, backToSite } = textsIn(props.language);
  const content = html`
<p>${filled(me.erased, { site: props.siteName })}</p>
<p class="actions"><a class="button primary" href="/">${backToSite}</a></p>`;
  return layout({ ...props, title: me.erasedTitle, inert: true, content });
}
