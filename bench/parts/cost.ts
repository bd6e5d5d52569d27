import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as pause } from "node:timers/promises";
import type { UnitCosts, Usage } from "../cost/month.ts";
import type { Design } from "../designs/design.ts";
import { OURS_D1 } from "../designs/ours.ts";
import { instrumented, instrumentedServer } from "../instrumented-design.ts";
import { type Connection, openConnection } from "../load/connection.ts";
import { newVisitor, type Visitor } from "../load/visitor.ts";
import { summarise } from "../statistics.ts";
import { processorSeconds } from "../workerd/process-figures.ts";
import { type Counted, count } from "./counted.ts";
import type { Bench } from "./part.ts";
import { databaseFile, logInAs } from "./scale.ts";

export interface CostFigures extends UnitCosts {
  /** People who logged in twice each to find out what is kept. */
  readonly people: number;
  /** The same of this project at another commit, where one was named. */
  readonly earlier?: UnitCosts | undefined;
}

type Surroundings = Pick<Bench, "folder" | "provider" | "cores" | "say">;

/** A token is stale after a second here, so that a view can be seen to renew it. In seconds. */
const FRESH = 1;
/** What a Durable Object is billed as while it is at work, in gigabytes. */
const OBJECT_GB = 0.128;
/**
 * How long an object is at work for a login and for a renewal, in seconds: the first waits for Vipps (0.3 s at its
 * usual pace) and for D1. Assumed, because nothing is far away on one machine.
 */
const LOGIN_SECONDS = 0.5;
const RENEWAL_SECONDS = 0.05;

/** Counts what logins and views cost, and weighs what they leave behind. */
export async function countCosts(bench: Bench): Promise<CostFigures> {
  const people = bench.quick ? 40 : 300;
  const earlier = bench.earlier && (await countUnits(bench, people, bench.earlier));
  return { ...(await countUnits(bench, people)), earlier };
}

/** @param people how many log in, twice each */
export async function countUnits(
  bench: Surroundings,
  people: number,
  of: Design = OURS_D1,
): Promise<CostFigures> {
  const design: Design = {
    ...of,
    id: `cost-${of.id}`,
    // One object finishes all logins, so that one login before makes its tables: they are no later login's.
    vars: (provider) => ({ ...of.vars(provider), SESSION_FRESH: String(FRESH), LOGIN_SHARDS: "1" }),
  };
  const bundle = await instrumented(design, bench.folder);
  const folder = join(bench.folder, design.id);
  mkdirSync(folder, { recursive: true });
  const open = async () => {
    const server = await instrumentedServer(bench, design, bundle, folder);
    return { server, connection: openConnection(server.port) };
  };
  let { server, connection } = await open();
  const close = async () => {
    await connection.close();
    await server.stop();
  };
  try {
    // Warm: what an isolate asks once in its life is not a login's.
    await logInAs(bench, design, newVisitor(connection), 1);
    bench.say("counting logins and views");
    const firstLogin = await medianOf(3, (round) => countLogin(bench, design, connection, 100 + round));
    // Who comes back some day finds the object of their sessions out of memory.
    await close();
    ({ server, connection } = await open());
    await logInAs(bench, design, newVisitor(connection), 1);
    const laterLogin = await medianOf(3, (round) => countLogin(bench, design, connection, 100 + round));
    const visitor = newVisitor(connection);
    await logInAs(bench, design, visitor, 100);
    const renewedView = await medianOf(3, async () => {
      await pause(FRESH * 1_000 + 200);
      return countView(connection, visitor);
    });
    const freshView = await medianOf(3, () => countView(connection, visitor));
    const cpu = await processorTimes(bench, design, { pid: server.pid, connection });

    bench.say(`${people} people log in, and once more`);
    await close();
    const empty = weigh(folder);
    ({ server, connection } = await open());
    for (let person = 1_000; person < 1_000 + people; person += 1)
      await logInAs(bench, design, newVisitor(connection), person);
    await close();
    const once = weigh(folder);
    ({ server, connection } = await open());
    for (let person = 1_000; person < 1_000 + people; person += 1)
      await logInAs(bench, design, newVisitor(connection), person);
    await close();
    const twice = weigh(folder);
    const d1BytesLogin = Math.max(0, twice.d1 - once.d1) / people;
    return {
      people,
      firstLogin: usageOf(firstLogin, { requests: 2, cpu: cpu.login, seconds: LOGIN_SECONDS }),
      laterLogin: usageOf(laterLogin, { requests: 2, cpu: cpu.login, seconds: LOGIN_SECONDS }),
      freshView: usageOf(freshView, { requests: 1, cpu: cpu.view, seconds: 0 }),
      renewedView: usageOf(renewedView, { requests: 1, cpu: cpu.view, seconds: RENEWAL_SECONDS }),
      d1BytesPerson: Math.max(0, (once.d1 - empty.d1) / people - d1BytesLogin),
      d1BytesLogin,
      objectBytesPerson: Math.max(0, once.sessions - empty.sessions) / people,
    };
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

const countLogin = (bench: Surroundings, design: Design, connection: Connection, person: number) =>
  count(connection, () => logInAs(bench, design, newVisitor(connection), person));

const countView = (connection: Connection, visitor: Visitor) =>
  count(connection, async () => {
    const { status } = await visitor.send({ path: "/members/" });
    if (status !== 200) throw new Error(`the members' page answered ${status}`);
  });

/** What most of a few say: what an isolate does now and then is no login's own. */
async function medianOf(times: number, measure: (round: number) => Promise<Counted>): Promise<Counted> {
  const all: Counted[] = [];
  for (let round = 0; round < times; round += 1) all.push(await measure(round));
  const of = (pick: (counted: Counted) => number) => summarise(all.map(pick)).median;
  return {
    milliseconds: of(({ milliseconds }) => milliseconds),
    rowsRead: of(({ rowsRead }) => rowsRead),
    rowsWritten: of(({ rowsWritten }) => rowsWritten),
    d1Calls: of(({ d1Calls }) => d1Calls),
    objectCalls: of(({ objectCalls }) => objectCalls),
    objectRows: {
      read: of(({ objectRows }) => objectRows.read),
      written: of(({ objectRows }) => objectRows.written),
    },
    kvReads: of(({ kvReads }) => kvReads),
    kvWrites: of(({ kvWrites }) => kvWrites),
    providerCalls: of(({ providerCalls }) => providerCalls),
  };
}

function usageOf(
  counted: Counted,
  { requests, cpu, seconds }: { readonly requests: number; readonly cpu: number; readonly seconds: number },
): Usage {
  return {
    requests,
    cpuMilliseconds: cpu,
    objectRequests: counted.objectCalls,
    objectGbSeconds: seconds * OBJECT_GB,
    objectRowsRead: counted.objectRows.read,
    objectRowsWritten: counted.objectRows.written,
    d1RowsRead: counted.rowsRead,
    d1RowsWritten: counted.rowsWritten,
    kvReads: counted.kvReads,
    kvWrites: counted.kvWrites,
  };
}

/** Milliseconds of processor time, all of workerd's: the database and the provider are in it, so it is too much. */
async function processorTimes(
  bench: Surroundings,
  design: Design,
  { pid, connection }: { readonly pid: number; readonly connection: Connection },
): Promise<{ readonly login: number; readonly view: number }> {
  const of = async (times: number, work: (index: number) => Promise<unknown>) => {
    const before = processorSeconds(pid) ?? 0;
    for (let index = 0; index < times; index += 1) await work(index);
    return (((processorSeconds(pid) ?? 0) - before) / times) * 1_000;
  };
  const visitor = newVisitor(connection);
  await logInAs(bench, design, visitor, 100);
  return {
    login: await of(60, (index) => logInAs(bench, design, newVisitor(connection), 100 + (index % 3))),
    view: await of(600, () => visitor.send({ path: "/auth/session" })),
  };
}

/** Bytes of what is kept, in the databases of a process that has ended. */
function weigh(folder: string): { readonly d1: number; readonly sessions: number } {
  const objects = join(folder, "storage", "main-UserSessions");
  const sessions = readdirSync(objects).filter((name) => /^[0-9a-f]{64}\.sqlite$/.test(name));
  return {
    d1: bytesOf(databaseFile(folder)),
    sessions: sessions.reduce((total, name) => total + bytesOf(join(objects, name)), 0),
  };
}

/** The pages of a database that are in use: a file may be larger, and some of it stand in a log beside it. */
function bytesOf(file: string): number {
  const database = new DatabaseSync(file);
  const one = (pragma: string) => Number(Object.values(database.prepare(`PRAGMA ${pragma}`).get() ?? {})[0]);
  const bytes = (one("page_count") - one("freelist_count")) * one("page_size");
  database.close();
  return bytes;
}
