import { html } from "hono/html";
import { filled, textsIn } from "./language.ts";
import { type Html, layout, type PageContext } from "./layout.ts";

/** One session as a person reads it. */
export interface ListedSession {
  readonly id: string;
  readonly device: string;
  readonly isPhone: boolean;
  readonly place: string | undefined;
  /** Whether it is the session that asks. */
  readonly current: boolean;
  /** How long ago it was used, or `undefined` for just now. */
  readonly lastUsed: string | undefined;
  readonly begun: string;
}

/** What has just been ended from this page. */
export type JustEnded = "one" | "others";

interface SessionsPageProps extends PageContext {
  /** This one first. */
  readonly sessions: readonly ListedSession[];
  readonly justEnded: JustEnded | undefined;
  /** How long another device may take to notice, in words. */
  readonly delay: string;
  readonly endAction: string;
  readonly logoutAction: string;
}

/** Where a person is logged in, each with a button that ends it. Works without any script. */
export function sessionsPage(props: SessionsPageProps): Html {
  const { language, siteName, sessions, justEnded, delay, endAction } = props;
  const { sessions: texts, backToSite } = textsIn(language);
  const alone = sessions.every(({ current }) => current);
  const ended = filled(justEnded === "one" ? texts.endedOne : texts.endedOthers, { delay });
  const endOthers = html`
<form method="post" action="${endAction}">
<button class="button primary" type="submit" name="session" value="others">${texts.endOthers}</button>
</form>`;
  const content = html`
${justEnded !== undefined && html`<p class="note" role="status">${ended}</p>`}
<p class="soft">${filled(alone ? texts.onlyHere : texts.intro, { site: siteName })}</p>
<ul class="sessions">${sessions.map((session) => sessionItem(props, session))}</ul>
<div class="actions stacked">
${!alone && endOthers}
<a class="button" href="/">${backToSite}</a>
</div>`;
  return layout({ ...props, title: texts.title, content });
}

function sessionItem({ language, endAction, logoutAction }: SessionsPageProps, session: ListedSession): Html {
  const { sessions: texts } = textsIn(language);
  const { id, device, isPhone, place, current, lastUsed, begun } = session;
  const used = lastUsed === undefined ? texts.usedNow : filled(texts.used, { when: lastUsed });
  return html`
<li>
<svg viewBox="0 0 24 24" aria-hidden="true"><path d="${isPhone ? PHONE : COMPUTER}"/></svg>
<div>
<h2>${device}</h2>
${current && html`<p class="badge">${texts.thisDevice}</p>`}
</div>
<p>${place !== undefined && html`${place}<br>`}${used}<br>${filled(texts.begun, { when: begun })}</p>
<form method="post" action="${current ? logoutAction : endAction}">
${!current && html`<input type="hidden" name="session" value="${id}">`}
<button class="button" type="submit" aria-label="${texts.end}: ${device}">${texts.end}</button>
</form>
</li>`;
}

const PHONE =
  "M8 2.8h8a1.2 1.2 0 0 1 1.2 1.2v16a1.2 1.2 0 0 1-1.2 1.2H8A1.2 1.2 0 0 1 6.8 20V4A1.2 1.2 0 0 1 8 2.8zM10.8 18.4h2.4";
const COMPUTER = "M4.8 5h14.4a1 1 0 0 1 1 1v9.5H3.8V6a1 1 0 0 1 1-1zM2 18.8h20";
