import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { build } from "esbuild";
import type { Bundle } from "./bundle.ts";
import type { Design, Source } from "./designs/design.ts";
import { type Connection, openConnection } from "./load/connection.ts";
import { type Surroundings, startDesign } from "./running-design.ts";
import type { Server } from "./workerd/server.ts";

/** A design within the instrument of `bench/workers/instrument.ts`. */
export type Instrumented = Pick<Bundle, "folder" | "modules">;

/**
 * Lets a design answer within the instrument.
 * @param folder two processes with the same one share what is stored
 */
export function instrumentedServer(
  surroundings: Surroundings,
  design: Design,
  bundle: Instrumented,
  folder: string,
): Promise<Server> {
  const { durableObjects, kv, d1 } = design.bindings;
  const BENCH_BINDINGS = JSON.stringify({
    kv: kv === undefined ? [] : [kv],
    d1: d1 === undefined ? [] : [d1.name],
    durableObjects: Object.keys(durableObjects),
  });
  const watched: Design = {
    ...design,
    vars: (provider) => ({ ...design.vars(provider), BENCH_BINDINGS }),
    // The instrument tells by it who asks.
    compatibilityFlags: [...design.compatibilityFlags, "nodejs_als"],
  };
  return startDesign(watched, bundle, surroundings, folder);
}

/** Lets a design answer from a fresh isolate, with whatever the isolates before it have stored. */
export async function withIsolate<Result>(
  surroundings: Surroundings,
  design: Design,
  bundle: Instrumented,
  work: (connection: Connection) => Promise<Result>,
): Promise<Result> {
  // One folder for all isolates of a design: what one has stored, the next one finds.
  const folder = join(surroundings.folder, `steps-${design.id}`);
  const server = await instrumentedServer(surroundings, design, bundle, folder);
  const connection = openConnection(server.port);
  try {
    return await work(connection);
  } finally {
    await connection.close();
    await server.stop();
  }
}

/** The file that exports a design's Worker. */
export function entryOf(source: Source): string {
  if (source === "this project") return "src/index.ts";
  return "project" in source ? join(source.project, "src/index.ts") : source.entry;
}

/** The design's Worker within the instrument. Not minified: its time is not what is measured. */
export async function instrumented(design: Design, folder: string): Promise<Instrumented> {
  const outdir = join(folder, "instrumented", design.id);
  const measured = entryOf(design.source);
  const entry = join(folder, `instrumented-${design.id}.ts`);
  writeFileSync(
    entry,
    `import worker from ${JSON.stringify(resolve(measured))};
import * as measured from ${JSON.stringify(resolve(measured))};
import { instrument, instrumentObject } from ${JSON.stringify(resolve("bench/workers/instrument.ts"))};
${Object.values(design.bindings.durableObjects)
  .map((name) => `export const ${name} = instrumentObject(measured.${name});`)
  .join("\n")}
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
