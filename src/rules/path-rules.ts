import { mergeSlashes, type RequestPath } from "../http/request-path.ts";
import type { SiteSettings } from "../settings/types.ts";
import { distinct, type Requirement, readRequirement } from "./requirement.ts";

/** PROTECTED_PATHS, made ready to be compared with many paths. */
interface PathRules {
  readonly protect: readonly ProtectedPattern[];
  /** Patterns of what stays open all the same. */
  readonly except: readonly Pattern[];
  /** Whether any of them asks for more than a session. */
  readonly asksForMore: boolean;
}

interface ProtectedPattern {
  /** As it is written, with its requirements. */
  readonly rule: string;
  /** The pattern's own path, and everything below it. */
  readonly own: Pattern;
  readonly below: Pattern;
  /** The address under which a web server shows the same page. */
  readonly page: Pattern;
  readonly requires: readonly Requirement[];
}

/** A pattern cut at each `*`: what a path must begin with, what must follow somewhere, and what it must end with. */
interface Pattern {
  readonly first: string;
  readonly between: readonly string[];
  /** `undefined` for a pattern without a `*`. */
  readonly last: string | undefined;
}

type ProtectedSite = Pick<SiteSettings, "protectedPaths">;

const rulesOf = new WeakMap<readonly string[], PathRules>();

/** Whether a path needs a session. */
export function needsSession(site: ProtectedSite, path: RequestPath): boolean {
  return requirementsOf(site, path) !== undefined;
}

/**
 * What a path asks of a session: `undefined` where it needs none, nothing where any will do. What is protected is
 * read broadly: in every reading of the path, without regard to case, the page in all its forms and everything below
 * it; of all patterns that fit, the requirements of each hold. What is excepted is read narrowly: every reading must
 * match it literally.
 */
export function requirementsOf(
  { protectedPaths }: ProtectedSite,
  { readings }: RequestPath,
): readonly Requirement[] | undefined {
  if (protectedPaths.length === 0) return undefined;
  const rules = compiled(protectedPaths);
  if (!rules.asksForMore) {
    const isProtected = [...readings].some((reading) => {
      const fits = fitting(reading);
      return rules.protect.some(fits);
    });
    return isProtected && !isExcepted(rules, readings) ? ANY_SESSION : undefined;
  }
  const found = protecting(rules, readings);
  if (found.length === 0 || isExcepted(rules, readings)) return undefined;
  return distinct(found.flatMap(({ requires }) => requires));
}

const ANY_SESSION: readonly Requirement[] = [];

/** Whether any path asks for more than a session. */
export function asksForMore({ protectedPaths }: ProtectedSite): boolean {
  return compiled(protectedPaths).asksForMore;
}

/** Which rules of PROTECTED_PATHS, as they are written, bear on a path, and which of its exceptions. */
export function rulesFor(
  { protectedPaths }: ProtectedSite,
  { readings }: RequestPath,
): { readonly protect: readonly string[]; readonly isExcepted: boolean } {
  const rules = compiled(protectedPaths);
  return {
    protect: protecting(rules, readings).map(({ rule }) => rule),
    isExcepted: isExcepted(rules, readings),
  };
}

/** Every requirement that PROTECTED_PATHS names anywhere. */
export function allRequirements(protectedPaths: readonly string[]): readonly Requirement[] {
  return distinct(compiled(protectedPaths).protect.flatMap(({ requires }) => requires));
}

/** The pattern of a rule, without its requirements. */
export function patternOf(rule: string): string {
  return rule.split(" ", 1)[0] ?? "";
}

function protecting({ protect }: PathRules, readings: ReadonlySet<string>): readonly ProtectedPattern[] {
  const tests = Array.from(readings, fitting);
  return protect.filter((rule) => tests.some((fits) => fits(rule)));
}

function isExcepted({ except }: PathRules, readings: ReadonlySet<string>): boolean {
  if (except.length === 0) return false;
  return [...readings].every((reading) => except.some((pattern) => matches(pattern, reading)));
}

/** Whether a rule fits one reading of a path. */
function fitting(reading: string): (rule: ProtectedPattern) => boolean {
  const path = folded(reading);
  const page = pageOf(path);
  return (rule) => covers(rule, path) || (page !== path && covers(rule, page)) || matches(rule.page, page);
}

function compiled(rules: readonly string[]): PathRules {
  const known = rulesOf.get(rules);
  if (known !== undefined) return known;
  const isException = (rule: string) => rule.startsWith("!");
  const protect = rules
    .filter((rule) => !isException(rule))
    .map((rule) => {
      const [text = "", ...required] = rule.split(" ");
      const pattern = folded(decodeURIComponent(text).normalize("NFKC")).replace(/\/\*?$/, "");
      const requires = required.flatMap((one) => readRequirement(one) ?? []);
      return { rule, own: cut(pattern), below: cut(`${pattern}/*`), page: cut(pageOf(pattern)), requires };
    });
  const made: PathRules = {
    protect,
    except: rules.filter(isException).map((text) => cut(mergeSlashes(decodeURIComponent(text.slice(1))))),
    asksForMore: protect.some(({ requires }) => requires.length > 0),
  };
  rulesOf.set(rules, made);
  return made;
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
