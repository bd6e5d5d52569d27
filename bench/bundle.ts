import { execFile } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import type { Source } from "./designs/design.ts";
import { COMPATIBILITY_DATE } from "./workerd/config.ts";

/** A production bundle: what `wrangler deploy` would upload. */
export interface Bundle {
  readonly folder: string;
  /** The entry first. */
  readonly modules: readonly { readonly file: string; readonly kind: "esModule" | "text" }[];
  /** Bytes of all modules. */
  readonly minified: number;
  /** Bytes of all modules, compressed one by one as wrangler counts them. */
  readonly gzip: number;
  /** Bytes of the output by input file, as esbuild says. */
  readonly inputs: Readonly<Record<string, number>>;
}

interface Metafile {
  readonly outputs: Readonly<
    Record<string, { readonly inputs: Readonly<Record<string, { readonly bytesInOutput: number }>> }>
  >;
}

const ENVIRONMENT = {
  WRANGLER_SEND_METRICS: "false",
  CLOUDFLARE_CF_FETCH_ENABLED: "false",
  WRANGLER_HIDE_BANNER: "true",
  WRANGLER_WRITE_LOGS: "false",
};

/**
 * Bundles with `wrangler deploy --dry-run --minify`, this project and other revisions of it with their own wrangler.toml.
 * @param folder where the bundle goes; made if it is not there
 * @throws Error with what wrangler wrote when it does not build
 */
export async function bundle(
  source: Source,
  folder: string,
  compatibilityFlags: readonly string[],
): Promise<Bundle> {
  mkdirSync(folder, { recursive: true });
  const metafile = join(folder, "metafile.json");
  const outdir = join(folder, "bundle");
  const config = configFile(source, folder);
  if (source !== "this project" && "entry" in source) {
    const main = resolve(source.entry);
    writeFileSync(
      config,
      JSON.stringify({
        name: "bench",
        main,
        compatibility_date: COMPATIBILITY_DATE,
        compatibility_flags: compatibilityFlags,
      }),
    );
  }
  const args = ["deploy", "--dry-run", "--minify", "--config", config, "--outdir", outdir];
  await promisify(execFile)(
    process.execPath,
    ["node_modules/wrangler/bin/wrangler.js", ...args, "--metafile", metafile],
    { env: { ...process.env, ...ENVIRONMENT }, timeout: 120_000 },
  );
  const entry = readdirSync(outdir).find((file) => file.endsWith(".js") && !file.endsWith(".client.js"));
  if (entry === undefined) throw new Error(`wrangler built nothing in ${outdir}`);
  const texts = readdirSync(outdir).filter((file) => file.endsWith(".client.js"));
  const contents = [entry, ...texts].map((file) => readFileSync(join(outdir, file)));
  return {
    folder: outdir,
    modules: [{ file: entry, kind: "esModule" }, ...texts.map((file) => ({ file, kind: "text" }) as const)],
    minified: sum(contents.map((content) => content.length)),
    gzip: sum(contents.map((content) => gzipSync(content).length)),
    inputs: bytesByInput(JSON.parse(readFileSync(metafile, "utf8"))),
  };
}

function configFile(source: Source, folder: string): string {
  if (source === "this project") return "wrangler.toml";
  return "project" in source ? join(source.project, "wrangler.toml") : join(folder, "wrangler.json");
}

function bytesByInput({ outputs }: Metafile): Record<string, number> {
  const bytes: Record<string, number> = {};
  for (const { inputs } of Object.values(outputs)) {
    for (const [file, { bytesInOutput }] of Object.entries(inputs))
      bytes[file] = (bytes[file] ?? 0) + bytesInOutput;
  }
  return bytes;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
