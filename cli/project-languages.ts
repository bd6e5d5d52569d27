// In which languages the project's Worker can show pages, as far as its entry file says.

import { existsSync, readFileSync } from "node:fs";
import { isBuiltIn } from "../src/pages/built-in-languages.ts";

/** The entry as the package has it, or handed on whole. */
const AS_IT_COMES =
  /\bvippsLogin\(\s*\)|\bexport\s*\{[^}]*\bdefault\b[^}]*\}\s*from\s*["']vipps-login-worker["']/;

/** Options in place, none of which are texts; what is spread into them might be. */
const OPTIONS = /(?<!function )\bvippsLogin(?:<[^>(]*>)?\(\s*\{/;

/**
 * Whether pages can be shown in a language. Words of the project's own (the option `texts`) are code, which only the
 * Worker runs: where the entry may hand some over, any language may be among them.
 * @param entry the file that the configuration names as `main`; undefined where it names none.
 */
export function languagesOf(entry: string | undefined): (code: string) => boolean {
  return mayBringTexts(entry) ? () => true : isBuiltIn;
}

function mayBringTexts(entry: string | undefined): boolean {
  if (entry === undefined || !existsSync(entry)) return true;
  const code = readFileSync(entry, "utf8").replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "");
  if (AS_IT_COMES.test(code)) return false;
  return !OPTIONS.test(code) || /\btexts\b|\.\.\./.test(code);
}
