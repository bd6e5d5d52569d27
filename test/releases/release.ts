import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, brotliDecompressSync, constants } from "node:zlib";
import { build } from "esbuild";

/** A release of the Worker: its code in one file, and the migrations that it needs. */
export interface Release {
  readonly folder: string;
  readonly modules: readonly [{ readonly file: "worker.js"; readonly kind: "esModule" }];
  /** Names of files in `migrations/`. */
  readonly migrations: readonly string[];
}

const MODULES: Release["modules"] = [{ file: "worker.js", kind: "esModule" }];

/** Builds the Worker of a source tree. @param folder where its code goes */
export async function buildRelease(tree: string, folder: string): Promise<Release> {
  mkdirSync(folder, { recursive: true });
  await build({
    entryPoints: [join(tree, "src/index.ts")],
    outfile: join(folder, "worker.js"),
    bundle: true,
    minify: true,
    format: "esm",
    conditions: ["workerd", "worker", "browser"],
    external: ["cloudflare:*", "node:*"],
    loader: { ".client.js": "text" },
    logLevel: "error",
  });
  const migrations = readdirSync(join(tree, "migrations")).filter((name) => name.endsWith(".sql"));
  return { folder, modules: MODULES, migrations: migrations.sort() };
}

/** Where released Workers are kept, by their names. */
const KEPT = import.meta.dirname;

/** Keeps a release beside the tests, so that what it stored, sealed and signed is made by itself when it is needed. */
export function keepRelease(name: string, { folder, migrations }: Release): void {
  const place = join(KEPT, name);
  mkdirSync(place, { recursive: true });
  const code = readFileSync(join(folder, "worker.js"));
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: code.length };
  writeFileSync(join(place, "worker.js.br"), brotliCompressSync(code, { params }));
  writeFileSync(join(place, "release.json"), `${JSON.stringify({ migrations }, null, 2)}\n`);
}

/** The names of all releases that are kept, the oldest first. */
export function keptReleases(): readonly string[] {
  return readdirSync(KEPT, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort();
}

/** Unpacks a release that is kept. @param folder where its code goes */
export function unpackRelease(name: string, folder: string): Release {
  mkdirSync(folder, { recursive: true });
  const code = brotliDecompressSync(readFileSync(join(KEPT, name, "worker.js.br")));
  writeFileSync(join(folder, "worker.js"), code);
  const { migrations } = JSON.parse(readFileSync(join(KEPT, name, "release.json"), "utf8"));
  return { folder, modules: MODULES, migrations };
}
