// Tests that bite: makes one deliberate fault after the other in a copy of the code and looks whether the tests
// that should notice it do.

import { spawn } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, styleText } from "node:util";
import { parse } from "@babel/parser";
import { BROWSERS_FAULTS } from "./browsers-faults.ts";
import { EVENTS_FAULTS } from "./events-faults.ts";
import type { Fault } from "./fault.ts";
import { HTTP_FAULTS } from "./http-faults.ts";
import { LOGIN_FAULTS } from "./login-faults.ts";
import { PRESSES_FAULTS } from "./presses-faults.ts";
import { REGISTRY_FAULTS } from "./registry-faults.ts";
import { RULES_FAULTS } from "./rules-faults.ts";
import { SESSION_FAULTS } from "./session-faults.ts";
import { SITE_FAULTS } from "./site-faults.ts";
import { SITES_FAULTS } from "./sites-faults.ts";
import { STORAGE_FAULTS } from "./storage-faults.ts";
import { VIPPS_FAULTS } from "./vipps-faults.ts";

const HELP = `Usage: npm run test:faults -- [options]

Makes each deliberate fault of test/faults/ in a temporary copy of the code, runs the tests that should notice it,
and reports how many did. Takes some ten seconds a fault. Ends with code 1 when a fault goes unnoticed.

  --only WORDS    the faults whose name or file contains these words, or all of one file here, like browsers-faults
  --check         only checks that every fault still fits the code and names tests that exist
  --list          only lists the faults
  --json          prints one JSON object at the end instead of the summary; progress goes to stderr
  --help          prints this`;

/** The faults of each file of this folder, by its name. */
const GROUPS: Readonly<Record<string, readonly Fault[]>> = {
  "login-faults": LOGIN_FAULTS,
  "vipps-faults": VIPPS_FAULTS,
  "rules-faults": RULES_FAULTS,
  "session-faults": SESSION_FAULTS,
  "http-faults": HTTP_FAULTS,
  "presses-faults": PRESSES_FAULTS,
  "site-faults": SITE_FAULTS,
  "registry-faults": REGISTRY_FAULTS,
  "sites-faults": SITES_FAULTS,
  "browsers-faults": BROWSERS_FAULTS,
  "storage-faults": STORAGE_FAULTS,
  "events-faults": EVENTS_FAULTS,
};

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** What the copy needs; node_modules is only linked to. */
const COPIED = [
  ...[
    "src",
    "test",
    "simulator",
    "cli",
    "create",
    "demo",
    "examples",
    "migrations",
    "package.json",
    "wrangler.toml",
  ],
  ...["vitest.config.ts", "tsconfig.base.json", "tsconfig.json", "tsconfig.node.json"],
];

interface Outcome {
  readonly fault: Fault;
  readonly noticed: boolean;
  /** The first test that failed, or why there is none. */
  readonly by: string;
  readonly seconds: number;
}

/** What is wrong with a fault itself, if anything. */
function problemOf({ file, text, instead, tests }: Fault): string | undefined {
  const path = join(root, file);
  if (!existsSync(path)) return `${file} is gone`;
  const code = readFileSync(path, "utf8");
  const found = code.split(text).length - 1;
  if (found !== 1) return `its text stands ${found} times in ${file}, not once`;
  if (text === instead) return "it changes nothing";
  if (/\.[mc]?[jt]s$/.test(file) && !isCode(code.replace(text, () => instead)))
    return "what it makes is no code";
  return tests.find((test) => !existsSync(join(root, test)));
}

function isCode(text: string): boolean {
  try {
    parse(text, { sourceType: "module", plugins: ["typescript"] });
    return true;
  } catch {
    return false;
  }
}

function makeCopy(): string {
  const copy = mkdtempSync(join(tmpdir(), "vipps-login-worker-faults-"));
  for (const name of COPIED)
    if (existsSync(join(root, name))) cpSync(join(root, name), join(copy, name), { recursive: true });
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
  return copy;
}

interface Report {
  readonly numTotalTests: number;
  readonly testResults: readonly {
    readonly message: string;
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

/** Milliseconds after which a run counts as hanging, which is noticing too. */
const PATIENCE = 300_000;

interface Run {
  readonly passed: boolean;
  readonly firstFailure: string | undefined;
}

const isOfNode = (file: string): boolean => file.startsWith("test/node/");

/** Runs test files in the copy until one test fails. */
async function runTests(copy: string, files: readonly string[]): Promise<Run> {
  const output = join(copy, "report.json");
  rmSync(output, { force: true });
  const program = join(root, "node_modules/vitest/vitest.mjs");
  const projects = ["--project", "worker", ...(files.some(isOfNode) ? ["--project", "node"] : [])];
  const args = ["run", ...projects, "--bail", "1", "--reporter=json", `--outputFile=${output}`];
  const code = await new Promise<number | null>((resolve, reject) => {
    const child = spawn(process.execPath, [program, ...args, ...files], { cwd: copy, stdio: "ignore" });
    const patience = setTimeout(() => child.kill("SIGKILL"), PATIENCE);
    child.once("error", reject);
    child.once("exit", (exit) => {
      clearTimeout(patience);
      resolve(exit);
    });
  });
  if (!existsSync(output)) return { passed: false, firstFailure: code === null ? "it hangs" : undefined };
  const report = JSON.parse(readFileSync(output, "utf8")) as Report;
  const failed = report.testResults
    .flatMap(({ assertionResults }) => assertionResults)
    .find(({ status }) => status === "failed");
  return { passed: code === 0 && report.numTotalTests > 0, firstFailure: failed?.fullName };
}

async function tryFault(copy: string, fault: Fault): Promise<Outcome> {
  const started = performance.now();
  const path = join(copy, fault.file);
  const original = readFileSync(path, "utf8");
  writeFileSync(
    path,
    original.replace(fault.text, () => fault.instead),
  );
  try {
    const { passed, firstFailure } = await runTests(copy, fault.tests);
    const seconds = (performance.now() - started) / 1000;
    // Code that cannot even be loaded is no fault that a test has noticed.
    const noticed = !passed && firstFailure !== undefined;
    const by = firstFailure ?? (passed ? "every test passed" : "the tests could not be run");
    return { fault, noticed, by, seconds };
  } finally {
    writeFileSync(path, original);
  }
}

function chosenFaults(words: string | undefined): readonly Fault[] {
  const faults = Object.values(GROUPS).flat();
  if (words === undefined) return faults;
  return GROUPS[words] ?? faults.filter(({ name, file }) => `${file} ${name}`.includes(words));
}

const say = (text: string) => process.stderr.write(`${text}\n`);

/** @returns whether every fault fits the code */
function check(faults: readonly Fault[]): boolean {
  const problems = faults.flatMap((fault) => {
    const problem = problemOf(fault);
    return problem === undefined ? [] : [`${fault.name}: ${problem}`];
  });
  for (const problem of problems) say(problem);
  return problems.length === 0;
}

async function tryAll(faults: readonly Fault[], json: boolean): Promise<boolean> {
  const copy = makeCopy();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));
  process.once("exit", () => rmSync(copy, { recursive: true, force: true }));
  const tests = [...new Set(faults.flatMap((fault) => fault.tests))];
  say(`Running ${tests.length} test files on the code as it is …`);
  const { passed, firstFailure } = await runTests(copy, tests);
  if (!passed) {
    say(`They must pass before faults are made: ${firstFailure ?? "they could not be run"}`);
    return false;
  }
  const outcomes: Outcome[] = [];
  for (const fault of faults) {
    const outcome = await tryFault(copy, fault);
    outcomes.push(outcome);
    const verdict = outcome.noticed ? styleText("green", "noticed  ") : styleText("red", "UNNOTICED");
    const count = `${outcomes.length}/${faults.length}`.padStart(7);
    say(`${count} ${verdict} ${fault.name} (${fault.file}, ${outcome.seconds.toFixed(0)} s)`);
    say(`                  ${styleText("dim", outcome.by)}`);
  }
  const noticed = outcomes.filter((outcome) => outcome.noticed).length;
  if (json) {
    const rows = outcomes.map(({ fault, ...outcome }) => ({
      name: fault.name,
      file: fault.file,
      ...outcome,
    }));
    console.log(JSON.stringify({ tried: faults.length, noticed, faults: rows }, undefined, 2));
  } else {
    console.log(`${noticed} of ${faults.length} faults noticed`);
  }
  return noticed === faults.length;
}

try {
  const { values } = parseArgs({
    options: {
      only: { type: "string" },
      check: { type: "boolean", default: false },
      list: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const faults = chosenFaults(values.only);
  if (values.help) console.log(HELP);
  else if (faults.length === 0) throw new Error(`No fault is called anything like "${values.only}".`);
  else if (values.list) for (const { file, name } of faults) console.log(`${file}: ${name}`);
  else if (!check(faults)) process.exitCode = 1;
  else if (values.check) console.log(`${faults.length} faults fit the code`);
  else process.exitCode = (await tryAll(faults, values.json)) ? 0 : 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
}
