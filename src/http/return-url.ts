import { logEvent } from "../log.ts";
import type { Settings } from "../settings.ts";
import { isPlainPath, readPath } from "./request-path.ts";

/** Longer addresses are refused, not cut. In characters. */
const LENGTH_LIMIT = 2_000;

const holdsUnsafe = (text: string): boolean =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  /[\u0000-\u001f\u007f\\]/.test(text);

/**
 * Where a login may end: a path of the site, or an address on an allowed origin. Anything doubtful is `/`.
 *
 * Browsers and servers disagree about `\`, `//`, tabs and encoded slashes at the start of a path, and an open
 * redirect behind a login is a phishing tool (RFC 9700 section 4.11), so doubt is enough to refuse.
 * @param wanted what the visitor asked for, decoded once by the query parser.
 * @returns a path beginning with one `/`, or an absolute URL on one of RETURN_TO_ORIGINS.
 */
export function safeReturnUrl({ site, login }: Settings, wanted: string | undefined): string {
  if (!wanted || wanted.length > LENGTH_LIMIT || holdsUnsafe(wanted)) return "/";
  // Nearly every one, found without a parser.
  if (isPlainPath(wanted)) return isPlaceAs(wanted, site.authPath) ? wanted : "/";
  const isPath = wanted.startsWith("/");
  const url = URL.parse(wanted, isPath ? site.origin : undefined);
  // `blob:https://site.example/1` has the origin of the site and leads elsewhere.
  if (url === null || !/^https?:$/.test(url.protocol)) return "/";
  if (url.username !== "" || url.password !== "" || !isSafePath(url.pathname)) return "/";
  const isOwn = url.origin === site.origin;
  if (!isOwn && (isPath || !login.returnToOrigins.has(url.origin))) return "/";
  if (!isPlace(url.pathname, site.authPath)) return "/";
  return isOwn ? url.pathname + url.search + url.hash : url.href;
}

/**
 * An address of the site as {@link safeReturnUrl} takes it, for a login that the worker itself asks for. Where it is
 * too long, the page without its query; where that is, too, the nearest folder above it.
 * @param address path and query.
 */
export function fittedReturnUrl({ origin }: Pick<Settings["site"], "origin">, address: string): string {
  if (address.length <= LENGTH_LIMIT) return address;
  logEvent("info", "return_url_shortened", origin, { length: address.length });
  const [path = "/"] = address.split("?", 1);
  return path.length <= LENGTH_LIMIT ? path : path.slice(0, path.lastIndexOf("/", LENGTH_LIMIT - 1) + 1);
}

/** However often it is decoded, the path must not turn into another host's. */
function isSafePath(path: string): boolean {
  let decoded = path;
  for (let round = 0; round < 4; round += 1) {
    if (/^\/[/@]/.test(decoded) || holdsUnsafe(decoded)) return false;
    const next = decodePercents(decoded);
    if (next === decoded) return true;
    decoded = next;
  }
  return false;
}

/** Decodes what can be decoded and leaves a stray `%` alone, as servers do. */
function decodePercents(text: string): string {
  return text.replace(/(?:%[0-9a-f]{2})+/gi, (encoded) => {
    try {
      return decodeURIComponent(encoded);
    } catch {
      return encoded
        .replace(/%5c/gi, "\\")
        .replace(/%2f/gi, "/")
        .replace(/%(0[0-9a-f]|1[0-9a-f]|7f)/gi, "\u0000");
    }
  });
}

/** What of the worker's own routes is a page that somebody may want to come back to. */
const isOwnPage = (path: string): boolean =>
  /^(?:me(?:\/download)?|sessions|logged-out|support(?:\/log|\/accounts\/[^/]+(?:\/erase)?|\/requests\/[^/]+)?)$/.test(
    path,
  );

/**
 * Whether a path is a place to be, in every way in which it can be read. A step of a login is none: it would go
 * round in circles, lead from one login into the next, or end on an error page. Neither is what only forms and
 * scripts ask for.
 */
function isPlace(pathname: string, authPath: string): boolean {
  const read = readPath(pathname);
  // Nobody can be sure of it; nothing of the worker's is called so.
  if (read === undefined) return !pathname.toLowerCase().startsWith(authPath.toLowerCase());
  return [...read.readings].every((reading) => isPlaceAs(reading, authPath));
}

/** The same for one way in which it can be read. */
function isPlaceAs(reading: string, authPath: string): boolean {
  const path = reading.toLowerCase();
  const own = `${authPath.toLowerCase()}/`;
  return !`${path}/`.startsWith(own) || isOwnPage(path.slice(own.length).replace(/\/$/, ""));
}
