import type { AccountId } from "../accounts/account.ts";
import { decideAccount, settleAccount } from "../accounts/login-account.ts";
import { requiredRecords, siteRecords } from "../accounts/records.ts";
import { siteRegistry } from "../accounts/site-registry.ts";
import { adoptVippsConsents } from "../accounts/vipps-consents.ts";
import { type VippsPerson, vippsPerson } from "../accounts/vipps-person.ts";
import { Failure, fromStorage, withFacts } from "../failure.ts";
import type { AppContext } from "../http/request-context.ts";
import { logEvent } from "../log.ts";
import type { Settings } from "../settings.ts";
import { timed } from "../step-times.ts";
import { collectedConsents } from "../vipps/collected-consents.ts";
import type { VippsIdentity } from "../vipps/identity.ts";
import { askForProof, type DoubtfulLogin, refuseStranger } from "./ask-for-proof.ts";
import {
  askForTerms,
  keepTermsAnswer,
  type OpenTerms,
  openTerms,
  type TermsAnswer,
} from "./ask-for-terms.ts";
import type { AttemptStub } from "./attempt-id.ts";
import { recordLogin } from "./record-login.ts";
import { sessionResponse } from "./session-response.ts";

/** A login that Vipps vouches for, in a browser that may have it. */
export interface VouchedLogin {
  readonly attempt: AttemptStub;
  readonly identity: VippsIdentity;
  /** The id its session gets. */
  readonly sid: string;
  readonly returnTo: string;
  readonly sameBrowser: boolean;
  /** What the person answered to the terms just now, where they were asked. */
  readonly termsAnswer?: TermsAnswer | undefined;
}

/**
 * From a login that Vipps vouches for to a session: finds or makes the account, asking the person where needed.
 * A session is only ever made for an account that is whole.
 * @throws {Failure} `not_member`, `account_unclear` (scripts) or `storage_unavailable`; then there is no session.
 */
export async function completeLogin(c: AppContext, login: VouchedLogin): Promise<Response> {
  const { attempt, identity, sid, returnTo } = login;
  const { settings, stepTimes } = c.env;
  return namingPerson(identity, async () => {
    const settling = settleLoginAccount(settings, identity, returnTo, login.termsAnswer);
    const settled = await timed(stepTimes, "account", settling);
    if ("doubt" in settled) {
      await fromStorage("account", attempt.hold(settings.site.partition, identity, "proof"));
      return askForProof(c, { ...login, ...settled });
    }
    if ("asked" in settled) {
      await fromStorage("account", attempt.hold(settings.site.partition, identity, "terms"));
      return askForTerms(c, login, settled.asked);
    }
    const response = await sessionResponse(c, { ...login, accountId: settled.accountId });
    concludeLogin(c, settled, sid);
    return response;
  });
}

/** Says in whatever fails whose login it was, for customer service. */
export async function namingPerson<Value>(
  { sub }: VippsIdentity,
  work: () => Promise<Value>,
): Promise<Value> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof Failure ? withFacts(error, { person: { sub, ...error.facts.person } }) : error;
  }
}

/** The account that a login is for. */
export interface SettledLogin {
  readonly accountId: AccountId;
  readonly how: "known" | "link" | "create";
  readonly person: VippsPerson;
}

/**
 * What keeps a login from having an account: it is not clear which, or whether it is the person's; or the
 * person has to be asked something first.
 */
export type UnsettledLogin =
  | Pick<DoubtfulLogin, "doubt" | "provable" | "person">
  | { readonly asked: OpenTerms };

/**
 * Finds or makes the account of a person whom Vipps vouches for. Nothing is written about somebody who has yet
 * to accept the terms.
 * @param termsAnswer what the person just answered to them.
 * @throws {Failure} `not_member` or `storage_unavailable`.
 */
export async function settleLoginAccount(
  settings: Settings,
  identity: VippsIdentity,
  returnTo: string,
  termsAnswer?: TermsAnswer,
): Promise<SettledLogin | UnsettledLogin> {
  const { registration } = settings.accounts;
  const registry = siteRegistry(settings);
  const person = vippsPerson(identity, settings.relyingParty.merchantSerialNumber);
  const decision = await decideAccount(registry, registration, person);
  const asked = await openTerms(settings, decision);
  const answered =
    asked?.terms === undefined ? termsAnswer !== undefined : termsAnswer?.acceptedTerms === true;
  const isOpen = decision.linking.kind !== "doubt" && decision.linking.kind !== "closed";
  if (isOpen && asked !== undefined && !answered) return { asked };
  const settled = await settleAccount(registry, registration, person, decision);
  if ("accountId" in settled) {
    if (asked !== undefined && termsAnswer !== undefined) {
      await keepTermsAnswer(
        requiredRecords(settings),
        settings.accounts,
        settled.accountId,
        asked,
        termsAnswer,
      );
    }
    // Nobody waits for an account's first page with consents missing; what waits from before comes with the event.
    const records = siteRecords(settings);
    if (records !== undefined && collectedConsents(identity.claims).length > 0)
      await adoptVippsConsents(records, settled.accountId, person);
    return { ...settled, person };
  }
  const { linking, provable } = settled;
  if (linking.kind !== "doubt") throw await refuseStranger(settings, person, returnTo);
  return { doubt: linking, provable, person };
}

/** What is left to do once a login has its session: nobody waits for it. */
export function concludeLogin(c: AppContext, { accountId, how, person }: SettledLogin, sid: string): void {
  recordLogin(c, { outcome: "logged_in", reason: how, accountId, sub: person.sub, sid });
  c.executionCtx.waitUntil(
    siteRegistry(c.env.settings)
      .update(accountId, person)
      .catch(() => logEvent("warn", "account_not_updated", { sid })),
  );
}
