import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { ROW_IDS, type RowId } from "./row-ids.ts";

export const HELP = `Usage: npm run checklist -- [options]

Walks through every row of Vipps' Login API checklist, captures the requests and answers with secrets and personal
data blanked, takes pictures, and writes a report that is ready to send: HTML, Markdown and PDF.

Where the evidence comes from:
  --provider simulator   the worker on this machine against the simulator, by itself (the default). Shows what the
                         worker does; Vipps does not accept it as examples
  --provider test        the worker on this machine against Vipps' test environment, with the keys of a test sales
                         unit in .dev.vars. A browser window opens, and you are told when to log in and to cancel
  --url URL              a deployed site, as a browser sees it. You log in by hand likewise
  --log FILE             with --url: what "wrangler tail --format json" writes during the run
  --report-only          no run: makes the report anew from what earlier runs found
  --comments             likewise, and prints what to paste into 'your comments' of Vipps' editable form, row by row

  --only ROW             looks at these rows alone; may be given several times. The others stay as they were.
                         Rows: ${wrapped(ROW_IDS)}
  --output DIR           where report and evidence are written (checklist-report)
  --merchant FILE        what only you can tell Vipps; made with empty fields if it is not there (checklist.yaml)
  --max-age-days DAYS    evidence older than this is marked as too old to be sent (30)
  --button-page PATH     the page of the site that has the login button (/)
  --env NAME             the environment of wrangler.toml
  --settings FILE        settings to use in place of .dev.vars
  --port PORT            first port to use on this machine (8790)
  --no-pdf               writes no PDF
  --strict               fails too when something still keeps the report from being sent
  --json                 prints the outcome as JSON
  --quiet                prints no progress
  --help                 prints this

Exit code: 0 when no row failed, 1 when one did, 2 when the command line makes no sense.`;

function wrapped(words: readonly string[]): string {
  const lines: string[] = [""];
  for (const word of words) {
    const line = lines.at(-1) ?? "";
    if (line.length + word.length > 80) lines.push(word);
    else lines[lines.length - 1] = line === "" ? word : `${line} ${word}`;
  }
  return lines.join(`\n${" ".repeat(31)}`);
}

export type Source =
  | { readonly kind: "simulator" }
  | { readonly kind: "test" }
  | { readonly kind: "deployed"; readonly url: string; readonly log: string | undefined }
  | { readonly kind: "none" };

export interface Options {
  readonly source: Source;
  readonly rows: readonly RowId[];
  readonly output: string;
  readonly merchant: string;
  /** Days. */
  readonly maxAge: number;
  readonly buttonPath: string;
  readonly environment: string | undefined;
  readonly settingsFile: string;
  readonly port: number;
  readonly pdf: boolean;
  readonly comments: boolean;
  readonly strict: boolean;
  readonly json: boolean;
  readonly quiet: boolean;
}

/** The project's folder. */
export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** What cannot be understood of the command line. */
export class UsageError extends Error {}

/**
 * @returns undefined if only the help is wanted
 * @throws {UsageError}
 */
export function readOptions(argv: readonly string[]): Options | undefined {
  const { values } = parse(argv);
  if (values.help) return undefined;
  const rows = values.only ?? ROW_IDS;
  const unknown = rows.filter((row) => !isRow(row));
  if (unknown.length > 0) throw new UsageError(`There is no row ${unknown.join(", ")}`);
  return {
    source: sourceOf(values),
    rows: rows.filter(isRow),
    output: resolve(values.output ?? "checklist-report"),
    merchant: resolve(values.merchant ?? "checklist.yaml"),
    maxAge: number("--max-age-days", values["max-age-days"] ?? "30", 1, 3650),
    buttonPath: pagePath(values["button-page"] ?? "/"),
    environment: values.env,
    settingsFile: values.settings === undefined ? join(root, ".dev.vars") : resolve(values.settings),
    port: number("--port", values.port ?? "8790", 1, 65_000),
    pdf: !values["no-pdf"],
    comments: values.comments ?? false,
    strict: values.strict ?? false,
    json: values.json ?? false,
    quiet: values.quiet ?? false,
  };
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      options: {
        provider: { type: "string" },
        url: { type: "string" },
        log: { type: "string" },
        "report-only": { type: "boolean" },
        comments: { type: "boolean" },
        only: { type: "string", multiple: true },
        output: { type: "string" },
        merchant: { type: "string" },
        "max-age-days": { type: "string" },
        "button-page": { type: "string" },
        env: { type: "string" },
        settings: { type: "string" },
        port: { type: "string" },
        "no-pdf": { type: "boolean" },
        strict: { type: "boolean" },
        json: { type: "boolean" },
        quiet: { type: "boolean" },
        help: { type: "boolean", short: "h" },
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function sourceOf(values: ReturnType<typeof parse>["values"]): Source {
  const { provider, url, log } = values;
  const noRun = values["report-only"] === true || values.comments === true;
  const given = [provider !== undefined, url !== undefined, noRun].filter(Boolean);
  if (given.length > 1) throw new UsageError("Say one of --provider, --url, and --report-only or --comments");
  if (values.comments === true && values.json === true) throw new UsageError("Say --comments or --json");
  if (log !== undefined && url === undefined) throw new UsageError("--log goes with --url");
  if (noRun) return { kind: "none" };
  if (url !== undefined) {
    if (URL.parse(url)?.protocol !== "https:")
      throw new UsageError(`--url takes an https address, not "${url}"`);
    return { kind: "deployed", url, log };
  }
  if (provider === undefined || provider === "simulator") return { kind: "simulator" };
  if (provider === "test") return { kind: "test" };
  throw new UsageError(`--provider takes simulator or test, not "${provider}"`);
}

function number(flag: string, text: string, least: number, most: number): number {
  const value = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new UsageError(`${flag} takes a whole number from ${least} to ${most}, not "${text}"`);
}

function pagePath(text: string): string {
  if (/^\/(?![/\\])/.test(text)) return text;
  throw new UsageError(`--button-page takes a path such as /login, not "${text}"`);
}

const isRow = (name: string): name is RowId => ROW_IDS.some((id) => id === name);
