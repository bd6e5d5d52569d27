import { type LinkRequest, linkRequests } from "../accounts/link-requests.ts";
import { answeredConsents, listMembers } from "../accounts/member-list.ts";
import { type MemberFilter, membersExport } from "../accounts/members-export.ts";
import { Failure } from "../failure.ts";
import { groupName } from "../group-name.ts";
import { formBody, queryText } from "../http/request.ts";
import { consentWording } from "../pages/consent-wording.ts";
import { membersPage } from "../pages/support/members-page.ts";
import { answerPage, consolePath } from "./answers.ts";
import { answerExport, formatOf, PORTION, queriesOf } from "./exported-file.ts";
import { pageBasis } from "./page-basis.ts";
import { bareAccount, shownAccount } from "./shown-account.ts";
import { shownRequest } from "./shown-request.ts";
import { noteDeed, type StaffRequest } from "./staff.ts";
import { withinConsole } from "./within-console.ts";

/** People on one page. */
const PAGE = 100;

/**
 * `GET /auth/support/members?group=board&consent=newsletter&answer=yes`: the people of the site, a page at a time; with
 * `waiting=yes` those who wait to be linked. Ids and names of groups and consents are all that its address says.
 * @throws {Failure} `storage_unavailable`.
 */
export const showMembers = (request: StaffRequest): Promise<Response> =>
  withinConsole(request, async () => {
    const { c, settings, records, registry } = request;
    const query = new URLSearchParams(queryText(c.req.raw));
    const filter = filterOf(query);
    const after = query.get("after") ?? undefined;
    const isWaiting = query.get("waiting") === "yes";
    await noteDeed(request, "viewed", undefined, {
      page: isWaiting ? "waiting" : "members",
      ...wordsOf(filter),
    });
    const [groups, answered] = await Promise.all([registry.groupNames(), answeredConsents(records)]);
    const own = settings.accounts.consents.map((one) => ({
      id: one.id,
      wording: consentWording(one, request.page.language),
    }));
    const consents = [...new Map([...answered.map(inWords), ...own].map((one) => [one.id, one])).values()];
    const page = isWaiting ? await waitingPage(request, after) : await peoplePage(request, filter, after);
    return answerPage(
      request,
      membersPage({
        ...pageBasis(request),
        ...page,
        action: `${consolePath(settings)}/members`,
        groups,
        consents,
        filter: { ...filter, isWaiting },
        isFirst: after === undefined,
      }),
    );
  });

/** As many characters of a question tell it from the others in a list. */
const WORDS_LIMIT = 80;

/** A question as it was asked; its id where no answer came with words. */
function inWords({ id, wording }: { readonly id: string; readonly wording: string | null }) {
  const words = wording?.trim() || id;
  return { id, wording: words.length > WORDS_LIMIT ? `${words.slice(0, WORDS_LIMIT - 1)}…` : words };
}

async function peoplePage(request: StaffRequest, filter: MemberFilter, after: string | undefined) {
  const { members, next } = await listMembers(request.records, filter, after, PAGE);
  const accounts = members.map(({ id, account }) =>
    account === undefined ? bareAccount(request, id) : shownAccount(request, account),
  );
  return { accounts, requests: [], next };
}

async function waitingPage(request: StaffRequest, after: string | undefined) {
  const waiting: readonly LinkRequest[] = await linkRequests(request.records, undefined, PAGE, after);
  const next = waiting.length < PAGE ? undefined : waiting.at(-1)?.reference;
  return { accounts: [], requests: waiting.map((one) => shownRequest(request, one)), next };
}

/**
 * `POST /auth/support/members`: the same list as a file, all pages of it.
 * @throws {Failure} `request_malformed`, where what is asked for as a group is no name; `storage_unavailable`, where not
 *   even a first row can be read.
 */
export async function exportMembers(request: StaffRequest): Promise<Response> {
  const form = (await formBody(request.c.req.raw)) ?? new URLSearchParams();
  const filter = filterOf(form);
  // Somebody who means a few people must not be handed everybody.
  if ((form.get("group") ?? "").trim() !== "" && filter.group === undefined)
    throw new Failure("request_malformed", { stage: "support", reason: "no name of a group" });
  const { site } = request.records;
  return answerExport(
    request,
    { list: "members", ...wordsOf(filter) },
    formatOf(form),
    membersExport(queriesOf(request), { site, filter, portion: PORTION }),
  );
}

/** The longest id of a consent, in characters: Vipps' own are longer than ours. */
const CONSENT_LIMIT = 200;

/** What a form or an address asks for; what is no name of anything asks for nothing. */
function filterOf(asked: URLSearchParams): MemberFilter {
  const group = groupName(asked.get("group") ?? "");
  // The page's own form asks for both in one; addresses have them apart.
  const [, given, answered] = /^(yes|no):(.+)$/s.exec(asked.get("answered") ?? "") ?? [];
  const consent = (answered ?? asked.get("consent") ?? "").slice(0, CONSENT_LIMIT);
  return {
    ...(group !== undefined && { group }),
    ...(consent !== "" && { answer: { consent, granted: (given ?? asked.get("answer")) !== "no" } }),
  };
}

/** The same for the audit log. */
const wordsOf = ({ group, answer }: MemberFilter) => ({
  ...(group !== undefined && { group }),
  ...(answer !== undefined && { consent: answer.consent, answer: answer.granted ? "yes" : "no" }),
});
