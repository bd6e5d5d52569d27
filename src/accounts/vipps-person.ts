import type { D1Database, D1PreparedStatement } from "@cloudflare/workers-types";
import { sha256 } from "../crypto-text.ts";
import { Failure } from "../failure.ts";
import { type AskedBefore, type VippsClaims, type VippsIdentity, withFullName } from "../vipps/claims.ts";
import type { AccountId } from "./account.ts";

/**
 * Who logs in, in the form in which people are compared: by number, address and name; and what of them outlives their
 * erasure for a while.
 */

/** What Vipps says of the user who logs in, in the form in which the registry keeps and compares it. */
export interface VippsPerson {
  /** The sales unit for which `sub` holds. */
  readonly msn: string;
  readonly sub: string;
  readonly name: string | undefined;
  readonly givenName: string | undefined;
  readonly familyName: string | undefined;
  /** E.164 digits without the plus sign. */
  readonly phone: string | undefined;
  readonly phoneVerified: boolean;
  /** Lower case. */
  readonly email: string | undefined;
  readonly emailVerified: boolean;
  readonly profile: Readonly<Record<string, unknown>>;
  /** What Vipps was asked for and need not be asked again for a while. */
  readonly asked?: AskedBefore | undefined;
}

/** Claims kept beside name, phone and email. `nin` is not: nothing here needs it. */
const PROFILE_CLAIMS = [
  "address",
  "other_addresses",
  "birthdate",
  "gender",
] as const satisfies readonly (keyof VippsClaims)[];

/**
 * The person behind an identity.
 * @param msn Merchant Serial Number of the sales unit that was logged in to; `sub` differs between sales units.
 */
export function vippsPerson({ sub, claims, asked }: VippsIdentity, msn: string): VippsPerson {
  const phone = normalPhone(claims.phone_number);
  const email = normalEmail(claims.email);
  return {
    msn,
    sub,
    name: withFullName(claims).name,
    givenName: claims.given_name,
    familyName: claims.family_name,
    phone,
    // Vipps verifies every number and does not always say so; only an explicit `false` means unverified
    // (Vipps Login API guide, 'Best practices for linking user accounts').
    phoneVerified: phone !== undefined && claims.phone_number_verified !== false,
    email,
    // An email address is the opposite: it counts only when Vipps says that it is verified (same source).
    emailVerified: email !== undefined && claims.email_verified === true,
    profile: Object.fromEntries(
      PROFILE_CLAIMS.flatMap((claim) => (claims[claim] === undefined ? [] : [[claim, claims[claim]]])),
    ),
    ...(asked !== undefined && { asked }),
  };
}

/** Longer texts are no phone numbers, however they are written. In characters. */
const PHONE_LIMIT = 50;
/** The longest address that can be written to (RFC 5321 section 4.5.3.1), in characters. */
const EMAIL_LIMIT = 320;

/** E.164 digits of a number as Vipps sends it (`4712345678`), with or without a plus sign. */
export function normalPhone(phone: string | undefined): string | undefined {
  if (phone !== undefined && phone.length > PHONE_LIMIT) return undefined;
  const digits = phone?.replace(/^\+|[\s()-]/g, "");
  return digits !== undefined && /^[1-9]\d{6,14}$/.test(digits) ? digits : undefined;
}

/** An email address in the one spelling in which addresses are compared: trimmed, NFC, lower case. */
export function normalEmail(email: string | undefined): string | undefined {
  if (email !== undefined && email.length > EMAIL_LIMIT) return undefined;
  const normal = email?.trim().normalize("NFC").toLowerCase();
  return normal !== undefined && /^[^\s@]+@[^\s@]+$/.test(normal) ? normal : undefined;
}

/** Letters that Unicode does not take apart, as they are written where they are missing on the keyboard. */
const LETTERS: Readonly<Record<string, string>> = {
  æ: "ae",
  ø: "oe",
  œ: "oe",
  ß: "ss",
  ð: "d",
  þ: "th",
  đ: "d",
  ł: "l",
  ħ: "h",
  ŋ: "n",
  ŧ: "t",
  ǥ: "g",
  ʒ: "z",
  ı: "i",
};

/** No real name is longer; putting more into one spelling takes time. In characters. */
const NAME_LIMIT = 500;

/** No real name has more words; more are a mistake, and cost time to compare. */
const WORD_LIMIT = 10;

/**
 * A name without case, accents and punctuation, in one spelling of the Nordic letters: what searches compare.
 * `Åse-Marie Sørensen`, `AASE MARIE SOERENSEN` and `Ase Marie Sorensen` are the same here.
 * @returns words with single spaces between them; an empty string for a name without letters.
 */
export function searchName(name: string | undefined): string {
  return nameWords(name).join(" ");
}

function nameWords(name: string | undefined): string[] {
  const folded = (name ?? "")
    .slice(0, NAME_LIMIT)
    .toLowerCase()
    .normalize("NFKD")
    // An apostrophe stands inside a word: O'Brien. So does the softening mark of Skolt Sámi.
    .replace(/[\p{M}'’‘`´ʼʹ]/gu, "")
    .replace(/[æøœßðþđłħŋŧǥʒı]/g, (letter) => LETTERS[letter] ?? letter)
    // `aa`, `ae`, `oe` and `ue` are other ways to write å, æ or ä, ø or ö, and ü, whose dots are gone by now.
    .replace(/aa|ae/g, "a")
    .replace(/oe/g, "o")
    .replace(/ue/g, "u");
  return folded.match(/[\p{L}\p{N}]+/gu) ?? [];
}

/**
 * Whether two spellings can be one person's name. Tolerates order, case, diacritics, Nordic letters and their
 * replacements, hyphens, missing middle names and initials; never a different word in place of another, and
 * never a single word in common.
 *
 * Guards against a phone number or address that was given up and picked up by somebody else (Vipps Login API
 * guide, 'Best practices for linking user accounts'): when in doubt, the names differ.
 */
export function isSameName(one: string | undefined, other: string | undefined): boolean {
  const a = nameWords(one);
  const b = nameWords(other);
  if (a.length === 0 || b.length === 0 || a.length > WORD_LIMIT || b.length > WORD_LIMIT) return false;
  if (a.join(" ") === b.join(" ")) return a.some((word) => word.length > 1);
  return isCovered(a, b) || isCovered(b, a);
}

/** How far a comparison has come. */
interface Progress {
  /** The next word of the first name. */
  readonly next: number;
  /** Words of the second name that have their counterpart, a bit each. */
  readonly used: number;
  /** Counterparts found, and how many of them are whole words. */
  readonly found: number;
  readonly whole: number;
}

/** Whether every word of the first name has a counterpart of its own in the second, two words at least. */
function isCovered(words: readonly string[], others: readonly string[]): boolean {
  // The same place can be reached in many ways and leads no further the second time.
  const deadEnds = new Set<string>();
  const goesOn = (at: Progress): boolean => {
    if (at.next === words.length) return at.found >= 2 && at.whole >= 1;
    const place = `${at.next} ${at.used} ${Math.min(at.found, 2)} ${Math.min(at.whole, 1)}`;
    if (deadEnds.has(place)) return false;
    if (stepsFrom(at, words, others).some(goesOn)) return true;
    deadEnds.add(place);
    return false;
  };
  return goesOn({ next: 0, used: 0, found: 0, whole: 0 });
}

/** Every way to find a counterpart for the next word. */
function stepsFrom(at: Progress, words: readonly string[], others: readonly string[]): Progress[] {
  const word = words[at.next] ?? "";
  const joined = word + (words[at.next + 1] ?? "");
  const step = (wordsTaken: number, used: number, whole: number): Progress => ({
    next: at.next + wordsTaken,
    used: at.used | used,
    found: at.found + 1,
    whole: at.whole + whole,
  });
  return others.flatMap((other, index) => {
    const bit = 1 << index;
    if ((at.used & bit) !== 0) return [];
    const following = (at.used & (bit << 1)) === 0 ? others[index + 1] : undefined;
    const likeness = compareWords(word, other);
    return [
      ...(likeness === "different" ? [] : [step(1, bit, likeness === "same" ? 1 : 0)]),
      // `Annemarie` for `Anne-Marie`, and the other way round.
      ...(following !== undefined && word === other + following ? [step(1, bit | (bit << 1), 1)] : []),
      ...(at.next + 1 < words.length && joined === other ? [step(2, bit, 1)] : []),
    ];
  });
}

function compareWords(one: string, other: string): "same" | "initial" | "different" {
  if (one === other) return one.length > 1 ? "same" : "initial";
  const [shorter, longer] = one.length < other.length ? [one, other] : [other, one];
  return shorter.length === 1 && longer.startsWith(shorter) ? "initial" : "different";
}

/**
 * A Vipps user as the key of what must outlive their account for a while: a digest, since the `sub` itself goes
 * with the account.
 */
export async function personSubject(site: string, { msn, sub }: Pick<VippsPerson, "msn" | "sub">) {
  return `person:${await sha256(JSON.stringify([site, msn, sub]))}`;
}

/**
 * Accounts that were erased, kept outside the database, so that one which is put back to an earlier time can have them
 * erased again (`vipps-login restore`). Digests alone, under this prefix in the namespace VIPPS_METADATA.
 */
export const ERASED = "erased:";

/** An account as such a key. */
export async function accountSubject(site: string, accountId: AccountId): Promise<string> {
  return `account:${await sha256(JSON.stringify([site, accountId]))}`;
}

/**
 * A condition of SQL: the account has not been erased since a login began that was under way at that time, and is
 * to note nothing about it. The audit line of the erasure says so. `?1` is the site.
 * @param account the parameter that holds the account's id.
 * @param since the parameter that holds {@link erasedSince}.
 */
export const notErasedSince = (account: string, since: string): string =>
  `NOT EXISTS (SELECT 1 FROM audit_log INDEXED BY audit_log_by_account
     WHERE site = ?1 AND account_id = ${account} AND at >= ${since} AND action = 'erased')`;

/** The second in which a login began, which the audit log counts in; NULL, for never, where none did. */
export const erasedSince = ({ begunAt }: { readonly begunAt?: number | undefined }): number | null =>
  begunAt === undefined ? null : Math.floor(begunAt / 1000);

/**
 * Finds one row when somebody was erased after a moment.
 * @param since in milliseconds since the epoch; no moment finds nothing.
 */
export function wasErased(
  database: D1Database,
  site: string,
  subject: string,
  since: number | undefined,
): D1PreparedStatement {
  return database
    .prepare("SELECT 1 FROM erasures WHERE site = ?1 AND subject = ?2 AND erased_at > ?3")
    .bind(site, subject, since ?? null);
}

/** Ends a login that began before its person was erased: whoever wants to come back begins a new one. */
export function erasedMeanwhile(): Failure {
  return new Failure("state_expired", { stage: "account", reason: "erased meanwhile" });
}
