import { eraseAccount } from "../accounts/erase-account.ts";
import { formBody } from "../http/form-body.ts";
import { logEvent } from "../log.ts";
import { erasePage } from "../pages/support/support-pages.ts";
import { refuseSessions } from "../session/session-store.ts";
import { accountIdOf } from "./account-route.ts";
import { accountPath, afterEnding, answerPage, consolePath, seeOther } from "./answers.ts";
import { pageBasis } from "./page-basis.ts";
import { bareAccount, shownAccount } from "./shown-account.ts";
import { noteDeed, type StaffRequest } from "./staff.ts";

/** `GET /auth/support/accounts/:id/erase`: names what goes, and asks. */
export async function askToErase(request: StaffRequest): Promise<Response> {
  const { settings, registry } = request;
  const accountId = accountIdOf(request);
  await noteDeed(request, "viewed", accountId);
  const record = await registry.get(accountId);
  const isBare = settings.accounts.registry.kind === "none";
  if (record === undefined && !isBare) return seeOther(consolePath(settings), "noAccount");
  const account =
    record === undefined ? bareAccount(request, accountId) : shownAccount(request, record.account);
  return answerPage(request, erasePage({ ...pageBasis(request), account }));
}

/**
 * `POST /auth/support/accounts/:id/erase`: erases an account for good, if the box is ticked. Its sessions end
 * first: should the registry fail, the person is logged out and it can be tried again.
 * @throws {Failure} `storage_unavailable`.
 */
export async function eraseForGood(request: StaffRequest): Promise<Response> {
  const { c, settings, records, registry, staff } = request;
  const accountId = accountIdOf(request);
  if ((await formBody(c.req.raw))?.get("confirm") !== "yes")
    return seeOther(`${accountPath(request, accountId)}/erase`, "notConfirmed");
  const isBare = settings.accounts.registry.kind === "none";
  if (!isBare && (await registry.get(accountId)) === undefined)
    return seeOther(consolePath(settings), "noAccount");
  await noteDeed(request, "sessions_ended", accountId, { session: "all" });
  // Writes its own line, in one transaction with the deed.
  const by = { actor: staff.accountId, actorRole: "staff", details: {} } as const;
  await eraseAccount(registry, records, accountId, by, (begunBefore) =>
    refuseSessions(settings, accountId, begunBefore),
  );
  logEvent("info", "account_erased", { by: "staff" });
  return afterEnding(request, accountId, "all", "erased", consolePath(settings));
}
