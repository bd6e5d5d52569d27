import { createRequire } from "node:module";

/**
 * The part of recheck that is JavaScript alone. Its main module would look for a native program or a Java archive,
 * in whose place package.json (`overrides`) installs a small package of another purpose: they weigh 50 MB.
 */
const { checkSync } = createRequire(import.meta.url)("recheck/lib/browser.js") as typeof import("recheck");

/** For this long, in milliseconds, one expression may be thought about; what is too hard for that is too hard to read. */
const PATIENCE = 60_000;

/** `linear`, or why an expression can take more than linear time on some text. */
export type Verdict =
  | { readonly linear: true }
  | { readonly linear: false; readonly why: string; readonly attack: string | undefined };

/** Whether the time an expression takes grows at most linearly with the text, wherever in it the match is tried. */
export function judgeRegexp(source: string, flags: string): Verdict {
  const found = checkSync(source, flags, { timeout: PATIENCE });
  if (found.status === "safe") return { linear: true };
  if (found.status === "unknown")
    return {
      linear: false,
      why: `not judged (${found.error.kind}): write it more plainly`,
      attack: undefined,
    };
  return { linear: false, why: found.complexity.summary, attack: found.attack.pattern };
}
