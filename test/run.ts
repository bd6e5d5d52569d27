// `npm test`: every suite, one after the other, and one line that counts them all.

import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { findChromium, noChromium } from "../cli/chromium.mjs";

const HELP = `Usage: npm test [-- [--only check|vitest|e2e] [-- options of that suite]]

Runs all suites and ends with one line, "N passed, N failed":
  check    the compiler, the linter and the search for regular expressions that can take too long, a test each
  vitest   the worker's tests inside workerd, the others in Node
  e2e      the walks in a real browser; skipped where there is none, which with CI=true is a failure

  npm test -- --only vitest -- test/worker/session.test.ts
  npm test -- --only e2e -- --headed`;

const SUITES = ["check", "vitest", "e2e"] as const;
type Suite = (typeof SUITES)[number];

interface Count {
  readonly passed: number;
  readonly failed: number;
  /** Tests that say of themselves that they don't run. */
  readonly skipped: number;
  /** Why the whole suite was left out. */
  readonly leftOut?: string;
}

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const inCi = process.env.CI !== undefined && !["", "0", "false"].includes(process.env.CI);

/** Runs a tool of node_modules with the terminal's output. @returns its exit code */
function runTool(script: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<number> {
  return runProgram(join("node_modules", script), args, env);
}

/** Runs a program of this folder with the terminal's output. @returns its exit code */
function runProgram(script: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(root, script), ...args], {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ["ignore", "inherit", "inherit"],
    });
    child.once("error", reject);
    child.once("exit", (code) => resolve(code ?? 1));
  });
}

/**
 * A suite's count, made honest: one that ended badly without a failed test, or ran no test at all, has failed.
 */
function count(name: Suite, code: number, { passed, failed, skipped }: Count): Count {
  if (passed + failed === 0) console.error(`\n${name}: no test was run.`);
  else if (code !== 0 && failed === 0)
    console.error(`\n${name}: ended with code ${code} though no test failed.`);
  else return { passed, failed, skipped };
  return { passed, failed: Math.max(failed, 1), skipped };
}

function readReport<Report>(path: string): Partial<Report> {
  return existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as Report) : {};
}

async function runCheck(_folder: string, options: readonly string[]): Promise<Count> {
  const tools: readonly (readonly [string, () => Promise<boolean>])[] = [
    ["typecheck", typecheck],
    [
      "lint",
      async () =>
        (await runTool("@biomejs/biome/bin/biome", ["check", "--diagnostic-level=warn", ...options, "."])) ===
        0,
    ],
    ["regular expressions", async () => (await runProgram("test/regexps/check.ts", [])) === 0],
  ];
  let passed = 0;
  for (const [name, run] of tools) {
    const ok = await run();
    console.log(` ${ok ? "✓" : "✗"} ${name}`);
    if (ok) passed += 1;
  }
  return { passed, failed: tools.length - passed, skipped: 0 };
}

async function typecheck(): Promise<boolean> {
  let ok = true;
  for (const project of ["tsconfig.json", "tsconfig.node.json", "tsconfig.browser.json"]) {
    if ((await runTool("typescript/bin/tsc", ["-p", project])) !== 0) ok = false;
  }
  return ok;
}

interface VitestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly { readonly status: string; readonly assertionResults: readonly unknown[] }[];
}

async function runVitest(folder: string, options: readonly string[]): Promise<Count> {
  const path = join(folder, "vitest.json");
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${path}`];
  const code = await runTool("vitest/vitest.mjs", ["run", ...reporters, ...options]);
  const report = readReport<VitestReport>(path);
  // A file that can't even be loaded has no test that could fail.
  const brokenFiles = report.testResults?.filter(
    ({ status, assertionResults }) => status === "failed" && assertionResults.length === 0,
  );
  return count("vitest", code, {
    passed: report.numPassedTests ?? 0,
    failed: (report.numFailedTests ?? 0) + (brokenFiles?.length ?? 0),
    skipped: (report.numPendingTests ?? 0) + (report.numTodoTests ?? 0),
  });
}

interface PlaywrightReport {
  readonly stats: {
    readonly expected: number;
    readonly unexpected: number;
    readonly flaky: number;
    readonly skipped: number;
  };
}

async function runE2e(folder: string, options: readonly string[]): Promise<Count> {
  const chromium = await findChromium();
  if (chromium === undefined) {
    const leftOut = noChromium();
    const line = `!! The end-to-end tests were SKIPPED: ${leftOut}. !!`;
    console.error(["", "!".repeat(line.length), line, "!".repeat(line.length)].join("\n"));
    if (inCi) console.error("CI is set, so this is a failure.");
    return { passed: 0, failed: inCi ? 1 : 0, skipped: 0, leftOut };
  }
  const path = join(folder, "playwright.json");
  const code = await runTool("@playwright/test/cli.js", ["test", "--reporter=list,json", ...options], {
    PLAYWRIGHT_JSON_OUTPUT_FILE: path,
  });
  const stats = readReport<PlaywrightReport>(path).stats;
  return count("e2e", code, {
    passed: stats?.expected ?? 0,
    failed: (stats?.unexpected ?? 0) + (stats?.flaky ?? 0),
    skipped: stats?.skipped ?? 0,
  });
}

const RUN = { check: runCheck, vitest: runVitest, e2e: runE2e };

async function runSuites(suites: readonly Suite[], options: readonly string[]): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), "vipps-login-worker-test-"));
  const rows: string[] = [];
  let passed = 0;
  let failed = 0;
  for (const suite of suites) {
    console.log(`\n── ${suite} ${"─".repeat(60 - suite.length)}`);
    const started = performance.now();
    const result = await RUN[suite](folder, options);
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    passed += result.passed;
    failed += result.failed;
    const skipped = result.skipped > 0 ? `, ${result.skipped} skipped` : "";
    const outcome = result.leftOut === undefined ? "" : `  SKIPPED: ${result.leftOut}`;
    rows.push(
      `  ${suite.padEnd(8)}${result.passed} passed, ${result.failed} failed${skipped}, ${seconds} s${outcome}`,
    );
  }
  rmSync(folder, { recursive: true, force: true });
  console.log(`\n${rows.join("\n")}\n\n${passed} passed, ${failed} failed`);
  return failed === 0;
}

interface Arguments {
  readonly suites: readonly Suite[];
  /** What follows `--`: options of the one suite. */
  readonly options: readonly string[];
}

/**
 * @returns undefined if only the help is wanted
 * @throws {UsageError} with a line for the person who typed it, if the arguments make no sense
 */
function readArguments(argv: readonly string[]): Arguments | undefined {
  const end = argv.includes("--") ? argv.indexOf("--") : argv.length;
  const { only, help } = readFlags(argv.slice(0, end));
  if (help) return undefined;
  const options = argv.slice(end + 1);
  if (only === undefined) {
    if (options.length === 0) return { suites: SUITES, options };
    throw new UsageError("Options after -- need --only, to know whose they are.");
  }
  const suite = SUITES.find((name) => name === only);
  if (suite === undefined) throw new UsageError(`--only takes ${SUITES.join(", ")}, not "${only}".`);
  return { suites: [suite], options };
}

class UsageError extends Error {}

function readFlags(args: readonly string[]): { only?: string; help?: boolean } {
  try {
    return parseArgs({
      args: [...args],
      options: { only: { type: "string" }, help: { type: "boolean", short: "h" } },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

try {
  const wanted = readArguments(process.argv.slice(2));
  if (wanted === undefined) console.log(HELP);
  else process.exitCode = (await runSuites(wanted.suites, wanted.options)) ? 0 : 1;
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(`${error.message}\n\n${HELP}`);
  process.exitCode = 2;
}
