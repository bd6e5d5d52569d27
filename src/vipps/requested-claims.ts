/**
 * Which claims were asked for, which of them a person may do without, and when it is worth asking userinfo for
 * those that the ID token did not bring.
 */

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
  customFlow: ["flowResult", "delegatedConsents"],
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

/** Vipps collects these once and the ID token never has them: whether they come says nothing of the next time. */
const COLLECTED_ONCE: readonly string[] = ["flowResult", "delegatedConsents"];

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
  return missingClaims(scope, claims).filter((name) => {
    if (before === undefined || !before.claims.includes(name)) return true;
    const kept = COLLECTED_ONCE.includes(name) ? COLLECTED_REMEMBERED_FOR : REMEMBERED_FOR;
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
