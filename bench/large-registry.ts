// A registry of any size, written straight into the file of its database: a million people in a minute.

import { writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { searchName } from "../src/accounts/vipps-person.ts";
import type { Profile } from "./load/access-token.ts";
import { SALES_UNIT } from "./load/sales-unit.ts";

export interface RegistrySize {
  readonly people: number;
  /** Login events of each, on average. */
  readonly eventsEach: number;
}

const SITE = "default";
const DAY = 24 * 3600;

const GIVEN = (
  "Kari Ola Anne Per Liv Bjørn Ingrid Lars Aino Søren Åse Elin Nils Marit Jan Eva Odd Gerd Knut Berit Svein Turid " +
  "Arne Solveig Leif Randi Kjell Astrid Rolf Ruth Terje Unni Geir Wenche Tor Hilde Rune Mona Dag Tone Stein Trine " +
  "Ivar Siri Vidar Guro Yngve Oda"
).split(" ");
const STARTS = ["Nord", "Sol", "Berg", "Lund", "Vik", "Hag", "Strand", "Elv", "Fjell", "Skog", "Myr", "Dal"];
const MIDDLES = ["e", "a", "er", "en", "s", "al", "um", "ing", "el", "or", "ut", "im"];
const ENDS = ["stad", "berg", "heim", "sen", "mann", "rud", "vik", "land", "haug", "nes", "gård", "bakken"];

/** How many family names there are: a few hundred people of a million share each. */
const FAMILIES = STARTS.length * MIDDLES.length * ENDS.length;

/** A person of the registry, as Vipps or a member list would say it. */
export interface RegisteredPerson {
  readonly givenName: string;
  readonly familyName: string;
  readonly phone: string;
  readonly email: string;
  readonly sub: string;
}

/** @param number from 1 to 5,000,000 */
export function personOf(number: number): RegisteredPerson {
  const pick = (list: readonly string[], index: number) => list[index % list.length] ?? "";
  const family = Math.floor(number / GIVEN.length) % FAMILIES;
  const familyName =
    pick(STARTS, family) +
    pick(MIDDLES, Math.floor(family / STARTS.length)) +
    pick(ENDS, Math.floor(family / STARTS.length / MIDDLES.length));
  const digits = String(number).padStart(7, "0");
  return {
    givenName: pick(GIVEN, number),
    familyName,
    phone: `479${digits}`,
    email: `person.${digits}@example.net`,
    sub: `10000000-0000-4000-8000-${digits.padStart(12, "0")}`,
  };
}

/** Somebody whose login is measured, as the benchmark's provider says it, and what the registry knows of them before. */
export interface MeasuredPerson {
  readonly profile: Profile;
  /**
   * `known` has an identity; the others are members on a list who have never logged in, to be recognised by their
   * phone number or by their email address; `joinable` has logged in and will be on a list.
   */
  readonly standing: "known" | "byPhone" | "byEmail" | "joinable";
}

/** Puts the people whose logins are measured into a registry. Nobody else may have the file open. */
export function addMeasuredPeople(file: string, people: readonly MeasuredPerson[]): void {
  const database = new DatabaseSync(file);
  const now = Math.floor(Date.now() / 1000);
  const account = database.prepare(
    `INSERT INTO accounts (site, id, name, given_name, family_name, search_name, phone, phone_verified, email,
       email_verified, import_key, origin, created_at, updated_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const identity = database.prepare(
    `INSERT INTO identities (site, msn, sub, account_id, linked_at, linked_by, told, last_login_at)
     VALUES (?, ?, ?, ?, ?, 'created', '{}', ?)`,
  );
  database.exec("BEGIN");
  for (const { profile, standing } of people) {
    const id = measuredAccountId(profile);
    const byLogin = standing === "known" || standing === "joinable";
    const phone = standing === "byEmail" ? null : profile.phone_number;
    const email = standing === "byPhone" ? null : profile.email;
    const origin = byLogin ? "vipps" : "import";
    const names = [profile.name, profile.given_name, profile.family_name, searchName(profile.name)];
    const contact = [phone, Number(phone !== null), email, Number(email !== null)];
    account.run(SITE, id, ...names, ...contact, byLogin ? null : `m:${id}`, origin, now, now);
    if (byLogin) identity.run(SITE, SALES_UNIT.msn, profile.sub, id, now, now);
  }
  database.exec("COMMIT; PRAGMA wal_checkpoint(TRUNCATE)");
  database.close();
}

/** The account of somebody who is measured. */
export const measuredAccountId = ({ sub }: Profile): string => `acc_m${sub.slice(-12).padStart(21, "0")}`;

/** Every second person has logged in and is on no list; the others are members on a list who never have. */
const hasLoggedIn = (number: number): boolean => number % 2 === 1;

/**
 * Fills a registry whose tables are there. Nobody else may have the file open.
 * @param file of the database
 */
export function fillRegistry(file: string, { people, eventsEach }: RegistrySize): void {
  const database = new DatabaseSync(file);
  // Whatever is lost with the machine is made again.
  database.exec("PRAGMA journal_mode = wal; PRAGMA synchronous = off; PRAGMA cache_size = -400000");
  const now = Math.floor(Date.now() / 1000);
  database.exec("BEGIN");
  withoutTriggers(database, () => insertPeople(database, people, now));
  if (eventsEach > 0) insertEvents(database, Math.floor(people * eventsEach), people, now);
  // As the daily run leaves it.
  if (hasTable(database, "counted_logins"))
    database.exec(
      "INSERT INTO counted_logins (site, until) SELECT site, max(id) + 1 FROM logins GROUP BY site",
    );
  database.exec("COMMIT; PRAGMA wal_checkpoint(TRUNCATE)");
  database.close();
}

const accountId = (number: number): string => `acc_${String(number).padStart(22, "0")}`;

function insertPeople(database: DatabaseSync, people: number, now: number): void {
  const account = database.prepare(
    `INSERT INTO accounts (site, id, name, given_name, family_name, search_name, phone, phone_verified, email,
       email_verified, member_number, proof_digest, import_key, origin, created_at, updated_at, last_login_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, 1, ?, 1, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const identity = database.prepare(
    `INSERT INTO identities (site, msn, sub, account_id, linked_at, linked_by, told, last_login_at)
     VALUES (?, ?, ?, ?, ?, 'created', ?, ?)`,
  );
  for (let number = 1; number <= people; number += 1) {
    const { givenName, familyName, phone, email, sub } = personOf(number);
    const id = accountId(number);
    const name = `${givenName} ${familyName}`;
    const byLogin = hasLoggedIn(number);
    account.run(
      ...[SITE, id, name, givenName, familyName, searchName(name), phone, email],
      ...(byLogin ? [null, null, null, "vipps"] : [`M${number}`, "x".repeat(43), `m:M${number}`, "import"]),
      ...[now, now, byLogin ? now - (number % 365) * DAY : null],
    );
    if (!byLogin) continue;
    const told = JSON.stringify({ name, given_name: givenName, family_name: familyName, phone, email });
    identity.run(SITE, SALES_UNIT.msn, sub, id, now, told, now);
  }
}

/** Login events of the last 89 days, all of them within the time they are kept for, the oldest first. */
function insertEvents(database: DatabaseSync, events: number, people: number, now: number): void {
  const isNewTable = hasTable(database, "logins");
  const event = database.prepare(
    isNewTable
      ? `INSERT INTO logins (site, id, outcome, account_id, msn, sub, sid, browser) VALUES (?, ?, 'logged_in', ?, ?, ?, ?, ?)`
      : `INSERT INTO login_events (site, at, outcome, account_id, msn, sub, sid, browser) VALUES (?, ?, 'logged_in', ?, ?, ?, ?, ?)`,
  );
  const span = 89 * DAY;
  for (let index = 0; index < events; index += 1) {
    const at = now - span + Math.floor((span * index) / events);
    // Every person who has logged in, over and over.
    const number = ((index * 2) % (people + (people % 2))) + 1;
    const { sub } = personOf(number);
    const text = String(index).padStart(22, "0");
    // Logins of one second are told apart by what stands below the 2^20.
    const when = isNewTable ? BigInt(at) * 2n ** 20n + BigInt(index % 2 ** 20) : at;
    event.run(SITE, when, accountId(number), SALES_UNIT.msn, sub, text, `b${text}`);
  }
}

/**
 * Writes accounts without what the schema does for each of them, and does it for all afterwards: the rows by which
 * people are found by parts of their names.
 */
function withoutTriggers(database: DatabaseSync, work: () => void): void {
  const triggers = database
    .prepare("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'accounts'")
    .all();
  for (const { name } of triggers) database.exec(`DROP TRIGGER ${String(name)}`);
  work();
  if (hasTable(database, "account_names"))
    database.exec(
      `INSERT OR IGNORE INTO account_names (site, name, account_id)
       SELECT site, name, account_id FROM account_names_wanted ORDER BY site, name, account_id`,
    );
  for (const { sql } of triggers) database.exec(String(sql));
}

function hasTable(database: DatabaseSync, name: string): boolean {
  return database.prepare("SELECT 1 FROM sqlite_master WHERE name = ?").get(name) !== undefined;
}

/** A member list of which every second person has logged in before, and the others are nobody in the registry. */
export function writeMixedList(path: string, lines: number): void {
  const rows = ["Medlemsnr.;Navn;Mobil;E-post"];
  for (let line = 1; line <= lines; line += 1) {
    const number = line % 2 === 1 ? line : 4_000_000 + line;
    const { givenName, familyName, phone, email } = personOf(number);
    rows.push(`L${line};${givenName} ${familyName};+${phone};${email}`);
  }
  writeFileSync(path, `${rows.join("\n")}\n`);
}
