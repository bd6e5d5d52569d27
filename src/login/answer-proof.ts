import type { AccountId } from "../accounts/account.ts";
import { appendAudit } from "../accounts/audit-log.ts";
import { type AccountDecision, decideAccount } from "../accounts/login-account.ts";
import { countProofGuess } from "../accounts/proof-guesses.ts";
import { requiredRecords } from "../accounts/records.ts";
import { siteRegistry } from "../accounts/site-registry.ts";
import { type VippsPerson, vippsPerson } from "../accounts/vipps-person.ts";
import { Failure } from "../failure.ts";
import { isDeliberate } from "../http/deliberate.ts";
import type { AppContext } from "../http/request-context.ts";
import type { CurrentSession } from "../session/current-session.ts";
import { askForProof } from "./ask-for-proof.ts";
import type { AttemptStub } from "./attempt-id.ts";
import type { Waiting } from "./attempt-state.ts";
import { completeLogin } from "./complete-login.ts";
import { releaseAttempt } from "./release-attempt.ts";
import { sendToSite } from "./send-to-site.ts";
import { usedLogin } from "./used-login.ts";

/** A login that waits for a proof, in the browser that may give it. */
export interface WaitingForProof extends Waiting {
  readonly attempt: AttemptStub;
  /** SHA-256 of the cookie of the browser. */
  readonly browser: string;
  readonly current: CurrentSession;
}

/** Longer facts are no member numbers. In characters. */
const FACT_LIMIT = 100;

/**
 * The answer to the page that {@link askForProof} shows: a fact only the member knows, or that none of the
 * accounts is theirs.
 * @throws {Failure} `request_malformed`, `storage_unavailable`.
 */
export async function answerProof(
  c: AppContext,
  login: WaitingForProof,
  form: URLSearchParams,
): Promise<Response> {
  const { settings } = c.env;
  const { registration } = settings.accounts;
  const person = personOf(c, login);
  const registry = siteRegistry(settings);
  const decision = await decideAccount(registry, registration, person);
  const { linking } = decision;
  // Meanwhile linked, by another tab or by customer service: there is nothing left to prove.
  if (linking.kind !== "doubt") return finish(c, login);

  const answer = form.get("answer");
  if ((answer === "new" || answer === "site") && !isDeliberate(form))
    return askForProof(c, doubtful(login, person, decision), `${answer}Unticked`);
  if (answer === "new" && registration === "open") {
    await registry.create(person, { evenIfSimilar: true });
    return finish(c, login);
  }
  if (answer === "site") return sendToSite(c, login.attempt);
  const fact = form.get("fact")?.trim() ?? "";
  if (answer !== "fact" || registry.proof.kind !== "fact" || fact.length > FACT_LIMIT) {
    throw new Failure("request_malformed", { stage: "continue", reason: "no proof" });
  }
  if (fact === "") return askForProof(c, doubtful(login, person, decision));
  const open = await countProofGuess(requiredRecords(settings), person, linking.candidates);
  if (open.length === 0) return askForProof(c, doubtful(login, person, decision), "exhausted");
  const proven = await registry.proof.check(open, fact);
  if (proven === undefined) return askForProof(c, doubtful(login, person, decision), "wrong");
  return acceptProof(c, login, proven);
}

/** Links the account that the person has just proven, and lets them in. */
export async function acceptProof(
  c: AppContext,
  login: WaitingForProof,
  accountId: AccountId,
): Promise<Response> {
  await linkProven(c, accountId, personOf(c, login));
  return finish(c, login);
}

/** Shows the question again, or goes on when there is nothing left to ask. */
export async function resumeProof(c: AppContext, login: WaitingForProof): Promise<Response> {
  const { settings } = c.env;
  const person = personOf(c, login);
  const decision = await decideAccount(siteRegistry(settings), settings.accounts.registration, person);
  if (decision.linking.kind !== "doubt") return finish(c, login);
  return askForProof(c, doubtful(login, person, decision));
}

function personOf(c: AppContext, { identity }: WaitingForProof): VippsPerson {
  return vippsPerson(identity, c.env.settings.relyingParty.merchantSerialNumber);
}

function doubtful(login: WaitingForProof, person: VippsPerson, { linking, provable }: AccountDecision) {
  if (linking.kind !== "doubt") throw new Error("nothing is in doubt");
  return { attempt: login.attempt, returnTo: login.returnTo, person, doubt: linking, provable };
}

async function linkProven(c: AppContext, accountId: AccountId, person: VippsPerson): Promise<void> {
  const { settings } = c.env;
  const details = { by: "proof", msn: person.msn };
  await appendAudit(requiredRecords(settings), {
    actor: accountId,
    actorRole: "self",
    action: "linked",
    accountId,
    details,
  });
  // Should it fail because somebody was quicker, the decision that follows finds what is so now.
  await siteRegistry(settings).link(accountId, person, "proven");
}

/** Takes the login out of its attempt, once, and completes it with what the registry knows by now. */
async function finish(c: AppContext, { attempt, browser, current }: WaitingForProof): Promise<Response> {
  const released = await releaseAttempt(c, { attempt, browser }, "proof", "yes");
  switch (released.outcome) {
    case "released":
      return completeLogin(c, { ...released, attempt, sameBrowser: true });
    case "used":
      return usedLogin(released, current, "continue");
    default:
      throw new Failure("state_expired", { stage: "continue" });
  }
}
