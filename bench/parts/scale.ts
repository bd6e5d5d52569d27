import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Member } from "../../cli/member-row.ts";
import { memberPortion } from "../../cli/member-sql.ts";
import type { Design } from "../designs/design.ts";
import { OURS_D1 } from "../designs/ours.ts";
import { type Instrumented, instrumented, instrumentedServer } from "../instrumented-design.ts";
import {
  addMeasuredPeople,
  fillRegistry,
  type MeasuredPerson,
  measuredAccountId,
} from "../large-registry.ts";
import { type Connection, openConnection, SITE } from "../load/connection.ts";
import { profileOf } from "../load/provider.ts";
import { SALES_UNIT } from "../load/sales-unit.ts";
import { newVisitor, type Visitor } from "../load/visitor.ts";
import { assertLoggedIn } from "../running-design.ts";
import { summarise } from "../statistics.ts";
import type { Server } from "../workerd/server.ts";
import { type Counted, count, runSql } from "./counted.ts";
import type { Bench } from "./part.ts";

/** What is measured against registries of every size, in this order. */
export const DEEDS = [
  "login of somebody known",
  "login, linked by phone number",
  "login, linked by email address",
  "login of somebody new",
  "the person's own page, /auth/me",
  "console: search by phone number",
  "console: search by part of a family name",
  "console: search by a common first name",
  "console: page of an account",
  "erasing oneself",
  "import of 1,000, half of them there by login",
  "daily clearing of 1,000 events",
] as const;
export type Deed = (typeof DEEDS)[number];

/** One deed at one size. */
export interface ScaleRow {
  readonly deed: Deed;
  readonly accounts: number;
  /** Medians of the repetitions. */
  readonly milliseconds: number;
  readonly rowsRead: number;
  readonly rowsWritten: number;
}

export interface ScaleFigures {
  readonly sizes: readonly number[];
  readonly eventsEach: number;
  readonly repetitions: number;
  readonly rows: readonly ScaleRow[];
}

export interface Scale {
  readonly sizes: readonly number[];
  readonly repetitions: number;
}

type Surroundings = Pick<Bench, "folder" | "provider" | "cores" | "say">;

const EVENTS_EACH = 1.5;

/** Measures every deed with 0, 100,000 and 1,000,000 people in the registry beside those who are measured. */
export function measureScale(bench: Bench): Promise<ScaleFigures> {
  const scale = bench.quick
    ? { sizes: [0, 20_000], repetitions: 3 }
    : { sizes: [0, 100_000, 1_000_000], repetitions: 15 };
  return measureSizes(bench, scale);
}

/** @throws Error when a deed does not end as it should: what failed early would count too little */
export async function measureSizes(
  bench: Surroundings,
  { sizes, repetitions }: Scale,
): Promise<ScaleFigures> {
  const design = scaleDesign();
  const bundle = await instrumented(design, bench.folder);
  const running: Running[] = [];
  const measured = new Map<string, Counted[]>();
  try {
    for (const accounts of sizes)
      running.push(await startWith(bench, design, bundle, { accounts, repetitions }));
    for (let round = 0; round < repetitions; round += 1) {
      bench.say(`round ${round + 1} of ${repetitions}`);
      for (const one of running) {
        for (const [deed, counted] of await doAll(bench, design, one, round)) {
          const key = `${deed} ${one.accounts}`;
          measured.set(key, [...(measured.get(key) ?? []), counted]);
        }
      }
    }
    for (const { connection, accounts } of running) await assertLinked(connection, accounts, repetitions);
  } finally {
    for (const { connection, server, folder } of running) {
      await connection.close();
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  }
  const rows = DEEDS.flatMap((deed) =>
    sizes.map((accounts) => {
      const all = measured.get(`${deed} ${accounts}`) ?? [];
      const median = (of: (counted: Counted) => number) => summarise(all.map(of)).median;
      return {
        deed,
        accounts,
        milliseconds: median(({ milliseconds }) => milliseconds),
        rowsRead: median(({ rowsRead }) => rowsRead),
        rowsWritten: median(({ rowsWritten }) => rowsWritten),
      };
    }),
  );
  return { sizes, eventsEach: EVENTS_EACH, repetitions, rows };
}

/** Numbers of the people who are measured, apart from those who only fill the registry. */
const STAFF = 9_900_000;
const PERSON = {
  known: (round: number) => 9_000_001 + round,
  byPhone: (round: number) => 9_100_001 + round,
  byEmail: (round: number) => 9_200_001 + round,
  new: (round: number) => 9_300_001 + round,
  erased: (round: number) => 9_400_001 + round,
  joinable: (round: number, index: number) => 9_500_001 + round * 500 + index,
  unheardOf: (round: number, index: number) => 9_700_001 + round * 500 + index,
} as const;

function scaleDesign(): Design {
  const staff = profileOf(STAFF).sub;
  return {
    ...OURS_D1,
    id: "scale",
    vars: (provider) => ({ ...OURS_D1.vars(provider), SUPPORT_STAFF: staff }),
  };
}

interface Running {
  readonly accounts: number;
  readonly folder: string;
  readonly server: Server;
  readonly connection: Connection;
  /** One of the staff, logged in. */
  readonly staff: Visitor;
}

async function startWith(
  bench: Surroundings,
  design: Design,
  bundle: Instrumented,
  { accounts, repetitions }: { readonly accounts: number; readonly repetitions: number },
): Promise<Running> {
  const folder = join(bench.folder, `scale-${accounts}`);
  mkdirSync(folder, { recursive: true });
  const open = async () => {
    const server = await instrumentedServer(bench, design, bundle, folder);
    return { server, connection: openConnection(server.port) };
  };
  // The tables are made by whoever asks first.
  const first = await open();
  await runSql(first.connection, [{ sql: "SELECT 1" }]);
  await first.connection.close();
  await first.server.stop();
  const file = databaseFile(folder);
  const startedAt = performance.now();
  if (accounts > 0) fillRegistry(file, { people: accounts, eventsEach: EVENTS_EACH });
  addMeasuredPeople(file, measuredPeople(repetitions));
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(0);
  bench.say(`a registry of ${accounts.toLocaleString("en")} people, made in ${seconds} s`);
  const { server, connection } = await open();
  const staff = newVisitor(connection);
  await logInAs(bench, design, staff, STAFF);
  // What a warm isolate holds is held before anything is counted.
  await logInAs(bench, design, newVisitor(connection), STAFF);
  return { accounts, folder, server, connection, staff };
}

/** The file of the database that stands behind the D1 binding. */
export function databaseFile(folder: string): string {
  const objects = join(folder, "storage", "d1-Database");
  const name = readdirSync(objects).find((one) => /^[0-9a-f]{64}\.sqlite$/.test(one));
  if (name === undefined) throw new Error(`no database in ${objects}`);
  return join(objects, name);
}

function measuredPeople(repetitions: number): readonly MeasuredPerson[] {
  const rounds = Array.from({ length: repetitions }, (_, round) => round);
  const person = (number: number, standing: MeasuredPerson["standing"]) => ({
    profile: profileOf(number),
    standing,
  });
  return [
    person(STAFF, "known"),
    ...rounds.flatMap((round) => [
      person(PERSON.known(round), "known"),
      person(PERSON.byPhone(round), "byPhone"),
      person(PERSON.byEmail(round), "byEmail"),
      person(PERSON.erased(round), "known"),
      ...Array.from({ length: 500 }, (_, index) => person(PERSON.joinable(round, index), "joinable")),
    ]),
  ];
}

/** A whole login; the provider's part of it takes the generator some milliseconds, the same at every size. */
export async function logInAs(
  { provider }: Pick<Bench, "provider">,
  design: Design,
  visitor: Visitor,
  person: number,
): Promise<void> {
  if (design.login === undefined) throw new Error(`${design.name} has no login`);
  const back = await provider.confirm(await design.login.start(visitor), person);
  const { status, headers, body } = await visitor.send({ path: back });
  assertLoggedIn(design, status, headers.location, body);
}

async function doAll(
  bench: Surroundings,
  design: Design,
  { connection, staff }: Running,
  round: number,
): Promise<readonly (readonly [Deed, Counted])[]> {
  const logIn = (person: number, visitor = newVisitor(connection)) =>
    count(connection, () => logInAs(bench, design, visitor, person));
  const ask = (visitor: Visitor, request: Parameters<Visitor["send"]>[0], status: number) =>
    count(connection, () => expectStatus(visitor, request, status));
  const search = (query: string, status: number) =>
    ask(staff, { ...form({ query }), path: "/auth/support/search" }, status);
  const [known, erased] = [newVisitor(connection), newVisitor(connection)];
  const profile = profileOf(PERSON.known(round));
  // Known is who has been here before, and whom Vipps tells the same of as last time.
  await logInAs(bench, design, newVisitor(connection), PERSON.known(round));
  const page = `/auth/support/accounts/${measuredAccountId(profile)}`;
  const done: (readonly [Deed, Counted])[] = [
    ["login of somebody known", await logIn(PERSON.known(round), known)],
    ["login, linked by phone number", await logIn(PERSON.byPhone(round))],
    ["login, linked by email address", await logIn(PERSON.byEmail(round))],
    ["login of somebody new", await logIn(PERSON.new(round))],
    ["the person's own page, /auth/me", await ask(known, { path: "/auth/me" }, 200)],
    ["console: search by phone number", await search(`+${profile.phone_number}`, 303)],
    ["console: search by part of a family name", await search("Vikums", 200)],
    ["console: search by a common first name", await search("ingr", 200)],
    ["console: page of an account", await ask(staff, { path: page }, 200)],
  ];
  await logInAs(bench, design, erased, PERSON.erased(round));
  const erase = { ...form({ confirm: "yes" }), path: "/auth/me/erase" };
  done.push(["erasing oneself", await ask(erased, erase, 200)]);
  done.push(["import of 1,000, half of them there by login", await importThousand(connection, round)]);
  await addDueEvents(connection, 1_000);
  const clear = () => connection.send({ path: "/.bench/scheduled" });
  done.push(["daily clearing of 1,000 events", await count(connection, clear)]);
  return done;
}

function form(fields: Readonly<Record<string, string>>) {
  return {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded", origin: SITE },
    body: new URLSearchParams(fields).toString(),
  } as const;
}

async function expectStatus(
  visitor: Visitor,
  request: Parameters<Visitor["send"]>[0],
  status: number,
): Promise<void> {
  const answer = await visitor.send(request);
  if (answer.status !== status)
    throw new Error(`${request.path} answered ${answer.status}, not ${status}: ${answer.body.slice(0, 300)}`);
}

/** The import's own statements, without the command that reads a list. */
async function importThousand(connection: Connection, round: number): Promise<Counted> {
  const members: Member[] = Array.from({ length: 1_000 }, (_, index) => {
    const half = Math.floor(index / 2);
    const number = index % 2 === 0 ? PERSON.joinable(round, half) : PERSON.unheardOf(round, half);
    const profile = profileOf(number);
    return {
      importKey: `m:L${number}`,
      accountId: undefined,
      memberNumber: `L${number}`,
      name: profile.name,
      givenName: profile.given_name,
      familyName: profile.family_name,
      phone: profile.phone_number,
      email: profile.email,
      proof: undefined,
      groups: undefined,
    };
  });
  const { statements } = await memberPortion(members, "default", Math.floor(Date.now() / 1000));
  const startedAt = performance.now();
  const results = await runSql(connection, statements);
  const sum = (of: "rows_read" | "rows_written") => results.reduce((total, { meta }) => total + meta[of], 0);
  return {
    milliseconds: performance.now() - startedAt,
    rowsRead: sum("rows_read"),
    rowsWritten: sum("rows_written"),
    ...{ d1Calls: 1, objectCalls: 0, objectRows: { read: 0, written: 0 }, kvReads: 0, kvWrites: 0 },
    providerCalls: 0,
  };
}

/** Login events that are older than they may be. */
async function addDueEvents(connection: Connection, events: number): Promise<void> {
  const [table] = await runSql(connection, [
    { sql: "SELECT count(*) AS n FROM sqlite_master WHERE name = 'logins'" },
  ]);
  const old = Math.floor(Date.now() / 1000) - 200 * 24 * 3600;
  const numbers = `WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ${events - 1})`;
  const columns = "outcome, account_id, msn, sub";
  const values = "'logged_in', ?2, ?3, ?4";
  const profile = profileOf(STAFF);
  const sql =
    Number(table?.results[0]?.n) > 0
      ? `INSERT INTO logins (site, id, ${columns}) ${numbers} SELECT 'default', ?1 * 1048576 + i, ${values} FROM n`
      : `INSERT INTO login_events (site, at, ${columns}) ${numbers} SELECT 'default', ?1, ${values} FROM n`;
  await runSql(connection, [{ sql, params: [old, measuredAccountId(profile), SALES_UNIT.msn, profile.sub] }]);
}

/** Everybody was recognised as they should have been: else what was measured was something else. */
async function assertLinked(connection: Connection, accounts: number, repetitions: number): Promise<void> {
  const sql = "SELECT count(*) AS n FROM identities WHERE site = 'default' AND linked_by = 'matched'";
  const [linked] = await runSql(connection, [{ sql }]);
  const n = Number(linked?.results[0]?.n);
  if (n !== 2 * repetitions)
    throw new Error(`with ${accounts} accounts, ${n} of ${2 * repetitions} people were linked`);
}
