import type { AccountId, AccountRecord } from "../accounts/account.ts";
import { currentConsents } from "../accounts/consents.ts";
import { loginEventsOf } from "../accounts/login-events.ts";
import { termsAcceptances } from "../accounts/terms.ts";
import type { ShownAccount } from "../pages/support/shown.ts";
import { listSessions } from "../session/session-store.ts";
import { consolePath, seeOther } from "./answers.ts";
import { bareAccount, shownAccount } from "./shown-account.ts";
import type { StaffRequest } from "./staff.ts";

/** An account that is there. */
export interface KnownAccount {
  readonly id: AccountId;
  /** `undefined` where there is no registry, and only traces of a person are kept (`ACCOUNTS=none`). */
  readonly record: AccountRecord | undefined;
}

/**
 * The account with an id, whoever wrote it: an address and a form may say anything, and the audit log notes only
 * what exists.
 * @throws {Failure} `storage_unavailable`.
 */
export async function knownAccount(
  { settings, records, registry }: StaffRequest,
  id: string,
): Promise<KnownAccount | undefined> {
  const { kind } = settings.accounts.registry;
  // As the embedded registry makes them, and as any `sub` is, which those of other registries become.
  if (!(kind === "d1" ? /^acc_[\w-]{1,60}$/ : /^[\x21-\x7e]{1,255}$/).test(id)) return undefined;
  if (kind !== "none") {
    const record = await registry.get(id);
    return record && { id, record };
  }
  const traces = await Promise.all([
    listSessions(settings, id),
    loginEventsOf(records, id, 1),
    termsAcceptances(records, id),
    currentConsents(records, id),
  ]);
  return traces.some(({ length }) => length > 0) ? { id, record: undefined } : undefined;
}

/** A route about the account that its address names; where there is none, staff are told so on the first page. */
export async function withAccount(
  request: StaffRequest,
  handle: (account: KnownAccount) => Promise<Response>,
): Promise<Response> {
  const account = await knownAccount(request, request.c.req.param("id") ?? "");
  return account === undefined ? seeOther(consolePath(request.settings), "noAccount") : handle(account);
}

/** The account as it stands in a list or above a question. */
export function shownKnown(request: StaffRequest, { id, record }: KnownAccount): ShownAccount {
  return record === undefined ? bareAccount(request, id) : shownAccount(request, record.account);
}
