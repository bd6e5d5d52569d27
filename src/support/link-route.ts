import { linkRequestByReference } from "../accounts/link-requests.ts";
import { normalReference } from "../accounts/login-events.ts";
import { Failure } from "../failure.ts";
import { formBody } from "../http/form-body.ts";
import { queryParameter } from "../http/query.ts";
import { requestPage } from "../pages/support/support-pages.ts";
import { accountIdOf } from "./account-route.ts";
import { accountPath, answerPage, consolePath, requestPath, seeOther } from "./answers.ts";
import { pageBasis } from "./page-basis.ts";
import { shownAccount } from "./shown-account.ts";
import { shownRequest } from "./shown-request.ts";
import { noteDeed, type StaffRequest } from "./staff.ts";

/** How many accounts stand beside a waiting person. */
const CANDIDATES_LIMIT = 20;

const referenceOf = ({ c }: StaffRequest): string => c.req.param("reference") ?? "";

/**
 * `POST /auth/support/accounts/:id/link`: from an account to the waiting person of the field `reference`, who is
 * looked at before anything is linked.
 */
export async function findRequest(request: StaffRequest): Promise<Response> {
  const accountId = accountIdOf(request);
  const reference = normalReference((await formBody(request.c.req.raw))?.get("reference") ?? "");
  const page = accountPath(request, accountId);
  if (reference === undefined) return seeOther(page, "noRequest");
  const waiting = await linkRequestByReference(request.records, reference);
  if (waiting === undefined) return seeOther(page, "noRequest");
  return seeOther(`${requestPath(request, reference)}?account=${encodeURIComponent(accountId)}`);
}

/**
 * `GET /auth/support/requests/:reference?account=:id`: a person who waits, beside the accounts that may be theirs
 * and the one that staff has come from.
 * @throws {Failure} `storage_unavailable`.
 */
export async function showRequest(request: StaffRequest): Promise<Response> {
  const { c, settings, records, registry } = request;
  const waiting = await linkRequestByReference(records, referenceOf(request));
  if (waiting === undefined) return seeOther(consolePath(settings), "noRequest");
  const from = queryParameter(c.req.raw, "account");
  const ids = new Set(
    [...(from === undefined ? [] : [from]), ...waiting.candidates].slice(0, CANDIDATES_LIMIT),
  );
  const { reference } = waiting;
  await Promise.all([...ids].map((accountId) => noteDeed(request, "viewed", accountId, { reference })));
  if (ids.size === 0) await noteDeed(request, "viewed", undefined, { reference });
  const found = await Promise.all([...ids].map((id) => registry.get(id)));
  const accounts = found.flatMap((record) =>
    record === undefined ? [] : [shownAccount(request, record.account)],
  );
  const shown = shownRequest(request, waiting);
  return answerPage(request, requestPage({ ...pageBasis(request), request: shown, accounts }));
}

/**
 * `POST /auth/support/requests/:reference/link`: links a waiting person to the account of the field `account`.
 * @throws {Failure} `request_malformed` without the field; `storage_unavailable`.
 */
export async function linkPerson(request: StaffRequest): Promise<Response> {
  const { c, settings, records, registry } = request;
  const accountId = (await formBody(c.req.raw))?.get("account");
  if (!accountId) throw new Failure("request_malformed", { stage: "support", reason: "no account named" });
  const waiting = await linkRequestByReference(records, referenceOf(request));
  if (waiting === undefined) return seeOther(consolePath(settings), "noRequest");
  if ((await registry.get(accountId)) === undefined) return seeOther(consolePath(settings), "noAccount");
  const { person, reference } = waiting;
  await noteDeed(request, "linked", accountId, { msn: person.msn, sub: person.sub, reference });
  const linked = await registry.link(accountId, person, "staff");
  return seeOther(accountPath(request, accountId), linked ? "linked" : "notLinked");
}
