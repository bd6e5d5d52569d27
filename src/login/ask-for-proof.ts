import { requestLink } from "../accounts/link-requests.ts";
import type { LinkingDecision } from "../accounts/linking.ts";
import { requiredRecords } from "../accounts/records.ts";
import { siteRegistry } from "../accounts/site-registry.ts";
import type { VippsPerson } from "../accounts/vipps-person.ts";
import { Failure } from "../failure.ts";
import { type AppContext, prefersJson } from "../http/request-context.ts";
import { pageContext } from "../pages/page-context.ts";
import { pageResponse } from "../pages/page-response.ts";
import { proofPage } from "../pages/proof-page.ts";
import { newReference } from "../reference.ts";
import type { Settings } from "../settings.ts";
import type { AttemptStub } from "./attempt-id.ts";
import { recordLogin } from "./record-login.ts";

/** A login whose person may have an account already, but it is not clear which, or whether it is theirs. */
export interface DoubtfulLogin {
  readonly attempt: AttemptStub;
  readonly returnTo: string;
  readonly person: VippsPerson;
  readonly doubt: Extract<LinkingDecision, { kind: "doubt" }>;
  /** Whether one of the accounts can be proven by a fact only the member knows. */
  readonly provable: boolean;
}

/** What was wrong with the answer that was just given. */
export type ProofProblem = "wrong" | "exhausted" | "newUnticked" | "siteUnticked";

/** HTTP status of the page, by what is wrong. */
const STATUS = { wrong: 403, exhausted: 429, newUnticked: 400, siteUnticked: 400 } as const;

/**
 * Explains what is unclear and lets the person prove an old account, start a new one where registration is
 * open, or turn to customer service with a reference.
 * @param problem what was wrong with the answer just given; `undefined` when the page is shown first.
 * @throws {Failure} `account_unclear` to a script, which cannot show the page; `storage_unavailable`.
 */
export async function askForProof(
  c: AppContext,
  { attempt, returnTo, person, doubt, provable }: DoubtfulLogin,
  problem?: ProofProblem,
): Promise<Response> {
  const { settings } = c.env;
  const { headers } = c.req.raw;
  const { reason } = doubt;
  const { sub } = person;
  if (prefersJson(headers)) throw await accountUnclear(settings, { person, doubt }, returnTo);
  const reference = await requestProof(settings, { person, doubt });
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
    attempt: attempt.id.toString(),
    reference,
    siteHref: returnTo.startsWith("/") ? "/" : returnTo,
  });
  const targets = returnTo.startsWith("/") ? [] : [new URL(returnTo).origin];
  if (proof.kind === "site") targets.push(new URL(proof.url).origin);
  return pageResponse(html, context.nonce, problem === undefined ? 200 : STATUS[problem], targets);
}

/** @returns the reference under which customer service finds the person. */
function requestProof(
  settings: Settings,
  { person, doubt }: Pick<DoubtfulLogin, "person" | "doubt">,
): Promise<string> {
  const { candidates, reason } = doubt;
  return requestLink(requiredRecords(settings), { person, reason, candidates, reference: newReference() });
}

/**
 * The failure of somebody who may have an account already and cannot be asked: a script or an app.
 * @throws {Failure} `storage_unavailable`.
 */
export async function accountUnclear(
  settings: Settings,
  doubtful: Pick<DoubtfulLogin, "person" | "doubt">,
  returnTo: string,
): Promise<Failure> {
  const reference = await requestProof(settings, doubtful);
  const { person, doubt } = doubtful;
  return new Failure("account_unclear", {
    stage: "account",
    reason: doubt.reason,
    reference,
    returnTo,
    person: { sub: person.sub },
  });
}

/**
 * The failure of somebody whom a closed registry does not know, with a reference under which customer service
 * finds them.
 * @throws {Failure} `storage_unavailable`.
 */
export async function refuseStranger(
  settings: Settings,
  person: VippsPerson,
  returnTo: string,
): Promise<Failure> {
  const reference = await requestLink(requiredRecords(settings), {
    person,
    reason: "not_member",
    candidates: [],
    reference: newReference(),
  });
  return new Failure("not_member", { stage: "account", reference, returnTo });
}
