// Which column of a member list holds what, by the names such columns have in the five countries' systems.

import { CommandError } from "./command-error.mjs";
/** What a member list can tell of a member. */
export const MEMBER_FIELDS = [
  "accountId",
  "memberNumber",
  "name",
  "givenName",
  "familyName",
  "phone",
  "email",
  "country",
  "proof",
  "groups",
] as const;
export type MemberField = (typeof MEMBER_FIELDS)[number];

/** Names of columns, without case, accents, spaces and punctuation; where several fit, the first one counts. */
const NAMES: Readonly<Record<MemberField, readonly string[]>> = {
  accountId: ["accountid"],
  memberNumber: [
    ...[
      "membernumber",
      "memberno",
      "memberid",
      "membershipnumber",
      "customernumber",
      "customerno",
      "customerid",
    ],
    ...[
      "medlemsnummer",
      "medlemsnr",
      "medlemsno",
      "medlemsid",
      "medlemnr",
      "medlemnummer",
      "kundenummer",
      "kundenr",
    ],
    ...[
      "kundnummer",
      "kundnr",
      "jasennumero",
      "jasennro",
      "asiakasnumero",
      "asiakasnro",
      "id",
      "nr",
      "number",
    ],
  ],
  name: [
    "name",
    "fullname",
    "navn",
    "fulltnavn",
    "fuldenavn",
    "heltnavn",
    "helenavn",
    "namn",
    "fullstandigtnamn",
    "nimi",
    "kokonimi",
  ],
  givenName: [
    "givenname",
    "givennames",
    "firstname",
    "forename",
    "fornavn",
    "fornamn",
    "etunimi",
    "etunimet",
  ],
  familyName: ["familyname", "lastname", "surname", "etternavn", "efternavn", "efternamn", "sukunimi"],
  phone: [
    ...["mobile", "mobilephone", "mobilenumber", "mobilephonenumber", "cell", "cellphone", "msisdn"],
    ...["mobil", "mobilnummer", "mobilnr", "mobiltelefon", "mobiltlf", "matkapuhelin", "matkapuhelinnumero"],
    ...["phone", "phonenumber", "phoneno", "telephone", "tel", "telefon", "telefonnummer", "telefonnr"],
    ...["tlf", "tlfnr", "tlfnummer", "puhelin", "puhelinnumero", "puh"],
  ],
  email: [
    ...[
      "email",
      "emailaddress",
      "mail",
      "mailaddress",
      "epost",
      "epostadresse",
      "epostadress",
      "mailadresse",
    ],
    ...["emailadresse", "emailadress", "sahkoposti", "sahkopostiosoite"],
  ],
  country: [
    "country",
    "countrycode",
    "land",
    "landkode",
    "landskode",
    "landskod",
    "maa",
    "maakoodi",
    "maatunnus",
  ],
  proof: ["proof", "proofcode", "code", "kode", "kod", "koodi"],
  groups: [
    "groups",
    "group",
    "gruppe",
    "grupper",
    "grupp",
    "ryhma",
    "ryhmat",
    "roles",
    "roller",
    "verv",
    "hverv",
  ],
};

/** Where in a row each field stands. */
export type Columns = Readonly<Partial<Record<MemberField, number>>>;

export interface RecognisedHeader {
  readonly columns: Columns;
  /** Names of columns that are not read. */
  readonly ignored: readonly string[];
}

/**
 * Recognises the columns of a header.
 * @param named columns that the caller names, by field; they count before the known names
 * @throws {CommandError} when a named column does not exist, or the list holds nothing to find people by
 */
export function recogniseHeader(
  header: readonly string[],
  named: Readonly<Partial<Record<MemberField, string>>> = {},
): RecognisedHeader {
  const keys = header.map(columnKey);
  const columns: Partial<Record<MemberField, number>> = {};
  for (const field of MEMBER_FIELDS) {
    const wanted = named[field];
    const index = wanted === undefined ? firstOf(keys, NAMES[field]) : keys.indexOf(columnKey(wanted));
    if (wanted !== undefined && index < 0) {
      throw new CommandError(`There is no column "${wanted}". There are: ${header.join(", ")}.`);
    }
    if (index >= 0) columns[field] = index;
  }
  if (columns.phone === undefined && columns.email === undefined) {
    throw new CommandError(
      `No column for phone numbers or email addresses was recognised in: ${header.join(", ")}. Name one with --column, such as --column phone="Mob.".`,
    );
  }
  const used = new Set(Object.values(columns));
  return { columns, ignored: header.filter((_name, index) => !used.has(index)) };
}

function firstOf(keys: readonly string[], names: readonly string[]): number {
  for (const name of names) {
    const index = keys.indexOf(name);
    if (index >= 0) return index;
  }
  return -1;
}

/** `E-postadresse *` and `epostadresse` are the same column. */
function columnKey(name: string): string {
  return name
    .toLowerCase()
    .normalize("NFKD")
    .replaceAll("ø", "o")
    .replaceAll("æ", "ae")
    .replace(/[^a-z0-9]/g, "");
}
