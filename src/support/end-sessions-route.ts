import { Failure } from "../failure.ts";
import { formBody, isTicked } from "../http/request.ts";
import { endAllSessions, endSession, listSessions } from "../session/session-store.ts";
import { answerAccountPage } from "./account-route.ts";
import { accountPath, afterEnding, seeOther } from "./answers.ts";
import { withAccount } from "./known-account.ts";
import { noteDeed, type StaffRequest } from "./staff.ts";

/**
 * `POST /auth/support/accounts/:id/sessions`: ends one session of an account, or all, if the box is ticked. The
 * field `session` is a session's id, or `all`.
 * @throws {Failure} `request_malformed` without the field; `storage_unavailable`.
 */
export const endSessions = (request: StaffRequest): Promise<Response> =>
  withAccount(request, async (account) => {
    const { c, settings } = request;
    const { id } = account;
    const form = await formBody(c.req.raw);
    const session = form?.get("session");
    if (!session) throw new Failure("request_malformed", { stage: "support", reason: "no session named" });
    if (!isTicked(form)) return answerAccountPage(request, account, { notice: "notConfirmed" });
    if (session !== "all") {
      const living = await listSessions(settings, id);
      if (!living.some(({ sid }) => sid === session))
        return seeOther(accountPath(request, id), "sessionNotThere");
    }
    await noteDeed(request, "sessions_ended", id, { session });
    if (session === "all") await endAllSessions(settings, id, "staff");
    else await endSession(settings, id, session, "staff");
    return afterEnding(request, id, session, session === "all" ? "sessionsEnded" : "sessionEnded");
  });
