import { NATIVE_EXEC, stepThrough } from "./regexp-steps.ts";

/**
 * Work as it is counted here: turns of loops and calls of functions in the code under test (which
 * `counted-modules.ts` has made to report them), steps of regular expressions, and characters that the string
 * methods of the platform look at. No clock is read, so every run counts the same.
 */
let work = 0;
let isCounting = false;

/** Called by the code under test at each turn of a loop and each call of a function. */
export function countTurn(): void {
  work += 1;
}

/** What the counting itself does, and what of Node stands in for workerd, is not work of the code under test. */
function uncounted<Value>(count: () => Value): Value {
  isCounting = false;
  try {
    return count();
  } finally {
    isCounting = true;
  }
}

/** How many characters a search looks at. */
const searched = (length: number, from: number, found: number) =>
  found < 0 ? length - from : found - from + 1;

type Method = (this: string, ...args: never[]) => unknown;
type Cost = (text: string, args: readonly unknown[], result: unknown) => number;

const wholeText: Cost = (text) => text.length;
const wholeResult: Cost = (_text, _args, result) => String(result).length;
const wholeArgument: Cost = (_text, [wanted]) => String(wanted).length;
const cutOff: Cost = (text, _args, result) => text.length - String(result).length;

/** What a string method costs, by its receiver, its arguments and its result. */
const COSTS: Readonly<Record<string, Cost>> = {
  indexOf: (text, [, from = 0], found) => searched(text.length, Number(from), Number(found)),
  includes: (text, [wanted, from = 0]) =>
    searched(text.length, Number(from), text.indexOf(String(wanted), Number(from))),
  lastIndexOf: wholeText,
  startsWith: wholeArgument,
  endsWith: wholeArgument,
  split: wholeText,
  trim: cutOff,
  trimStart: cutOff,
  trimEnd: cutOff,
  toLowerCase: wholeText,
  toUpperCase: wholeText,
  toWellFormed: wholeText,
  replaceAll: wholeText,
  padStart: wholeResult,
  repeat: wholeResult,
  // Sorting the marks behind a letter into their order takes up to a quarter of the square of their number.
  normalize: (text) => text.length + marksSorted(text),
};

function marksSorted(text: string): number {
  return text.match(/\p{M}+/gu)?.reduce((cost, { length }) => cost + length ** 2 / 4, 0) ?? 0;
}

/** A regular expression and text on which the steps counted here and the platform disagree: a fault of the counting. */
class CountingError extends Error {}

function countedExec(this: RegExp, given: string): RegExpExecArray | null {
  if (!isCounting) return NATIVE_EXEC.call(this, given);
  const text = String(given);
  const from = this.global || this.sticky ? this.lastIndex : 0;
  const result = NATIVE_EXEC.call(this, text);
  if (from > text.length) return result;
  const stepped = uncounted(() => stepThrough(this, text, from));
  work += stepped.steps;
  const at = result === null ? undefined : [result.index, result.index + result[0].length];
  if (!stepped.gaveUp && String(stepped.at) !== String(at))
    throw new CountingError(`${this} on ${JSON.stringify(text.slice(0, 200))}: ${at}, not ${stepped.at}`);
  return result;
}

/** Puts counting methods in the place of the platform's, once: they do what they did, and count while it is asked for. */
function installCounting(): void {
  RegExp.prototype.exec = countedExec;
  for (const [name, cost] of Object.entries(COSTS)) {
    const native: Method = Reflect.get(String.prototype, name);
    const counted: Method = function (...args) {
      const result = native.apply(this, args);
      if (isCounting) work += uncounted(() => cost(String(this), args, result));
      return result;
    };
    Object.defineProperty(String.prototype, name, { value: counted, writable: true, configurable: true });
  }
  const { decodeURIComponent: decode, URLSearchParams: Parameters } = globalThis;
  globalThis.decodeURIComponent = (encoded) => {
    if (isCounting) work += encoded.length;
    return decode(encoded);
  };
  const parametersOf = Object.getOwnPropertyDescriptor(URL.prototype, "searchParams")?.get;
  Object.defineProperty(URL.prototype, "searchParams", {
    get(this: URL) {
      if (!isCounting) return parametersOf?.call(this);
      work += this.search.length;
      return uncounted(() => parametersOf?.call(this));
    },
    configurable: true,
  });
  // Node's is JavaScript, and not the one of workerd, which goes over a query once.
  globalThis.URLSearchParams = new Proxy(Parameters, {
    construct(target, args, newTarget) {
      if (!isCounting) return Reflect.construct(target, args, newTarget);
      work += String(args[0] ?? "").length;
      return uncounted(() => Reflect.construct(target, args, newTarget));
    },
  });
}

let isInstalled = false;

/** How much work something is, in turns, steps and characters. What it throws is its answer, too. */
export async function workOf(read: () => unknown): Promise<number> {
  if (!isInstalled) installCounting();
  isInstalled = true;
  work = 0;
  isCounting = true;
  try {
    await read();
  } catch (error) {
    if (error instanceof CountingError) throw error;
  } finally {
    isCounting = false;
  }
  return work;
}
