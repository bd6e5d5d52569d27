import type { AccountId } from "../accounts/account.ts";
import { type ConsentAnswer, currentConsents, type RecordedConsent } from "../accounts/consents.ts";
import type { Records } from "../accounts/records.ts";
import { consentWording } from "../pages/consent-wording.ts";
import type { Language } from "../pages/language.ts";
import type { ConsentQuestion } from "../settings.ts";

/**
 * A consent as its owner sees it, and can change it on their page: withdrawing is as easy as giving was (GDPR
 * article 7(3)), wherever it was given.
 */
export interface ShownConsent extends ConsentAnswer {
  readonly wording: string;
  /** Whether it was given at Vipps. */
  readonly fromVipps: boolean;
}

/** Answers given at Vipps are kept under its own ids with this before them. */
const FROM_VIPPS = "vipps:";

/**
 * The consents the site asks for, then those that Vipps asked for on its behalf, then yeses to questions that
 * nobody asks any more. A no to such a question is history: nobody wants a new yes.
 * @throws {Failure} `storage_unavailable`.
 */
export async function shownConsents(
  records: Records,
  questions: readonly ConsentQuestion[],
  accountId: AccountId,
  language: Language,
): Promise<readonly ShownConsent[]> {
  const answers = await currentConsents(records, accountId);
  const granted = new Set(answers.filter((answer) => answer.granted).map(({ consent }) => consent));
  const asked = questions.map((question) => ({
    consent: question.id,
    wording: consentWording(question, language),
    language,
    granted: granted.has(question.id),
    required: false,
    fromVipps: false,
  }));
  const ids = new Set(questions.map(({ id }) => id));
  const others = answers.filter(({ consent }) => !ids.has(consent)).map(shown);
  return [
    ...asked,
    ...others.filter(({ fromVipps }) => fromVipps),
    ...others.filter((answer) => !answer.fromVipps && answer.granted),
  ];
}

/** @returns the answer as it was given, in the words and the language in which it was asked for. */
function shown({ consent, granted, required, wording, language }: RecordedConsent): ShownConsent {
  const fromVipps = consent.startsWith(FROM_VIPPS);
  const id = fromVipps ? consent.slice(FROM_VIPPS.length) : consent;
  return { consent, granted, required, wording: wording ?? id, language, fromVipps };
}
