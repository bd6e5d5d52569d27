// `npm run members:import -- members.csv`: brings an existing member list into the registry.

import { once } from "node:events";
import { createWriteStream, existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { finished } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { type CountryCode, isSupportedCountry } from "libphonenumber-js/max";
import { D1Error, type D1Target, executeFile, query } from "./d1-command.ts";
import { ColumnError, MEMBER_FIELDS, type MemberField, recogniseHeader } from "./member-columns.ts";
import { type FileFormat, readRows, recogniseFormat } from "./member-file.ts";
import { EXPLANATIONS, type Member, type Note, type Refusal, readMemberRow } from "./member-row.ts";
import { memberStatements } from "./member-sql.ts";
import { startProgress } from "./progress-bar.ts";

const HELP = `Usage: npm run members:import -- FILE [options]

Brings a member list (CSV) into the registry of ACCOUNTS=d1. May be run again at any time: nothing is doubled,
what has changed in the list is brought up to date, and nobody is removed.

  --dry-run            checks the list and writes the report, changes nothing
  --local              into the local database of "npm start" (the default)
  --remote             into the database at Cloudflare
  --env NAME           the environment of wrangler.toml
  --persist-to DIR     where the local database is, if not in wrangler's own place
  --country CODE       whose phone numbers those without a country code are (NO)
  --column FIELD=NAME  the column of a field, where it isn't recognised; may be repeated.
                       Fields: ${MEMBER_FIELDS.join(", ")}
  --delimiter TEXT     between the columns, where it isn't recognised ("tab" for tabs)
  --site KEY           the site the members belong to (default)
  --report FILE        where refused lines and notes are written (FILE.report.csv)
  --json               the result as JSON on the standard output
  --help               this text

The list needs a header. Names of columns are known in English, Norwegian, Danish, Swedish and Finnish; see
docs/accounts.md. The exit code is 0 when the list was taken in, even if lines were refused; 1 when it was not.`;

/** Rows that one run of wrangler puts in. */
const PORTION = 20_000;

interface Options {
  readonly file: string;
  readonly target: D1Target;
  readonly dryRun: boolean;
  readonly json: boolean;
  readonly country: CountryCode;
  readonly named: Readonly<Partial<Record<MemberField, string>>>;
  readonly delimiter: string | undefined;
  readonly site: string;
  readonly report: string;
}

/** Something in the command line that makes no sense. The message is one line. */
class UsageError extends Error {}

/** @returns undefined if only the help is wanted. @throws {UsageError} */
function readOptions(args: readonly string[]): Options | undefined {
  const { values, positionals } = parseArguments(args);
  if (values.help === true) return undefined;
  const [file, ...more] = positionals;
  if (file === undefined || more.length > 0) throw new UsageError("Name one file.");
  if (!existsSync(file) || !statSync(file).isFile()) throw new UsageError(`There is no file ${file}.`);
  if (values.local === true && values.remote === true) throw new UsageError("Either --local or --remote.");
  const country = (values.country ?? "NO").toUpperCase();
  if (!isSupportedCountry(country))
    throw new UsageError(`--country takes a code such as NO, not ${country}.`);
  const persistTo = values["persist-to"];
  return {
    file,
    target: {
      root: dirname(dirname(fileURLToPath(import.meta.url))),
      remote: values.remote ?? false,
      environment: values.env,
      persistTo: persistTo === undefined ? undefined : resolve(persistTo),
    },
    dryRun: values["dry-run"] ?? false,
    json: values.json ?? false,
    country,
    named: Object.fromEntries((values.column ?? []).map(namedColumn)),
    delimiter: values.delimiter === "tab" ? "\t" : values.delimiter,
    site: values.site ?? "default",
    report: values.report ?? `${file}.report.csv`,
  };
}

function parseArguments(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        "dry-run": { type: "boolean" },
        local: { type: "boolean" },
        remote: { type: "boolean" },
        env: { type: "string" },
        "persist-to": { type: "string" },
        country: { type: "string" },
        column: { type: "string", multiple: true },
        delimiter: { type: "string" },
        site: { type: "string" },
        report: { type: "string" },
        json: { type: "boolean" },
        help: { type: "boolean", short: "h" },
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function namedColumn(text: string): [MemberField, string] {
  const [, name, column] = /^(\w+)=(.+)$/.exec(text) ?? [];
  const field = MEMBER_FIELDS.find((known) => known === name);
  if (field === undefined || column === undefined) {
    throw new UsageError(
      `--column takes FIELD=NAME with a field out of ${MEMBER_FIELDS.join(", ")}, not ${text}.`,
    );
  }
  return [field, column];
}

/** What has been found in the list. */
interface Checked {
  readonly format: FileFormat;
  /** The name of the column each field is read from. */
  readonly columns: Readonly<Partial<Record<MemberField, string>>>;
  readonly ignored: readonly string[];
  readonly rows: number;
  readonly accepted: number;
  readonly refused: Readonly<Partial<Record<Refusal, number>>>;
  readonly notes: Readonly<Partial<Record<Note, number>>>;
  /** Files of SQL, each with how many members are in it. */
  readonly portions: readonly { readonly path: string; readonly members: number }[];
}

/** Reads the whole list, writes the report, and the SQL into files. @throws {ColumnError} */
async function checkList(options: Options, folder: string): Promise<Checked> {
  const { file, country, named, site } = options;
  const format = await recogniseFormat(file, options.delimiter);
  const size = statSync(file).size;
  const progress = startProgress("reading");
  const report = createWriteStream(options.report);
  report.write("line,result,reason,explanation\n");
  const refused: Partial<Record<Refusal, number>> = {};
  const notes: Partial<Record<Note, number>> = {};
  const tell = (line: number, result: "refused" | "note", reason: Refusal | Note) => {
    report.write(`${line},${result},${reason},"${EXPLANATIONS[reason]}"\n`);
  };

  const seen = { keys: new Set<string>(), phones: new Set<string>(), emails: new Set<string>() };
  const portions: { path: string; members: number }[] = [];
  let portion: Member[] = [];
  const close = async () => {
    if (portion.length === 0 || options.dryRun) return;
    const path = join(folder, `${portions.length}.sql`);
    await writeStatements(path, portion, site);
    portions.push({ path, members: portion.length });
    portion = [];
  };

  let part = 0;
  let rows = 0;
  let accepted = 0;
  let header: ReturnType<typeof recogniseHeader> | undefined;
  let names: readonly string[] = [];
  for await (const row of readRows(file, format, (bytes) => {
    part = size === 0 ? 1 : bytes / size;
  })) {
    if (header === undefined) {
      names = "broken" in row ? [] : row.cells;
      header = recogniseHeader(names, named);
      continue;
    }
    rows += 1;
    progress.update(
      part,
      `${rows.toLocaleString("en")} lines, ${(rows - accepted).toLocaleString("en")} refused`,
    );
    const refusal = "broken" in row ? "broken_row" : takeIn(row.cells, row.line);
    if (refusal !== undefined) {
      refused[refusal] = (refused[refusal] ?? 0) + 1;
      tell(row.line, "refused", refusal);
    }
    if (portion.length >= PORTION) await close();
  }

  /** Takes a row in, or says why not. */
  function takeIn(cells: readonly string[], line: number): Refusal | undefined {
    const read = readMemberRow(cells, header?.columns ?? {}, country);
    if ("refusal" in read) return read.refusal;
    const { member } = read;
    if (seen.keys.has(member.importKey)) {
      return member.memberNumber === undefined ? "row_repeated" : "member_number_repeated";
    }
    seen.keys.add(member.importKey);
    const { phone, email } = member;
    const found: Note[] = [...read.notes];
    if (phone !== undefined && !isNew(seen.phones, phone)) found.push("shared_phone");
    if (email !== undefined && !isNew(seen.emails, email)) found.push("shared_email");
    for (const note of found) {
      notes[note] = (notes[note] ?? 0) + 1;
      tell(line, "note", note);
    }
    portion.push(member);
    accepted += 1;
    return undefined;
  }

  await close();
  progress.done();
  report.end();
  await finished(report);
  if (header === undefined)
    throw new ColumnError("The file is empty: it needs a header and a line for each member.");
  const columns = Object.fromEntries(
    Object.entries(header.columns).map(([field, index]) => [field, names[index] ?? ""]),
  );
  return { format, columns, ignored: header.ignored, rows, accepted, refused, notes, portions };
}

function isNew(seen: Set<string>, value: string): boolean {
  if (seen.has(value)) return false;
  seen.add(value);
  return true;
}

async function writeStatements(path: string, members: readonly Member[], site: string): Promise<void> {
  const stream = createWriteStream(path);
  for await (const statement of memberStatements(members, site, Math.floor(Date.now() / 1000))) {
    if (!stream.write(`${statement}\n`)) await once(stream, "drain");
  }
  stream.end();
  await finished(stream);
}

/** How many accounts the site has. @throws {D1Error} */
async function countAccounts({ target, site }: Options): Promise<number> {
  const key = site.replaceAll("'", "''");
  const [row] = await query(target, `SELECT count(*) AS accounts FROM accounts WHERE site = '${key}'`);
  return Number(row?.accounts);
}

/** Puts the checked list into the database. @throws {D1Error} */
async function putIn(options: Options, { portions, accepted }: Checked) {
  const progress = startProgress("writing");
  const show = (members: number) =>
    progress.update(
      members / Math.max(1, accepted),
      `${members.toLocaleString("en")} of ${accepted.toLocaleString("en")}`,
    );
  // The bar moves while wrangler is at work on a portion.
  let done = 0;
  const beat = setInterval(() => show(done), 1_000);
  try {
    const before = await countAccounts(options);
    for (const { path, members } of portions) {
      show(done);
      await executeFile(options.target, path).catch((error: Error) => {
        throw new D1Error(
          `${error.message} ${done.toLocaleString("en")} members are in; run the same command again for the rest.`,
        );
      });
      done += members;
    }
    const after = await countAccounts(options);
    return { before, after };
  } finally {
    clearInterval(beat);
    progress.done();
  }
}

async function importMembers(options: Options): Promise<void> {
  const started = performance.now();
  const folder = mkdtempSync(join(tmpdir(), "members-"));
  try {
    const checked = await checkList(options, folder);
    const accounts = options.dryRun || checked.accepted === 0 ? undefined : await putIn(options, checked);
    const usage = process.resourceUsage();
    const result = {
      file: options.file,
      encoding: checked.format.encoding,
      delimiter: checked.format.delimiter,
      columns: checked.columns,
      ignored_columns: checked.ignored,
      lines: checked.rows,
      accepted: checked.accepted,
      refused: checked.refused,
      notes: checked.notes,
      report: options.report,
      dry_run: options.dryRun,
      target: options.target.remote ? "remote" : "local",
      ...(accounts && { accounts_before: accounts.before, accounts_after: accounts.after }),
      seconds: Math.round((performance.now() - started) / 100) / 10,
      // Of this process; wrangler's is not in it.
      peak_memory_mib: Math.round(usage.maxRSS / 1024),
    };
    console.log(options.json ? JSON.stringify(result, undefined, 2) : summary(result, accounts));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Result extends Pick<Checked, "accepted" | "refused" | "notes" | "columns"> {
  readonly lines: number;
  readonly ignored_columns: readonly string[];
  readonly report: string;
  readonly dry_run: boolean;
  readonly target: string;
  readonly seconds: number;
  readonly peak_memory_mib: number;
}

function summary(
  result: Result,
  accounts: { readonly before: number; readonly after: number } | undefined,
): string {
  const number = (value: number) => value.toLocaleString("en").padStart(9);
  const counts = (of: Readonly<Record<string, number>>) =>
    Object.entries(of).map(
      ([reason, count]) => `${number(count)}   ${EXPLANATIONS[reason as Refusal | Note]}`,
    );
  const refused = Object.values(result.refused).reduce((sum, count) => sum + count, 0);
  const fields = Object.entries(result.columns).map(([field, column]) => `${field} from "${column}"`);
  const lines = [
    `Read ${fields.join(", ")}.`,
    ...(result.ignored_columns.length > 0 ? [`Not read: ${result.ignored_columns.join(", ")}.`] : []),
    "",
    `${number(result.lines)} lines`,
    `${number(result.accepted)} taken in`,
    `${number(refused)} refused`,
    ...counts(result.refused).map((line) => `  ${line}`),
    ...(Object.keys(result.notes).length > 0
      ? ["", "Taken in, but worth a look:", ...counts(result.notes)]
      : []),
    "",
    accounts === undefined
      ? result.dry_run
        ? "A dry run: nothing was changed."
        : "Nothing was changed."
      : `The registry (${result.target}) had ${accounts.before.toLocaleString("en")} accounts and has ${accounts.after.toLocaleString("en")} now.`,
    `Each refused line and each note is in ${result.report}.`,
    `${result.seconds} s, at most ${result.peak_memory_mib} MiB.`,
  ];
  return lines.join("\n");
}

try {
  const options = readOptions(process.argv.slice(2));
  if (options === undefined) console.log(HELP);
  else await importMembers(options);
} catch (error) {
  if (error instanceof UsageError) {
    console.error(`${error.message}\n\n${HELP}`);
    process.exitCode = 2;
  } else if (error instanceof ColumnError || error instanceof D1Error || isFileError(error)) {
    console.error(error.message);
    process.exitCode = 1;
  } else throw error;
}

/** True for what the file system refuses (no rights, no space): the message says it all. */
function isFileError(error: unknown): error is Error {
  return error instanceof Error && "syscall" in error;
}
