import type { AppContext } from "../http/request-context.ts";
import type { CurrentSession } from "../session/current-session.ts";
import type { Settings } from "../settings.ts";
import { answerConfirm, resumeConfirm, showConfirm } from "./confirm-question.ts";
import { answerProof, resumeProof, showProof } from "./proof-question.ts";
import type { Asked, GivenAnswer, Question, Verdict, WaitingLogin } from "./question.ts";
import { answerTerms, resumeTerms, showTerms } from "./terms-question.ts";

/** What is done with an answer, or when the question is come back to: beside the login, where the registry is. */
interface QuestionSteps {
  readonly answer: (settings: Settings, waiting: WaitingLogin, given: GivenAnswer) => Promise<Verdict>;
  readonly resume: (settings: Settings, waiting: WaitingLogin) => Promise<Verdict>;
}

export const QUESTIONS: Readonly<Record<Question, QuestionSteps>> = {
  confirm: { answer: answerConfirm, resume: resumeConfirm },
  proof: { answer: answerProof, resume: resumeProof },
  terms: { answer: answerTerms, resume: resumeTerms },
};

/**
 * Shows a question to the browser that is to answer it.
 * @param state of the login, under which the answer comes back.
 * @throws {Failure} to a script, which cannot show a page.
 */
export function showQuestion(
  c: AppContext,
  asked: Asked,
  {
    state,
    returnTo,
    current,
  }: { readonly state: string; readonly returnTo: string; readonly current: CurrentSession },
): Promise<Response> {
  switch (asked.question) {
    case "confirm":
      return showConfirm(c, asked, state, returnTo, current);
    case "proof":
      return showProof(c, asked, state, returnTo);
    case "terms":
      return showTerms(c, asked, state, returnTo);
  }
}
