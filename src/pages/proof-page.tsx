import { filled, textsIn } from "./language.ts";
import { Layout, type PageContext } from "./layout.tsx";

interface ProofPageProps extends PageContext {
  /** What is unclear. */
  readonly reason: "name" | "several" | "taken";
  /** What was wrong with the answer just given. */
  readonly problem: "wrong" | "exhausted" | undefined;
  /** How an account can be proven here: by a fact, at the site's own login, or only through customer service. */
  readonly proof: "fact" | "site" | "none";
  readonly registration: "open" | "closed";
  readonly action: string;
  readonly attempt: string;
  readonly reference: string;
  readonly siteHref: string;
}

/** Asks a person whose account is in doubt to prove the old one, or to start anew. Names nobody. */
export function ProofPage(props: ProofPageProps) {
  const { language, brand, siteName, reason, problem, proof, registration, action, attempt } = props;
  const texts = textsIn(language);
  const { proof: words } = texts;
  const values = { brand, site: siteName };
  const hidden = (
    <>
      <input type="hidden" name="attempt" value={attempt} />
      <input type="hidden" name="question" value="proof" />
    </>
  );
  const wrong = problem === "wrong";
  return (
    <Layout {...props} title={words.title}>
      <p>{filled(words[reason], values)}</p>
      {problem === "exhausted" && (
        <p class="note" role="alert">
          {filled(words.exhausted, values)}
        </p>
      )}
      {proof === "fact" && (
        <form class="question" method="post" action={action}>
          {hidden}
          <p id="fact-lead">{filled(words.factLead, values)}</p>
          <label for="fact">{filled(words.factLabel, values)}</label>
          <input
            class="field"
            id="fact"
            name="fact"
            type="text"
            required
            maxlength={100}
            autocomplete="off"
            autocapitalize="characters"
            spellcheck={false}
            aria-describedby={wrong ? "fact-wrong" : "fact-lead"}
            {...(wrong && { "aria-invalid": "true", autofocus: true })}
          />
          {wrong && (
            <p class="wrong" id="fact-wrong" role="alert">
              {words.wrong}
            </p>
          )}
          <p class="actions">
            <button class="button primary" type="submit" name="answer" value="fact">
              {words.factSubmit}
            </button>
          </p>
        </form>
      )}
      {proof === "site" && (
        <form class="question" method="post" action={action}>
          {hidden}
          <p>{filled(words.siteLead, values)}</p>
          <p class="actions">
            <button class="button primary" type="submit" name="answer" value="site">
              {words.siteSubmit}
            </button>
          </p>
        </form>
      )}
      {registration === "open" && (
        <form class="question" method="post" action={action}>
          {hidden}
          <p>{filled(words.newLead, values)}</p>
          <p class="actions">
            <button class="button" type="submit" name="answer" value="new">
              {words.newSubmit}
            </button>
          </p>
        </form>
      )}
      <p class="reference">
        {filled(words.help, values)}
        <br />
        {texts.reference} <code>{props.reference}</code>
      </p>
      <p class="actions">
        <a class="button" href={props.siteHref}>
          {texts.backToSite}
        </a>
      </p>
    </Layout>
  );
}
