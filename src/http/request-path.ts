/** A request's path in the one form by which it is decided on and forwarded. */
export interface RequestPath {
  /** Percent-encoded, beginning with one `/`, without dot segments and empty segments. */
  readonly path: string;
  /**
   * The same path decoded, in every way in which some server reads it: with encoded slashes as text and as
   * slashes, with and without `;parameters`, cut at an encoded `?` or `#`, decoded twice, with compatibility
   * characters replaced, behind the name of a program (`/index.php/page`). An ordinary path has one reading.
   */
  readonly readings: ReadonlySet<string>;
}

/** Longer paths are no page's and are refused before they are read. In characters, which are bytes here. */
const PATH_LIMIT = 8_192;

/** A path with more readings than this is an attack on somebody's decoder, not an address. */
const READING_LIMIT = 32;
/** The same for all readings together, in characters: reading on takes as long for a long path as for a short one. */
const READING_LENGTH_LIMIT = 32_768;

/**
 * Nothing in it can be read in two ways: ASCII letters and digits, no segment that begins with a dot, and none with a
 * dot in it but the last: that may be a program that takes the rest for its own path.
 */
const PLAIN_PATH = /^(?:\/[\w~-]+)*(?:\/[\w~-][\w.~-]*)?\/?$/;
/** The same, as the path of a whole URL. */
const PLAIN_URL = /^https?:\/\/[\w.:[\]-]+((?:\/[\w~-]+)*(?:\/[\w~-][\w.~-]*)?\/?)(?:[?#]|$)/;

/** Whether an address is a path alone, in which nothing can be read in two ways: a parser would give it back as it is. */
export function isPlainPath(address: string): boolean {
  return address.startsWith("/") && PLAIN_PATH.test(address);
}

/** Whether the path of a request's URL, as it was sent, is longer than any page's. */
export function isPathTooLong(url: string): boolean {
  if (url.length <= PATH_LIMIT) return false;
  const start = url.indexOf("/", url.indexOf("//") + 2);
  const end = url.slice(start).search(/[?#]/);
  return (end < 0 ? url.length - start : end) > PATH_LIMIT;
}

/**
 * The path of a URL in which nothing can be read in two ways, found without a parser: nearly every request's.
 * @returns `undefined` for every other URL.
 */
export function plainPathname(url: string): string | undefined {
  return PLAIN_URL.exec(url)?.[1] || undefined;
}

/** The path of a request, as everything that decides by it reads it. */
export interface SitePath extends RequestPath {
  /** Whether the address is canonical as it came. */
  readonly isPlain: boolean;
}

/**
 * Reads the path of a request's URL.
 * @returns `undefined` as {@link readPath} does.
 */
export function readAddress(url: string): SitePath | undefined {
  const plain = plainPathname(url);
  if (plain !== undefined) return { path: plain, readings: new Set([plain]), isPlain: true };
  const read = readPath(new URL(url).pathname);
  return read && { ...read, isPlain: false };
}

/** What different servers do to a path on top of decoding it once. Each looks first whether there is anything to do. */
const WAYS_OF_READING: readonly ((path: string) => string)[] = [
  (path) => (path.includes("%") ? decoded(path, /(?:%[0-9a-f]{2})+/gi) : path),
  // Servlet containers drop path parameters: RFC 3986 section 3.3.
  (path) => (path.includes(";") ? path.replace(/;[^/]*/g, "") : path),
  (path) => path.replace(/[?#].*$/s, ""),
  (path) => (isAscii(path) ? path : path.normalize("NFKC")),
  // Programs get what stands behind their name as the path (CGI, RFC 3875 section 4.1.5), and some leave out what
  // stands before it.
  (path) => path.replace(PROGRAM, ""),
  (path) => path.slice(endOf(PROGRAM.exec(path))),
];

/** The name of a program, such as PHP's front controllers, with more behind it. */
const PROGRAM = /\/[^/]*\.(?:php\d?|phtml|aspx?|ashx|cfm|cgi|jsp|pl|py)(?=\/)/i;

const endOf = (found: RegExpExecArray | null): number => (found === null ? 0 : found.index + found[0].length);

const isAscii = (path: string): boolean => /^\p{ASCII}*$/u.test(path);

/** Dot segments that a decoder uncovered, also with the trailing dots and spaces that Windows ignores. */
const DOT_SEGMENT = /(?:^|\/) *\.[. ]*(?:\/|$)/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const UNSAFE_CHARACTER = /[\u0000-\u001f\u007f\\]/;

/**
 * Combining marks in a row. No language stacks more than a few, and putting a long row into its normal order takes
 * time that grows with the square of its length.
 */
const hasTooManyMarks = (path: string): boolean => /\p{M}{33}/u.test(path);

/**
 * Brings a path into its canonical form: unreserved characters decoded, the other percent signs in upper case
 * (RFC 3986 section 6.2.2), runs of slashes merged. The URL parser has removed the dot segments by then.
 * @param pathname of a parsed URL, so with dot segments and backslashes already resolved.
 * @returns `undefined` where no one can be sure what another server makes of it: a stray `%`, bytes that are
 *   not UTF-8, control characters, backslashes, dot segments behind another layer of encoding, or more ways to read
 *   it than anybody has the time for.
 */
export function readPath(pathname: string): RequestPath | undefined {
  if (PLAIN_PATH.test(pathname)) return { path: pathname, readings: new Set([pathname]) };
  if (pathname.length > PATH_LIMIT) return undefined;
  if (/%(?![0-9a-f]{2})/i.test(pathname) || !isUtf8(pathname)) return undefined;
  const path = mergeSlashes(pathname.replace(/%[0-9a-f]{2}/gi, canonicalByte));
  const readings = new Set([decoded(path, /(?:%(?!2F|25)[0-9A-F]{2})+/g)]);
  let length = 0;
  // A Set hands out what is added to it on the way, so every reading is read in every way in turn.
  for (const reading of readings) {
    length += reading.length;
    if (readings.size > READING_LIMIT) return undefined;
    if (readings.size > 1 && length > READING_LENGTH_LIMIT) return undefined;
    if (UNSAFE_CHARACTER.test(reading) || DOT_SEGMENT.test(reading)) return undefined;
    if (hasTooManyMarks(reading)) return undefined;
    for (const readAgain of WAYS_OF_READING) readings.add(mergeSlashes(readAgain(reading)));
  }
  return { path, readings };
}

/** Where another request goes, told by its address alone. */
export function mergeSlashes(path: string): string {
  return path.includes("//") ? path.replace(/\/{2,}/g, "/") : path;
}

/** How a percent-encoded byte is spelled in the canonical form; there are few, and each is worked out once. */
function canonicalByte(encoded: string): string {
  const known = CANONICAL_BYTES.get(encoded);
  if (known !== undefined) return known;
  const character = String.fromCharCode(Number.parseInt(encoded.slice(1), 16));
  const canonical = /[\w.~-]/.test(character) ? character : encoded.toUpperCase();
  CANONICAL_BYTES.set(encoded, canonical);
  return canonical;
}

const CANONICAL_BYTES = new Map<string, string>();

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
