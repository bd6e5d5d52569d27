import type { AccountId } from "../accounts/account.ts";
import { currentConsents, recordConsents } from "../accounts/consents.ts";
import { forgetStranger, requestLink } from "../accounts/link-requests.ts";
import {
  type AccountDecision,
  decideAccount,
  type LinkingDecision,
  settleAccount,
} from "../accounts/login-account.ts";
import { requiredRecords, siteRecords } from "../accounts/records.ts";
import type { Registry } from "../accounts/registry.ts";
import { accountOnRecord, siteRegistry } from "../accounts/site-registry.ts";
import { acceptTerms, termsAcceptances } from "../accounts/terms.ts";
import { adoptVippsConsents, keepVippsConsents } from "../accounts/vipps-consents.ts";
import { type VippsPerson, vippsPerson } from "../accounts/vipps-person.ts";
import { newReference } from "../crypto-text.ts";
import { Failure, withFacts } from "../failure.ts";
import { consentWording } from "../pages/consent-wording.ts";
import type { Settings } from "../settings.ts";
import { collectedConsents, type VippsIdentity } from "../vipps/claims.ts";
import type { Answers, Asked, AskedForProof, AskedForTerms } from "./question.ts";

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
export async function settleLogin(
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
