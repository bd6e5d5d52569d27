// One row of a member list: what it says, in the form the registry keeps, or why it can't be taken in.

import { createHash } from "node:crypto";
import { type CountryCode, parsePhoneNumberFromString } from "libphonenumber-js/max";
import { normalEmail, searchName } from "../src/accounts/vipps-person.ts";
import { groupName, readGroups } from "../src/group-name.ts";
import { type Columns, MEMBER_FIELDS, type MemberField } from "./member-columns.ts";
import type { BrokenLine } from "./member-file.ts";

/**
 * What a row says of somebody. `undefined` is what it does not say, since the list has no such column or the cell can't
 * be read: that stays as it is known. An empty text says that there is none.
 */
export interface Member {
  /** Names the row; importing it again finds the same account by this. */
  readonly importKey: string;
  /** The account that is meant, if the site has one of this id. */
  readonly accountId: string | undefined;
  readonly memberNumber: string | undefined;
  /** Said together: where the list has one of the three, the others are empty. */
  readonly name: string | undefined;
  readonly givenName: string | undefined;
  readonly familyName: string | undefined;
  /** E.164 digits without the plus sign. */
  readonly phone: string | undefined;
  readonly email: string | undefined;
  /** What proves the account; without one the member number does. */
  readonly proof: string | undefined;
  /** Every group the member is in. */
  readonly groups: readonly string[] | undefined;
}

/** Something about a row that is worth knowing; none of them keeps the row out. */
export type Note =
  | "phone_unreadable"
  | "email_unreadable"
  | "no_name"
  | "groups_unreadable"
  | "shared_phone"
  | "shared_email";

/** Why a row is not taken in. */
export type Refusal =
  | "no_contact"
  | "phone_unreadable"
  | "email_unreadable"
  | "line_break"
  | "letter_unreadable"
  | "member_number_repeated"
  | "member_number_rounded"
  | "row_repeated"
  | BrokenLine;

export const EXPLANATIONS: Readonly<Record<Note | Refusal, string>> = {
  no_contact: "neither a phone number nor an email address",
  phone_unreadable: "the phone number is not a number that exists",
  email_unreadable: "the email address is not one",
  too_long: "a field is longer than any real one",
  line_break: "a field runs over several lines: a quotation mark may be missing or one too many",
  letter_unreadable: "a letter cannot be read: the list is written in more than one encoding",
  member_number_repeated: "the member number is on an earlier line too",
  member_number_rounded:
    "a spreadsheet has rounded the member number: make its column text there, and export the list anew",
  row_repeated: "the same person as on an earlier line",
  too_many_cells: "the line has more columns than the header",
  quote_open: "a quotation mark before a field is not closed behind it",
  no_name: "no name: unless one is known, this person will have to prove the account",
  groups_unreadable:
    "a group has a name that cannot be one, or there are more than 20: that group is left out",
  shared_phone: "the phone number is on an earlier line too: these people will have to prove their accounts",
  shared_email: "the email address is on an earlier line too: these people will have to prove their accounts",
};

export type ReadRow =
  | { readonly member: Member; readonly notes: readonly Note[] }
  | { readonly refusal: Refusal };

/** In characters. */
const LENGTH_LIMIT = 200;

/**
 * Reads a row.
 * @param country whose phone numbers those without a country code are, where the row doesn't say
 */
export function readMemberRow(cells: readonly string[], columns: Columns, country: CountryCode): ReadRow {
  const fields: Partial<Record<MemberField, string>> = {};
  for (const field of MEMBER_FIELDS) {
    const index = columns[field];
    const cell = index === undefined ? "" : (cells[index] ?? "").trim();
    // A name with the next line in it would be taken in, and the person on that line lost.
    if (/[\r\n]/.test(cell)) return { refusal: "line_break" };
    // Under a name with a mark in it nobody would be known again.
    if (cell.includes("\ufffd")) return { refusal: "letter_unreadable" };
    const text = cleanCell(cell);
    if (text.length > LENGTH_LIMIT) return { refusal: "too_long" };
    if (text !== "") fields[field] = text;
  }
  if (fields.phone === undefined && fields.email === undefined) return { refusal: "no_contact" };

  const phone = readPhone(fields.phone, countryOf(fields.country) ?? country);
  const email = normalEmail(fields.email);
  if (phone === undefined && email === undefined) {
    return { refusal: fields.phone === undefined ? "email_unreadable" : "phone_unreadable" };
  }
  const joined = [fields.givenName, fields.familyName].filter(Boolean).join(" ");
  const name = fields.name ?? (joined === "" ? undefined : joined);
  const notes: Note[] = [];
  if (fields.phone !== undefined && phone === undefined) notes.push("phone_unreadable");
  if (fields.email !== undefined && email === undefined) notes.push("email_unreadable");
  if (searchName(name) === "") notes.push("no_name");
  const groups = columns.groups === undefined ? undefined : readGroupCell(fields.groups ?? "");
  if (groups?.isIncomplete) notes.push("groups_unreadable");
  const { accountId, memberNumber } = fields;
  // It would be somebody else's as well, and nobody could prove an account by it.
  if (/^\d[.,]?\d*E\+\d+$/i.test(memberNumber ?? "")) return { refusal: "member_number_rounded" };
  let importKey = accountId === undefined ? rowKey(name, phone, email) : `${ACCOUNT_KEY}${accountId}`;
  if (memberNumber !== undefined) importKey = `m:${memberNumber}`;
  /** An empty cell of a column says that there is none. */
  const said = (field: MemberField) => fields[field] ?? (columns[field] === undefined ? undefined : "");
  const hasName = NAME_FIELDS.some((field) => columns[field] !== undefined);
  const names = hasName
    ? { name: name ?? "", givenName: fields.givenName ?? "", familyName: fields.familyName ?? "" }
    : { name: undefined, givenName: undefined, familyName: undefined };
  return {
    member: {
      ...{ importKey, accountId, memberNumber, ...names },
      phone: fields.phone === undefined ? said("phone") : phone,
      email: fields.email === undefined ? said("email") : email,
      ...{ proof: said("proof"), groups: groups?.names },
    },
    notes,
  };
}

/** What the import key of somebody begins with who is known by the account alone, until there is a better one. */
export const ACCOUNT_KEY = "a:";

const NAME_FIELDS = ["name", "givenName", "familyName"] as const;

/** Groups of a cell, with commas, semicolons, slashes or bars between. */
function readGroupCell(cell: string): { readonly names: readonly string[]; readonly isIncomplete: boolean } {
  const words = cell.split(/[,;/|]/).filter((word) => word.trim() !== "");
  const wanted = new Set(words.map(groupName));
  const names = readGroups(words);
  return { names, isIncomplete: wanted.has(undefined) || wanted.size > names.length };
}

/** Without a member number a row is known by what it says. */
function rowKey(...parts: readonly (string | undefined)[]): string {
  return `h:${createHash("sha256").update(JSON.stringify(parts)).digest("base64url")}`;
}

/**
 * What spreadsheets add: blanks of all kinds, control characters, the apostrophe or the formula (`="0042"`) that
 * keeps a number a text. And what an
 * export adds: the one before each sign that could begin a formula.
 */
function cleanCell(cell: string): string {
  return cell
    .replace(/[\p{Cc}\p{Cf}]/gu, "")
    .replace(/\s+/gu, " ")
    .trim()
    .replace(/^="([^"]*)"$/, "$1")
    .replace(/^'(?=\d)/, "")
    .replace(/(^|[;,|"'] ?)'(?=[=+\-@＝＋－＠])/g, "$1");
}

/** E.164 digits of a number as people write it: `+47 999 99 901`, `0047-99999901`, `(999) 99 901`, `99999901.0`. */
function readPhone(text: string | undefined, country: CountryCode): string | undefined {
  if (text === undefined) return undefined;
  const typed = text
    .replace(/^tel:/i, "")
    // What a spreadsheet makes of a number, and the trunk zero in brackets.
    .replace(/[.,]0+$/, "")
    .replace(/\(0\)/, "");
  const spellings = [typed];
  // Vipps, and programs that take the plus sign for a sum, write a foreign number without it.
  if (/^[1-9]\d{9,}$/.test(typed)) spellings.push(`+${typed}`);
  const parsed = spellings.map((each) => parsePhoneNumberFromString(each, country));
  return parsed.find((number) => number?.isValid())?.number.slice(1);
}

const COUNTRY_NAMES: Readonly<Record<string, CountryCode>> = {
  ...{ norge: "NO", noreg: "NO", norway: "NO", danmark: "DK", denmark: "DK", sverige: "SE", sweden: "SE" },
  ...{ suomi: "FI", finland: "FI", norja: "NO", tanska: "DK", ruotsi: "SE" },
};

/** A country as a list names it: `NO`, `no`, `Norge`. */
function countryOf(text: string | undefined): CountryCode | undefined {
  if (text === undefined) return undefined;
  return /^[a-z]{2}$/i.test(text) ? (text.toUpperCase() as CountryCode) : COUNTRY_NAMES[text.toLowerCase()];
}
