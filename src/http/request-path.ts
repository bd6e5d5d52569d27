/** A request's path in the one form by which it is decided on and forwarded. */
export interface RequestPath {
  /** Percent-encoded, beginning with one `/`, without dot segments and empty segments. */
  readonly path: string;
  /**
   * The same path decoded, in every way in which some server reads it: with encoded slashes as text and as
   * slashes, with and without `;parameters`, cut at an encoded `?` or `#`, decoded twice, with compatibility
   * characters replaced. An ordinary path has one reading.
   */
  readonly readings: ReadonlySet<string>;
}

/** A path with more readings than this is an attack on somebody's decoder, not an address. */
const READING_LIMIT = 32;

/** Nothing in it can be read in two ways: ASCII letters and digits, and no segment that begins with a dot. */
const PLAIN_PATH = /^(?:\/[\w~-][\w.~-]*)*\/?$/;
/** The same, as the path of a whole URL. */
const PLAIN_URL = /^https?:\/\/[\w.:[\]-]+((?:\/[\w~-][\w.~-]*)*\/?)(?:[?#]|$)/;

/**
 * The path of a URL in which nothing can be read in two ways, found without a parser: nearly every request's.
 * @returns `undefined` for every other URL.
 */
export function plainPathname(url: string): string | undefined {
  return PLAIN_URL.exec(url)?.[1] || undefined;
}

/** What different servers do to a path on top of decoding it once. */
const WAYS_OF_READING: readonly ((path: string) => string)[] = [
  (path) => decoded(path, /(?:%[0-9a-f]{2})+/gi),
  // Servlet containers drop path parameters: RFC 3986 section 3.3.
  (path) => path.replace(/;[^/]*/g, ""),
  (path) => path.replace(/[?#].*$/s, ""),
  (path) => path.normalize("NFKC"),
];

/** Dot segments that a decoder uncovered, also with the trailing dots and spaces that Windows ignores. */
const DOT_SEGMENT = /(^|\/)[. ]*\.[. ]*(\/|$)/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const UNSAFE_CHARACTER = /[\u0000-\u001f\u007f\\]/;

/**
 * Brings a path into its canonical form: unreserved characters decoded, the other percent signs in upper case
 * (RFC 3986 section 6.2.2), runs of slashes merged. The URL parser has removed the dot segments by then.
 * @param pathname of a parsed URL, so with dot segments and backslashes already resolved.
 * @returns `undefined` where no one can be sure what another server makes of it: a stray `%`, bytes that are
 *   not UTF-8, control characters, backslashes, or dot segments behind another layer of encoding.
 */
export function readPath(pathname: string): RequestPath | undefined {
  if (PLAIN_PATH.test(pathname)) return { path: pathname, readings: new Set([pathname]) };
  if (/%(?![0-9a-f]{2})/i.test(pathname) || !isUtf8(pathname)) return undefined;
  const path = mergeSlashes(
    pathname.replace(/%[0-9a-f]{2}/gi, (encoded) => {
      const character = String.fromCharCode(Number.parseInt(encoded.slice(1), 16));
      return /[\w.~-]/.test(character) ? character : encoded.toUpperCase();
    }),
  );
  const readings = new Set([decoded(path, /(?:%(?!2F|25)[0-9A-F]{2})+/g)]);
  // A Set hands out what is added to it on the way, so every reading is read in every way in turn.
  for (const reading of readings) {
    if (UNSAFE_CHARACTER.test(reading) || DOT_SEGMENT.test(reading)) return undefined;
    for (const readAgain of WAYS_OF_READING) readings.add(mergeSlashes(readAgain(reading)));
    if (readings.size > READING_LIMIT) return undefined;
  }
  return { path, readings };
}

/** Where another request goes, told by its address alone. */
export function mergeSlashes(path: string): string {
  return path.replace(/\/{2,}/g, "/");
}

function isUtf8(encoded: string): boolean {
  try {
    decodeURIComponent(encoded);
    return true;
  } catch {
    return false;
  }
}

/** Decodes the runs of percent-encoded bytes that a pattern finds; what is not UTF-8 stays as it is. */
function decoded(path: string, runs: RegExp): string {
  return path.replace(runs, (run) => {
    try {
      return decodeURIComponent(run);
    } catch {
      return run;
    }
  });
}
