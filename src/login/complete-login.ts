import { decideAccount, settleAccount } from "../accounts/login-account.ts";
import { siteRegistry } from "../accounts/site-registry.ts";
import { vippsPerson } from "../accounts/vipps-person.ts";
import { Failure, fromStorage, withFacts } from "../failure.ts";
import type { AppContext } from "../http/request-context.ts";
import { logEvent } from "../log.ts";
import type { VippsIdentity } from "../vipps/identity.ts";
import { askForProof, refuseStranger } from "./ask-for-proof.ts";
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
}

/**
 * From a login that Vipps vouches for to a session: finds or makes the account, asking the person where needed.
 * A session is only ever made for an account that is whole.
 * @throws {Failure} `not_member`, `account_unclear` (scripts) or `storage_unavailable`; then there is no session.
 */
export async function completeLogin(c: AppContext, login: VouchedLogin): Promise<Response> {
  const { sub } = login.identity;
  try {
    return await complete(c, login);
  } catch (error) {
    throw error instanceof Failure ? withFacts(error, { person: { sub, ...error.facts.person } }) : error;
  }
}

async function complete(c: AppContext, login: VouchedLogin): Promise<Response> {
  const { settings } = c.env;
  const { registration } = settings.accounts;
  const { attempt, identity, sid } = login;
  const registry = siteRegistry(settings);
  const person = vippsPerson(identity, settings.relyingParty.merchantSerialNumber);
  const decision = await decideAccount(registry, registration, person);
  const settled = await settleAccount(registry, registration, person, decision);
  if (!("accountId" in settled)) {
    const { linking } = settled;
    if (linking.kind !== "doubt") throw await refuseStranger(settings, person, login.returnTo);
    await fromStorage("account", attempt.hold(identity, "proof"));
    return askForProof(c, { ...login, person, doubt: linking, provable: settled.provable });
  }
  const { accountId, how } = settled;
  const response = await sessionResponse(c, { ...login, accountId });
  recordLogin(c, { outcome: "logged_in", reason: how, accountId, sub: identity.sub, sid });
  c.executionCtx.waitUntil(
    registry.update(accountId, person).catch(() => logEvent("warn", "account_not_updated", { sid })),
  );
  return response;
}
