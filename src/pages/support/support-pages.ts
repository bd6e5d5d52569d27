import { html } from "hono/html";
import { filled, type Language, textsIn } from "../language.ts";
import type { Html } from "../layout.ts";
import { tick } from "../tick.ts";
import { loginChart } from "./login-chart.ts";
import { accountList, contactLine, deedTable, elsewhereList, loginEntry, requestList } from "./people.ts";
import type {
  ShownAccount,
  ShownDeed,
  ShownElsewhere,
  ShownFigures,
  ShownLogin,
  ShownRequest,
} from "./shown.ts";
import { supportTextsIn } from "./support-language.ts";
import { panel, type SupportPageProps, supportLayout } from "./support-layout.ts";

/**
 * The one field for everything that a person may be found by. A POST: what is typed is in no address.
 * @param attributes further ones of the field.
 */
function finder({ language, home, isAgency }: SupportPageProps, attributes: "" | " autofocus"): Html {
  const texts = supportTextsIn(language);
  return html`
<search class="panel">
<form method="post" action="${home}/search">
<label for="query">${texts.search}</label>
<div class="finder">
<input class="field" id="query" name="query" type="search" required maxlength="200" autocomplete="off"
 aria-describedby="query-help"${attributes}>
<button class="button primary" type="submit">${texts.searchButton}</button>
</div>
<p class="help" id="query-help">${texts.searchHelp}</p>
${isAgency && html`<label class="choice"><input type="checkbox" name="everywhere" value="yes"><span>${texts.everywhere}</span></label>`}
</form>
</search>`;
}

interface SupportPageContents extends SupportPageProps {
  readonly figures: ShownFigures;
  readonly requests: readonly ShownRequest[];
}

/** Where the console begins: the search, who waits, and how the day goes. */
export function supportPage(props: SupportPageContents): Html {
  const { language, figures, requests } = props;
  const texts = supportTextsIn(language);
  const content = html`
<div class="panels">
<div class="column">
${finder(props, " autofocus")}
${requests.length > 0 && panel(texts.requests, requestList(language, requests))}
${panel(texts.consents, exportForm(props))}
</div>
${loginChart(language, figures)}
</div>`;
  return supportLayout(props, texts.title, content);
}

/** The end of a form that hands a list out. */
export function exportButtons(language: Language): Html {
  const button = (format: string) =>
    html`<button class="button" type="submit" name="format" value="${format.toLowerCase()}">${filled(supportTextsIn(language).export, { format })}</button>`;
  return html`<p class="actions">${button("CSV")} ${button("JSON")}</p>`;
}

/** Everybody's consents as a file. */
function exportForm({ language, home }: SupportPageProps): Html {
  const texts = supportTextsIn(language);
  return html`
<form method="post" action="${home}/consents">
<p class="help">${texts.exportHelp}</p>
<label class="choice"><input type="checkbox" name="history" value="yes"><span>${texts.exportHistory}</span></label>
${exportButtons(language)}
</form>`;
}

interface ResultsPageProps extends SupportPageProps {
  readonly accounts: readonly ShownAccount[];
  readonly isCut: boolean;
  /** The login behind a reference. */
  readonly login: ShownLogin | undefined;
  /** The waiting person behind a reference. */
  readonly request: ShownRequest | undefined;
  /** Where all sites were searched. */
  readonly elsewhere?: readonly ShownElsewhere[];
}

/** What a search has found. */
export function resultsPage(props: ResultsPageProps): Html {
  const { language, accounts, isCut, login, request, elsewhere = [] } = props;
  const texts = supportTextsIn(language);
  const nobody = accounts.length === 0 && request === undefined && elsewhere.length === 0;
  const foundLogin =
    login &&
    html`
<section class="panel">
${loginEntry(language, login)}
${nobody && html`<p class="soft">${texts.nobody}</p>`}
</section>`;
  const foundAccounts = html`
<section class="panel">
${accountList(language, accounts)}
${isCut && html`<p class="soft">${texts.limit}</p>`}
</section>`;
  const content = html`
<div class="panels">
<div class="column">${finder(props, "")}</div>
<div class="column" role="status">
${nobody && login === undefined && html`<p class="panel">${texts.nothing}</p>`}
${foundLogin}
${request && panel(texts.requests, requestList(language, [request]))}
${accounts.length > 0 && foundAccounts}
${elsewhere.length > 0 && html`<section class="panel">${elsewhereList(language, elsewhere)}</section>`}
</div>
</div>`;
  return supportLayout(props, texts.results, content);
}

interface RequestPageProps extends SupportPageProps {
  readonly request: ShownRequest;
  readonly accounts: readonly ShownAccount[];
  /** The form came back without the box being ticked. */
  readonly unticked: boolean;
}

/** A person who waits to be linked, beside the accounts that may be theirs. */
export function requestPage(props: RequestPageProps): Html {
  const { language, request, accounts, unticked } = props;
  const { name, reason, reference, when, href } = request;
  const texts = supportTextsIn(language);
  const link = ({ id, name: called }: ShownAccount) => html`
<p><button class="button" type="submit" name="account" value="${id}" aria-label="${texts.link}: ${called ?? id}">${texts.link}</button></p>`;
  const choice = html`
<form method="post" action="${href}/link">
${tick(texts.confirmLink, unticked ? textsIn(language).press.tickFirst : undefined)}
${accountList(language, accounts, link)}
</form>`;
  const candidates = accounts.length === 0 ? html`<p class="soft">${texts.noCandidates}</p>` : choice;
  const content = html`
<div class="panels">
<section class="panel">
<p class="person"><strong>${name ?? texts.noName}</strong>${contactLine(request)}</p>
<p>${reason}</p>
<p class="meta">${reference} · ${when}</p>
<p class="note">${texts.requestHelp}</p>
</section>
${panel(texts.candidates, candidates)}
</div>`;
  return supportLayout(props, texts.requests, content);
}

interface ErasePageProps extends SupportPageProps {
  readonly account: ShownAccount;
  /** The form came back without the box being ticked. */
  readonly unticked: boolean;
}

/** Names what goes, and asks once more. */
export function erasePage(props: ErasePageProps): Html {
  const { language, brand, account, unticked } = props;
  const { id, name, memberNumber, href } = account;
  const texts = supportTextsIn(language);
  const content = html`
<section class="panel">
<p class="soft">${contactLine(account, memberNumber && `${texts.memberNumber} ${memberNumber}`, id)}</p>
<p>${texts.eraseLead}</p>
<ul>${texts.eraseList.map((gone) => html`<li>${filled(gone, { brand })}</li>`)}</ul>
<p>${texts.eraseKept}</p>
<form method="post" action="${href}/erase">
${tick(texts.eraseConfirm, unticked ? textsIn(language).press.tickFirst : undefined)}
<p class="actions">
<button class="button danger" type="submit">${texts.erase}</button>
<a class="button" href="${href}">${texts.cancel}</a>
</p>
</form>
</section>`;
  return supportLayout(props, filled(texts.eraseTitle, { name: name ?? texts.noName }), content);
}

interface LogPageProps extends SupportPageProps {
  readonly deeds: readonly ShownDeed[];
}

/** The newest lines of the audit log, of all accounts. */
export function logPage(props: LogPageProps): Html {
  const texts = supportTextsIn(props.language);
  const content = html`
<section class="panel">
<p class="soft">${texts.auditHelp}</p>
${deedTable(props.language, props.deeds)}
</section>`;
  return supportLayout(props, texts.audit, content);
}
