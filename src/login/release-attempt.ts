import { fromStorage } from "../failure.ts";
import type { AppContext } from "../http/request-context.ts";
import { newSessionId } from "../session/session-id.ts";
import { timed } from "../step-times.ts";
import { forgetArrivedConsents } from "./arrived-consents.ts";
import type { AttemptStub } from "./attempt-id.ts";
import type { Question, ReleaseResult } from "./attempt-state.ts";

/**
 * Takes a login that waits for an answer out of its attempt, once, or only looks: see `LoginAttempt.release`. With
 * a no, the consents that came with the login are erased first: nothing of it may be left behind.
 * @param browser SHA-256 of the cookie of the browser that answers.
 * @param answer `undefined` only looks.
 * @throws {Failure} `storage_unavailable`.
 */
export async function releaseAttempt(
  c: AppContext,
  { attempt, browser }: { readonly attempt: AttemptStub; readonly browser: string },
  question: Question,
  answer: "yes" | "no" | undefined,
): Promise<ReleaseResult> {
  const { settings, stepTimes } = c.env;
  const release = (how: "yes" | "no" | undefined) => {
    const released = attempt.release(settings.site.partition, browser, question, how, newSessionId());
    return timed(stepTimes, "attempt", fromStorage("continue", released as Promise<ReleaseResult>));
  };
  if (answer === "no") {
    const waiting = await release(undefined);
    if (waiting.outcome !== "waiting" || waiting.question !== question) return waiting;
    await forgetArrivedConsents(settings, waiting.identity);
  }
  return release(answer);
}
