import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { build } from "esbuild";
import type { Bundle } from "../bundle.ts";
import type { Design } from "../designs/design.ts";
import { LOGINS } from "../designs/designs.ts";
import { type Connection, openConnection } from "../load/connection.ts";
import { newVisitor, type Visitor } from "../load/visitor.ts";
import { assertLoggedIn, startDesign } from "../running-design.ts";
import type { Server } from "../workerd/server.ts";
import type { Kind, Operation } from "./operation.ts";
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
  /** How many operations of each kind the answer waits for one after the other, found by delaying them. */
  readonly waits: Readonly<Record<Kind, number>>;
}

export interface StepFigures {
  readonly counts: readonly StepCount[];
  /** By how much operations were delayed to find what waits for what, in milliseconds. */
  readonly delay: number;
}

/** Long beside what an answer takes here, so that whole delays can be told apart. In milliseconds. */
const DELAY = 80;

/** Counts the round trips of every step, warm and cold, of everything with a login. */
export async function countSteps(bench: Bench): Promise<StepFigures> {
  const counts: StepCount[] = [];
  for (const design of LOGINS) {
    bench.say(`counting ${design.name}`);
    const bundle = await instrumented(design, bench.folder);
    counts.push(...(await warmCounts(bench, design, bundle)));
    counts.push(...(await coldCounts(bench, design, bundle)));
  }
  return { counts, delay: DELAY };
}

async function warmCounts(bench: Bench, design: Design, bundle: Modules): Promise<readonly StepCount[]> {
  return withIsolate(bench, design, bundle, async (connection) => {
    // The first login fills what a warm isolate holds, the second one is of somebody who is known.
    for (const _ of [1, 2]) await preparedFor("session", bench, design, connection);
    const counts: StepCount[] = [];
    for (const step of stepsOf(design)) {
      const { operations, milliseconds } = await performed(step, bench, design, connection);
      const kinds = new Set(operations.filter(({ behindAnswer }) => !behindAnswer).map(({ kind }) => kind));
      const waits = noWaits();
      for (const kind of kinds) {
        const delayed = await performed(step, bench, design, connection, kind);
        waits[kind] = wholeDelays(delayed.milliseconds - milliseconds);
      }
      counts.push({
        design: design.id,
        step,
        state: "warm",
        requests: requestsOf(design, step),
        operations,
        waits,
      });
    }
    return counts;
  });
}

async function coldCounts(bench: Bench, design: Design, bundle: Modules): Promise<readonly StepCount[]> {
  const counts: StepCount[] = [];
  for (const step of stepsOf(design)) {
    const { operations, milliseconds } = await cold(step);
    const kinds = new Set(operations.filter(({ behindAnswer }) => !behindAnswer).map(({ kind }) => kind));
    const waits = noWaits();
    for (const kind of kinds) waits[kind] = wholeDelays((await cold(step, kind)).milliseconds - milliseconds);
    counts.push({
      design: design.id,
      step,
      state: "cold",
      requests: requestsOf(design, step),
      operations,
      waits,
    });
  }
  return counts;

  /** The step in an isolate that has served nothing before. What comes before the step happened in another one. */
  async function cold(step: StepName, slow?: Kind): Promise<Performed> {
    const visitor = await withIsolate(bench, design, bundle, (connection) =>
      preparedFor(step, bench, design, connection),
    );
    return withIsolate(bench, design, bundle, (connection) =>
      timed(step, design, newVisitorOf(visitor, connection), connection, slow),
    );
  }
}

type Modules = Pick<Bundle, "folder" | "modules">;

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

async function performed(
  step: StepName,
  bench: Bench,
  design: Design,
  connection: Connection,
  slow?: Kind,
): Promise<Performed> {
  const ready = await preparedFor(step, bench, design, connection);
  return timed(step, design, newVisitorOf(ready, connection), connection, slow);
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
  slow: Kind | undefined,
): Promise<Performed> {
  const query = slow === undefined ? "" : new URLSearchParams({ [slow]: String(DELAY) });
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

async function withIsolate<Result>(
  bench: Bench,
  design: Design,
  bundle: Modules,
  work: (connection: Connection, server: Server) => Promise<Result>,
): Promise<Result> {
  const { durableObjects, kv, d1 } = design.bindings;
  const BENCH_BINDINGS = JSON.stringify({
    kv: kv === undefined ? [] : [kv],
    d1: d1 === undefined ? [] : [d1.name],
    durableObjects: Object.keys(durableObjects),
  });
  const watched: Design = { ...design, vars: (provider) => ({ ...design.vars(provider), BENCH_BINDINGS }) };
  // One folder for all isolates of a design: what one has stored, the next one finds.
  const server = await startDesign(watched, bundle, bench, join(bench.folder, `steps-${design.id}`));
  const connection = openConnection(server.port);
  try {
    return await work(connection, server);
  } finally {
    await connection.close();
    await server.stop();
  }
}

/** The design's Worker within the instrument. Not minified: its time is not what is measured. */
async function instrumented(design: Design, folder: string): Promise<Modules> {
  const outdir = join(folder, "instrumented", design.id);
  const measured = design.source === "this project" ? "src/index.ts" : design.source.entry;
  const entry = join(folder, `instrumented-${design.id}.ts`);
  writeFileSync(
    entry,
    `import worker from ${JSON.stringify(resolve(measured))};
import { instrument } from ${JSON.stringify(resolve("bench/workers/instrument.ts"))};
export * from ${JSON.stringify(resolve(measured))};
export default instrument(worker);
`,
  );
  await build({
    entryPoints: { index: entry },
    outdir,
    bundle: true,
    format: "esm",
    conditions: ["workerd", "worker", "browser"],
    external: ["cloudflare:*", "node:*"],
    loader: { ".client.js": "text" },
    logLevel: "error",
  });
  return { folder: outdir, modules: [{ file: "index.js", kind: "esModule" }] };
}

function stepsOf({ sessionPath, guardedPath }: Design): readonly StepName[] {
  return STEPS.filter(
    (step) =>
      (step !== "session" || sessionPath !== undefined) && (step !== "guarded" || guardedPath !== undefined),
  );
}

function requestsOf({ login }: Design, step: StepName): number {
  return step === "start" ? (login?.requests ?? 0) : 1;
}

function newVisitorOf({ cookies, back }: AtStep, connection: Connection) {
  return { visitor: newVisitor(connection, new Map(cookies)), back };
}

function noWaits(): Record<Kind, number> {
  return { fetch: 0, "kv read": 0, "kv write": 0, "durable object": 0, d1: 0 };
}

/** How many whole delays fit best into the time they added. */
export function wholeDelays(added: number): number {
  return Math.max(0, Math.round(added / DELAY));
}
