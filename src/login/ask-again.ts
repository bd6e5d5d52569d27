import type { AppContext } from "../http/request-context.ts";
import type { CurrentSession } from "../session/current-session.ts";
import { resumeProof } from "./answer-proof.ts";
import type { AttemptStub } from "./attempt-id.ts";
import type { Waiting } from "./attempt-state.ts";
import { askToConfirm } from "./confirm-login.ts";
import { resumeTerms } from "./resume-terms.ts";

/** A login that waits for an answer, and the browser that is to give it. */
export interface WaitingLogin extends Waiting {
  readonly attempt: AttemptStub;
  /** SHA-256 of the cookie of the browser. */
  readonly browser: string;
  readonly current: CurrentSession;
}

/** Shows the question a login waits for: after a reload, or an answer to another one. */
export function askAgain(c: AppContext, login: WaitingLogin): Promise<Response> {
  switch (login.question) {
    case "confirm":
      return askToConfirm(c, login);
    case "proof":
      return resumeProof(c, login);
    case "terms":
      return resumeTerms(c, login);
  }
}
