import { Failure } from "../failure.ts";
import { formBody } from "../http/form-body.ts";
import { endAllSessions, endSession } from "../session/session-store.ts";
import { accountIdOf } from "./account-route.ts";
import { afterEnding } from "./answers.ts";
import { noteDeed, type StaffRequest } from "./staff.ts";

/**
 * `POST /auth/support/accounts/:id/sessions`: ends one session of an account, or all. The field `session` is a
 * session's id, or `all`.
 * @throws {Failure} `request_malformed` without the field; `storage_unavailable`.
 */
export async function endSessions(request: StaffRequest): Promise<Response> {
  const { c, settings } = request;
  const session = (await formBody(c.req.raw))?.get("session");
  if (!session || session.length > 100)
    throw new Failure("request_malformed", { stage: "support", reason: "no session named" });
  const accountId = accountIdOf(request);
  await noteDeed(request, "sessions_ended", accountId, { session });
  if (session === "all") await endAllSessions(settings, accountId);
  else await endSession(settings, accountId, session);
  return afterEnding(request, accountId, session, session === "all" ? "sessionsEnded" : "sessionEnded");
}
