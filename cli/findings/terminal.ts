import { stripVTControlCharacters, styleText } from "node:util";
import type { Output } from "../command-line.ts";
import { printable } from "../printable.ts";
import { type Finding, isProblem, type Severity, type verdictOf } from "./finding.ts";

/** Lines longer than this are hard to read, however wide the terminal. In columns. */
const WIDEST = 110;

const SIGNS: Readonly<Record<Severity, readonly [string, "green" | "yellow" | "red" | "dim"]>> = {
  ok: ["✓", "green"],
  warning: ["!", "yellow"],
  error: ["✗", "red"],
  skipped: ["·", "dim"],
};

/** Problems of one check belong together, and checks that were skipped for one reason. */
const belongTogether = (one: Finding, other: Finding): boolean =>
  one.family === other.family &&
  one.severity === other.severity &&
  (isProblem(one) ? one.id === other.id : one.severity === "skipped" && one.what === other.what);

/**
 * Prints findings as they come, each family under its heading.
 * @param stream colours follow what that is (NO_COLOR, FORCE_COLOR, a terminal or not)
 * @param headings of the families that are not their own
 */
export function printerTo(stream: Output, headings: Readonly<Record<string, string>> = {}) {
  const width = Math.min(stream.columns ?? WIDEST, WIDEST);
  let family: string | undefined;
  let held: Finding[] = [];
  const style = (format: Parameters<typeof styleText>[0], text: string) =>
    styleText(format, text, { stream });
  const print = (text: string) => stream.write(`${wrapped(text, width, "      ")}\n`);
  const printProblems = (findings: readonly Finding[], first: Finding) => {
    const [sign, colour] = SIGNS[first.severity];
    const name = style([colour, "bold"], `${sign} ${first.id}`);
    for (const { what } of findings) print(`  ${name}  ${what}`);
    print(`      ${style("dim", `Why: ${first.why}`)}`);
    for (const todo of new Set(findings.map((finding) => finding.todo))) print(`      Do: ${todo}`);
    print(`      ${style("dim", first.link)}`);
  };
  /** Prints what is still held back. */
  const end = (): void => {
    const [first] = held;
    if (first === undefined) return;
    if (family !== first.family) {
      family = first.family;
      stream.write(`\n${style("bold", headings[family] ?? family)}\n`);
    }
    const [sign, colour] = SIGNS[first.severity];
    if (isProblem(first)) printProblems(held, first);
    else {
      const ids = held.map(({ id }) => id).join(", ");
      const text = first.severity === "skipped" ? style("dim", first.what) : first.what;
      print(`  ${style(colour, `${sign} ${ids}`)}  ${text}`);
    }
    held = [];
  };
  /** Takes one finding; what belongs together is printed together. */
  const add = (finding: Finding): void => {
    const [first] = held;
    if (first !== undefined && !belongTogether(first, finding)) end();
    held.push({ ...finding, what: printable(finding.what), todo: printable(finding.todo) });
  };
  return { add, end };
}

/** Breaks a line between words; further lines begin with the indent. */
function wrapped(text: string, width: number, indent: string): string {
  const lead = /^ */.exec(text)?.[0] ?? "";
  const lines: string[] = [];
  let line = lead;
  for (const word of text.trimStart().split(" ")) {
    const isFirst = line.trim() === "";
    const longer = isFirst ? line + word : `${line} ${word}`;
    if (!isFirst && stripVTControlCharacters(longer).length > width) {
      lines.push(line);
      line = indent + word;
    } else line = longer;
  }
  return [...lines, line].join("\n");
}

const count = (number: number, word: string) => `${number} ${word}${number === 1 ? "" : "s"}`;

/** One line that sums it up. */
export function summary({ counts }: ReturnType<typeof verdictOf>, stream: Output): string {
  const { error, warning, ok, skipped } = counts;
  const parts = [
    count(error, "error"),
    count(warning, "warning"),
    `${ok} in order`,
    `${skipped} not looked at`,
  ];
  const colour = error > 0 ? "red" : warning > 0 ? "yellow" : "green";
  return `\n${styleText(["bold", colour], parts.join(", "), { stream })}\n`;
}
