import type { DoubtReason } from "../accounts/site-accounts.ts";
import { isDeliberate } from "../http/request.ts";
import type { BriefPerson } from "../pages/brief-person.ts";
import type { Language } from "../pages/language.ts";
import type { VippsIdentity } from "../vipps/claims.ts";

/** What a login may have to ask before there is a session, one at a time. */
export type Question = (typeof QUESTION_NAMES)[number];

const QUESTION_NAMES = ["confirm", "proof", "terms"] as const;

export function isQuestion(text: string): text is Question {
  return QUESTION_NAMES.some((name) => name === text);
}

/** A question as it is put: all that its page needs, and nothing more of the person. */
export type Asked = AskedToConfirm | AskedForProof | AskedForTerms;

/** Whether the browser that brought the code, which did not begin the login, may have it. */
export interface AskedToConfirm {
  readonly question: "confirm";
  readonly person: BriefPerson;
  /** The account that the person has already. */
  readonly accountId: string | undefined;
  /** Whether a yes just came without a sign that the press was meant. */
  readonly unticked: boolean;
}

/** Which old account is the person's. */
export interface AskedForProof {
  readonly question: "proof";
  readonly reason: DoubtReason;
  /** What was wrong with the answer that was just given. */
  readonly problem: "wrong" | "exhausted" | "newUnticked" | "siteUnticked" | undefined;
  /** Whether one of the accounts can be proven by a fact only the member knows. */
  readonly provable: boolean;
  /** Under which customer service finds the person. */
  readonly reference: string;
  readonly sub: string;
}

/** Whether the person accepts the terms, and gives voluntary consents. */
export interface AskedForTerms {
  readonly question: "terms";
  /** Whether the terms in force must be accepted. */
  readonly terms: "new" | "changed" | undefined;
  /** Whether the voluntary consents are asked for: only once, of a new person or of whoever becomes the member on a list. */
  readonly consents: boolean;
  /** Whether the form just came back without the terms in force being accepted. */
  readonly missing: boolean;
}

/** What the person has said so far; kept with the login while it waits. */
export interface Answers {
  /** None of the accounts that were found is theirs. */
  readonly asNew?: boolean | undefined;
  /** What was answered to the terms. */
  readonly terms?: TermsAnswer | undefined;
}

/** What a person answered to the terms. */
export interface TermsAnswer {
  readonly language: Language;
  /** The version that was accepted; `undefined` where none was. */
  readonly accepted: string | undefined;
  /** Ids of the consents that were ticked. */
  readonly consents: readonly string[];
}

/** A login that Vipps vouches for and that waits for an answer. */
export interface WaitingLogin {
  readonly id: string;
  readonly question: Question;
  readonly identity: VippsIdentity;
  readonly answers: Answers;
  /** The state of the login, where the person is at the site's own login, which is not told it. */
  readonly state?: string | undefined;
}

/** The fields of a question's form, and the language in which it was read. */
export interface GivenAnswer {
  readonly fields: readonly (readonly [string, string])[];
  readonly language: Language;
  /** An account that the site's own login vouches for: it comes with a signed answer, never with a form. */
  readonly provenAccount?: string | undefined;
}

/** What becomes of a waiting login by an answer. */
export type Verdict =
  /** It goes on waiting. */
  | { readonly kind: "ask"; readonly asked: Asked }
  /** It is finished, as far as this question goes; `missing` says that the terms were not accepted after all. */
  | { readonly kind: "goOn"; readonly answers: Answers; readonly missing?: boolean }
  /** It is forgotten, with all that was kept of it. */
  | { readonly kind: "decline" }
  /** It waits while the person is at the site's own login. */
  | { readonly kind: "leave" };

/** Whether the press behind an answer was meant: it takes a deliberate act that no page around ours can steal. */
export function isMeant({ fields }: GivenAnswer): boolean {
  return isDeliberate(new URLSearchParams(fields.map(([name, value]) => [name, value])));
}

/** Whether somebody stops the login. */
export function saysNo(given: GivenAnswer): boolean {
  const answer = fieldOf(given, "answer");
  return answer === "no" || answer === "decline";
}

/** A given field of a form, the first of its name. */
export function fieldOf({ fields }: GivenAnswer, name: string): string | undefined {
  return fields.find(([field]) => field === name)?.[1];
}
