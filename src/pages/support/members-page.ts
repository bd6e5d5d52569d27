import { html, raw } from "hono/html";
import type { Html } from "../layout.ts";
import type { SupportTexts } from "../texts/support/support-texts.ts";
import { accountList, requestList } from "./people.ts";
import type { ShownAccount, ShownRequest } from "./shown.ts";
import { supportTextsIn } from "./support-language.ts";
import { panel, type SupportPageProps, supportLayout } from "./support-layout.ts";
import { exportButtons } from "./support-pages.ts";

interface MembersPageProps extends SupportPageProps {
  /** Where the list is, and where it is handed out as a file. */
  readonly action: string;
  /** What can be chosen. */
  readonly groups: readonly string[];
  readonly consents: readonly { readonly id: string; readonly wording: string }[];
  readonly filter: {
    readonly group?: string | undefined;
    readonly answer?: { readonly consent: string; readonly granted: boolean } | undefined;
    readonly isWaiting: boolean;
  };
  readonly accounts: readonly ShownAccount[];
  readonly requests: readonly ShownRequest[];
  readonly isFirst: boolean;
  /** What the next page comes after. */
  readonly next: string | undefined;
}

/** The people of the site, a page of them: whom the choice fits, and all of them as a file. */
export function membersPage(props: MembersPageProps): Html {
  const { language, accounts, requests, filter, isFirst } = props;
  const texts = supportTextsIn(language);
  const people = filter.isWaiting ? requestList(language, requests) : accountList(language, accounts);
  const isEmpty = accounts.length + requests.length === 0;
  const content = html`
<div class="panels">
<div class="column">
${panel(texts.choose, chooser(props))}
${!filter.isWaiting && panel(texts.handOut, exportForm(props))}
</div>
<section class="panel">
<h2>${filter.isWaiting ? texts.requests : texts.members}</h2>
${isEmpty ? html`<p class="soft">${texts.none}</p>` : people}
${pageLinks(props, isFirst)}
</section>
</div>`;
  return supportLayout(props, texts.members, content);
}

/** A list to choose from, with nothing chosen at its head. */
function select(
  label: string,
  name: string,
  nothing: string,
  choices: readonly (readonly [value: string, words: string])[],
  chosen: string | undefined,
): Html {
  const option = ([value, words]: readonly [string, string]) =>
    html`<option value="${value}"${value === chosen && raw(" selected")}>${words}</option>`;
  return html`
<div><label for="${name}">${label}</label>
<select class="field" id="${name}" name="${name}"><option value="">${nothing}</option>${choices.map(option)}</select></div>`;
}

/** A GET: an address of the list names groups and consents, never a person. */
function chooser({ language, action, groups, consents, filter }: MembersPageProps): Html {
  const texts = supportTextsIn(language);
  const { group, answer, isWaiting } = filter;
  return html`
<form method="get" action="${action}">
<div class="fields">
${select(texts.groups, "group", texts.everybody, chosenAmong(groups, group), group)}
${select(texts.consents, "answered", texts.everybody, answersTo(consents, texts, answer?.consent), answer && `${answer.granted ? "yes" : "no"}:${answer.consent}`)}
<label class="choice"><input type="checkbox" name="waiting" value="yes"${isWaiting && raw(" checked")}><span>${texts.requests}</span></label>
</div>
<p class="actions"><button class="button primary" type="submit">${texts.show}</button></p>
</form>`;
}

/** The names there are, and the chosen one, which may have nobody any more. */
const chosenAmong = (names: readonly string[], chosen: string | undefined) =>
  [...new Set([...names, ...(chosen === undefined ? [] : [chosen])])].map((name) => [name, name] as const);

/** The two answers to each consent: one list, so that no answer stands there without its question. */
function answersTo(
  consents: MembersPageProps["consents"],
  { yes, no }: SupportTexts,
  chosen: string | undefined,
): readonly (readonly [value: string, words: string])[] {
  const isKnown = chosen === undefined || consents.some(({ id }) => id === chosen);
  return [...consents, ...(isKnown ? [] : [{ id: chosen, wording: chosen }])].flatMap(({ id, wording }) => [
    [`yes:${id}`, `${yes}: ${wording}`] as const,
    [`no:${id}`, `${no}: ${wording}`] as const,
  ]);
}

/** What was chosen, as the fields of a form. */
function chosenFields({
  filter: { group, answer, isWaiting },
}: MembersPageProps): readonly [string, string][] {
  return [
    ...(group === undefined ? [] : [["group", group] as [string, string]]),
    ...(answer === undefined
      ? []
      : ([
          ["consent", answer.consent],
          ["answer", answer.granted ? "yes" : "no"],
        ] as [string, string][])),
    ...(isWaiting ? [["waiting", "yes"] as [string, string]] : []),
  ];
}

function exportForm(props: MembersPageProps): Html {
  const { language, action } = props;
  const hidden = chosenFields(props).map(
    ([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`,
  );
  return html`
<form method="post" action="${action}">
<p class="help">${supportTextsIn(language).handOutHelp}</p>
${hidden}
${exportButtons(language)}
</form>`;
}

function pageLinks(props: MembersPageProps, isFirst: boolean): Html {
  const { language, action, next } = props;
  const texts = supportTextsIn(language);
  const address = (more: readonly [string, string][]) =>
    `${action}?${new URLSearchParams([...chosenFields(props), ...more])}`;
  return html`
<p class="days">
${isFirst ? "" : html`<a href="${address([])}">${texts.firstPage}</a>`}
${next === undefined ? "" : html`<a href="${address([["after", next]])}">${texts.nextPage}</a>`}
</p>`;
}
