import { readProofAnswer } from "../accounts/proof-ticket.ts";
import { Failure } from "../failure.ts";
import { recogniseBrowser } from "../http/browser-cookie.ts";
import { queryParameter } from "../http/query.ts";
import type { AppContext } from "../http/request-context.ts";
import { currentSession } from "../session/current-session.ts";
import { acceptProof } from "./answer-proof.ts";
import { askAgain } from "./ask-again.ts";
import { attemptOfState } from "./attempt-id.ts";
import { releaseAttempt } from "./release-attempt.ts";
import { proofParties } from "./send-to-site.ts";
import { usedLogin } from "./used-login.ts";

/**
 * `GET /auth/proof`: back from the site's own login, with its signed answer. Only the browser whose login waits
 * for it can bring it: an answer that somebody was tricked into giving helps nobody else.
 * @throws {Failure} `request_malformed`, or `state_*` when there is no login waiting for this browser.
 */
export async function finishProof(c: AppContext): Promise<Response> {
  const { settings } = c.env;
  const { headers } = c.req.raw;
  const parties = proofParties(settings);
  if (parties === undefined) throw new Failure("not_found", { stage: "site" });
  const answer = await readProofAnswer(parties, queryParameter(c.req.raw, "answer") ?? "");
  if (answer === undefined)
    throw new Failure("request_malformed", { stage: "continue", reason: "no authentic answer" });

  const attempt = attemptOfState(settings, answer.login, "continue");
  const [{ browser }, current] = await Promise.all([
    recogniseBrowser(headers),
    currentSession(settings, headers),
  ]);
  const waiting = await releaseAttempt(c, { attempt, browser }, "proof", undefined);
  switch (waiting.outcome) {
    case "waiting": {
      const login = { ...waiting, attempt, browser, current };
      return waiting.question === "proof" ? acceptProof(c, login, answer.accountId) : askAgain(c, login);
    }
    case "used":
      return usedLogin(waiting, current, "continue");
    default:
      throw new Failure("state_expired", { stage: "continue" });
  }
}
