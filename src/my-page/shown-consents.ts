import type { AccountId } from "../accounts/account.ts";
import { currentConsents } from "../accounts/consents.ts";
import type { Records } from "../accounts/records.ts";
import { consentWording } from "../pages/consent-wording.ts";
import type { Language } from "../pages/language.ts";
import type { ConsentQuestion } from "../settings.ts";

/** One voluntary consent as its owner sees it. */
export interface ShownConsent {
  readonly id: string;
  readonly wording: string;
  readonly granted: boolean;
  /** Whether it can be changed here: the site still asks for it. */
  readonly changeable: boolean;
}

/**
 * The consents the site asks for, and those a person has given besides (through Vipps, or to an earlier question).
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
    id: question.id,
    wording: consentWording(question, language),
    granted: granted.has(question.id),
    changeable: true,
  }));
  const ids = new Set(questions.map(({ id }) => id));
  const others = answers
    .filter(({ consent }) => !ids.has(consent))
    .map(({ consent, wording, granted: yes }) => ({
      id: consent,
      wording: wording ?? consent,
      granted: yes,
      changeable: false,
    }));
  return [...asked, ...others];
}
