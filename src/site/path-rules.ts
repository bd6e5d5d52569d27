import { mergeSlashes, type RequestPath } from "../http/request-path.ts";
import type { SiteSettings } from "../settings-types.ts";

/** PROTECTED_PATHS, made ready to be compared with many paths. */
interface PathRules {
  readonly protect: readonly ProtectedPattern[];
  /** Patterns of what stays open all the same. */
  readonly except: readonly string[];
}

interface ProtectedPattern {
  readonly pattern: string;
  /** The address under which a web server shows the same page. */
  readonly page: string;
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
      (rule) => covers(rule.pattern, path) || covers(rule.pattern, page) || matches(rule.page, page),
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
        return { pattern, page: pageOf(pattern) };
      }),
    except: patterns.filter(isException).map((text) => mergeSlashes(decodeURIComponent(text.slice(1)))),
  };
  rulesOf.set(patterns, rules);
  return rules;
}

/** The pattern's own path or anything below it. */
function covers(pattern: string, path: string): boolean {
  return matches(pattern, path) || matches(`${pattern}/*`, path);
}

/**
 * Compares with `*` for any characters, slashes included. Goes back to the last `*` only, so the time is at
 * most the product of both lengths, whatever a visitor asks for.
 */
function matches(pattern: string, path: string): boolean {
  let at = 0;
  let inPattern = 0;
  let star = -1;
  let resume = 0;
  while (at < path.length) {
    if (pattern[inPattern] === "*") {
      star = inPattern;
      resume = at;
      inPattern += 1;
    } else if (pattern[inPattern] === path[at]) {
      inPattern += 1;
      at += 1;
    } else if (star >= 0) {
      inPattern = star + 1;
      resume += 1;
      at = resume;
    } else return false;
  }
  return /^\**$/.test(pattern.slice(inPattern));
}

/** As a file system that knows no case, and Windows, which ignores dots and spaces at the end, sees it. */
function folded(path: string): string {
  return mergeSlashes(path.toLowerCase().replace(/[. ]+(?=\/|$)/g, ""));
}

/** `/a/`, `/a.html`, `/a/index` and `/a/index.html` are one page to Cloudflare's static assets, and to many origins. */
function pageOf(path: string): string {
  return path.replace(/\/$/, "").replace(/\/(?:index|default)(?:\.[a-z0-9]+)?$|\.html?$/, "");
}
