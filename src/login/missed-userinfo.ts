/** What becomes of a login at which userinfo failed, and of the consents that Vipps tells at that login alone. */

import type { AccountId } from "../accounts/account.ts";
import { isErasedSince } from "../accounts/login-events.ts";
import { type Records, siteRecords } from "../accounts/records.ts";
import { accountOnRecord, knownClaimsOf } from "../accounts/site-accounts.ts";
import { adoptVippsConsents, forgetVippsConsents, keepVippsConsents } from "../accounts/vipps-consents.ts";
import { Failure, type FailureFacts } from "../failure.ts";
import { isolateMap, putBounded } from "../isolate-state.ts";
import { logEvent } from "../log.ts";
import type { Settings } from "../settings.ts";
import { faultFields } from "../storage-call.ts";
import type { MissedUserinfo } from "../vipps/authorization-code.ts";
import { COLLECTED_ONCE, completedClaims, type VippsIdentity } from "../vipps/claims.ts";
import { beganAt } from "./login-state.ts";

/**
 * The identity with which a login goes on without userinfo: of somebody who is known, with what Vipps said of them
 * before in place of what is missing.
 * @throws {Failure} userinfo's own, where the login cannot be judged without it.
 */
export async function withoutUserinfo(
  settings: Settings,
  identity: VippsIdentity,
  { failure, claims: missing, sufficesFor }: MissedUserinfo,
): Promise<VippsIdentity> {
  if (sufficesFor === "nobody") throw failure;
  const isIncomplete = missing.some((name) => !COLLECTED_ONCE.includes(name));
  const isWorthLooking = sufficesFor === "known" || settings.accounts.registry.kind === "d1";
  const known = isIncomplete && isWorthLooking ? await knownClaimsOf(settings, identity, missing) : undefined;
  if (sufficesFor === "known" && known === undefined) throw failure;
  const { code, facts } = failure;
  logEvent("warn", "userinfo_failed", settings.site.origin, { code, reason: facts.reason, missing });
  if (!isIncomplete) return identity;
  return { ...identity, claims: completedClaims(identity.claims, known ?? {}), partial: sufficesFor };
}

/** A login whose consents are still to be fetched. */
export interface UnfetchedConsents {
  readonly id: string;
  readonly identity: VippsIdentity;
  readonly missed: MissedUserinfo;
  /** Whose login it turned out to be, once it is over; nobody's where it failed or waits for an answer. */
  readonly account: Promise<AccountId | undefined>;
  /** What has become of the login since. */
  readonly used: () => Promise<LoginSince>;
}

/** What is known of a login later on. */
export type LoginSince =
  | { readonly declined: boolean; readonly accountId?: AccountId | undefined }
  | undefined;

/**
 * How long after the failure userinfo is asked again, try by try, in milliseconds. The access token would do for ten
 * minutes; an object that nobody calls is put away after one or two.
 */
const WAITS = [2_000, 10_000, 45_000];
/** The tries of an isolate come one after the other: connections are few, and needed by logins. In milliseconds. */
const TURN = { length: 3_000, look: 500 };
/** As many logins wait for theirs in an isolate. */
const WAITING_LIMIT = 500;

const waiting = isolateMap<string, true>();
const turns = isolateMap<"begun", number>();

const pause = (milliseconds: number) => new Promise((wake) => setTimeout(wake, milliseconds));

/**
 * Asks userinfo again behind the answer, a few times, for consents that Vipps may have collected at this login and
 * does not tell at another. What comes is kept like what comes in time, and not where a stranger has said no or the
 * person has been erased meanwhile. The access token is in memory and nowhere else.
 */
export async function fetchConsentsLater(settings: Settings, login: UnfetchedConsents): Promise<void> {
  const records = siteRecords(settings);
  const { id, missed } = login;
  const { askAgain } = missed;
  if (records === undefined || askAgain === undefined) return;
  const { origin } = settings.site;
  let last: unknown = missed.failure;
  const [first = 0, ...later] = WAITS;
  const wanted = (missed.failure.facts.retryAfter ?? 0) * 1000;
  putBounded(waiting, id, true, WAITING_LIMIT);
  for (const wait of [Math.max(first, wanted), ...later]) {
    await pause(wait);
    while (Date.now() - (turns.get("begun") ?? 0) < TURN.length) await pause(TURN.look);
    if (!waiting.has(id)) break;
    turns.set("begun", Date.now());
    try {
      const claims = await askAgain().finally(() => turns.delete("begun"));
      const isKept = await keepLate(settings, records, login, claims);
      waiting.delete(id);
      return logEvent("info", "userinfo_came_later", origin, { consents: isKept });
    } catch (error) {
      last = error;
      const { stage, mayPass }: Partial<FailureFacts> = error instanceof Failure ? error.facts : {};
      if (stage === "userinfo" && mayPass !== true) break;
    }
  }
  waiting.delete(id);
  logEvent("error", "consents_not_fetched", origin, faultFields(last));
}

async function keepLate(
  settings: Settings,
  records: Records,
  { id, identity, account, used }: UnfetchedConsents,
  claims: VippsIdentity["claims"],
): Promise<boolean> {
  const user = { msn: settings.relyingParty.merchantSerialNumber, sub: identity.sub };
  const begunAt = beganAt(id);
  const isUnwanted = async (since: LoginSince) =>
    (since?.declined === true && (await accountOnRecord(settings, identity)) === undefined) ||
    (await isErasedSince(records, user, begunAt));
  if (await isUnwanted(await used())) return false;
  if (!(await keepVippsConsents(records, user, claims))) return false;
  const since = await used();
  if (await isUnwanted(since)) {
    await forgetVippsConsents(records, user);
    return false;
  }
  const known = await accountOnRecord(settings, identity);
  const accountId = known ?? (await account) ?? since?.accountId;
  if (accountId !== undefined) await adoptVippsConsents({ ...records, begunAt }, accountId, user);
  return true;
}
