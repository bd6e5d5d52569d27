import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isSameName, searchName } from "../../src/accounts/vipps-person.ts";

const SAME: readonly (readonly [string, string, string])[] = [
  ["letter for letter", "Kari Nordmann", "Kari Nordmann"],
  ["case", "KARI NORDMANN", "kari nordmann"],
  ["white space", "  Kari   Nordmann ", "Kari\u00a0Nordmann"],
  ["order", "Nordmann Kari", "Kari Nordmann"],
  ["order with a comma", "Nordmann, Kari Anne", "Kari Anne Nordmann"],
  ["a middle name left out", "Kari Nordmann", "Kari Anne Nordmann"],
  ["two middle names left out", "Kari Nordmann", "Kari Anne Hansen Nordmann"],
  ["a family name left out", "Kari Hansen", "Kari Hansen Nordmann"],
  ["a middle initial", "Kari A. Nordmann", "Kari Anne Nordmann"],
  ["a middle initial without a dot", "Kari A Nordmann", "Kari Anne Nordmann"],
  ["a given initial", "K. Nordmann", "Kari Nordmann"],
  ["two initials", "K. A. Nordmann", "Kari Anne Nordmann"],
  ["a family initial", "Kari N.", "Kari Nordmann"],
  ["ø and o", "Bjorn Sorensen", "Bjørn Sørensen"],
  ["ø and oe", "Bjoern Soerensen", "Bjørn Sørensen"],
  ["ø and ö", "Björn Sörensen", "Bjørn Sørensen"],
  ["æ and ae", "Kjaer Naess", "Kjær Næss"],
  ["æ and ä", "Kjär Näss", "Kjær Næss"],
  ["å and aa", "Aase Haakonsen", "Åse Håkonsen"],
  ["å and a", "Ase Hakonsen", "Åse Håkonsen"],
  ["ä and a", "Aino Makela", "Aino Mäkelä"],
  ["ä and ae", "Aino Maekelae", "Aino Mäkelä"],
  ["ü and ue", "Jürgen Müller", "Juergen Mueller"],
  ["ß and ss", "Jan Groß", "Jan Gross"],
  ["ð and þ", "Sigurður Þórsson", "Sigurdur Thorsson"],
  ["ŧ and t", "Biret Máŧŧe", "Biret Matte"],
  ["đ, ŋ, č, š and ž", "Čáđđi Áŋŋel Šuvvá Žukov", "Caddi Annel Suvva Zukov"],
  ["ł and the other Polish letters", "Łucja Żądło-Świętoń", "Lucja Zadlo-Swieton"],
  ["ʒ, ǥ and the softening mark", "Ǯiõk Vuâǥǥ Sueʹnn", "Ziok Vuagg Suenn"],
  ["accents", "André Núñez", "Andre Nunez"],
  ["accents composed and decomposed", "Andr\u00e9 Berg", "Andre\u0301 Berg"],
  ["a hyphen and a space", "Mette-Marie Berg", "Mette Marie Berg"],
  ["a hyphen and nothing", "Anne-Marie Berg", "Annemarie Berg"],
  ["a space and nothing", "Anne Marie Berg", "Annemarie Berg"],
  ["a hyphenated family name", "Mette Østergaard Sørensen", "Mette Østergaard-Sørensen"],
  ["half of a hyphenated family name", "Mette Sørensen", "Mette Østergaard-Sørensen"],
  ["an apostrophe", "Liam O'Brien", "Liam OBrien"],
  ["a curly apostrophe", "Liam O’Brien", "Liam O'Brien"],
  ["a particle left out", "Kari Berg", "Kari von Berg"],
  ["another script", "Мария Иванова", "МАРИЯ ИВАНОВА"],
  ["a name of one word, when that is all there is", "Sukarno", "sukarno"],
];

const DIFFERENT: readonly (readonly [string, string | undefined, string | undefined])[] = [
  ["a spouse", "Per Haugen", "Ingrid Haugen"],
  ["a new owner of the number", "Henrik Lund", "Espen Strand"],
  ["a new family name", "Kari Hansen", "Kari Nordmann"],
  ["another middle name", "Kari Anne Nordmann", "Kari Marie Nordmann"],
  ["an initial that does not fit", "P. Nordmann", "Kari Nordmann"],
  ["a middle initial that does not fit", "Kari B. Nordmann", "Kari Anne Nordmann"],
  ["only the family name", "Nordmann", "Kari Nordmann"],
  ["only the given name", "Kari", "Kari Nordmann"],
  ["initials alone", "K. N.", "Kari Nordmann"],
  ["the same initials alone", "K", "K"],
  ["a letter more", "Kari Nordman", "Kari Nordmann"],
  ["the beginning of a name", "Kari Nord", "Kari Nordmann"],
  ["one word counted twice", "Kari Kari", "Kari Nordmann"],
  ["an initial and a word for one name", "Kari K.", "Kari Nordmann"],
  ["nothing", "", "Kari Nordmann"],
  ["nothing at all", undefined, undefined],
  ["no name at Vipps", undefined, "Kari Nordmann"],
  ["signs without letters", "-- ..", "-- .."],
  ["more words than a name has", "a b c d e f g h i j k", "a b c d e f g h i j k"],
];

describe("isSameName", () => {
  it.each(SAME)("tolerates %s: %s, %s", (_what, one, other) => {
    expect(isSameName(one, other)).toBe(true);
    expect(isSameName(other, one)).toBe(true);
  });

  it.each(DIFFERENT)("does not tolerate %s: %s, %s", (_what, one, other) => {
    expect(isSameName(one, other)).toBe(false);
    expect(isSameName(other, one)).toBe(false);
  });

  const word = fc.constantFrom(
    "kari",
    "per",
    "anne",
    "marie",
    "annemarie",
    "berg",
    "haugen",
    "k",
    "p",
    "a",
    "Åse",
  );
  const name = fc.array(word, { maxLength: 10 }).map((words) => words.join(" "));

  it("says the same whichever name comes first", () => {
    fc.assert(fc.property(name, name, (one, other) => isSameName(one, other) === isSameName(other, one)));
  });

  it("never takes names for the same that have no whole word in common", () => {
    const others = fc.array(fc.constantFrom("liv", "olsen", "moen", "k", "p"), { maxLength: 6 });
    const own = fc.array(fc.constantFrom("kari", "per", "berg", "haugen"), { maxLength: 6 });
    fc.assert(fc.property(own, others, (one, other) => !isSameName(one.join(" "), other.join(" "))));
  });

  it("takes no time over names that look alike everywhere", () => {
    const started = performance.now();
    isSameName("a a a a a a a a a b", "a a a a a a a a a c");
    isSameName("aa a aa a aa a aa a aa b", "a aa a aa a aa a aa a c");
    expect(performance.now() - started).toBeLessThan(200);
  });
});

/** The letters of each language that are not on an English keyboard. */
const ALPHABETS = {
  "Northern Sámi": "áčđŋšŧž",
  "Lule Sámi": "áåńñŋä",
  "South Sámi": "äåæïöø",
  "Inari Sámi": "áâäčđŋšž",
  "Skolt Sámi": "âåäčʒǯđǧǥǩŋõšž",
  "Norwegian and Danish": "æøåéèêóòôü",
  "Swedish and Finnish": "åäöéšž",
  Icelandic: "áðéíóúýþæö",
  Faroese: "áðíóúýæø",
  Polish: "ąćęłńóśźż",
  "Estonian, Latvian and Lithuanian": "äõöüšžāčēģīķļņūąęėįų",
};

describe("searchName", () => {
  it.each(Object.entries(ALPHABETS))(
    "has a plain letter for each of %s, in any case",
    (_language, letters) => {
      for (const letter of letters) {
        const plain = searchName(`Bi${letter}k`);
        expect([letter, plain]).toEqual([letter, expect.stringMatching(/^[a-z]+$/)]);
        expect([letter, searchName(`BI${letter.toUpperCase()}K`)]).toEqual([letter, plain]);
        expect(isSameName(`Kari Bi${letter}k`, `Kari ${plain}`), letter).toBe(true);
      }
    },
  );

  it("is one spelling of many", () => {
    const spellings = ["Åse-Marie Sørensen", "AASE MARIE SOERENSEN", "ase marie sorensen"];
    expect(new Set(spellings.map(searchName))).toEqual(new Set(["ase marie sorensen"]));
    expect(searchName(undefined)).toBe("");
  });
});
