import { Failure } from "../failure.ts";
import { formBody } from "../http/form-body.ts";
import { endAllSessions } from "../session/session-store.ts";
import { accountIdOf } from "./account-route.ts";
import { accountPath, afterEnding, seeOther } from "./answers.ts";
import { noteDeed, type StaffRequest } from "./staff.ts";

/**
 * `POST /auth/support/accounts/:id/unlink`: takes the Vipps user of the fields `msn` and `sub` off an account.
 * Which session is whose is not known, so all of the account's end.
 * @throws {Failure} `request_malformed` without the fields; `storage_unavailable`.
 */
export async function unlinkIdentity(request: StaffRequest): Promise<Response> {
  const { c, settings, registry } = request;
  const form = await formBody(c.req.raw);
  const [msn, sub] = [form?.get("msn"), form?.get("sub")];
  if (!msn || !sub) throw new Failure("request_malformed", { stage: "support", reason: "no user named" });
  const accountId = accountIdOf(request);
  const identities = (await registry.get(accountId))?.identities ?? [];
  // Only what is linked is written down: the log holds ids of ours, not whatever a form says.
  if (!identities.some((identity) => identity.msn === msn && identity.sub === sub))
    return seeOther(accountPath(request, accountId), "notUnlinked");
  await noteDeed(request, "unlinked", accountId, { msn, sub });
  const unlinked = await registry.unlink(accountId, msn, sub);
  await endAllSessions(settings, accountId);
  return afterEnding(request, accountId, "all", unlinked ? "unlinked" : "notUnlinked");
}
