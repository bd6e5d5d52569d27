import { setTimeout as pause } from "node:timers/promises";
import type { Design } from "../designs/design.ts";
import { loginsWith } from "../designs/designs.ts";
import { type Instrumented, instrumented, withIsolate } from "../instrumented-design.ts";
import type { Connection } from "../load/connection.ts";
import { newVisitor, type Visitor } from "../load/visitor.ts";
import { assertLoggedIn } from "../running-design.ts";
import { type Kind, NO_WAITS, type Operation, ORIGINS, type Origin, type Waits } from "./operation.ts";
import type { Bench } from "./part.ts";

export const STEPS = ["start", "finish", "session", "guarded"] as const;
export type StepName = (typeof STEPS)[number];

/** What one step of one design asks of others. */
export interface StepCount {
  readonly design: string;
  readonly step: StepName;
  /** Warm: the isolate has served logins. Cold: it has served nothing, KV is filled. */
  readonly state: "warm" | "cold";
  /** Requests the browser makes for the step. */
  readonly requests: number;
  readonly operations: readonly Operation[];
  /** How many operations of each kind the answer waits for one after the other, found by delaying them; by origin. */
  readonly waits: Readonly<Record<Origin, Waits>>;
}

export interface StepFigures {
  readonly counts: readonly StepCount[];
  /** By how much operations were delayed to find what waits for what, in milliseconds. */
  readonly delay: number;
}

/** Long beside what an answer takes here, so that whole delays can be told apart. In milliseconds. */
const DELAY = 250;

/** Counts the round trips of every step, warm and cold, of everything with a login. */
export async function countSteps(bench: Bench): Promise<StepFigures> {
  const counts: StepCount[] = [];
  for (const design of loginsWith(bench.earlier)) {
    bench.say(`counting ${design.name}`);
    const bundle = await instrumented(design, bench.folder);
    counts.push(...(await warmCounts(bench, design, bundle)));
    counts.push(...(await coldCounts(bench, design, bundle)));
  }
  return { counts, delay: DELAY };
}

async function warmCounts(bench: Bench, design: Design, bundle: Instrumented): Promise<readonly StepCount[]> {
  return withIsolate(bench, design, bundle, async (connection) => {
    // The first login fills what a warm isolate holds, the second one is of somebody who is known.
    for (const _ of [1, 2]) await preparedFor("session", bench, design, connection);
    const counts: StepCount[] = [];
    for (const step of stepsOf(design)) {
      const perform = async (slow?: Slow) => {
        const ready = await preparedFor(step, bench, design, connection);
        return timed(step, design, newVisitorOf(ready, connection), connection, slow);
      };
      counts.push(await countStep(design, step, "warm", perform));
    }
    return counts;
  });
}

async function coldCounts(bench: Bench, design: Design, bundle: Instrumented): Promise<readonly StepCount[]> {
  const counts: StepCount[] = [];
  for (const step of stepsOf(design)) {
    // What comes before the step happens in another isolate, so that its own has served nothing.
    const perform = async (slow?: Slow) => {
      const ready = await withIsolate(bench, design, bundle, (connection) =>
        preparedFor(step, bench, design, connection),
      );
      return withIsolate(bench, design, bundle, (connection) =>
        timed(step, design, newVisitorOf(ready, connection), connection, slow),
      );
    };
    counts.push(await countStep(design, step, "cold", perform));
  }
  return counts;
}

async function countStep(
  design: Design,
  step: StepName,
  state: StepCount["state"],
  perform: (slow?: Slow) => Promise<Performed>,
): Promise<StepCount> {
  const { operations } = await perform();
  const before = operations.filter(({ behindAnswer }) => !behindAnswer);
  const waits = { edge: { ...NO_WAITS }, object: { ...NO_WAITS } };
  for (const origin of ORIGINS) {
    const fromHere = before.filter((operation) => operation.origin === origin);
    for (const [kind, own] of Map.groupBy(fromHere, (operation) => operation.kind)) {
      const waited = await agreed(async () => {
        const undelayed = await perform();
        const added = (await perform({ origin, kind })).milliseconds - undelayed.milliseconds;
        return Math.min(own.length, wholeDelays(added));
      });
      waits[origin] = { ...waits[origin], [kind]: waited };
    }
  }
  const requests = step === "start" ? (design.login?.requests ?? 0) : 1;
  return { design: design.id, step, state, requests, operations, waits };
}

/**
 * Measures until two measurements agree: one that the machine disturbed is alone with what it says.
 * @throws Error when none of nine agree
 */
export async function agreed(measure: () => Promise<number>): Promise<number> {
  const seen = new Set<number>();
  for (let tries = 0; tries < 9; tries += 1) {
    const value = await measure();
    if (seen.has(value)) return value;
    seen.add(value);
  }
  throw new Error(`no two measurements agree: ${[...seen].join(", ")}`);
}

/** What is made slower on purpose. */
interface Slow {
  readonly origin: Origin;
  readonly kind: Kind;
}

/** A browser at the point where a step begins. */
interface AtStep {
  readonly cookies: Map<string, string>;
  /** The redirect back, for the step that finishes a login. */
  readonly back: string;
}

interface Performed {
  readonly operations: readonly Operation[];
  /** From the first request of the browser to the end of the last answer. */
  readonly milliseconds: number;
}

/** Does what comes before a step. */
async function preparedFor(
  step: StepName,
  { provider }: Bench,
  design: Design,
  connection: Connection,
): Promise<AtStep> {
  if (step === "start" || design.login === undefined) return { cookies: new Map(), back: "" };
  const visitor = newVisitor(connection);
  const back = await provider.confirm(await design.login.start(visitor), 1);
  if (step === "finish") return { cookies: visitor.cookies, back };
  const { status, headers, body } = await visitor.send({ path: back });
  assertLoggedIn(design, status, headers.location, body);
  // What goes on behind the answer ends before anything is counted, or the process is stopped.
  await pause(50);
  return { cookies: visitor.cookies, back };
}

async function timed(
  step: StepName,
  design: Design,
  { visitor, back }: { readonly visitor: Visitor; readonly back: string },
  connection: Connection,
  slow: Slow | undefined,
): Promise<Performed> {
  const query =
    slow === undefined ? "" : new URLSearchParams({ [`${slow.origin} ${slow.kind}`]: String(DELAY) });
  await connection.send({ path: `/.bench/delays?${query}` });
  await connection.send({ path: "/.bench/operations" });
  const startedAt = performance.now();
  await take(step, design, visitor, back);
  const milliseconds = performance.now() - startedAt;
  await pause(slow === undefined ? 50 : DELAY * 2);
  await connection.send({ path: "/.bench/delays" });
  const { body } = await connection.send({ path: "/.bench/operations" });
  return { operations: JSON.parse(body), milliseconds };
}

/** Takes the step. @throws Error when it is not what it should be: what failed early would count too little */
async function take(step: StepName, design: Design, visitor: Visitor, back: string): Promise<void> {
  if (step === "start") {
    await design.login?.start(visitor);
    return;
  }
  const path = { finish: back, session: design.sessionPath ?? "", guarded: design.guardedPath ?? "" }[step];
  const { status, headers, body } = await visitor.send({ path });
  if (step === "finish") assertLoggedIn(design, status, headers.location, body);
  else if (status !== 200) throw new Error(`${design.name}: ${path} answered ${status}`);
}

function stepsOf({ sessionPath, guardedPath }: Design): readonly StepName[] {
  return STEPS.filter(
    (step) =>
      (step !== "session" || sessionPath !== undefined) && (step !== "guarded" || guardedPath !== undefined),
  );
}

function newVisitorOf({ cookies, back }: AtStep, connection: Connection) {
  return { visitor: newVisitor(connection, new Map(cookies)), back };
}

/** How many whole delays fit best into the time they added. */
export function wholeDelays(added: number): number {
  return Math.max(0, Math.round(added / DELAY));
}
