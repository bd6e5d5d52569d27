import { fromStorage } from "../failure.ts";
import type { AppContext } from "../http/request-context.ts";
import { newSessionId } from "../session/session-id.ts";
import { timed } from "../step-times.ts";
import type { AttemptStub } from "./attempt-id.ts";
import type { Question, ReleaseResult } from "./attempt-state.ts";

/**
 * Takes a login that waits for an answer out of its attempt, once, or only looks: see `LoginAttempt.release`.
 * @param browser SHA-256 of the cookie of the browser that answers.
 * @param answer `undefined` only looks.
 * @throws {Failure} `storage_unavailable`.
 */
export function releaseAttempt(
  c: AppContext,
  { attempt, browser }: { readonly attempt: AttemptStub; readonly browser: string },
  question: Question,
  answer: "yes" | "no" | undefined,
): Promise<ReleaseResult> {
  const { settings, stepTimes } = c.env;
  const released = attempt.release(settings.site.partition, browser, question, answer, newSessionId());
  return timed(stepTimes, "attempt", fromStorage("continue", released as Promise<ReleaseResult>));
}
