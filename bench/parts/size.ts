import { comparedWith, OURS_D1 } from "../designs/designs.ts";
import type { Bench } from "./part.ts";

export interface Size {
  readonly design: string;
  /** Bytes, minified. */
  readonly minified: number;
  /** Bytes, minified and compressed. */
  readonly gzip: number;
}

/** How much of this project's bundle is whose. */
export interface BundlePart {
  readonly name: string;
  /** Bytes in the minified bundle. */
  readonly bytes: number;
}

export interface SizeFigures {
  readonly sizes: readonly Size[];
  readonly parts: readonly BundlePart[];
}

/** Measures the bundles that wrangler would upload. */
export async function measureSizes(bench: Bench): Promise<SizeFigures> {
  const sizes: Size[] = [];
  for (const design of comparedWith(bench.earlier)) {
    const { minified, gzip } = await bench.bundleOf(design);
    sizes.push({ design: design.id, minified, gzip });
  }
  const { inputs } = await bench.bundleOf(OURS_D1);
  return { sizes, parts: bundleParts(inputs) };
}

/**
 * Adds up the bytes of a bundle by package, and by room of `src/`.
 * @param inputs bytes by input file, paths as esbuild gives them
 * @returns the largest part first
 */
export function bundleParts(inputs: Readonly<Record<string, number>>): readonly BundlePart[] {
  const bytes = new Map<string, number>();
  for (const [file, size] of Object.entries(inputs)) {
    const part = partOf(file);
    bytes.set(part, (bytes.get(part) ?? 0) + size);
  }
  return [...bytes]
    .map(([name, size]) => ({ name, bytes: size }))
    .filter((part) => part.bytes > 0)
    .sort((a, b) => b.bytes - a.bytes);
}

function partOf(file: string): string {
  const dependency = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1];
  if (dependency !== undefined) return dependency;
  if (/(^|\/)src\/pages\/texts\//.test(file)) return "texts in five languages";
  const room = /(^|\/)src\/([^/]+)\//.exec(file)?.[2];
  return room === undefined ? "src/ (app, settings, failures)" : `src/${room}/`;
}
