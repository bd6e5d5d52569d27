import { beforeAll, describe, expect, test } from "vitest";
import { freshSessionKeys } from "../../cli/dev-vars.mjs";
import { loadCounted } from "../growth/counted-modules.ts";
import { countTurn, workOf } from "../growth/counted-work.ts";
import { hostileShapes, type Shape } from "../growth/hostile-shapes.ts";

/**
 * R28: the work of every reader grows at most linearly with what it reads. Counted in turns of loops, steps of
 * regular expressions and characters looked at, at three lengths, each twice the one before.
 */

type Reader = (text: string) => unknown;

interface Readers {
  readonly siteEnvironment: (sessionKeys: string) => object;
  readonly singleReaders: (env: object) => Readonly<Record<string, Reader>>;
  readonly requestReaders: (env: object, token: string) => Readonly<Record<string, Reader>>;
}

const LENGTHS = [200, 400, 800];

/** Twice the length is twice the work; four times would be a square. What begins on the way adds a little. */
const FACTOR = 3.1;
/** Work that is too little to matter, a character: whatever goes over a text a few dozen times. */
const LITTLE = 40;

let single: Readonly<Record<string, Reader>>;
let requests: Readonly<Record<string, Reader>>;

/** The names are known only when the code is loaded. */
beforeAll(async () => {
  const readers = await loadCounted<Readers>('export * from "./test/conformance/readers.ts";', countTurn);
  const env = readers.siteEnvironment(freshSessionKeys());
  single = readers.singleReaders(env);
  requests = readers.requestReaders(env, `a.b.${"c".repeat(85)}A`);
});

/** The work at three lengths where it grows too fast from one to the next. */
async function fastGrowth(
  read: Reader,
  make: Shape["make"],
  lengths: readonly number[],
): Promise<string | undefined> {
  const [short = "", middle = "", long = ""] = lengths.map(make);
  const far = await workOf(() => read(long));
  if (far <= LITTLE * long.length) return undefined;
  const near = await workOf(() => read(short));
  const half = await workOf(() => read(middle));
  // What is the same at every length falls out of the differences.
  const grows = far > 1.5 * Math.max(near, half);
  const isTooFast = grows && far - half > FACTOR * Math.max(half - near, LITTLE * short.length);
  return isTooFast ? `${near}, ${half}, ${far}` : undefined;
}

/** The shapes on which a reader's work grows too fast, with the work at each length. Stops at the third. */
async function tooFast(read: Reader, shapes: readonly Shape[]): Promise<string[]> {
  const found: string[] = [];
  for (const { name, make } of shapes) {
    const works = await fastGrowth(read, make, LENGTHS);
    if (works === undefined) continue;
    // Work that begins at some length, such as shortening what is too long, is a step: beyond it nothing grows too fast.
    const isStep = (await fastGrowth(read, make, LENGTHS.map(twice))) === undefined;
    if (!isStep) found.push(`${name}: ${works}`);
    if (found.length === 3) break;
  }
  return found;
}

const twice = (length: number) => 2 * length;

/** The same for many readers, by name. */
async function slowOf(
  readers: Readonly<Record<string, Reader>>,
  shapesFor: (reader: number) => readonly Shape[],
) {
  const slow: Record<string, string[]> = {};
  Object.assign(console, { info: silent, warn: silent, error: silent });
  try {
    for (const [index, [name, read]] of Object.entries(readers).entries()) {
      // What is made once, when something is first read, is made by now.
      await workOf(() => read("a"));
      const found = await tooFast(read, shapesFor(index));
      if (found.length > 0) slow[name] = found;
    }
  } finally {
    Object.assign(console, log);
  }
  return slow;
}

const log = { info: console.info, warn: console.warn, error: console.error };
const silent = () => undefined;

describe("R28 the work of reading grows no faster than what is read", () => {
  test("in every reader by itself", async () => {
    expect(await slowOf(single, () => hostileShapes(16, ["", "x"]))).toEqual({});
  }, 400_000);

  test("in whole requests, each with a third of the shapes", async () => {
    const third = (reader: number) => hostileShapes(9, [""]).filter((_, shape) => (shape + reader) % 3 === 0);
    expect(await slowOf(requests, third)).toEqual({});
  }, 400_000);
});

describe("the counting", () => {
  const growsTooFast = async (read: Reader) => (await tooFast(read, hostileShapes(0))).length > 0;

  test.each<[string, Reader]>([
    ["an expression that goes back over a run from each of its characters", (text) => /[ \t]+$/.exec(text)],
    ["an expression within a replacement", (text) => text.replace(/[. ]+(?=\/|$)/g, "")],
    ["two repeats of the same", (text) => /^[. ]*\.[. ]*$/.test(text)],
    ["a search to the end for every part", (text) => text.split("/").map(() => text.indexOf("\u0007"))],
    ["marks that are put in order", (text) => text.normalize("NFC")],
  ])("finds %s", async (_what, read) => {
    expect(await growsTooFast(read)).toBe(true);
  });

  test("finds a loop within a loop, in code that it has made to count", async () => {
    const code =
      "export const read = (t) => { let n = 0; for (const a of t) for (const b of t) n += a === b; return n; };";
    const { read } = await loadCounted<{ read: Reader }>(code, countTurn);
    expect(await growsTooFast(read)).toBe(true);
  });

  test.each<[string, Reader]>([
    [
      "one pass",
      (text) =>
        text
          .replace(/;[^/]*/g, "")
          .split("/")
          .map((part) => part.trim()),
    ],
    ["a fixed number of passes", (text) => [1, 2, 3, 4].map(() => /^(?:\/[\w~-][\w.~-]*)*\/?$/.test(text))],
  ])("lets %s pass", async (_what, read) => {
    expect(await growsTooFast(read)).toBe(false);
  });
});
