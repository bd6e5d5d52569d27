import { Failure } from "../failure.ts";
import { isScriptRequest } from "../http/request.ts";
import type { AppContext } from "../http/request-context.ts";
import { consentWording } from "../pages/consent-wording.ts";
import { pageContext } from "../pages/page-context.ts";
import { pageResponse } from "../pages/page-response.ts";
import { termsPage } from "../pages/terms-page.ts";
import type { Settings } from "../settings.ts";
import {
  type AskedForTerms,
  fieldOf,
  type GivenAnswer,
  type Verdict,
  type WaitingLogin,
} from "./question.ts";

/**
 * Shows the terms and the voluntary consents.
 * @throws {Failure} `terms_not_accepted` to a script, which cannot show the page.
 */
export async function showTerms(
  c: AppContext,
  { terms, consents, missing }: AskedForTerms,
  state: string,
  returnTo: string,
): Promise<Response> {
  const { settings } = c.env;
  const { site, accounts } = settings;
  const { headers } = c.req.raw;
  if (isScriptRequest(c.req.raw)) throw new Failure("terms_not_accepted", { stage: "account", returnTo });
  const context = pageContext(headers.get("accept-language"), settings);
  const html = termsPage({
    ...context,
    terms:
      terms === undefined || accounts.terms === undefined
        ? undefined
        : { ...accounts.terms, changed: terms === "changed" },
    privacyUrl: accounts.privacyUrl,
    consents: consents
      ? accounts.consents.map((question) => ({
          id: question.id,
          wording: consentWording(question, context.language),
        }))
      : [],
    missing,
    action: `${site.authPath}/continue`,
    attempt: state,
  });
  const targets = returnTo.startsWith("/") ? [] : [new URL(returnTo).origin];
  return pageResponse(html, context, missing ? 400 : 200, { formTargets: targets });
}

/** Goes on with what was answered so far: what is still open is asked then. */
export async function resumeTerms(_settings: Settings, { answers }: WaitingLogin): Promise<Verdict> {
  return { kind: "goOn", answers };
}

/**
 * Accepted, with the consents that were ticked, or declined. What was accepted is the version that the form
 * showed: where another one is in force by now, it is asked for anew.
 * @throws {Failure} `request_malformed` for anything else.
 */
export async function answerTerms(
  settings: Settings,
  { answers }: WaitingLogin,
  given: GivenAnswer,
): Promise<Verdict> {
  const answer = fieldOf(given, "answer");
  if (answer === "decline") return { kind: "decline" };
  if (answer !== "accept") throw new Failure("request_malformed", { stage: "continue", reason: "no answer" });
  const consents = given.fields.flatMap(([name, value]) => (name === "consent" ? [value] : []));
  const isTicked = fieldOf(given, "terms") === "accepted";
  const { terms } = settings.accounts;
  // A form of the release before this one does not say which version it showed.
  const accepted = isTicked ? (fieldOf(given, "version") ?? terms?.version) : undefined;
  if (terms !== undefined && accepted === undefined) return { kind: "goOn", answers, missing: true };
  return { kind: "goOn", answers: { ...answers, terms: { language: given.language, accepted, consents } } };
}
