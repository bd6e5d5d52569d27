import type { Account } from "../accounts/account.ts";
import { readAudit } from "../accounts/audit-log.ts";
import { type ConsentSource, currentConsents } from "../accounts/consents.ts";
import { linkRequests } from "../accounts/link-requests.ts";
import { loginEventsOf } from "../accounts/login-events.ts";
import { type ProofGuesses, proofGuessesAt } from "../accounts/proof-guesses.ts";
import { termsAcceptances } from "../accounts/terms.ts";
import { filled } from "../pages/language.ts";
import { phoneWords } from "../pages/phone-words.ts";
import { accountPage, type CorrectionForm, type GroupForm } from "../pages/support/account-page.ts";
import { supportTextsIn } from "../pages/support/support-language.ts";
import type { Notice } from "../pages/texts/support/support-texts.ts";
import { lengthWords } from "../pages/time-words.ts";
import { listSessions } from "../session/session-store.ts";
import { answerPage } from "./answers.ts";
import { type KnownAccount, shownKnown, withAccount } from "./known-account.ts";
import { pageBasis } from "./page-basis.ts";
import { shownFacts, shownIdentity, when } from "./shown-account.ts";
import { shownDeeds } from "./shown-deeds.ts";
import { groupForm } from "./shown-groups.ts";
import { shownLogin } from "./shown-login.ts";
import { shownRequest } from "./shown-request.ts";
import { shownSession } from "./shown-session.ts";
import { noteDeed, type StaffRequest } from "./staff.ts";
import { withinConsole } from "./within-console.ts";

const LOGINS_LIMIT = 20;
const DEEDS_LIMIT = 50;

/** `GET /auth/support/accounts/:id`: everything customer service sees of an account. */
export const showAccount = (request: StaffRequest): Promise<Response> =>
  withinConsole(request, () => withAccount(request, (account) => answerAccountPage(request, account)));

/** How often facts were tried lately to prove the account, and until when they count. */
function shownGuesses(request: StaffRequest, { count, isExhausted, until }: ProofGuesses) {
  const texts = supportTextsIn(request.page.language);
  const words = { count: String(count), when: when(request, until) };
  return {
    label: texts.guesses,
    value: filled(isExhausted ? texts.guessesExhausted : texts.guessCount, words),
  };
}

/** Why a form of the page came back. */
interface Refusal {
  /** The correction that could not be taken over, as it was typed. */
  readonly correction?: CorrectionForm;
  /** The groups that could not be taken over, as they were ticked. */
  readonly groups?: GroupForm;
  readonly notice?: Notice;
}

/**
 * The page of an account, as an answer to a form that was refused with status 400.
 * @throws {Failure} `storage_unavailable`.
 */
export async function answerAccountPage(
  request: StaffRequest,
  known: KnownAccount,
  refusal?: Refusal,
): Promise<Response> {
  const { settings, records, page } = request;
  const { language } = page;
  const { id, record } = known;
  await noteDeed(request, "viewed", id);
  const [sessions, logins, requests, terms, consents, lines, guesses, groups] = await Promise.all([
    listSessions(settings, id),
    loginEventsOf(records, id, LOGINS_LIMIT),
    linkRequests(records, id),
    termsAcceptances(records, id),
    currentConsents(records, id),
    readAudit(records, id, DEEDS_LIMIT),
    proofGuessesAt(records, id),
    refusal?.groups ?? groupForm(request, known),
  ]);
  const account = record?.account;
  const texts = supportTextsIn(language);
  const from: Partial<Record<ConsentSource, readonly string[]>> = {
    vipps: [page.brand],
    webhook: [filled(texts.actions.consent_revoked, { brand: page.brand })],
  };
  const html = accountPage({
    ...pageBasis(request, refusal?.notice),
    account: shownKnown(request, known),
    facts: [
      ...(account === undefined ? [{ label: texts.accountId, value: id }] : shownFacts(request, account)),
      ...(guesses === undefined ? [] : [shownGuesses(request, guesses)]),
    ],
    identities: (record?.identities ?? []).map((identity) => shownIdentity(request, identity)),
    sessions: sessions.map((session) => shownSession(request, session)),
    delay: lengthWords(language, settings.session.fresh),
    logins: logins.map((login) => shownLogin(request, login)),
    requests: requests.map((waiting) => shownRequest(request, waiting)),
    terms: terms.map(({ version, acceptedAt }) =>
      filled(texts.accepted, { version, when: when(request, acceptedAt) }),
    ),
    consents: consents.map(({ consent, wording, granted, answeredAt, source }) => ({
      wording: wording ?? consent,
      granted,
      when: [when(request, answeredAt), ...(from[source] ?? [])].join(" · "),
    })),
    deeds: await shownDeeds(request, lines, true),
    groups,
    groupsHelp: filled(texts.groupsHelp, { delay: lengthWords(language, settings.session.fresh) }),
    correction: refusal?.correction ?? (account && correctionForm(account)),
  });
  return answerPage(request, html, refusal === undefined ? 200 : 400);
}

/** The form as it stands before anybody typed. */
function correctionForm(account: Account): CorrectionForm {
  return {
    name: account.name ?? "",
    phone: account.phone === undefined ? "" : phoneWords(account.phone),
    email: account.email ?? "",
    memberNumber: account.memberNumber ?? "",
    wrong: undefined,
    basis: String(account.updatedAt),
  };
}
