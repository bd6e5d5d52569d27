import { decideAccount, settleAccount } from "../accounts/login-account.ts";
import { siteRegistry } from "../accounts/site-registry.ts";
import { vippsPerson } from "../accounts/vipps-person.ts";
import { Failure } from "../failure.ts";
import type { AppContext } from "../http/request-context.ts";
import type { VippsIdentity } from "../vipps/identity.ts";
import type { AttemptStub } from "./attempt-id.ts";
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
 * @throws {Failure} `not_member`, `account_unclear` or `storage_unavailable`; then there is no session.
 */
export async function completeLogin(c: AppContext, login: VouchedLogin): Promise<Response> {
  const { settings } = c.env;
  const { registration } = settings.accounts;
  const { identity, returnTo } = login;
  const registry = siteRegistry(settings);
  const person = vippsPerson(identity, settings.relyingParty.merchantSerialNumber);
  const decision = await decideAccount(registry, registration, person);
  const settled = await settleAccount(registry, registration, person, decision);
  if (!("accountId" in settled)) {
    throw settled.linking.kind === "closed"
      ? new Failure("not_member", { stage: "account", returnTo })
      : new Failure("account_unclear", { stage: "account", returnTo });
  }
  const response = await sessionResponse(c, { ...login, accountId: settled.accountId });
  c.executionCtx.waitUntil(registry.update(settled.accountId, person).catch(() => undefined));
  return response;
}
