import { html } from "hono/html";
import type { BriefPerson } from "./brief-person.ts";
import { filled, textsIn } from "./language.ts";
import { type Html, layout, type PageContext } from "./layout.ts";
import { deliberation, tooSoonHint } from "./tick.ts";

interface ConfirmPageProps extends PageContext {
  /** Who is about to be logged in. */
  readonly person: BriefPerson;
  /** Who is logged in here now, if it is somebody else. */
  readonly replaced: BriefPerson | undefined;
  readonly action: string;
  readonly attempt: string;
  /** The id of the session that this page takes into account: the answer is given about that one alone. */
  readonly shownSession: string | undefined;
  /** The form came back without a sign that the press was meant. */
  readonly unticked: boolean;
}

/** Asks the browser that a login came back to, when it is not the one that began it. */
export function confirmPage(props: ConfirmPageProps): Html {
  const { language, brand, siteName, person, replaced, action, attempt, shownSession, unticked } = props;
  const { confirm, notYou } = textsIn(language);
  const called = (who: BriefPerson, nameless: string): string => {
    if (who.by === "name") return who.name;
    return who.by === "phone" ? filled(confirm.numberEnding, { digits: who.ending }) : nameless;
  };
  const values = { brand, site: siteName };
  const replaces = replaced && filled(confirm.replaces, { current: called(replaced, confirm.someone) });
  const content = html`
<p class="person"><strong>${called(person, confirm.somebody)}</strong> ${filled(confirm.who, values)}</p>
${replaces !== undefined && html`<p class="note">${replaces}</p>`}
<p>${confirm.why}</p>
<p class="soft">${filled(confirm.warning, values)}</p>
<form class="deliberate" method="post" action="${action}">
<input type="hidden" name="attempt" value="${attempt}">
${shownSession !== undefined && html`<input type="hidden" name="replaces" value="${shownSession}">`}
${deliberation(language, confirm.tick, unticked)}
<p class="actions">
<button class="button primary" type="submit" name="answer" value="yes">${confirm.yes}</button>
<button class="button" type="submit" name="answer" value="no" formnovalidate>${confirm.no}</button>
</p>
${tooSoonHint(language)}
</form>
<p class="reference">${filled(notYou, values)}</p>`;
  return layout({ ...props, title: confirm.title, content });
}
