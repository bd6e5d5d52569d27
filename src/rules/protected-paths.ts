import { readRequirement, requirementText } from "./requirement.ts";

/** What may stand between two slashes of a path pattern; percent signs encode. */
const isPatternSegment = (text: string): boolean => /^(?:[^\s,%?#;\\]|%[0-9a-f]{2})*$/i.test(text);

const RULE_LIMIT = 100;

/**
 * Reads PROTECTED_PATHS: patterns with blanks or commas between, each followed by what it requires, if anything.
 * @returns the rules, each with its pattern first and its requirements in their one spelling, or what is wrong.
 * @example readProtectedPaths("/members/* !/members/open/* /board/* group:board fresh:600")
 * // { rules: ["/members/*", "!/members/open/*", "/board/* group:board fresh:600"] }
 */
export function readProtectedPaths(
  text: string,
): { readonly rules: readonly string[] } | { readonly fault: string } {
  const rules: string[] = [];
  for (const word of text.split(/[\s,]+/)) {
    if (word === "") continue;
    if (/^!?\//.test(word)) {
      if (!isPathPattern(word)) return { fault: PATTERN_FAULT };
      rules.push(word);
      continue;
    }
    const requirement = readRequirement(word);
    if (requirement === undefined) return { fault: /^[a-z]/i.test(word) ? REQUIREMENT_FAULT : PATTERN_FAULT };
    const before = rules.pop();
    if (before === undefined || before.startsWith("!"))
      return { fault: "must name a requirement after the path that it is for, which is no exception" };
    rules.push(`${before} ${requirementText(requirement)}`);
  }
  if (rules.every((rule) => rule.startsWith("!")))
    return { fault: "has exceptions only; begin with what they are exceptions from, such as /*" };
  if (rules.length > RULE_LIMIT) return { fault: `must be at most ${RULE_LIMIT} patterns` };
  return { rules };
}

/** What is said of whatever is no list of patterns. */
export const PATTERN_FAULT = "must be path patterns such as /members/* or /board/* group:board";
const REQUIREMENT_FAULT =
  "may require group:NAME, group:ONE|OTHER, age:YEARS, fresh:SECONDS or acr of a path, and nothing else";

/** A path from the root, in which `*` stands for anything. No dot segments, no query. */
function isPathPattern(text: string): boolean {
  const [before, ...segments] = text.replace(/^!/, "").split("/");
  return (
    before === "" &&
    segments.length > 0 &&
    segments.every((segment) => segment !== "." && segment !== ".." && isPatternSegment(segment)) &&
    isDecodable(text)
  );
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}
