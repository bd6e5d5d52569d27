// The command line of the checklist.

import { Command, Option } from "@commander-js/extra-typings";
import { usageError } from "../command-error.mjs";
import type { CommandContext } from "../command-line.ts";
import { ROW_IDS, type RowId } from "./rows.ts";

/** The command `checklist` with its options. */
export function checklistCommand({ path }: CommandContext) {
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

export type Options = ReturnType<ReturnType<typeof checklistCommand>["opts"]>;

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
