import type { AccountId } from "../accounts/account.ts";
import { currentConsents, recordConsents } from "../accounts/consents.ts";
import { forgetStranger, requestLink } from "../accounts/link-requests.ts";
import { requiredRecords, siteRecords } from "../accounts/records.ts";
import type { Registry } from "../accounts/registry.ts";
import {
  type AccountDecision,
  accountOnRecord,
  askedBefore,
  decideAccount,
  type LinkingDecision,
  settleAccount,
  siteRegistry,
} from "../accounts/site-accounts.ts";
import { acceptTerms, termsAcceptances } from "../accounts/terms.ts";
import { adoptVippsConsents, keepVippsConsents } from "../accounts/vipps-consents.ts";
import { type VippsPerson, vippsPerson } from "../accounts/vipps-person.ts";
import { newReference } from "../crypto-text.ts";
import { Failure, withFacts } from "../failure.ts";
import { consentWording } from "../pages/consent-wording.ts";
import type { ReplacedSession } from "../session/session.ts";
import type { Settings } from "../settings.ts";
import { exchangeCode } from "../vipps/authorization-code.ts";
import { collectedConsents, type VippsIdentity } from "../vipps/claims.ts";
import { type StepTimes, timed } from "../waiting.ts";
import { askToConfirm } from "./confirm-question.ts";
import { askingParty, type BegunLogin, beganAt, isForMore, loginSecrets, setAside } from "./login-state.ts";
import { fetchConsentsLater, type LoginSince, withoutUserinfo } from "./missed-userinfo.ts";
import type { Answers, Asked, AskedForProof, AskedForTerms, WaitingLogin } from "./question.ts";

/**
 * From a login that has been used up to an account, or to the next question: its code is exchanged, and the person
 * behind it found or made known.
 */

/** A login that has been used up, and whose code has not been sent yet. */
export interface ConsumedLogin {
  readonly login: BegunLogin;
  /** SHA-256 of the cookie of the browser that brought the code, or of the app's secret. */
  readonly browser: string;
  /** The query of the callback. */
  readonly response: string;
  readonly state: string;
  readonly redirectUri: string;
  /** The account that is logged in in a browser that did not begin the login. */
  readonly loggedInAs: string | undefined;
  /** Whether the client can be asked something: a browser that shows pages. */
  readonly canBeAsked: boolean;
  /** Milliseconds that everything the provider has to do may take. */
  readonly timeLimit: number;
}

/** A login with nothing left to ask. */
export interface FinishedLogin {
  readonly outcome: "finished";
  readonly settled: SettledLogin;
  readonly identity: VippsIdentity;
  /** Whether its session is recorded: then only a token is missing. An object of another release leaves it out. */
  readonly isRecorded?: boolean;
  /** Once it is: the other sessions of the account that began in the same browser. */
  readonly sameBrowser?: readonly ReplacedSession[];
}

/** What a consumed login comes to. */
export type Conclusion =
  | FinishedLogin
  /** The very person is logged in in that browser already: nothing is needed. */
  | { readonly outcome: "alreadyIn" }
  /** It has to be kept until the person has answered. */
  | {
      readonly outcome: "hold";
      readonly asked: Asked;
      readonly identity: VippsIdentity;
      readonly answers: Answers;
    };

/** What a login is finished in. */
export interface Surroundings {
  /** How long steps took. */
  readonly stepTimes: StepTimes;
  /** Keeps work alive behind an answer (`waitUntil`). */
  readonly background: (work: Promise<unknown>) => void;
  /** What has become of the login, for work behind its answer. */
  readonly used: () => Promise<LoginSince>;
}

/**
 * Sends the code of a login that has been used up, once, and finds out whose login it is. Runs where Vipps and the
 * registry are.
 * @throws {Failure} with the code that names what is wrong.
 */
export async function finishConsumed(
  settings: Settings,
  consumed: ConsumedLogin,
  { stepTimes, background, used }: Surroundings,
): Promise<Conclusion> {
  const { login, state, redirectUri, response, timeLimit } = consumed;
  const secrets = await loginSecrets(settings, login);
  if (secrets === undefined) throw new Failure("state_expired", { stage: "callback" });
  const { storage } = settings;
  const relyingParty = askingParty(settings, login.asks);
  const answerBy = Date.now() + timeLimit;
  const { identity: whole, missed } = await exchangeCode(
    { relyingParty, store: storage.metadata, answerBy, stepTimes, background },
    // Without it, a parameter whose own name begins with a question mark would be read as another here.
    new URLSearchParams(`?${response}`),
    { ...secrets, state, redirectUri, askedBefore: (sub) => askedBefore(settings, sub) },
  );
  const arrived = setAside(settings, login.asks, whole);
  const concluding = namingPerson(arrived, async () => {
    await keepArrivedConsents(settings, arrived, beganAt(login.id));
    const identity = missed === undefined ? arrived : await withoutUserinfo(settings, arrived, missed);
    if (login.browser !== consumed.browser) {
      const otherwise = await inOtherBrowser(settings, identity, consumed);
      if (otherwise !== undefined) return otherwise;
    }
    const { canBeAsked } = consumed;
    return concludeLogin(settings, { identity, answers: {}, id: login.id }, stepTimes, canBeAsked);
  });
  if (missed?.askAgain !== undefined) {
    const account = concluding.then(
      (conclusion) => (conclusion.outcome === "finished" ? conclusion.settled.accountId : undefined),
      () => undefined,
    );
    background(fetchConsentsLater(settings, { id: login.id, identity: arrived, missed, account, used }));
  }
  return concluding;
}

/**
 * Whoever began this login, it is finished here or nowhere. Somebody may have sent the person here with a login of
 * their own (login CSRF), so the policy decides whether to ask, and another user's session is never replaced without
 * asking. A browser in which the very same user is logged in already needs nothing: ten tabs opened at once begin
 * with ten browser cookies, of which one survives.
 */
async function inOtherBrowser(
  settings: Settings,
  identity: VippsIdentity,
  { loggedInAs, login }: ConsumedLogin,
): Promise<Conclusion | undefined> {
  const { crossBrowser } = settings.login;
  const asked = await askToConfirm(settings, identity);
  const isAlreadyIn = loggedInAs !== undefined && loggedInAs === asked.accountId;
  // A login that brings more than the session has goes on: nobody else's is replaced.
  if (isAlreadyIn && isForMore(login.asks)) return undefined;
  if (crossBrowser === "confirm" && isAlreadyIn) return { outcome: "alreadyIn" };
  const asks = crossBrowser === "confirm" || (loggedInAs !== undefined && !isAlreadyIn);
  return asks ? { outcome: "hold", asked, identity, answers: {} } : undefined;
}

/**
 * From an identity, and what the person has answered, to an account or the next question.
 * @throws {Failure} `account_unclear` or `terms_not_accepted` where the client cannot be asked.
 */
export async function concludeLogin(
  settings: Settings,
  { identity, answers, id }: Pick<WaitingLogin, "identity" | "answers" | "id">,
  stepTimes: StepTimes,
  canBeAsked = true,
): Promise<Conclusion> {
  const settling = settleLogin(settings, identity, answers, beganAt(id));
  const settlement = await timed(stepTimes, "account", settling);
  if ("settled" in settlement) return { outcome: "finished", settled: settlement.settled, identity };
  const { asked } = settlement;
  if (!canBeAsked && asked.question === "proof") throw accountUnclear(asked);
  // An app has no page to ask on: the person accepts the terms on the site first.
  if (!canBeAsked) throw new Failure("terms_not_accepted", { stage: "account" });
  return { outcome: "hold", asked, identity, answers };
}

/** A login with nothing left to ask: whose account it is for. */
export interface SettledLogin {
  readonly accountId: AccountId;
  readonly how: "known" | "link" | "create";
  readonly person: VippsPerson;
  /** Whether the registry has all that Vipps says of the person. */
  readonly isCurrent: boolean;
  /** The groups the person is in, where the site goes by groups. */
  readonly groups?: readonly string[] | undefined;
}

/** What a login comes to: an account, or a question to the person first. */
export type Settlement = { readonly settled: SettledLogin } | { readonly asked: Asked };

/**
 * Finds or makes the account of a person whom Vipps vouches for. Nothing is written about somebody who has yet to
 * be asked something, but the request under which customer service finds them.
 * @param answers what the person has said so far.
 * @param begunAt when the login began, in milliseconds since the epoch: one that began before its person was erased
 *   makes no account.
 * @throws {Failure} `not_member`, `state_expired`, `userinfo_unavailable` or `storage_unavailable`; then there is no account, or a whole one.
 */
async function settleLogin(
  settings: Settings,
  identity: VippsIdentity,
  answers: Answers,
  begunAt: number,
): Promise<Settlement> {
  const { registration, terms, consents } = settings.accounts;
  const registry = siteRegistry(settings);
  const person = personOf(settings, identity);
  const { partial } = identity;
  const createsAtOnce = terms === undefined && consents.length === 0 && partial !== "known";
  const options = { asNew: answers.asNew, createsAtOnce, begunAt };
  const decision = await decideAccount(registry, registration, person, options);
  if (partial === "known" && decision.linking.kind !== "known")
    throw new Failure("userinfo_unavailable", {
      stage: "userinfo",
      reason: "the person is not known any more",
    });
  const unsettled = await questionOf(settings, person, decision);
  if (unsettled !== undefined) return { asked: unsettled };

  const asked = await openTerms(settings, decision);
  if (asked !== undefined && !isAnswered(settings, asked, answers)) return { asked };
  const settled = await settleAccount(registry, registration, person, decision, options);
  if (!("accountId" in settled)) {
    const doubt = await questionOf(settings, person, settled);
    if (doubt !== undefined) return { asked: doubt };
    throw new Error("a decision that is not carried out is in doubt");
  }
  if (asked !== undefined) await keepTermsAnswer(settings, settled.accountId, asked, answers, begunAt);
  // Nobody waits for an account's first page with consents missing; what waits from before comes with the event.
  const records = siteRecords(settings);
  if (records !== undefined && collectedConsents(identity.claims).length > 0)
    await adoptVippsConsents({ ...records, begunAt }, settled.accountId, person);
  const groups = settings.session.hasGroups ? await groupsOf(registry, settled) : undefined;
  const isCurrent = settled.isCurrent || partial !== undefined;
  return { settled: { ...settled, isCurrent, person, groups } };
}

/** Known from the look at the account, but for one that has just been linked; a new one is in no group. */
async function groupsOf(
  registry: Registry,
  { accountId, how, groups }: Pick<SettledLogin, "accountId" | "how" | "groups">,
): Promise<readonly string[]> {
  if (groups !== undefined) return groups;
  return how === "create" ? [] : await registry.groupsOf(accountId);
}

/**
 * The question which account is the person's, where it is in doubt.
 * @throws {Failure} `not_member` where a closed registry does not know them.
 */
async function questionOf(
  settings: Settings,
  person: VippsPerson,
  { linking, provable }: AccountDecision,
): Promise<AskedForProof | undefined> {
  if (linking.kind === "closed") throw await refuseStranger(settings, person);
  return linking.kind === "doubt" ? askForProof(settings, person, linking, provable) : undefined;
}

/** The person behind an identity, as the registry of this site knows people. */
export function personOf(settings: Settings, identity: VippsIdentity): VippsPerson {
  return vippsPerson(identity, settings.relyingParty.merchantSerialNumber);
}

/** Says in whatever fails whose login it was, for customer service. */
export async function namingPerson<Value>(
  { sub }: VippsIdentity,
  work: () => Promise<Value>,
): Promise<Value> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof Failure ? withFacts(error, { person: { sub, ...error.facts.person } }) : error;
  }
}

/** Puts the question which of the accounts is the person's. */
export async function askForProof(
  settings: Settings,
  person: VippsPerson,
  { reason, candidates }: Extract<LinkingDecision, { kind: "doubt" }>,
  provable: boolean,
  problem?: AskedForProof["problem"],
): Promise<AskedForProof> {
  const request = { person, reason, candidates, reference: newReference() };
  const reference = await requestLink(requiredRecords(settings), request);
  return { question: "proof", reason, problem, provable, reference, sub: person.sub };
}

/** The failure of somebody who may have an account already and cannot be asked: a script or an app. */
export function accountUnclear({ reason, reference, sub }: AskedForProof): Failure {
  return new Failure("account_unclear", { stage: "account", reason, reference, person: { sub } });
}

/** The failure of somebody whom a closed registry does not know, with a reference for customer service. */
async function refuseStranger(settings: Settings, person: VippsPerson): Promise<Failure> {
  const request = { person, reason: "not_member", candidates: [], reference: newReference() } as const;
  const reference = await requestLink(requiredRecords(settings), request);
  return new Failure("not_member", { stage: "account", reference });
}

/** What is still to be asked of a person whose account has been decided, or nothing. */
async function openTerms(settings: Settings, decision: AccountDecision): Promise<AskedForTerms | undefined> {
  const { terms, consents } = settings.accounts;
  const isNew = decision.linking.kind === "create";
  const accepted = terms === undefined || isNew ? [] : await acceptedVersions(settings, decision);
  const open = terms !== undefined && !accepted.includes(terms.version);
  const asked: AskedForTerms = {
    question: "terms",
    terms: open ? (accepted.length > 0 ? "changed" : "new") : undefined,
    consents: consents.length > 0 && (isNew || (await isFirstAsked(settings, decision))),
    missing: false,
  };
  return asked.terms !== undefined || asked.consents ? asked : undefined;
}

/**
 * Whether somebody who becomes the member on a list, as whom nobody has logged in yet, has yet to be asked for the
 * site's own consents. Looked at in the first login as that member, however it came to be theirs, and in no other.
 */
async function isFirstAsked(settings: Settings, { linking, isFirst }: AccountDecision): Promise<boolean> {
  if (!isFirst || !("accountId" in linking)) return false;
  const answers = await currentConsents(requiredRecords(settings), linking.accountId);
  return !answers.some(({ consent }) => settings.accounts.consents.some(({ id }) => id === consent));
}

async function acceptedVersions(
  settings: Settings,
  { linking, acceptedTerms }: AccountDecision,
): Promise<readonly string[]> {
  if (acceptedTerms !== undefined) return acceptedTerms;
  if (!("accountId" in linking)) return [];
  const acceptances = await termsAcceptances(requiredRecords(settings), linking.accountId);
  return acceptances.map(({ version }) => version);
}

/** An answer counts for the version that was shown, and for no other. */
function isAnswered({ accounts }: Settings, asked: AskedForTerms, { terms }: Answers): boolean {
  if (terms === undefined) return false;
  return asked.terms === undefined || terms.accepted === accounts.terms?.version;
}

/** Keeps what a person accepted and consented to; a voluntary consent that was not ticked is kept as a no. */
async function keepTermsAnswer(
  settings: Settings,
  accountId: AccountId,
  asked: AskedForTerms,
  { terms: answer }: Answers,
  begunAt: number,
): Promise<void> {
  if (answer === undefined) return;
  const { accounts } = settings;
  const { language } = answer;
  const records = { ...requiredRecords(settings), begunAt };
  if (asked.terms !== undefined && accounts.terms !== undefined)
    await acceptTerms(records, accountId, { ...accounts.terms, language });
  if (!asked.consents) return;
  const given = accounts.consents.map((question) => ({
    consent: question.id,
    granted: answer.consents.includes(question.id),
    wording: consentWording(question, language),
    language,
    required: false,
  }));
  await recordConsents(records, accountId, given, "login");
}

/**
 * Keeps the consents that came with a login before anything is asked of the person: Vipps collects them once. Those of
 * somebody on record count at once, a no above all, whoever has the browser that the login comes back to.
 * @param begunAt as in {@link settleLogin}.
 * @throws {Failure} `storage_unavailable`; then the login must not go on.
 */
export async function keepArrivedConsents(
  settings: Settings,
  identity: VippsIdentity,
  begunAt: number,
): Promise<void> {
  const records = siteRecords(settings);
  const user = userOf(settings, identity);
  if (records === undefined || !(await keepVippsConsents(records, user, identity.claims))) return;
  const accountId = await accountOnRecord(settings, identity);
  if (accountId !== undefined) await adoptVippsConsents({ ...records, begunAt }, accountId, user);
}

/**
 * Erases what is kept of a login that a stranger has just declined: the consents that came with it, and the request to
 * customer service. Of somebody on record the doubt is about the browser, or the terms: what they answered at Vipps
 * stays.
 * @param begunAt as in {@link settleLogin}.
 * @throws {Failure} `storage_unavailable`; may be repeated.
 */
export async function forgetDeclined(
  settings: Settings,
  identity: VippsIdentity,
  begunAt: number,
): Promise<void> {
  const records = siteRecords(settings);
  if (records === undefined) return;
  const user = userOf(settings, identity);
  const accountId = await accountOnRecord(settings, identity);
  if (accountId === undefined) await forgetStranger(records, user);
  else await adoptVippsConsents({ ...records, begunAt }, accountId, user);
}

const userOf = ({ relyingParty }: Settings, { sub }: VippsIdentity) => ({
  msn: relyingParty.merchantSerialNumber,
  sub,
});
