// `vipps-login checklist`: walks through Vipps' go-live checklist and writes a report of it.

import { relative } from "node:path";
import { styleText } from "node:util";
import { type Environment, merged, readEvidence, type Stored, writeEvidence } from "./checklist/evidence.ts";
import { readMerchantFile } from "./checklist/merchant-fields.ts";
import { checklistCommand, type Options } from "./checklist/options.ts";
import { findingOf, makeReport, type Report } from "./checklist/report/report.ts";
import { comments } from "./checklist/report/words.ts";
import { type WrittenFiles, writeReport } from "./checklist/report/write-report.ts";
import { ROW_IDS, SECTIONS } from "./checklist/rows.ts";
import { type SiteValues, siteValuesFrom } from "./checklist/site-values.ts";
import type { Surroundings } from "./checklist/surroundings.ts";
import { findChromium, noChromium } from "./chromium.mjs";
import { CommandError, usageError } from "./command-error.mjs";
import type { CommandContext } from "./command-line.ts";
import { printerTo } from "./findings/terminal.ts";

/** The command `checklist`. */
export function checklist(context: CommandContext) {
  const command = checklistCommand(context);
  return command.action(async (options) => {
    // An end by signal alone would leave the settings of the run and its storage behind.
    for (const [name, code] of ENDS) process.once(name, () => process.exit(code));
    context.exitCode = await perform(context, options);
  });
}

const ENDS = [
  ["SIGINT", 130],
  ["SIGTERM", 143],
  ["SIGHUP", 129],
] as const;

/** A run in one of the environments. */
interface Run {
  readonly environment: Environment;
  readonly rows: NonNullable<Options["only"]>;
  readonly output: string;
  readonly settingsFile: string;
  readonly own: SiteValues;
  readonly options: Options;
}

async function surroundingsOf({ root, tell }: CommandContext, run: Run): Promise<Surroundings> {
  const { environment: kind, own, rows, settingsFile, options } = run;
  const { env: environment, port, url = "", log: logFile } = options;
  // wrangler and the browser's driver take a second to load, which nobody who wants the help should wait for.
  const surroundings = await import("./checklist/surroundings.ts");
  const { scenesFor } = await import("./checklist/walk.ts");
  switch (kind) {
    case "deployed":
      return surroundings.deployedSurroundings({ url, own, logFile, tell });
    case "test":
      return surroundings.testSurroundings({ root, own, environment, settingsFile, tell });
    case "simulator": {
      const withMembers = scenesFor(rows).includes("members");
      return surroundings.simulatorSurroundings({ root, own, environment, port, withMembers });
    }
  }
}

async function look(context: CommandContext, run: Run, chromium: string | undefined): Promise<Stored> {
  const { environment, rows, output, options } = run;
  if (chromium === undefined) throw new CommandError(`A browser is needed: ${noChromium()}.`);
  const byHand = environment !== "simulator";
  if (byHand && process.platform === "linux" && !process.env.DISPLAY && !process.env.WAYLAND_DISPLAY)
    throw new CommandError(
      "You have to log in by hand, but no browser window can open here: there is no display.",
    );
  const progress = progressOf(context, options);
  progress(byHand ? "opening a browser" : "starting the worker and the simulator");
  const there = await surroundingsOf(context, run);
  const { run: walkThrough } = await import("./checklist/run.ts");
  try {
    const buttonPath = options.buttonPage;
    const judged = await walkThrough(there, { rows, output, buttonPath, chromium, progress });
    const takenAt = new Date().toISOString();
    return { runs: { [environment]: { takenAt, changed: [...there.changed] } }, rows: judged };
  } finally {
    await there.stop();
  }
}

const progressOf =
  ({ tell }: CommandContext, { quiet }: Options) =>
  (text: string): void => {
    if (!quiet) tell(`${styleText("dim", "·")} ${text}`);
  };

function printSummary(
  { root, print, stdout }: CommandContext,
  report: Report,
  files: WrittenFiles,
  merchantFile: string | undefined,
): void {
  const printer = printerTo({ stream: stdout, headings: SECTIONS });
  for (const row of report.rows) printer.add(findingOf(row));
  printer.end();
  print("");
  for (const entry of report.toDo) print(`${styleText("bold", "→")} ${entry}`);
  const here = (path: string) => relative(root, path) || path;
  if (merchantFile !== undefined)
    print(`Made ${here(merchantFile)}: fill in there what only you can tell Vipps.`);
  for (const file of [files.html, files.markdown, files.pdf]) if (file) print(`  ${here(file)}`);
}

function asJson(report: Report, files: WrittenFiles): string {
  return JSON.stringify({
    made_at: report.madeAt,
    counts: report.counts,
    rows: report.rows.map(({ id, title, status, reason, evidence, age, isOld, fields }) => ({
      id,
      title,
      status,
      why: reason ?? null,
      environment: evidence?.environment ?? null,
      taken_at: evidence?.takenAt ?? null,
      age_days: age ?? null,
      too_old: isOld,
      to_fill_in: fields.filter(({ answer }) => answer === undefined).map(({ name }) => name),
    })),
    to_do: report.toDo,
    files: { html: files.html, markdown: files.markdown, pdf: files.pdf ?? null },
  });
}

/** @returns the exit code */
async function perform(context: CommandContext, options: Options): Promise<number> {
  const { root, print, path } = context;
  const { url, log, reportOnly, strict, maxAgeDays: maxAge, only: rows = ROW_IDS } = options;
  if (log !== undefined && url === undefined) throw usageError("--log goes with --url");
  const output = options.output ?? path("checklist-report");
  const merchantFile = options.merchant ?? path("checklist.yaml");
  const settingsFile = options.settings ?? path(".dev.vars");
  const { readDeployment } = await import("./doctor/settings-source.ts");
  const settings = await readDeployment({ root, environment: options.env, settingsFile, processEnv: {} });
  const own = siteValuesFrom(settings);
  const { fields: merchant, made } = readMerchantFile(merchantFile);
  const stored = readEvidence(output);
  const chromium = await findChromium();
  if (!reportOnly && !options.comments) {
    const environment = url === undefined ? (options.provider ?? "simulator") : "deployed";
    const run = { environment, rows, output, settingsFile, own, options } as const;
    const found = await look(context, run, chromium);
    Object.assign(stored.runs, found.runs);
    stored.rows = merged(stored.rows, found.rows);
    writeEvidence(output, stored);
  }
  const report = makeReport(stored, { now: Date.now(), maxAge, own, merchant });
  progressOf(context, options)("writing the report");
  const files = await writeReport(report, output, options.pdf ? chromium : undefined);
  if (options.comments) print(comments(report));
  else if (options.json) print(asJson(report, files));
  else printSummary(context, report, files, made ? merchantFile : undefined);
  return report.counts.failed > 0 || (strict && report.toDo.length > 0) ? 1 : 0;
}
