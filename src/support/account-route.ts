import type { Account } from "../accounts/account.ts";
import { readAudit } from "../accounts/audit-log.ts";
import { currentConsents } from "../accounts/consents.ts";
import { linkRequests } from "../accounts/link-requests.ts";
import { loginEventsOf } from "../accounts/login-events.ts";
import { termsAcceptances } from "../accounts/terms.ts";
import { filled } from "../pages/language.ts";
import { accountPage, type CorrectionForm } from "../pages/support/account-page.ts";
import { supportTextsIn } from "../pages/support/support-language.ts";
import { lengthWords } from "../pages/time-words.ts";
import { listSessions } from "../session/session-store.ts";
import { answerPage, consolePath, seeOther } from "./answers.ts";
import { pageBasis } from "./page-basis.ts";
import { bareAccount, shownAccount, shownFacts, shownIdentity, when } from "./shown-account.ts";
import { shownDeeds } from "./shown-deeds.ts";
import { shownLogin } from "./shown-login.ts";
import { shownRequest } from "./shown-request.ts";
import { shownSession } from "./shown-session.ts";
import { noteDeed, type StaffRequest } from "./staff.ts";

const LOGINS_LIMIT = 20;
const DEEDS_LIMIT = 50;

/** The account that a route is about. */
export const accountIdOf = ({ c }: StaffRequest): string => c.req.param("id") ?? "";

/** `GET /auth/support/accounts/:id`: everything customer service sees of an account. */
export function showAccount(request: StaffRequest): Promise<Response> {
  return answerAccountPage(request, undefined);
}

/**
 * The page of the account that a route is about.
 * @param refused the correction that could not be taken over.
 * @throws {Failure} `storage_unavailable`.
 */
export async function answerAccountPage(
  request: StaffRequest,
  refused: CorrectionForm | undefined,
): Promise<Response> {
  const { settings, records, registry, page } = request;
  const { language } = page;
  const accountId = accountIdOf(request);
  await noteDeed(request, "viewed", accountId);
  const [record, sessions, logins, requests, terms, consents, lines] = await Promise.all([
    registry.get(accountId),
    listSessions(settings, accountId),
    loginEventsOf(records, accountId, LOGINS_LIMIT),
    linkRequests(records, accountId),
    termsAcceptances(records, accountId),
    currentConsents(records, accountId),
    readAudit(records, accountId, DEEDS_LIMIT),
  ]);
  const account = record?.account;
  const isBare = settings.accounts.registry.kind === "none" && sessions.length + logins.length > 0;
  if (account === undefined && !isBare) return seeOther(consolePath(settings), "noAccount");
  const texts = supportTextsIn(language);
  const html = accountPage({
    ...pageBasis(request),
    account: account === undefined ? bareAccount(request, accountId) : shownAccount(request, account),
    facts:
      account === undefined ? [{ label: texts.accountId, value: accountId }] : shownFacts(request, account),
    identities: (record?.identities ?? []).map((identity) => shownIdentity(request, identity)),
    sessions: sessions.map((session) => shownSession(request, session)),
    delay: lengthWords(language, settings.session.fresh),
    logins: logins.map((login) => shownLogin(request, login)),
    requests: requests.map((waiting) => shownRequest(request, waiting)),
    terms: terms.map(({ version, acceptedAt }) =>
      filled(texts.accepted, { version, when: when(request, acceptedAt) }),
    ),
    consents: consents.map(({ consent, wording, granted, answeredAt }) => ({
      wording: wording ?? consent,
      granted,
      when: [when(request, answeredAt), ...(consent.startsWith("vipps:") ? [page.brand] : [])].join(" · "),
    })),
    deeds: await shownDeeds(request, lines, true),
    correction: refused ?? (account && correctionForm(account)),
  });
  return answerPage(request, html, refused === undefined ? 200 : 400);
}

/** The form as it stands before anybody typed. */
function correctionForm(account: Account): CorrectionForm {
  return {
    name: account.name ?? "",
    phone: account.phone === undefined ? "" : `+${account.phone}`,
    email: account.email ?? "",
    memberNumber: account.memberNumber ?? "",
    wrong: undefined,
    basis: String(account.updatedAt),
  };
}
