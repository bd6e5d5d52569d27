// `npm run check:regexps`: no regular expression may take more than linear time, whatever it is given to read.

import { createHash } from "node:crypto";
import { globSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { type FoundRegexp, findRegexps } from "./find-regexps.ts";
import { judgeRegexp, type Verdict } from "./judge-regexp.ts";

const HELP = `Usage: npm run check:regexps -- [options] [files]

Looks at every regular expression of src/, simulator/, demo/ and the examples in JavaScript, or of the files named,
and says which of them a hostile text can drive into more than linear time. Ends with code 1 when there is one.
What has been judged is remembered in node_modules/.cache.

  --all     judges every expression anew
  --help    prints this`;

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

const CHECKED = ["src/**/*.{ts,js}", "simulator/**/*.ts", "demo/**/*.js", "examples/**/*.{js,mjs,ts}"];

const MEMORY = join(root, "node_modules", ".cache", "regexps.json");
const { version } = createRequire(import.meta.url)("recheck/package.json") as { version: string };

type Memory = Record<string, Verdict>;

function readMemory(): Memory {
  try {
    return JSON.parse(readFileSync(MEMORY, "utf8")) as Memory;
  } catch {
    return {};
  }
}

/** Written beside and put in place, so that two checks at a time do no harm. */
function keepMemory(memory: Memory): void {
  mkdirSync(dirname(MEMORY), { recursive: true });
  const draft = `${MEMORY}.${process.pid}`;
  writeFileSync(draft, JSON.stringify(memory));
  renameSync(draft, MEMORY);
}

/** Under which a verdict is remembered: by what was judged, and by whom. */
const keyOf = ({ source, flags }: { readonly source: string; readonly flags: string }): string =>
  createHash("sha256")
    .update(JSON.stringify([version, source, flags]))
    .digest("base64url");

function judged(regexp: FoundRegexp, before: Memory, now: Memory): string | undefined {
  const { file, line, pattern } = regexp;
  if (pattern === undefined)
    return `${file}:${line} is put together while the program runs: nobody can judge it`;
  const key = keyOf(pattern);
  const verdict = before[key] ?? now[key] ?? judgeRegexp(pattern.source, pattern.flags);
  // Another day, or a machine with less to do, may judge what was too hard.
  if (verdict.linear || verdict.attack !== undefined) now[key] = verdict;
  if (verdict.linear) return undefined;
  const on = verdict.attack === undefined ? "" : `, for example on ${verdict.attack}`;
  return `${file}:${line} /${pattern.source}/${pattern.flags}: ${verdict.why}${on}`;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    all: { type: "boolean", default: false },
    help: { type: "boolean", short: "h", default: false },
  },
});
if (values.help) console.log(HELP);
else {
  const files =
    positionals.length > 0
      ? positionals.map((file) => resolve(file))
      : CHECKED.flatMap((pattern) => globSync(pattern, { cwd: root }))
          .filter((file) => !file.includes("node_modules") && !file.endsWith(".d.ts"))
          .map((file) => join(root, file));
  const regexps = files.flatMap((file) => findRegexps(relative(root, file), readFileSync(file, "utf8")));
  const now: Memory = {};
  const before = values.all ? {} : readMemory();
  const faults = regexps.flatMap((regexp) => judged(regexp, before, now) ?? []);
  keepMemory(positionals.length > 0 ? { ...before, ...now } : now);
  for (const fault of faults) console.error(fault);
  console.log(
    `${regexps.length} regular expressions in ${files.length} files, ${faults.length} that can take too long`,
  );
  process.exitCode = faults.length === 0 ? 0 : 1;
}
