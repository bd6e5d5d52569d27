import { parse } from "@babel/parser";

/** A regular expression as it stands in the code. */
export interface FoundRegexp {
  readonly file: string;
  readonly line: number;
  /** `undefined` for one that is put together while the program runs, which nobody can judge beforehand. */
  readonly pattern: { readonly source: string; readonly flags: string } | undefined;
}

/**
 * Every regular expression of a program.
 * @throws {SyntaxError} when it cannot be parsed.
 */
export function findRegexps(file: string, code: string): readonly FoundRegexp[] {
  const { program } = parse(code, { sourceType: "module", plugins: ["typescript"], errorRecovery: false });
  const found: FoundRegexp[] = [];
  visit(program, (node) => {
    const line = node.loc?.start.line ?? 0;
    if (node.type === "RegExpLiteral")
      found.push({ file, line, pattern: { source: String(node.pattern), flags: String(node.flags) } });
    const callee = node.callee;
    const makesOne = (node.type === "NewExpression" || node.type === "CallExpression") && isNode(callee);
    if (makesOne && callee.type === "Identifier" && callee.name === "RegExp") {
      const [source, flags] = Array.isArray(node.arguments) ? node.arguments.map(textOf) : [];
      const isKnown = source !== undefined && (flags !== undefined || !hasSecond(node.arguments));
      found.push({ file, line, pattern: isKnown ? { source, flags: flags ?? "" } : undefined });
    }
  });
  return found;
}

interface Node {
  readonly type: string;
  readonly loc?: { readonly start: { readonly line: number } } | null;
  readonly [property: string]: unknown;
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";
}

const hasSecond = (list: unknown) => Array.isArray(list) && list.length > 1;

/** What a string literal says. */
function textOf(value: unknown): string | undefined {
  return isNode(value) && value.type === "StringLiteral" ? String(value.value) : undefined;
}

function visit(value: unknown, look: (node: Node) => void): void {
  if (Array.isArray(value)) for (const each of value) visit(each, look);
  if (!isNode(value)) return;
  look(value);
  for (const [name, child] of Object.entries(value)) if (name !== "loc") visit(child, look);
}
