import { decideAccount } from "../accounts/login-account.ts";
import { siteRegistry } from "../accounts/site-registry.ts";
import { vippsPerson } from "../accounts/vipps-person.ts";
import { Failure } from "../failure.ts";
import type { AppContext } from "../http/request-context.ts";
import type { CurrentSession } from "../session/current-session.ts";
import { askForTerms, openTerms } from "./ask-for-terms.ts";
import type { AttemptStub } from "./attempt-id.ts";
import type { Waiting } from "./attempt-state.ts";
import { completeLogin } from "./complete-login.ts";
import { releaseAttempt } from "./release-attempt.ts";
import { usedLogin } from "./used-login.ts";

/** A login that waits for the terms to be accepted, in the browser that may do so. */
export interface WaitingForTerms extends Waiting {
  readonly attempt: AttemptStub;
  /** SHA-256 of the cookie of the browser. */
  readonly browser: string;
  readonly current: CurrentSession;
}

/**
 * Shows the question again, after a reload or an incomplete form, or goes on when it has meanwhile been answered
 * in another tab.
 */
export async function resumeTerms(c: AppContext, login: WaitingForTerms, missing = false): Promise<Response> {
  const { settings } = c.env;
  const { attempt, browser, current, identity } = login;
  const person = vippsPerson(identity, settings.relyingParty.merchantSerialNumber);
  const decision = await decideAccount(siteRegistry(settings), settings.accounts.registration, person);
  const asked = await openTerms(settings, decision);
  if (asked !== undefined) return askForTerms(c, login, asked, missing);
  const released = await releaseAttempt(c, { attempt, browser }, "terms", "yes");
  if (released.outcome === "released") return completeLogin(c, { ...released, attempt, sameBrowser: true });
  if (released.outcome === "used") return usedLogin(released, current, "continue");
  throw new Failure("state_expired", { stage: "continue" });
}
