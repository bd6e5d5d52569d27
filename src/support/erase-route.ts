import { eraseAccount } from "../accounts/erase-account.ts";
import { noteErasure } from "../accounts/erasure-list.ts";
import { formBody, isTicked } from "../http/request.ts";
import { logEvent } from "../log.ts";
import { erasePage } from "../pages/support/support-pages.ts";
import { refuseSessions } from "../session/session-store.ts";
import { afterEnding, answerPage, consolePath } from "./answers.ts";
import { type KnownAccount, shownKnown, withAccount } from "./known-account.ts";
import { pageBasis } from "./page-basis.ts";
import { byAgency, noteDeed, type StaffRequest } from "./staff.ts";
import { withinConsole } from "./within-console.ts";

/** `GET /auth/support/accounts/:id/erase`: names what goes, and asks. */
export const askToErase = (request: StaffRequest): Promise<Response> =>
  withinConsole(request, () => withAccount(request, (account) => answerErasePage(request, account)));

async function answerErasePage(
  request: StaffRequest,
  known: KnownAccount,
  unticked = false,
): Promise<Response> {
  await noteDeed(request, "viewed", known.id);
  const account = shownKnown(request, known);
  return answerPage(request, erasePage({ ...pageBasis(request), account, unticked }), unticked ? 400 : 200);
}

/**
 * `POST /auth/support/accounts/:id/erase`: erases an account for good, if the box is ticked. Its sessions end
 * first: should the registry fail, the person is logged out and it can be tried again.
 * @throws {Failure} `storage_unavailable`.
 */
export const eraseForGood = (request: StaffRequest): Promise<Response> =>
  withAccount(request, async (account) => {
    const { c, settings, records, registry, staff } = request;
    const { id } = account;
    if (!isTicked(await formBody(c.req.raw))) return answerErasePage(request, account, true);
    await noteDeed(request, "sessions_ended", id, { session: "all" });
    // Writes its own line, in one transaction with the deed.
    const by = { actor: staff.accountId, actorRole: "staff", details: byAgency(staff) } as const;
    const end = (begunBefore: number) => refuseSessions(settings, id, begunBefore);
    const note = () => noteErasure(settings.storage.metadata.namespace, records.site, id);
    await eraseAccount(registry, records, id, by, end, note);
    logEvent("info", "account_erased", settings.site.origin, { by: "staff" });
    return afterEnding(request, id, "all", "erased", consolePath(settings));
  });
