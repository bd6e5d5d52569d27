import { html } from "hono/html";
import { filled, textsIn } from "./language.ts";
import { type Html, layout, type PageContext } from "./layout.ts";

interface TermsPageProps extends PageContext {
  /** What must be accepted; `undefined` where only voluntary consents are asked for. */
  readonly terms: { readonly url: string; readonly version: string; readonly changed: boolean } | undefined;
  readonly privacyUrl: string | undefined;
  readonly consents: readonly { readonly id: string; readonly wording: string }[];
  /** The form came back without the box being ticked. */
  readonly missing: boolean;
  readonly action: string;
  readonly attempt: string;
}

/** Presents the terms, and asks for voluntary consents, before there is any session. No box is ticked. */
export function termsPage(props: TermsPageProps): Html {
  const { language, brand, siteName, terms, privacyUrl, consents, missing, action, attempt } = props;
  const { terms: words, notYou } = textsIn(language);
  const changed = terms?.changed === true;
  const lead = terms === undefined ? words.leadConsents : changed ? words.leadAgain : words.lead;
  const link = (url: string | undefined, text: string) =>
    url !== undefined && html`<a href="${url}" target="_blank" rel="noopener">${text}</a>`;
  const invalid = missing && html` aria-invalid="true" aria-describedby="missing"`;
  const acceptance = html`
<label class="choice">
<input type="checkbox" name="terms" value="accepted" required${invalid}><span>${words.accept}</span>
</label>
${missing && html`<p class="wrong" id="missing" role="alert">${words.missing}</p>`}`;
  const choices = consents.map(
    ({ id, wording }) => html`
<label class="choice"><input type="checkbox" name="consent" value="${id}"><span>${wording}</span></label>`,
  );
  const voluntary = html`
<fieldset>
<legend>${words.voluntary}</legend>
${choices}
<p class="soft">${words.voluntaryHelp}</p>
</fieldset>`;
  const decline = html`
<button class="button" type="submit" name="answer" value="decline" formnovalidate>${words.decline}</button>`;
  const submit = terms === undefined ? words.submitConsents : words.submit;
  const content = html`
<p>${filled(lead, { site: siteName })}</p>
<p class="links">
${link(terms?.url, words.terms)}
${link(privacyUrl, words.privacy)}
</p>
<form method="post" action="${action}">
<input type="hidden" name="attempt" value="${attempt}">
<input type="hidden" name="question" value="terms">
${terms !== undefined && html`<input type="hidden" name="version" value="${terms.version}">${acceptance}`}
${consents.length > 0 && voluntary}
<p class="actions">
<button class="button primary" type="submit" name="answer" value="accept">${submit}</button>
${terms !== undefined && decline}
</p>
</form>
<p class="reference">${filled(notYou, { brand })}</p>`;
  return layout({ ...props, title: changed ? words.titleAgain : words.title, content });
}
