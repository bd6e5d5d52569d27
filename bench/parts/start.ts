import { mkdirSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import type { Bundle } from "../bundle.ts";
import { comparedWith } from "../designs/designs.ts";
import { openConnection } from "../load/connection.ts";
import { processorNanoseconds } from "../workerd/process-figures.ts";
import { startServer } from "../workerd/server.ts";
import type { Bench } from "./part.ts";

/** What it takes to load a bundle into an isolate: reading it, and running its top level. */
export interface StartSeries {
  readonly design: string;
  /**
   * Milliseconds of processor time more than with an empty bundle until a process answers: the bundle is read and
   * compiled as far as V8 does so before anything runs. One for each fresh process; empty where the system does not tell.
   */
  readonly reading: readonly number[];
  /** Milliseconds of processor time, one for each fresh process; empty where the system does not tell. */
  readonly processor: readonly number[];
  /** Milliseconds until it was loaded, one for each fresh process. */
  readonly wall: readonly number[];
}

export interface StartFigures {
  readonly series: readonly StartSeries[];
}

interface Start {
  /** Milliseconds of processor time of the whole process until it answered. */
  readonly untilAnswering: number | undefined;
  readonly processorTime: number | undefined;
  readonly wallTime: number;
}

/** Measures the start of each bundle in fresh processes. */
export async function measureStarts(bench: Bench): Promise<StartFigures> {
  const rounds = bench.quick ? 4 : 15;
  const series = comparedWith(bench.earlier).map((design) => {
    return { design, reading: [] as number[], processor: [] as number[], wall: [] as number[] };
  });
  for (let round = 1; round <= rounds; round += 1) {
    if (round % 5 === 1) bench.say(`round ${round} of ${rounds}: a fresh process for each bundle`);
    const empty = await oneStart(bench, "empty", emptyBundle(bench.folder), []);
    for (const { design, reading, processor, wall } of series) {
      const bundle = await bench.bundleOf(design);
      const { untilAnswering, processorTime, wallTime } = await oneStart(
        bench,
        design.id,
        bundle,
        design.compatibilityFlags,
      );
      if (untilAnswering !== undefined && empty.untilAnswering !== undefined)
        reading.push(Math.max(0, untilAnswering - empty.untilAnswering));
      if (processorTime !== undefined) processor.push(processorTime);
      wall.push(wallTime);
    }
  }
  return {
    series: series.map(({ design, ...times }) => ({ design: design.id, ...times })),
  };
}

/** What a process needs by itself. */
function emptyBundle(folder: string): Pick<Bundle, "folder" | "modules"> {
  writeFileSync(join(folder, "empty.js"), "export default {};\n");
  return { folder, modules: [{ file: "empty.js", kind: "esModule" }] };
}

/**
 * Loads a bundle as `wrangler check startup` does: a Worker that is running already imports it. Where that samples
 * a profile, this asks the system for the processor time of all threads; samples are too far apart for a few
 * milliseconds. V8 has read the bundle before: workerd compiles all modules of a Worker when it is made.
 */
async function oneStart(
  bench: Bench,
  name: string,
  bundle: Pick<Bundle, "folder" | "modules">,
  compatibilityFlags: readonly string[],
): Promise<Start> {
  const folder = join(bench.folder, `start-${name}`);
  mkdirSync(folder, { recursive: true });
  const entry = bundle.modules[0]?.file ?? "";
  writeFileSync(
    join(folder, "start.js"),
    `export default { async fetch(request) {
  if (request.url.endsWith("/import")) await import(${JSON.stringify(entry)});
  return new Response();
} };`,
  );
  const modules = bundle.modules.map(({ file, kind }) => ({
    kind,
    path: relative(folder, join(bundle.folder, file)),
  }));
  const server = await startServer({
    folder,
    main: "main",
    cores: bench.cores,
    services: [
      {
        name: "main",
        modules: [{ path: "start.js", kind: "esModule" }, ...modules],
        bindings: [],
        durableObjects: [],
        outbound: undefined,
        compatibilityFlags,
      },
    ],
  });
  const answering = processorNanoseconds(server.pid);
  const connection = openConnection(server.port);
  try {
    // What a request costs by itself, once everything on its way has been used, is taken off.
    for (let warm = 0; warm < 20; warm += 1) await connection.send({ path: "/" });
    const before = processorNanoseconds(server.pid);
    await connection.send({ path: "/" });
    const between = processorNanoseconds(server.pid);
    const startedAt = performance.now();
    const { status, body } = await connection.send({ path: "/import" });
    const wallTime = performance.now() - startedAt;
    const after = processorNanoseconds(server.pid);
    if (status !== 200) throw new Error(`${name} does not start: ${body}`);
    const known = before !== undefined && between !== undefined && after !== undefined;
    return {
      untilAnswering: answering === undefined ? undefined : answering / 1e6,
      processorTime: known ? Math.max(0, after - between - (between - before)) / 1e6 : undefined,
      wallTime,
    };
  } finally {
    await connection.close();
    await server.stop();
  }
}
