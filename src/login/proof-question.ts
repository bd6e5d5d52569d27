import type { AccountId } from "../accounts/account.ts";
import { appendAudit } from "../accounts/audit-log.ts";
import { countProofGuess } from "../accounts/proof-guesses.ts";
import { type ProofParties, proofPageUrl, readProofAnswer } from "../accounts/proof-ticket.ts";
import { requiredRecords } from "../accounts/records.ts";
import { decideAccount, siteRegistry } from "../accounts/site-accounts.ts";
import type { VippsPerson } from "../accounts/vipps-person.ts";
import { Failure } from "../failure.ts";
import { isScriptRequest } from "../http/request.ts";
import type { AppContext } from "../http/request-context.ts";
import { pageContext } from "../pages/page-context.ts";
import { pageResponse } from "../pages/page-response.ts";
import { proofPage } from "../pages/proof-page.ts";
import type { Settings } from "../settings.ts";
import { recordLogin } from "./login-end.ts";
import {
  type AskedForProof,
  fieldOf,
  type GivenAnswer,
  isMeant,
  type Verdict,
  type WaitingLogin,
} from "./question.ts";
import { accountUnclear, askForProof, personOf } from "./settle-login.ts";

/** Longer facts are no member numbers. In characters. */
const FACT_LIMIT = 100;

/** HTTP status of the page, by what is wrong. */
const STATUS = { wrong: 403, exhausted: 429, newUnticked: 400, siteUnticked: 400 } as const;

/**
 * Explains what is unclear and lets the person prove an old account, start a new one where registration is
 * open, or turn to customer service with a reference.
 * @throws {Failure} `account_unclear` to a script, which cannot show the page.
 */
export async function showProof(
  c: AppContext,
  asked: AskedForProof,
  state: string,
  returnTo: string,
): Promise<Response> {
  const { settings } = c.env;
  const { headers } = c.req.raw;
  const { reason, problem, provable, reference, sub } = asked;
  if (isScriptRequest(c.req.raw)) throw accountUnclear(asked);
  recordLogin(c, { outcome: "account_unclear", stage: "account", reason: problem ?? reason, reference, sub });

  const { site, accounts } = settings;
  const { proof } = siteRegistry(settings);
  const context = pageContext(headers.get("accept-language"), settings);
  const html = proofPage({
    ...context,
    reason,
    problem,
    proof: proof.kind === "fact" && (!provable || problem === "exhausted") ? "none" : proof.kind,
    registration: accounts.registration,
    action: `${site.authPath}/continue`,
    attempt: state,
    reference,
    siteHref: returnTo.startsWith("/") ? "/" : returnTo,
  });
  const targets = returnTo.startsWith("/") ? [] : [new URL(returnTo).origin];
  if (proof.kind === "site") targets.push(new URL(proof.url).origin);
  return pageResponse(html, context, problem === undefined ? 200 : STATUS[problem], {
    formTargets: targets,
  });
}

/** Asks again as it stands now, or goes on when there is nothing left to prove. */
export async function resumeProof(settings: Settings, { identity, answers }: WaitingLogin): Promise<Verdict> {
  const person = personOf(settings, identity);
  const decision = await decideAccount(siteRegistry(settings), settings.accounts.registration, person);
  const { linking, provable } = decision;
  if (linking.kind !== "doubt") return { kind: "goOn", answers };
  return { kind: "ask", asked: await askForProof(settings, person, linking, provable) };
}

/**
 * A fact only the member knows, or that none of the accounts is theirs, or that they will log in the old way.
 * @throws {Failure} `request_malformed`, `storage_unavailable`.
 */
export async function answerProof(
  settings: Settings,
  { identity, answers }: WaitingLogin,
  given: GivenAnswer,
): Promise<Verdict> {
  const { registration } = settings.accounts;
  const person = personOf(settings, identity);
  const registry = siteRegistry(settings);
  if (given.provenAccount !== undefined) {
    await linkProven(settings, given.provenAccount, person);
    return { kind: "goOn", answers };
  }
  const { linking, provable } = await decideAccount(registry, registration, person);
  // Meanwhile linked, by another tab or by customer service: there is nothing left to prove.
  if (linking.kind !== "doubt") return { kind: "goOn", answers };

  const askAgain = async (problem?: AskedForProof["problem"]): Promise<Verdict> => ({
    kind: "ask",
    asked: await askForProof(settings, person, linking, provable, problem),
  });
  const answer = fieldOf(given, "answer");
  if ((answer === "new" || answer === "site") && !isMeant(given)) return askAgain(`${answer}Unticked`);
  if (answer === "new" && registration === "open")
    return { kind: "goOn", answers: { ...answers, asNew: true } };
  if (answer === "site") return { kind: "leave" };
  const fact = fieldOf(given, "fact")?.trim() ?? "";
  if (answer !== "fact" || registry.proof.kind !== "fact" || fact.length > FACT_LIMIT)
    throw new Failure("request_malformed", { stage: "continue", reason: "no proof" });
  if (fact === "") return askAgain();
  const open = await countProofGuess(requiredRecords(settings), person, linking.candidates);
  if (open.length === 0) return askAgain("exhausted");
  const proven = await registry.proof.check(open, fact);
  if (proven === undefined) return askAgain("wrong");
  await linkProven(settings, proven, person);
  return { kind: "goOn", answers };
}

async function linkProven(settings: Settings, accountId: AccountId, person: VippsPerson): Promise<void> {
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

/** The worker and the page of the site where people log in the old way, if it has one. */
function proofParties(settings: Settings): ProofParties | undefined {
  const { proof } = siteRegistry(settings);
  if (proof.kind !== "site") return undefined;
  return { worker: settings.session.issuer, proofUrl: proof.url, secret: proof.secret };
}

/**
 * Sends a person to the site's own login to prove an old account.
 * @param login which login waits, as {@link provenElsewhere} gives it back.
 * @throws {Failure} `request_malformed` where the site has no such page.
 */
export async function leaveForProof(c: AppContext, login: string): Promise<Response> {
  const { settings } = c.env;
  const parties = proofParties(settings);
  if (parties === undefined)
    throw new Failure("request_malformed", { stage: "continue", reason: "no proof at the site" });
  const { origin, authPath } = settings.site;
  const location = await proofPageUrl(parties, login, `${origin}${authPath}/proof`);
  return new Response(null, { status: 303, headers: { location, "cache-control": "no-store" } });
}

/**
 * The signed answer of the site's own login.
 * @throws {Failure} `not_found` where the site has none, `request_malformed` for what it did not sign.
 */
export async function provenElsewhere(
  settings: Settings,
  answer: string,
): Promise<{ readonly login: string; readonly accountId: AccountId }> {
  const parties = proofParties(settings);
  if (parties === undefined) throw new Failure("not_found", { stage: "site" });
  const proven = await readProofAnswer(parties, answer);
  if (proven !== undefined) return proven;
  throw new Failure("request_malformed", { stage: "continue", reason: "no authentic answer" });
}
