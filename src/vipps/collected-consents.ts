import type { VippsClaims } from "./claims.ts";

/** In which claim Vipps sends what it collected: scope `customFlow`, or the older `delegatedConsents`. */
export type ConsentForm = "flowResult" | "delegatedConsents";

/** One answer the person gave at Vipps. */
export interface CollectedAnswer {
  /** The merchant's own name for the question. */
  readonly id: string;
  readonly granted: boolean;
  /** Whether nobody gets past the question without a yes. */
  readonly required: boolean;
  /** The words that were answered. */
  readonly wording: string | undefined;
}

/** What Vipps collected in one go. */
export interface CollectedConsents {
  readonly form: ConsentForm;
  /** `timeOfConsent` as Vipps wrote it. */
  readonly timeOfConsent: string | undefined;
  /** The same in seconds since the epoch, where it makes sense. */
  readonly answeredAt: number | undefined;
  /** The language of the questions, in lower case: `nb`, `en`. */
  readonly language: string | undefined;
  readonly answers: readonly CollectedAnswer[];
  /** The claim as it came, as JSON; `{}` where it is larger than any real one. */
  readonly raw: string;
}

/** No screen of questions comes near any of these. In characters, but for the first. */
const MOST_ANSWERS = 200;
const ID_LIMIT = 200;
const WORDING_LIMIT = 4_000;
const RAW_LIMIT = 128 * 1024;

type Members = Readonly<Record<string, unknown>>;

/**
 * Reads both claims, whatever they hold: what is not shaped as documented is left in `raw`, and never a reason to
 * refuse a login. Vipps asks a person once, so nothing that came may get lost for being odd.
 */
export function collectedConsents({
  flowResult,
  delegatedConsents,
}: VippsClaims): readonly CollectedConsents[] {
  // In this order, so that of two answers to one question the newer form counts.
  return [
    ...collected("delegatedConsents", delegatedConsents, legacyAnswers),
    ...collected("flowResult", flowResult, flowAnswers),
  ];
}

function collected(
  form: ConsentForm,
  claim: Members | undefined,
  answersOf: (claim: Members) => Iterable<CollectedAnswer>,
): readonly CollectedConsents[] {
  if (claim === undefined || Object.keys(claim).length === 0) return [];
  const raw = JSON.stringify(claim);
  const { timeOfConsent, language } = claim;
  return [
    {
      form,
      timeOfConsent: cleanText(typeof timeOfConsent === "number" ? `${timeOfConsent}` : timeOfConsent, 40),
      answeredAt: secondsOf(timeOfConsent),
      language:
        typeof language === "string" && /^[a-z]{2,3}(-[a-z0-9]{2,8})?$/i.test(language)
          ? language.toLowerCase()
          : undefined,
      answers: distinct(answersOf(claim)),
      raw: raw.length > RAW_LIMIT ? "{}" : raw,
    },
  ];
}

/** `screens[].elements[]`: tick boxes with `id`, `title`, `checked`, `required`. */
function* flowAnswers({ screens }: Members): Iterable<CollectedAnswer> {
  for (const screen of membersOf(screens)) {
    for (const { id, title, checked, required } of membersOf(screen.elements)) {
      yield* answer(id, checked, required, title);
    }
  }
}

/** `consents[]` with `id`, `accepted`, `required`, `textDisplayedToUser`. */
function* legacyAnswers({ consents }: Members): Iterable<CollectedAnswer> {
  for (const { id, accepted, required, textDisplayedToUser } of membersOf(consents)) {
    yield* answer(id, accepted, required, textDisplayedToUser);
  }
}

function* answer(
  id: unknown,
  granted: unknown,
  required: unknown,
  words: unknown,
): Iterable<CollectedAnswer> {
  // A consent is an unambiguous yes (GDPR article 4(11)): nothing but a truth value counts as an answer.
  if (typeof granted !== "boolean" || typeof id !== "string" || id.length > ID_LIMIT) return;
  if (id === "" || cleanText(id, ID_LIMIT) !== id) return;
  yield { id, granted, required: required === true, wording: cleanText(words, WORDING_LIMIT) };
}

/** One answer for each question; of contradicting ones, no. */
function distinct(answers: Iterable<CollectedAnswer>): readonly CollectedAnswer[] {
  const byId = new Map<string, CollectedAnswer>();
  for (const one of answers) {
    const before = byId.get(one.id);
    if (before === undefined && byId.size === MOST_ANSWERS) break;
    byId.set(one.id, before === undefined ? one : { ...one, granted: before.granted && one.granted });
  }
  return [...byId.values()];
}

function* membersOf(list: unknown): Iterable<Members> {
  if (!Array.isArray(list)) return;
  for (const item of list as readonly unknown[]) {
    if (typeof item === "object" && item !== null && !Array.isArray(item)) yield item as Members;
  }
}

/** Text without what a database or a page could stumble over, or `undefined` where nothing is left of it. */
function cleanText(value: unknown, limit: number): string | undefined {
  if (typeof value !== "string") return undefined;
  const clean = value
    .slice(0, limit)
    .toWellFormed()
    .replace(/\p{Cc}/gu, " ")
    .trim();
  return clean === "" ? undefined : clean;
}

/** Vipps Login is younger than this. Seconds since the epoch: 2015-01-01. */
const EARLIEST = 1_420_070_400;

function secondsOf(time: unknown): number | undefined {
  const milliseconds =
    typeof time === "number"
      ? time < 1e11
        ? time * 1000
        : time
      : Date.parse(typeof time === "string" ? time : "");
  const seconds = Math.floor(milliseconds / 1000);
  return seconds >= EARLIEST && milliseconds <= Date.now() ? seconds : undefined;
}
