import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { createInstrumenter } from "@vitest/istanbul-lib-instrument";
import { build, type Plugin, transform } from "esbuild";
import type { Design } from "../designs/design.ts";
import { OURS_D1 } from "../designs/designs.ts";
import { entryOf } from "../instrumented-design.ts";
import { openConnection } from "../load/connection.ts";
import { newVisitor } from "../load/visitor.ts";
import { assertLoggedIn, logIn, startDesign } from "../running-design.ts";
import type { Bench } from "./part.ts";

export const WALKS = ["start", "callback", "guarded"] as const;
export type WalkName = (typeof WALKS)[number];

/** What of `src/` one step runs through. */
export interface Walk {
  readonly design: string;
  readonly walk: WalkName;
  /** How many functions ran, by file of `src/`. */
  readonly functions: Readonly<Record<string, number>>;
}

export interface WalkFigures {
  readonly walks: readonly Walk[];
}

/** How long what goes on behind an answer may take, in milliseconds. */
const BEHIND = 200;

/** Counts which functions one start, one callback and one guarded request run through, everything warm. */
export async function countWalks(
  bench: Pick<Bench, "folder" | "provider" | "cores" | "say" | "earlier">,
): Promise<WalkFigures> {
  const designs = [OURS_D1, ...(bench.earlier === undefined ? [] : [bench.earlier])];
  const walks: Walk[] = [];
  for (const design of designs) {
    bench.say(`following ${design.name}`);
    walks.push(...(await walksOf(bench, design)));
  }
  return { walks };
}

async function walksOf(
  bench: Pick<Bench, "folder" | "provider" | "cores">,
  design: Design,
): Promise<readonly Walk[]> {
  const folder = join(bench.folder, `walk-${design.id}`);
  const bundle = await countingBundle(design, folder);
  const server = await startDesign(design, bundle, bench, folder);
  const connection = openConnection(server.port);
  try {
    // The first login fills what a warm isolate holds, the second one is of somebody who is known.
    for (const _ of [1, 2]) await logIn(design, server.port, bench.provider, 1);
    await pause(BEHIND);
    const visitor = newVisitor(connection);
    const calls = async () => JSON.parse((await connection.send({ path: "/.bench/calls" })).body);
    const walks: Walk[] = [];
    const follow = async <Value>(walk: WalkName, step: () => Promise<Value>): Promise<Value> => {
      await calls();
      const value = await step();
      await pause(BEHIND);
      walks.push({ design: design.id, walk, functions: await calls() });
      return value;
    };
    const url = await follow("start", async () => design.login?.start(visitor));
    const back = await bench.provider.confirm(url ?? "", 1);
    const { status, headers, body } = await follow("callback", () => visitor.send({ path: back }));
    assertLoggedIn(design, status, headers.location, body);
    const guarded = await follow("guarded", () => visitor.send({ path: design.guardedPath ?? "" }));
    if (guarded.status !== 200) throw new Error(`${design.guardedPath} answered ${guarded.status}`);
    return walks;
  } finally {
    await connection.close();
    await server.stop();
  }
}

/** The design's Worker with counters of istanbul's in every function of its `src/`. Not minified. */
async function countingBundle(design: Design, folder: string) {
  const worker = resolve(entryOf(design.source));
  mkdirSync(folder, { recursive: true });
  const entry = join(folder, "entry.ts");
  writeFileSync(
    entry,
    `import worker from ${JSON.stringify(worker)};
import { countCalls } from ${JSON.stringify(resolve("bench/workers/count-calls.ts"))};
export * from ${JSON.stringify(worker)};
export default countCalls(worker);
`,
  );
  await build({
    entryPoints: { index: entry },
    outdir: folder,
    bundle: true,
    format: "esm",
    conditions: ["workerd", "worker", "browser"],
    external: ["cloudflare:*", "node:*"],
    loader: { ".client.js": "text" },
    plugins: [countingCalls(dirname(worker))],
    logLevel: "error",
  });
  return { folder, modules: [{ file: "index.js", kind: "esModule" } as const] };
}

/** Puts counters into the files of a folder. */
export function countingCalls(source: string): Plugin {
  return {
    name: "counting-calls",
    setup({ onLoad }) {
      onLoad({ filter: /\.ts$/ }, async ({ path }) => {
        if (!path.startsWith(source)) return undefined;
        const { code } = await transform(readFileSync(path, "utf8"), { loader: "ts", format: "esm" });
        const counter = createInstrumenter({
          esModules: true,
          coverageGlobalScope: "globalThis",
          coverageGlobalScopeFunc: false,
        });
        return {
          contents: counter.instrumentSync(code, path.slice(dirname(source).length + 1)),
          loader: "js",
        };
      });
    },
  };
}
