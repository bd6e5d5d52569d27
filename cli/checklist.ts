// `vipps-login checklist`: walks through Vipps' go-live checklist and writes a report of it.

import { relative } from "node:path";
import { styleText } from "node:util";
import { Command, Option } from "@commander-js/extra-typings";
import { merged, readEvidence, writeEvidence } from "./checklist/evidence.ts";
import { readMerchantFile } from "./checklist/merchant-fields.ts";
import { comments, findingOf, makeReport, type Report } from "./checklist/report/report.ts";
import { type WrittenFiles, writeReport } from "./checklist/report/write-report.ts";
import { ROW_IDS, type RowId } from "./checklist/rows.ts";
import { siteValuesFrom } from "./checklist/settings.ts";
import { walkThrough } from "./checklist/walk.ts";
import { findChromium, noChromium } from "./chromium.mjs";
import { CommandError, usageError } from "./command-error.mjs";
import type { CommandContext } from "./command-line.ts";
import { readDeployment } from "./doctor/settings-source.ts";
import { printerTo } from "./findings/terminal.ts";
import { printable } from "./printable.ts";

/** The command `checklist`. */
export function checklist(context: CommandContext) {
  return withOptions(context).action(async (options) => {
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

function withOptions({ path }: CommandContext) {
  return new Command("checklist")
    .description(
      "Walks through every row of Vipps' Login API checklist, captures the requests and answers with secrets and personal data blanked, takes pictures, and writes a report that is ready to send: HTML, Markdown and PDF.",
    )
    .addOption(
      new Option(
        "--provider <name>",
        "the worker on this machine against: simulator, by itself (the default; shows what the worker does, but Vipps does not accept it as examples), or test, Vipps' test environment, with the keys of a test sales unit in .dev.vars; a browser window opens, and you are told when to log in and to cancel",
      )
        .choices(["simulator", "test"])
        .conflicts(["url", "reportOnly", "comments"]),
    )
    .addOption(
      new Option("--url <url>", "a deployed site, as a browser sees it. You log in by hand likewise")
        .argParser(siteAddress)
        .conflicts(["reportOnly", "comments"]),
    )
    .option("--log <file>", 'with --url: what "wrangler tail --format json" writes during the run', path)
    .option("--report-only", "no run: makes the report anew from what earlier runs found")
    .addOption(
      new Option(
        "--comments",
        "likewise, and prints what to paste into 'your comments' of Vipps' editable form, row by row",
      ).conflicts("json"),
    )
    .option(
      "--only <row>",
      `looks at these rows alone; may be given several times. The others stay as they were. Rows: ${ROW_IDS.join(", ")}`,
      rowsNamed,
    )
    .option("--output <folder>", "where report and evidence are written (checklist-report)", path)
    .option(
      "--merchant <file>",
      "what only you can tell Vipps; made with empty fields (checklist.yaml)",
      path,
    )
    .option(
      "--max-age-days <days>",
      "evidence older than this is marked as too old to be sent",
      (text) => numberFrom("--max-age-days", text, 1, 3650),
      30,
    )
    .option("--button-page <path>", "the page of the site that has the login button", pagePath, "/")
    .option("--env <name>", "the environment of the configuration")
    .option("--settings <file>", "settings to use in place of .dev.vars", path)
    .option(
      "--port <port>",
      "first port to use on this machine",
      (text) => numberFrom("--port", text, 1, 65_000),
      8790,
    )
    .option("--no-pdf", "writes no PDF")
    .option("--strict", "fails too when something still keeps the report from being sent")
    .option("--json", "prints the outcome as JSON")
    .option("--quiet", "prints no progress")
    .addHelpText(
      "after",
      "\nExit code: 0 when no row failed, 1 when one did, 2 when the command line makes no sense.",
    );
}

type Options = ReturnType<ReturnType<typeof withOptions>["opts"]>;

/** @throws {CommandError} */
function rowsNamed(name: string, earlier: readonly RowId[] = []): readonly RowId[] {
  const row = ROW_IDS.find((id) => id === name);
  if (row === undefined) throw usageError(`There is no row ${name}`);
  return [...earlier, row];
}

/** @throws {CommandError} */
function siteAddress(text: string): string {
  if (URL.parse(text)?.protocol !== "https:") throw usageError(`--url takes an https address, not "${text}"`);
  return text;
}

/** @throws {CommandError} */
function numberFrom(flag: string, text: string, least: number, most: number): number {
  const value = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw usageError(`${flag} takes a whole number from ${least} to ${most}, not "${text}"`);
}

function pagePath(text: string): string {
  if (/^\/(?![/\\])/.test(text)) return text;
  throw usageError(`--button-page takes a path such as /login, not "${text}"`);
}

function printSummary(
  { root, print, stdout }: CommandContext,
  report: Report,
  files: WrittenFiles,
  merchantFile: string | undefined,
): void {
  const printer = printerTo(stdout);
  for (const row of report.rows) printer.add(findingOf(row));
  printer.end();
  print("");
  for (const entry of report.toDo)
    stdout.write(`${styleText("bold", "→", { stream: stdout })} ${printable(entry)}\n`);
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
  const { root, print, path, tell, stderr } = context;
  const { url, log: logFile, reportOnly, strict, maxAgeDays: maxAge, only: rows = ROW_IDS } = options;
  if (logFile !== undefined && url === undefined) throw usageError("--log goes with --url");
  const { env: environment, port, output = path("checklist-report") } = options;
  const { merchant: merchantFile = path("checklist.yaml"), settings: settingsFile = path(".dev.vars") } =
    options;
  const own = siteValuesFrom(await readDeployment({ root, environment, settingsFile, processEnv: {} }));
  const { fields: merchant, made } = readMerchantFile(merchantFile);
  const stored = readEvidence(output);
  const chromium = await findChromium();
  if (chromium !== undefined)
    await import("@playwright/test").catch(() => {
      throw new CommandError("What drives the browser is missing: npm install --save-dev @playwright/test");
    });
  const progress = (text: string) => {
    if (!options.quiet) stderr.write(`${styleText("dim", "·", { stream: stderr })} ${printable(text)}\n`);
  };
  if (!reportOnly && !options.comments) {
    const kind = url === undefined ? (options.provider ?? "simulator") : "deployed";
    if (chromium === undefined) throw new CommandError(`A browser is needed: ${noChromium()}.`);
    const byHand = kind !== "simulator";
    if (byHand && process.platform === "linux" && !process.env.DISPLAY && !process.env.WAYLAND_DISPLAY)
      throw new CommandError(
        "You have to log in by hand, but no browser window can open here: there is no display.",
      );
    progress(byHand ? "opening a browser" : "starting the worker and the simulator");
    const place = { root, own, environment, port, url: url ?? "", logFile, tell };
    const buttonPath = options.buttonPage;
    const found = await walkThrough(kind, place, { rows, output, buttonPath, chromium, progress });
    Object.assign(stored.runs, found.runs);
    stored.rows = merged(stored.rows, found.rows);
    writeEvidence(output, stored);
  }
  const report = makeReport(stored, { now: Date.now(), maxAge, own, merchant });
  progress("writing the report");
  const files = await writeReport(report, output, options.pdf ? chromium : undefined);
  if (options.comments) print(comments(report));
  else if (options.json) print(asJson(report, files));
  else printSummary(context, report, files, made ? merchantFile : undefined);
  return report.counts.failed > 0 || (strict && report.toDo.length > 0) ? 1 : 0;
}
