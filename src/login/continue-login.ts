import { Failure } from "../failure.ts";
import { recogniseBrowser } from "../http/browser-cookie.ts";
import { isDeliberate } from "../http/deliberate.ts";
import { formBody } from "../http/form-body.ts";
import type { AppContext } from "../http/request-context.ts";
import { refuseCrossSite } from "../http/same-site.ts";
import { type CurrentSession, currentSession } from "../session/current-session.ts";
import { answerProof } from "./answer-proof.ts";
import { answerTerms } from "./answer-terms.ts";
import { askAgain } from "./ask-again.ts";
import { type AttemptStub, attemptOfState } from "./attempt-id.ts";
import { completeLogin } from "./complete-login.ts";
import { askToConfirm } from "./confirm-login.ts";
import { releaseAttempt } from "./release-attempt.ts";
import { usedLogin } from "./used-login.ts";

/** What comes with every answer. */
interface Answer {
  readonly attempt: AttemptStub;
  readonly form: URLSearchParams;
  /** SHA-256 of the cookie of the browser. */
  readonly browser: string;
  readonly current: CurrentSession;
}

/**
 * `POST /auth/continue`: the answer to a page in between. Only the browser that brought the code can give it,
 * once, from our page.
 * @throws {Failure} `cross_site`, `request_malformed`, `login_declined`, or `state_*` when there is no login
 *   waiting for this browser.
 */
export async function continueLogin(c: AppContext): Promise<Response> {
  const { settings } = c.env;
  const { headers } = c.req.raw;
  refuseCrossSite(settings, headers, "continue");
  const form = (await formBody(c.req.raw)) ?? new URLSearchParams();
  if (!form.has("answer")) throw new Failure("request_malformed", { stage: "continue", reason: "no answer" });
  const attempt = attemptOfState(settings, form.get("attempt") ?? undefined, "continue");
  const [{ browser }, current] = await Promise.all([
    recogniseBrowser(headers),
    currentSession(settings, headers),
  ]);
  const answer = { attempt, form, browser, current };
  switch (form.get("question")) {
    case "proof":
      return takeProof(c, answer);
    case "terms":
      return answerTerms(c, answer);
    default:
      return takeConfirmation(c, answer);
  }
}

/**
 * A yes only counts with a sign that it was meant, and about the session that the page named: whoever has logged in there since is
 * asked about first.
 */
async function takeConfirmation(
  c: AppContext,
  { attempt, form, browser, current }: Answer,
): Promise<Response> {
  const answer = form.get("answer");
  if (answer !== "yes" && answer !== "no") {
    throw new Failure("request_malformed", { stage: "continue", reason: "no answer" });
  }
  const unannounced = current.session !== undefined && current.session.sid !== form.get("replaces");
  const unmeant = answer === "yes" && !isDeliberate(form);
  const effective = unmeant || (answer === "yes" && unannounced) ? undefined : answer;
  const released = await releaseAttempt(c, { attempt, browser }, "confirm", effective);
  switch (released.outcome) {
    case "released":
      return completeLogin(c, { ...released, attempt, sameBrowser: false });
    case "waiting":
      return unmeant && released.question === "confirm"
        ? askToConfirm(c, { ...released, attempt }, true)
        : askAgain(c, { ...released, attempt, browser, current });
    case "used":
      return usedLogin(released, current, "continue");
    case "expired":
      throw new Failure("state_expired", { stage: "continue" });
  }
}

async function takeProof(c: AppContext, { attempt, form, browser, current }: Answer): Promise<Response> {
  const waiting = await releaseAttempt(c, { attempt, browser }, "proof", undefined);
  switch (waiting.outcome) {
    case "waiting": {
      const login = { ...waiting, attempt, browser, current };
      return waiting.question === "proof" ? answerProof(c, login, form) : askAgain(c, login);
    }
    case "used":
      return usedLogin(waiting, current, "continue");
    default:
      throw new Failure("state_expired", { stage: "continue" });
  }
}
