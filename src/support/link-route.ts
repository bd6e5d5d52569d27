import { type LinkRequest, linkRequestByReference } from "../accounts/link-requests.ts";
import { normalReference } from "../accounts/login-events.ts";
import { Failure } from "../failure.ts";
import { formBody, isTicked } from "../http/request.ts";
import { requestPage } from "../pages/support/support-pages.ts";
import { accountPath, answerPage, consolePath, seeOther } from "./answers.ts";
import { type KnownAccount, knownAccount, withAccount } from "./known-account.ts";
import { pageBasis } from "./page-basis.ts";
import { shownAccount } from "./shown-account.ts";
import { shownRequest } from "./shown-request.ts";
import { noteDeed, type StaffRequest } from "./staff.ts";
import { withinConsole } from "./within-console.ts";

/** How many accounts stand beside a waiting person. */
const CANDIDATES_LIMIT = 20;

const waitingPerson = ({ c, records }: StaffRequest): Promise<LinkRequest | undefined> =>
  linkRequestByReference(records, c.req.param("reference") ?? "");

/**
 * `POST /auth/support/accounts/:id/link`: from an account to the waiting person of the field `reference`, who is
 * looked at before anything is linked. Which account staff came from stands in no address, where a link could say
 * it for them.
 */
export const findRequest = (request: StaffRequest): Promise<Response> =>
  withAccount(request, async (account) => {
    const reference = normalReference((await formBody(request.c.req.raw))?.get("reference") ?? "");
    const waiting = reference && (await linkRequestByReference(request.records, reference));
    return waiting
      ? answerRequestPage(request, waiting, { from: account })
      : seeOther(accountPath(request, account.id), "noRequest");
  });

/**
 * `GET /auth/support/requests/:reference`: a person who waits, beside the accounts that may be theirs.
 * @throws {Failure} `storage_unavailable`.
 */
export const showRequest = (request: StaffRequest): Promise<Response> =>
  withinConsole(request, async () => {
    const waiting = await waitingPerson(request);
    return waiting === undefined
      ? seeOther(consolePath(request.settings), "noRequest")
      : answerRequestPage(request, waiting);
  });

interface RequestView {
  /** The account that staff come from or have chosen. */
  readonly from?: KnownAccount;
  readonly unticked?: boolean;
}

async function answerRequestPage(
  request: StaffRequest,
  waiting: LinkRequest,
  { from, unticked = false }: RequestView = {},
): Promise<Response> {
  const { reference } = waiting;
  const others = waiting.candidates.filter((id) => id !== from?.id).slice(0, CANDIDATES_LIMIT);
  const found = await Promise.all(others.map((id) => knownAccount(request, id)));
  const known = [from, ...found].filter((one) => one !== undefined);
  await Promise.all(known.map(({ id }) => noteDeed(request, "viewed", id, { reference })));
  if (known.length === 0) await noteDeed(request, "viewed", undefined, { reference });
  const html = requestPage({
    ...pageBasis(request),
    request: shownRequest(request, waiting),
    accounts: known.flatMap(({ record }) =>
      record === undefined ? [] : [shownAccount(request, record.account)],
    ),
    unticked,
  });
  return answerPage(request, html, unticked ? 400 : 200);
}

/**
 * `POST /auth/support/requests/:reference/link`: links a waiting person to the account of the field `account`, if
 * the box is ticked.
 * @throws {Failure} `request_malformed` without the field; `storage_unavailable`.
 */
export async function linkPerson(request: StaffRequest): Promise<Response> {
  const { c, settings, registry } = request;
  const form = await formBody(c.req.raw);
  const chosen = form?.get("account");
  if (!chosen) throw new Failure("request_malformed", { stage: "support", reason: "no account named" });
  const waiting = await waitingPerson(request);
  if (waiting === undefined) return seeOther(consolePath(settings), "noRequest");
  const account = await knownAccount(request, chosen);
  if (account === undefined) return seeOther(consolePath(settings), "noAccount");
  if (!isTicked(form)) return answerRequestPage(request, waiting, { from: account, unticked: true });
  const { person, reference } = waiting;
  await noteDeed(request, "linked", account.id, { msn: person.msn, sub: person.sub, reference });
  const linked = await registry.link(account.id, person, "staff");
  return seeOther(accountPath(request, account.id), linked ? "linked" : "notLinked");
}
