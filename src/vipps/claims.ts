/**
 * What the provider says of a person: what of it counts, what is worth asking for, and what it collected for the site.
 */

/** Who logged in, as the provider vouches for it. */
export interface VippsIdentity {
  /** Stable for one user at one sales unit; differs between sales units. */
  readonly sub: string;
  /** When the user last authenticated at the provider, in seconds since the epoch. */
  readonly authTime: number;
  readonly claims: VippsClaims;
  /** How the user authenticated, where the provider was asked for confirmation in the app and says that it was. */
  readonly acr?: string | undefined;
  /** Claims that this login alone asked for: they go no further than its session. */
  readonly aside?: VippsClaims | undefined;
  /** What the login brought for a purpose of the site's, where it named one. */
  readonly brought?: BroughtClaims | undefined;
  /** Which requested claims need not be asked for again for a while; to be kept with the person's identity. */
  readonly asked?: AskedBefore | undefined;
  /**
   * That userinfo failed and left out what may be known of the person: that stays as it is. With `known` nobody is let
   * in by it who is not known already.
   */
  readonly partial?: "anybody" | "known" | undefined;
}

/** Claims that a person shared for a purpose of the site's. */
export interface BroughtClaims {
  /** A name of PURPOSES. */
  readonly purpose: string;
  readonly claims: VippsClaims;
}

/** User claims of the ID token and userinfo that this worker knows what to do with. */
export interface VippsClaims {
  readonly name?: string;
  readonly given_name?: string;
  readonly family_name?: string;
  readonly email?: string;
  readonly email_verified?: boolean;
  readonly phone_number?: string;
  readonly phone_number_verified?: boolean;
  readonly birthdate?: string;
  readonly address?: Readonly<Record<string, unknown>>;
  readonly other_addresses?: readonly unknown[];
  readonly gender?: string;
  readonly nin?: string;
  /** What Vipps collected for the site: scope `customFlow`, and the older `delegatedConsents`. */
  readonly flowResult?: Readonly<Record<string, unknown>>;
  readonly delegatedConsents?: Readonly<Record<string, unknown>>;
}

const TEXT = [
  "name",
  "given_name",
  "family_name",
  "email",
  "phone_number",
  "birthdate",
  "gender",
  "nin",
] as const;

/** Longer values are dropped: no real name comes near. In characters. */
const TEXT_LIMIT = 500;
/** A value of blanks alone is as good as none. The classes of `\p` are looked up when it is called, not at the start. */
const saysSomething = (text: string): boolean => /[^\s\p{C}]/u.test(text);
/** Larger structures are dropped: no real address comes near. In characters of JSON. */
const STRUCTURE_LIMIT = 16_384;
/** Consents come once and are not asked for again: a whole answer of the provider has room. */
const CONSENTS_LIMIT = 256 * 1024;
/** Deeper structures are cut off: SQLite reads JSON to a depth of 1,000, a real claim has seven. */
const DEPTH_LIMIT = 32;

/** The claims that are of the right type and of a sane size; anything else a provider sends is dropped. */
export function knownClaims(raw: Readonly<Record<string, unknown>>): VippsClaims {
  const claims: Record<string, unknown> = {};
  for (const name of TEXT) {
    const value = raw[name];
    if (typeof value === "string" && saysSomething(value) && value.length <= TEXT_LIMIT) claims[name] = value;
  }
  for (const name of ["email_verified", "phone_number_verified"] as const) {
    // Vipps documents booleans; some providers send the word.
    if (name in raw) claims[name] = raw[name] === true || raw[name] === "true";
  }
  for (const name of ["address", "flowResult", "delegatedConsents"] as const) {
    const value = raw[name];
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    if (!isObject) continue;
    const shallow = cutOff(value, DEPTH_LIMIT);
    if (isSmall(shallow, name === "address" ? STRUCTURE_LIMIT : CONSENTS_LIMIT)) claims[name] = shallow;
  }
  if (Array.isArray(raw.other_addresses)) {
    const shallow = cutOff(raw.other_addresses, DEPTH_LIMIT);
    if (isSmall(shallow, STRUCTURE_LIMIT)) claims.other_addresses = shallow;
  }
  return claims;
}

/**
 * The claims with a full name where the provider gave only its parts. Once all claims are there: a name that userinfo
 * knows goes before one put together here.
 */
export function withFullName(claims: VippsClaims): VippsClaims {
  const parts = [claims.given_name, claims.family_name].filter((part) => part !== undefined);
  return claims.name !== undefined || parts.length === 0 ? claims : { ...claims, name: parts.join(" ") };
}

function isSmall(value: unknown, limit: number): boolean {
  return JSON.stringify(value).length <= limit;
}

function cutOff(value: unknown, depth: number): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (depth === 0) return null;
  if (Array.isArray(value)) return value.map((item) => cutOff(item, depth - 1));
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, cutOff(item, depth - 1)]));
}

/**
 * What is known of the user when the ID token left something out. What the provider signed wins, and a value
 * counts as verified only where the one who says so speaks of the same value.
 */
export function completedClaims(idToken: VippsClaims, userinfo: VippsClaims): VippsClaims {
  const claims: Record<string, unknown> = { ...userinfo, ...idToken };
  for (const name of ["email", "phone_number"] as const) {
    const verified = `${name}_verified` as const;
    const says = [idToken, userinfo].find((source) => source[name] === claims[name] && verified in source);
    delete claims[verified];
    if (says !== undefined) claims[verified] = says[verified];
  }
  return claims;
}

/**
 * What userinfo was last asked for in vain, kept with the person's identity so that the next login need not ask
 * the same again.
 */
export interface AskedBefore {
  /** When userinfo was asked, in seconds since the epoch. */
  readonly at: number;
  /** The claims that were asked for then and need no asking for a while. */
  readonly claims: readonly string[];
}

/** The claims that answer a scope: one of them is enough (Vipps Login API, scopes). */
const CLAIMS_OF_SCOPE: Readonly<Record<string, readonly [string, ...string[]]>> = {
  name: ["name"],
  profile: ["name"],
  phoneNumber: ["phone_number"],
  phone: ["phone_number"],
  email: ["email"],
  address: ["address"],
  birthDate: ["birthdate"],
  gender: ["gender"],
  nin: ["nin"],
  customFlow: ["flowResult"],
  delegatedConsents: ["delegatedConsents"],
};

/** Every claim that comes with a scope. */
export function claimsOfScope(word: string): readonly string[] {
  return [...(CLAIMS_OF_SCOPE[word] ?? []), ...(FURTHER_CLAIMS[word] ?? [])];
}

/** What nobody keeps here, not even beside a session. */
const NEVER_KEPT: readonly string[] = ["nin"];

/**
 * Whether a scope brings something about the person that may be kept beside their session: not `openid`, not what Vipps
 * collects once and the site keeps as consents, and no national identity number.
 */
export function isProfileScope(word: string): boolean {
  const answers = Object.hasOwn(CLAIMS_OF_SCOPE, word) ? CLAIMS_OF_SCOPE[word] : undefined;
  return answers !== undefined && !answers.some((name) => [...COLLECTED_ONCE, ...NEVER_KEPT].includes(name));
}

/** Every scope for which {@link isProfileScope} holds. */
export const profileScopes = (): readonly string[] => Object.keys(CLAIMS_OF_SCOPE).filter(isProfileScope);

/** What comes besides the claims that answer a scope. */
const FURTHER_CLAIMS: Readonly<Record<string, readonly string[]>> = {
  name: ["given_name", "family_name"],
  profile: ["given_name", "family_name"],
  phoneNumber: ["phone_number_verified"],
  phone: ["phone_number_verified"],
  email: ["email_verified"],
  address: ["other_addresses"],
};

/** Vipps collects these once: whether they come says nothing of the next time. The ID token never has the first. */
export const COLLECTED_ONCE: readonly string[] = ["flowResult", "delegatedConsents"];

/** Everybody at Vipps has these; a login that lacks one cannot tell who the person is to the site. */
const ALWAYS_THERE: readonly string[] = ["name", "phone_number"];

/** How long an answer that did not come is not asked for again, in seconds. */
const REMEMBERED_FOR = 30 * 24 * 3600;
/** The same for what Vipps collects: its owner may have changed what is collected. In seconds. */
const COLLECTED_REMEMBERED_FOR = 7 * 24 * 3600;

type Claims = Readonly<Record<string, unknown>>;

/** The claims, one for each scope, that were asked for and are not there. */
export function missingClaims(scope: readonly string[], claims: Claims): readonly string[] {
  const missing = scope.flatMap((word) => {
    const answers = CLAIMS_OF_SCOPE[word];
    return answers === undefined || answers.some((name) => claims[name] !== undefined) ? [] : [answers[0]];
  });
  return [...new Set(missing)];
}

/**
 * The claims for which userinfo is to be asked: those that were requested, did not come with the ID token, and
 * were not asked for in vain a while ago.
 * @param scope the scopes of the login.
 * @param claims what the ID token brought.
 * @param before what is kept of this person, if anything is.
 * @param now seconds since the epoch.
 */
export function claimsWorthAsking(
  scope: readonly string[],
  claims: Claims,
  before: AskedBefore | undefined,
  now: number,
): readonly string[] {
  // One form of them in the ID token says that Vipps has just asked the person, whatever is remembered of the other.
  const isCollectedNow = COLLECTED_ONCE.some((name) => claims[name] !== undefined);
  return missingClaims(scope, claims).filter((name) => {
    const isCollected = COLLECTED_ONCE.includes(name);
    if (before === undefined || !before.claims.includes(name) || (isCollected && isCollectedNow)) return true;
    const kept = isCollected ? COLLECTED_REMEMBERED_FOR : REMEMBERED_FOR;
    return now >= before.at + kept || now < before.at;
  });
}

/**
 * Whether it is worth looking up what is kept of a person: not where nothing is missing, and not where something
 * is that everybody has, for then userinfo is asked in any case.
 */
export function memoryCouldHelp(scope: readonly string[], claims: Claims): boolean {
  const missing = missingClaims(scope, claims);
  return missing.length > 0 && !missing.some((name) => ALWAYS_THERE.includes(name));
}

/**
 * Whether a login can be judged by what the ID token brought, so that it goes on when userinfo does not answer.
 * What a person may be without never stops one. Without a name or a number that everybody has it cannot be told
 * who the person is to the site; nor where the ID token brought nothing of what was asked for but an address was,
 * for such a provider keeps everything for userinfo.
 */
export function canBeJudged(scope: readonly string[], claims: Claims): boolean {
  const missing = missingClaims(scope, claims);
  if (missing.some((name) => ALWAYS_THERE.includes(name))) return false;
  return !missing.includes("email") || ALWAYS_THERE.some((name) => claims[name] !== undefined);
}

/**
 * What to keep of a login's questions, for {@link claimsWorthAsking} at the next one.
 * @param claims what was known when userinfo had answered.
 * @param asked what it was asked for.
 * @param now seconds since the epoch.
 */
export function askedNow(
  scope: readonly string[],
  claims: Claims,
  asked: readonly string[],
  now: number,
): AskedBefore | undefined {
  const collected = asked.filter((name) => COLLECTED_ONCE.includes(name));
  const absent = missingClaims(scope, claims).filter((name) => !ALWAYS_THERE.includes(name));
  const vain = [...new Set([...absent, ...collected])].sort();
  return vain.length === 0 ? undefined : { at: now, claims: vain };
}

/** Reads what was kept; anything else than that is as if nothing had been. */
export function readAskedBefore(kept: unknown): AskedBefore | undefined {
  if (typeof kept !== "object" || kept === null) return undefined;
  const { at, claims } = kept as Record<string, unknown>;
  if (typeof at !== "number" || !Array.isArray(claims)) return undefined;
  return { at, claims: claims.filter((name) => typeof name === "string") };
}

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
      answers: distinctAnswers(answersOf(claim)),
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
function distinctAnswers(answers: Iterable<CollectedAnswer>): readonly CollectedAnswer[] {
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
