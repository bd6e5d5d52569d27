import { html } from "hono/html";
import { filled, textsIn } from "./language.ts";
import { type Html, layout, type PageContext } from "./layout.ts";
import { deliberation, tooSoonHint } from "./tick.ts";

interface ProofPageProps extends PageContext {
  /** What is unclear. */
  readonly reason: "name" | "several" | "taken";
  /** What was wrong with the answer just given. */
  readonly problem: "wrong" | "exhausted" | "newUnticked" | "siteUnticked" | undefined;
  /** How an account can be proven here: by a fact, at the site's own login, or only through customer service. */
  readonly proof: "fact" | "site" | "none";
  readonly registration: "open" | "closed";
  readonly action: string;
  readonly attempt: string;
  readonly reference: string;
  readonly siteHref: string;
}

/** Asks a person whose account is in doubt to prove the old one, or to start anew. Names nobody. */
export function proofPage(props: ProofPageProps): Html {
  const { language, brand, siteName, reason, problem, proof, registration, reference, siteHref } = props;
  const texts = textsIn(language);
  const { proof: words } = texts;
  const values = { brand, site: siteName };
  const exhausted = html`<p class="note" role="alert">${filled(words.exhausted, values)}</p>`;
  const elsewhere = { value: "site", label: words.siteSubmit, kind: "button primary" };
  const asNew = { value: "new", label: words.newSubmit, kind: "button" };
  const content = html`
<p>${filled(words[reason], values)}</p>
${problem === "exhausted" && exhausted}
${proof === "fact" && factForm(props)}
${proof === "site" && deliberateForm(props, words.siteLead, words.siteTick, elsewhere)}
${registration === "open" && deliberateForm(props, words.newLead, words.newTick, asNew)}
<p class="reference">${filled(words.help, values)}<br>${texts.reference} <code>${reference}</code></p>
<p class="actions"><a class="button" href="${siteHref}">${texts.backToSite}</a></p>`;
  return layout({ ...props, title: words.title, content });
}

function factForm(props: ProofPageProps): Html {
  const { language, brand, siteName, problem } = props;
  const { proof: words } = textsIn(language);
  const values = { brand, site: siteName };
  const wrong = problem === "wrong";
  const described = wrong
    ? html`aria-describedby="fact-wrong" aria-invalid="true" autofocus`
    : html`aria-describedby="fact-lead"`;
  const fields = html`
<p id="fact-lead">${filled(words.factLead, values)}</p>
<label for="fact">${filled(words.factLabel, values)}</label>
<input class="field" id="fact" name="fact" type="text" required maxlength="100" autocomplete="off"
 autocapitalize="characters" spellcheck="false" ${described}>
${wrong && html`<p class="wrong" id="fact-wrong" role="alert">${words.wrong}</p>`}`;
  return answerForm(props, fields, { value: "fact", label: words.factSubmit, kind: "button primary" });
}

type Way = Readonly<Record<"value" | "label" | "kind", string>>;

/** A way on that nothing but a press decides on. */
function deliberateForm(props: ProofPageProps, lead: string, words: string, way: Way): Html {
  const { language, brand, siteName, problem } = props;
  const fields = html`
<p>${filled(lead, { brand, site: siteName })}</p>
${deliberation(language, words, problem === `${way.value}Unticked`)}`;
  return answerForm(props, fields, way, "question deliberate");
}

/** One of the ways on: what it is, and the button that takes it. */
function answerForm(
  { action, attempt, language }: ProofPageProps,
  fields: Html,
  { value, label, kind }: Way,
  form = "question",
): Html {
  return html`
<form class="${form}" method="post" action="${action}">
<input type="hidden" name="attempt" value="${attempt}">
<input type="hidden" name="question" value="proof">
${fields}
<p class="actions"><button class="${kind}" type="submit" name="answer" value="${value}">${label}</button></p>
${form !== "question" && tooSoonHint(language)}
</form>`;
}
