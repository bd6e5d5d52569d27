import { writeFileSync } from "node:fs";

/** What goes wrong on some lines of a made-up list, by the last two digits of the line's number. */
const FAULTS: Readonly<Record<number, (member: string[]) => string[]>> = {
  13: (member) => member.with(2, "123"),
  27: (member) => member.with(2, "").with(3, ""),
  41: (member) => member.with(3, "not an address"),
  42: (member) => member.with(2, "123").with(3, ""),
  68: (member) => member.with(0, "M1"),
  77: (member) => [...member, "one cell too many"],
};

const GIVEN = ["Kari", "Bjørn", "Åse-Marie", "Aino", "Søren", "Liv", "O'Neil", "Per"];
const FAMILY = ["Nordmann", "Østergaard", "Mäkelä", "Sørensen", "Berg", "von Krogh", "Ñúñez", "Lund"];
const SPELLINGS = [
  (digits: string) => `+47 ${digits.slice(0, 3)} ${digits.slice(3, 5)} ${digits.slice(5)}`,
  (digits: string) => `0047${digits}`,
  (digits: string) => digits,
  (digits: string) => `${digits.slice(0, 2)} ${digits.slice(2, 4)} ${digits.slice(4, 6)} ${digits.slice(6)}`,
  (digits: string) => `(+47)${digits}`,
];

/** How many of the lines are refused: of each hundred 27 and 42 (no contact), 68 (repeated), 77 (broken). */
export const REFUSED_OF_HUNDRED = 4;

/**
 * Writes a list of made-up members as a Norwegian club's program exports it: UTF-8, semicolons, numbers in five
 * spellings, and six lines of each hundred with something wrong, four of which are refused.
 * @param lines a multiple of 100
 */
export function writeMemberList(path: string, lines: number): void {
  const rows = ["Medlemsnr.;Navn;Mobil;E-post;Innmeldt"];
  for (let line = 1; line <= lines; line += 1) {
    const digits = String(90_000_000 + line);
    const name = `${FAMILY[line % 8]}, ${GIVEN[Math.floor(line / 8) % 8]}`;
    const phone = SPELLINGS[line % 5]?.(digits) ?? digits;
    const member = [`M${line}`, name, phone, `Medlem.${line}@Example.com`, "01.01.2020"];
    rows.push((FAULTS[line % 100]?.(member) ?? member).join(";"));
  }
  writeFileSync(path, `${rows.join("\r\n")}\r\n`);
}
