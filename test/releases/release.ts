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
  /** Its code that writes the document of a further site, as the command line of that time does. */
  readonly siteWriter: string;
}

/** What a release's {@link Release.siteWriter} gives. */
export interface SiteWriter {
  readMasterKeys(text: string): object | undefined;
  writeSiteDocument(
    keys: object,
    host: string,
    values: Readonly<Record<string, string>>,
    version: number,
  ): Promise<unknown>;
}

const MODULES: Release["modules"] = [{ file: "worker.js", kind: "esModule" }];
const SITE_WRITER = "site-writer.mjs";

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
  await build({
    stdin: {
      contents: `export { writeSiteDocument } from "./src/sites/site-document.ts";
        export { readMasterKeys } from "./src/sites/master-keys.ts";`,
      resolveDir: tree,
    },
    outfile: join(folder, SITE_WRITER),
    bundle: true,
    minify: true,
    format: "esm",
    logLevel: "error",
  });
  const migrations = readdirSync(join(tree, "migrations")).filter((name) => name.endsWith(".sql"));
  return {
    folder,
    modules: MODULES,
    migrations: migrations.sort(),
    siteWriter: join(folder, SITE_WRITER),
  };
}

/** Where released Workers are kept, by their names. */
const KEPT = import.meta.dirname;

/** Keeps a release beside the tests, so that what it stored, sealed and signed is made by itself when it is needed. */
export function keepRelease(name: string, { folder, migrations }: Release): void {
  const place = join(KEPT, name);
  mkdirSync(place, { recursive: true });
  for (const file of ["worker.js", SITE_WRITER]) {
    const code = readFileSync(join(folder, file));
    const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: code.length };
    writeFileSync(join(place, `${file}.br`), brotliCompressSync(code, { params }));
  }
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
  for (const file of ["worker.js", SITE_WRITER])
    writeFileSync(join(folder, file), brotliDecompressSync(readFileSync(join(KEPT, name, `${file}.br`))));
  const { migrations } = JSON.parse(readFileSync(join(KEPT, name, "release.json"), "utf8"));
  return { folder, modules: MODULES, migrations, siteWriter: join(folder, SITE_WRITER) };
}
