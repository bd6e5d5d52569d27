import { mergeSlashes, type RequestPath } from "../http/request-path.ts";
import type { SiteSettings } from "../settings/types.ts";

/** PROTECTED_PATHS, made ready to be compared with many paths. */
interface PathRules {
  readonly protect: readonly ProtectedPattern[];
  /** Patterns of what stays open all the same. */
  readonly except: readonly Pattern[];
}

interface ProtectedPattern {
  /** The pattern's own path, and everything below it. */
  readonly own: Pattern;
  readonly below: Pattern;
  /** The address under which a web server shows the same page. */
  readonly page: Pattern;
}

/** A pattern cut at each `*`: what a path must begin with, what must follow somewhere, and what it must end with. */
interface Pattern {
  readonly first: string;
  readonly between: readonly string[];
  /** `undefined` for a pattern without a `*`. */
  readonly last: string | undefined;
}

const rulesOf = new WeakMap<readonly string[], PathRules>();

/**
 * Whether a path needs a session. What is protected is read broadly: in every reading of the path, without
 * regard to case, the page in all its forms and everything below it. What is excepted is read narrowly: every
 * reading must match it literally.
 */
export function needsSession({ protectedPaths }: SiteSettings, { readings }: RequestPath): boolean {
  if (protectedPaths.length === 0) return false;
  const { protect, except } = compiled(protectedPaths);
  const isProtected = [...readings].some((reading) => {
    const path = folded(reading);
    const page = pageOf(path);
    return protect.some(
      (rule) => covers(rule, path) || (page !== path && covers(rule, page)) || matches(rule.page, page),
    );
  });
  return (
    isProtected && ![...readings].every((reading) => except.some((pattern) => matches(pattern, reading)))
  );
}

function compiled(patterns: readonly string[]): PathRules {
  const known = rulesOf.get(patterns);
  if (known !== undefined) return known;
  const isException = (pattern: string) => pattern.startsWith("!");
  const rules: PathRules = {
    protect: patterns
      .filter((pattern) => !isException(pattern))
      .map((text) => {
        const pattern = folded(decodeURIComponent(text).normalize("NFKC")).replace(/\/\*?$/, "");
        return { own: cut(pattern), below: cut(`${pattern}/*`), page: cut(pageOf(pattern)) };
      }),
    except: patterns.filter(isException).map((text) => cut(mergeSlashes(decodeURIComponent(text.slice(1))))),
  };
  rulesOf.set(patterns, rules);
  return rules;
}

function cut(pattern: string): Pattern {
  const [first = "", ...rest] = pattern.split("*");
  return { first, between: rest.slice(0, -1).filter((piece) => piece !== ""), last: rest.at(-1) };
}

/** The pattern's own path or anything below it. */
function covers({ own, below }: ProtectedPattern, path: string): boolean {
  return matches(own, path) || matches(below, path);
}

/**
 * Compares with `*` for any characters, slashes included. Each piece is taken where it is first found, which leaves
 * the most for those that follow: the path is gone through once, whatever a visitor asks for.
 */
function matches({ first, between, last }: Pattern, path: string): boolean {
  if (last === undefined) return path === first;
  if (!path.startsWith(first)) return false;
  let at = first.length;
  for (const piece of between) {
    const found = path.indexOf(piece, at);
    if (found < 0) return false;
    at = found + piece.length;
  }
  return path.length - last.length >= at && path.endsWith(last);
}

/** As a file system that knows no case, and Windows, which ignores dots and spaces at the end, sees it. */
function folded(path: string): string {
  return mergeSlashes(withoutEndings(path.toLowerCase()));
}

/** Without the dots and spaces at the end of each segment. */
function withoutEndings(path: string): string {
  if (!/[. ](?:\/|$)/.test(path)) return path;
  return path.split("/").map(withoutEnding).join("/");
}

function withoutEnding(segment: string): string {
  let end = segment.length;
  while (segment[end - 1] === "." || segment[end - 1] === " ") end -= 1;
  return segment.slice(0, end);
}

/** `/a/`, `/a.html`, `/a/index` and `/a/index.html` are one page to Cloudflare's static assets, and to many origins. */
function pageOf(path: string): string {
  return path.replace(/\/$/, "").replace(/\/(?:index|default)(?:\.[a-z0-9]+)?$|\.html?$/, "");
}
