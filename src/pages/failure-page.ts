import { html, raw } from "hono/html";
import type { MessageKey } from "../failure.ts";
import { filled, messageIn, textsIn } from "./language.ts";
import { type Html, layout, type PageContext } from "./layout.ts";

interface FailurePageProps extends PageContext {
  readonly message: MessageKey;
  /** What stands for the places in its text. */
  readonly values: Readonly<Record<string, string>>;
  /** What else stands in the way. */
  readonly further: readonly string[];
  readonly reference: string;
  /** Starts the same login again. */
  readonly retryHref: string;
  readonly siteHref: string;
  readonly resume: boolean;
  /** Whether it is shown in a part of another page: its links lead out of that. */
  readonly isInFrame: boolean;
  /** Names of wrong settings; shown only when the worker itself is not set up. */
  readonly details: readonly string[];
}

/** Messages after which trying again at once makes no sense, so going back comes first. */
const NO_RETRY: ReadonlySet<MessageKey> = new Set([
  "notFound",
  "notAllowed",
  "siteMisconfigured",
  "badAddress",
  "addressTooLong",
  "tooManyChanges",
  "siteUnavailable",
  "groupNeeded",
  "tooYoung",
]);

/** Messages after which logging in is not trying again. */
const LOGS_IN: ReadonlySet<MessageKey> = new Set(["loginNeeded", "loginInFrame", "ageNeeded", "freshNeeded"]);

/** What happened, what to do now, and the reference that customer service finds in the log. */
export function failurePage(props: FailurePageProps): Html {
  const { language, message, values, further, reference, retryHref, siteHref, resume, isInFrame, details } =
    props;
  const texts = textsIn(language);
  const { title, happened, next } = messageIn(language, message);
  const retry = !NO_RETRY.has(message);
  const again = LOGS_IN.has(message) ? texts.logIn : texts.tryAgain;
  const retryText = message === "appNeeded" ? texts.continue : again;
  const target = isInFrame && raw(' target="_top"');
  const settings = html`
<p class="soft">${texts.settingsHelp}</p>
<ul>${details.map((detail) => html`<li>${detail}</li>`)}</ul>`;
  const content = html`
<p>${filled(happened, values)}</p>
${further.map((one) => html`<p>${one}</p>`)}
<p>${filled(next, values)}</p>
${message === "declined" && html`<p class="note">${filled(texts.notYou, values)}</p>`}
${details.length > 0 && settings}
<p class="actions">
${retry && html`<a class="button primary" href="${retryHref}"${target}>${retryText}</a>`}
<a class="${retry ? "button" : "button primary"}" href="${siteHref}"${target}>${texts.backToSite}</a>
</p>
<p class="reference">${texts.reference} <code>${reference}</code><br>${texts.referenceHelp}</p>`;
  const refreshTo = resume ? retryHref : undefined;
  return layout({ ...props, title: filled(title, values), refreshTo, inert: true, content });
}
