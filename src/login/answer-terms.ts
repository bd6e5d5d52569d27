import { Failure } from "../failure.ts";
import type { AppContext } from "../http/request-context.ts";
import { pageLanguage } from "../pages/language.ts";
import type { CurrentSession } from "../session/current-session.ts";
import { askAgain } from "./ask-again.ts";
import type { AttemptStub } from "./attempt-id.ts";
import { completeLogin } from "./complete-login.ts";
import { releaseAttempt } from "./release-attempt.ts";
import { resumeTerms } from "./resume-terms.ts";
import { usedLogin } from "./used-login.ts";

/** The form as it was sent, by the browser that sent it. */
interface TermsForm {
  readonly attempt: AttemptStub;
  readonly form: URLSearchParams;
  /** SHA-256 of the cookie of the browser. */
  readonly browser: string;
  readonly current: CurrentSession;
}

/**
 * The answer to the page that `askForTerms` shows. Accepting without the tick shows the page again; declining
 * forgets the login and everything Vipps told us.
 * @throws {Failure} `request_malformed`, `terms_declined`, `state_used` or `state_expired`.
 */
export async function answerTerms(
  c: AppContext,
  { attempt, form, browser, current }: TermsForm,
): Promise<Response> {
  const { settings } = c.env;
  const answer = form.get("answer");
  if (answer !== "accept" && answer !== "decline") {
    throw new Failure("request_malformed", { stage: "continue", reason: "no answer" });
  }
  const acceptedTerms = form.get("terms") === "accepted";
  const missing = answer === "accept" && settings.accounts.terms !== undefined && !acceptedTerms;
  const decision = answer === "decline" ? "no" : missing ? undefined : "yes";
  const released = await releaseAttempt(c, { attempt, browser }, "terms", decision);
  switch (released.outcome) {
    case "released": {
      const language = pageLanguage(c.req.header("accept-language") ?? null, settings);
      const termsAnswer = { language, acceptedTerms, consents: new Set(form.getAll("consent")) };
      return completeLogin(c, { ...released, attempt, sameBrowser: true, termsAnswer });
    }
    case "waiting": {
      const login = { ...released, attempt, browser, current };
      return released.question === "terms" ? resumeTerms(c, login, missing) : askAgain(c, login);
    }
    case "used":
      if (answer === "decline" && released.declined) {
        throw new Failure("terms_declined", { stage: "continue", returnTo: released.returnTo });
      }
      return usedLogin(released, current, "continue");
    case "expired":
      throw new Failure("state_expired", { stage: "continue" });
  }
}
