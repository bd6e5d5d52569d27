import { Failure } from "../failure.ts";
import { formBody, isTicked } from "../http/request.ts";
import { endAllSessions } from "../session/session-store.ts";
import { answerAccountPage } from "./account-route.ts";
import { accountPath, afterEnding, seeOther } from "./answers.ts";
import { withAccount } from "./known-account.ts";
import { noteDeed, type StaffRequest } from "./staff.ts";

/**
 * `POST /auth/support/accounts/:id/unlink`: takes the Vipps user of the fields `msn` and `sub` off an account, if
 * the box is ticked. Which session is whose is not known, so all of the account's end.
 * @throws {Failure} `request_malformed` without the fields; `storage_unavailable`.
 */
export const unlinkIdentity = (request: StaffRequest): Promise<Response> =>
  withAccount(request, async (account) => {
    const { c, settings, registry } = request;
    const { id, record } = account;
    const form = await formBody(c.req.raw);
    const [msn, sub] = [form?.get("msn"), form?.get("sub")];
    if (!msn || !sub) throw new Failure("request_malformed", { stage: "support", reason: "no user named" });
    // Only what is linked is written down: the log holds ids of ours, not whatever a form says.
    const isLinked = record?.identities.some((identity) => identity.msn === msn && identity.sub === sub);
    if (!isLinked) return seeOther(accountPath(request, id), "notUnlinked");
    if (!isTicked(form)) return answerAccountPage(request, account, { notice: "notConfirmed" });
    await noteDeed(request, "unlinked", id, { msn, sub });
    const unlinked = await registry.unlink(id, msn, sub);
    await endAllSessions(settings, id, "unlinked");
    return afterEnding(request, id, "all", unlinked ? "unlinked" : "notUnlinked");
  });
