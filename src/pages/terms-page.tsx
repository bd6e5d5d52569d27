import { filled, textsIn } from "./language.ts";
import { Layout, type PageContext } from "./layout.tsx";

interface TermsPageProps extends PageContext {
  /** What must be accepted; `undefined` where only voluntary consents are asked for. */
  readonly terms: { readonly url: string; readonly changed: boolean } | undefined;
  readonly privacyUrl: string | undefined;
  readonly consents: readonly { readonly id: string; readonly wording: string }[];
  /** The form came back without the box being ticked. */
  readonly missing: boolean;
  readonly action: string;
  readonly attempt: string;
}

/** Presents the terms, and asks for voluntary consents, before there is any session. No box is ticked. */
export function TermsPage(props: TermsPageProps) {
  const { language, siteName, terms, privacyUrl, consents, missing, action, attempt } = props;
  const { terms: words } = textsIn(language);
  const values = { site: siteName };
  const changed = terms?.changed === true;
  const lead = terms === undefined ? words.leadConsents : changed ? words.leadAgain : words.lead;
  return (
    <Layout {...props} title={changed ? words.titleAgain : words.title}>
      <p>{filled(lead, values)}</p>
      <p class="links">
        {terms !== undefined && (
          <a href={terms.url} target="_blank" rel="noopener">
            {words.terms}
          </a>
        )}
        {privacyUrl !== undefined && (
          <a href={privacyUrl} target="_blank" rel="noopener">
            {words.privacy}
          </a>
        )}
      </p>
      <form method="post" action={action}>
        <input type="hidden" name="attempt" value={attempt} />
        <input type="hidden" name="question" value="terms" />
        {terms !== undefined && (
          <>
            <label class="choice">
              <input
                type="checkbox"
                name="terms"
                value="accepted"
                required
                {...(missing && { "aria-invalid": "true", "aria-describedby": "missing" })}
              />
              <span>{words.accept}</span>
            </label>
            {missing && (
              <p class="wrong" id="missing" role="alert">
                {words.missing}
              </p>
            )}
          </>
        )}
        {consents.length > 0 && (
          <fieldset>
            <legend>{words.voluntary}</legend>
            {consents.map(({ id, wording }) => (
              <label class="choice">
                <input type="checkbox" name="consent" value={id} />
                <span>{wording}</span>
              </label>
            ))}
            <p class="soft">{words.voluntaryHelp}</p>
          </fieldset>
        )}
        <p class="actions">
          <button class="button primary" type="submit" name="answer" value="accept">
            {terms === undefined ? words.submitConsents : words.submit}
          </button>
          {terms !== undefined && (
            <button class="button" type="submit" name="answer" value="decline" formnovalidate>
              {words.decline}
            </button>
          )}
        </p>
      </form>
    </Layout>
  );
}
