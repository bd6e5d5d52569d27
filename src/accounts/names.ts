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
  ı: "i",
};

/** No real name has more words; the comparison tries combinations, so their number is held down. */
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
    .toLowerCase()
    .normalize("NFKD")
    // An apostrophe stands inside a word: O'Brien.
    .replace(/[\p{M}'’‘`´ʼ]/gu, "")
    .replace(/[æøœßðþđłħŋı]/g, (letter) => LETTERS[letter] ?? letter)
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
  return isCovered(a, b, NOTHING) || isCovered(b, a, NOTHING);
}

/** What has been found in common so far. */
interface Common {
  readonly words: number;
  readonly wholeWords: number;
}

const NOTHING: Common = { words: 0, wholeWords: 0 };

/** Whether every word of the first name has a counterpart of its own in the second, two words at least. */
function isCovered(rest: readonly string[], others: readonly string[], common: Common): boolean {
  const [word, ...further] = rest;
  if (word === undefined) return common.words >= 2 && common.wholeWords >= 1;
  return others.some((candidate, index) => {
    const likeness = compareWords(word, candidate);
    if (likeness !== "different") {
      const next = {
        words: common.words + 1,
        wholeWords: common.wholeWords + (likeness === "same" ? 1 : 0),
      };
      if (isCovered(further, others.toSpliced(index, 1), next)) return true;
    }
    return isCoveredByPair(word, further, others, index, common);
  });
}

/** `Annemarie` for `Anne-Marie`, and the other way round. */
function isCoveredByPair(
  word: string,
  further: readonly string[],
  others: readonly string[],
  index: number,
  common: Common,
): boolean {
  const next = { words: common.words + 1, wholeWords: common.wholeWords + 1 };
  const following = others[index + 1];
  if (following !== undefined && word === `${others[index]}${following}`) {
    if (isCovered(further, others.toSpliced(index, 2), next)) return true;
  }
  const [second, ...afterSecond] = further;
  return (
    second !== undefined &&
    others[index] === `${word}${second}` &&
    isCovered(afterSecond, others.toSpliced(index, 1), next)
  );
}

function compareWords(one: string, other: string): "same" | "initial" | "different" {
  if (one === other) return one.length > 1 ? "same" : "initial";
  const [shorter, longer] = one.length < other.length ? [one, other] : [other, one];
  return shorter.length === 1 && longer.startsWith(shorter) ? "initial" : "different";
}
