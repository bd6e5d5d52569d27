import type { LoginOutcome, RecordedLoginEvent } from "../accounts/login-events.ts";
import { failures, type MessageKey } from "../failure.ts";
import { filled, messageIn } from "../pages/language.ts";
import type { PageContext } from "../pages/layout.ts";
import type { ShownLogin } from "../pages/support/shown.ts";
import { supportTextsIn } from "../pages/support/support-language.ts";
import type { LoginMessage, SupportTexts } from "../pages/texts/support/support-texts.ts";
import { when } from "./shown-account.ts";
import type { StaffRequest } from "./staff.ts";

/** What a customer read after a login that ended so; `undefined` where it succeeded. */
export function messageOf(outcome: LoginOutcome): MessageKey | undefined {
  if (outcome === "logged_in") return undefined;
  // An event may be older than the deployment, which may know its code no longer.
  return Object.hasOwn(failures(), outcome) ? failures()[outcome].message : "tryLater";
}

/** The title of a message, as it stood on the customer's page. */
export function messageTitle({ language, brand, siteName }: PageContext, message: MessageKey): string {
  return filled(messageIn(language, message).title, { brand, site: siteName });
}

/** A login in plain words, with what to tell the customer. */
export function shownLogin(
  request: StaffRequest,
  event: RecordedLoginEvent & { readonly about?: "person" | "browser" },
): ShownLogin {
  const { page } = request;
  const texts = supportTextsIn(page.language);
  const message = messageOf(event.outcome);
  const advice =
    message !== undefined && isLoginMessage(texts.tell, message) ? texts.tell[message] : undefined;
  return {
    when: when(request, event.at),
    loggedIn: message === undefined,
    outcome:
      message === undefined ? texts.loggedIn : filled(texts.saw, { title: messageTitle(page, message) }),
    tell: advice && filled(advice, { brand: page.brand, site: page.siteName }),
    technical: message === undefined ? howWords(texts, event.reason) : codes(texts, event),
    reference: event.reference,
    byBrowser: event.about === "browser",
  };
}

/** How the account of a login was found. */
function howWords({ loginHow }: SupportTexts, how: string | undefined): string {
  return how === "known" || how === "link" || how === "create" ? loginHow[how] : "";
}

/** What stands in the log, for whoever runs the site. */
function codes(
  { code }: SupportTexts,
  { outcome, stage, reason, providerError }: RecordedLoginEvent,
): string {
  return `${code}: ${[outcome, stage, reason, providerError].filter(Boolean).join(" · ")}`;
}

function isLoginMessage(
  tell: Readonly<Record<LoginMessage, string>>,
  message: MessageKey,
): message is LoginMessage {
  return Object.hasOwn(tell, message);
}
