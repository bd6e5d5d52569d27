// `vipps-login members import`: brings an existing member list into the registry.

import { once } from "node:events";
import { createWriteStream, existsSync, openSync, rmSync, statSync, type WriteStream } from "node:fs";
import { finished } from "node:stream/promises";
import { Command } from "@commander-js/extra-typings";
import { type CountryCode, isSupportedCountry } from "libphonenumber-js/max";
import type { RunQuery } from "../src/accounts/exported-rows.ts";
import { type MemberFilter, membersExport, pageOf } from "../src/accounts/members-export.ts";
import { groupName } from "../src/group-name.ts";
import { CommandError, usageError } from "./command-error.mjs";
import type { CommandContext } from "./command-line.ts";
import type { D1Target } from "./d1-command.ts";
import { databaseCommand, type PlaceOptions, targetOf } from "./d1-place.ts";
import { type D1Session, openSession } from "./d1-session.ts";
import {
  checkPlace,
  PORTION as EXPORTED,
  type ExportCommandOptions,
  formatOption,
  semicolonOption,
  writeExport,
} from "./exported-file.ts";
import { MEMBER_FIELDS, type MemberField, recogniseHeader } from "./member-columns.ts";
import { type FileFormat, type FileRow, readRows, recogniseFormat } from "./member-file.ts";
import {
  ACCOUNT_KEY,
  EXPLANATIONS,
  type Member,
  type Note,
  type Refusal,
  readMemberRow,
} from "./member-row.ts";
import { askForSite, knownSites, type MemberSite, memberSite, siteNamed } from "./member-site.ts";
import { memberPortion, namedAccounts } from "./member-sql.ts";
import { startProgress } from "./progress-bar.ts";

/** The command `members`. */
export function members(context: CommandContext) {
  return new Command("members")
    .description("The members whom the registry of ACCOUNTS=d1 knows.")
    .addCommand(exportCommand(context))
    .addCommand(
      databaseCommand("import", context)
        .description(
          "brings a member list (CSV) into the registry. May be run again at any time: nothing is doubled, what has changed in the list is brought up to date, and nobody is removed",
        )
        .argument("<file>", "the list")
        .option("--dry-run", "checks the list and writes the report, changes nothing")
        .option(
          "--country <code>",
          "whose phone numbers those without a country code are",
          readCountry,
          "NO" as CountryCode,
        )
        .option(
          "--column <field=name>",
          `the column of a field, where it isn't recognised; may be repeated. Fields: ${MEMBER_FIELDS.join(", ")}`,
          namedColumn,
        )
        .option("--delimiter <text>", 'between the columns, where it isn\'t recognised ("tab" for tabs)')
        .option(
          "--report <file>",
          "where refused lines and notes are written (<file>.report.csv)",
          context.path,
        )
        .option("--json", "the result as JSON on the standard output")
        .addHelpText("after", HELP_END)
        .action((file, given) => importMembers(optionsOf(context, file, given), context)),
    );
}

function exportCommand(context: CommandContext) {
  return databaseCommand("export", context)
    .description(
      "writes the members to a file that only you can read, all of them or those whom the options fit. CSV is safe to open in a spreadsheet, and its columns are those that import reads; JSON is exact. The audit log notes the export before it begins, and its size",
    )
    .argument("<file>", "where they are written")
    .addOption(formatOption())
    .addOption(semicolonOption())
    .option("--group <name>", "those in this group", readGroup)
    .option("--consent <id>", "those whose newest answer to this consent is yes, such as newsletter")
    .option("--answer <yes|no>", "with --consent: those who said this (yes)", readAnswer)
    .option("--json", "the result as JSON on the standard output")
    .action((file, options) => exportMembers(context, file, options));
}

interface ExportOptions extends ExportCommandOptions {
  readonly group?: string | undefined;
  readonly consent?: string | undefined;
  readonly answer?: "yes" | "no" | undefined;
}

async function exportMembers(context: CommandContext, typed: string, options: ExportOptions): Promise<void> {
  const { group, consent, json } = options;
  if (options.answer !== undefined && consent === undefined)
    throw usageError("--answer goes with --consent, which says to what");
  const answer = options.answer ?? "yes";
  const filter: MemberFilter = {
    ...(group !== undefined && { group }),
    ...(consent !== undefined && { answer: { consent, granted: answer === "yes" } }),
  };
  const chosen = { ...(group !== undefined && { group }), ...(consent !== undefined && { consent, answer }) };
  const { format, site, rows } = await writeExport(context, context.path(typed), options, {
    actor: "members:export",
    details: { list: "members", ...chosen },
    check: (run, key) => checkFilter(run, key, filter),
    open: (run, key) => membersExport(run, { site: key, filter, portion: EXPORTED }),
  });
  context.print(
    json
      ? JSON.stringify({ file: typed, format, ...chosen, site, rows })
      : `${rows.toLocaleString("en")} members of ${site} in ${typed}. They are personal data: delete the file when it has served.`,
  );
}

/** A name that is mistyped must not look like a list of nobody. @throws {CommandError} */
async function checkFilter(run: RunQuery, site: string, { group, answer }: MemberFilter): Promise<void> {
  const fits = async (source: "group" | "answer", filter: MemberFilter) => {
    const { sql, params } = pageOf(source, site, filter, "", 1);
    return (await run(sql, params)).length > 0;
  };
  if (group !== undefined && !(await fits("group", { group })))
    throw new CommandError(`Nobody is in a group "${group}". Nothing was written.`);
  if (answer === undefined) return;
  const asked = [true, false].map((granted) => fits("answer", { answer: { ...answer, granted } }));
  if (!(await Promise.all(asked)).includes(true))
    throw new CommandError(`Nobody has answered a consent "${answer.consent}". Nothing was written.`);
}

/** @throws {CommandError} */
function readGroup(text: string): string {
  const group = groupName(text);
  if (group === undefined) throw usageError(`--group takes the name of a group, not ${text}`);
  return group;
}

/** @throws {CommandError} */
function readAnswer(text: string): "yes" | "no" {
  if (text === "yes" || text === "no") return text;
  throw usageError(`--answer takes yes or no, not ${text}`);
}

const HELP_END = `
The list needs a header. Names of columns are known in English, Norwegian, Danish, Swedish and Finnish; see
docs/accounts.md. The exit code is 0 when the list was taken in, even if lines were refused; 1 when nobody in it was.`;

/** Members of one transaction: others wait for it some milliseconds, and little is lost when it is cut off. */
const PORTION = 1_000;

interface Given extends PlaceOptions {
  readonly dryRun?: true | undefined;
  readonly country: CountryCode;
  readonly column?: Named | undefined;
  readonly delimiter?: string | undefined;
  readonly report?: string | undefined;
  readonly json?: true | undefined;
}

/** The columns of fields that were named. */
type Named = Readonly<Partial<Record<MemberField, string>>>;

interface Options {
  readonly file: string;
  readonly target: D1Target;
  readonly dryRun: boolean;
  readonly json: boolean;
  readonly country: CountryCode;
  readonly named: Named;
  readonly delimiter: string | undefined;
  /** The site as it was named. */
  readonly site: string | undefined;
  /** A settings file in place of the usual one. */
  readonly settingsFile: string | undefined;
  readonly report: string;
}

/** @throws {CommandError} */
function optionsOf(context: CommandContext, typed: string, given: Given): Options {
  const file = context.path(typed);
  if (!existsSync(file)) throw usageError(`There is no file ${typed}`);
  // A list is read from its beginning more than once.
  if (!statSync(file).isFile()) throw usageError(`${typed} is no file, but a folder, a device or a pipe`);
  const { dryRun = false, json = false, country, column: named = {}, delimiter, site, settings } = given;
  const report = given.report ?? `${file}.report.csv`;
  checkPlace(report);
  return {
    ...{ file, dryRun, json, country, named, site, settingsFile: settings },
    target: targetOf(context, given),
    delimiter: delimiter === "tab" ? "\t" : delimiter,
    report,
  };
}

/** @throws {CommandError} */
function readCountry(text: string): CountryCode {
  const country = text.toUpperCase();
  if (isSupportedCountry(country)) return country;
  throw usageError(`--country takes a code such as NO, not ${country}`);
}

/** @throws {CommandError} */
function namedColumn(text: string, earlier: Named = {}): Named {
  const [, name, column] = /^(\w+)=(.+)$/.exec(text) ?? [];
  const field = MEMBER_FIELDS.find((known) => known === name);
  if (field === undefined || column === undefined)
    throw usageError(
      `--column takes FIELD=NAME with a field out of ${MEMBER_FIELDS.join(", ")}, not ${text}`,
    );
  return { ...earlier, [field]: column };
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
  /** Where refused lines and notes are written, if there are any. */
  readonly report: string | undefined;
}

/**
 * Reads the whole list and writes the report.
 * @param takeIn gets the members in portions, and is waited for
 * @throws {CommandError}, and what `takeIn` throws
 */
async function readList(
  options: Options,
  takeIn: (members: readonly Member[]) => Promise<unknown>,
): Promise<Checked> {
  const { file, country, named } = options;
  const format = await recogniseFormat(file, options.delimiter);
  const size = statSync(file).size;
  const progress = startProgress(options.dryRun ? "checking" : "importing");
  let report: WriteStream | undefined;
  const refused: Partial<Record<Refusal, number>> = {};
  const notes: Partial<Record<Note, number>> = {};
  let isFull = false;
  const tell = ({ line, lastLine }: FileRow, result: "refused" | "note", reason: Refusal | Note) => {
    const lines = line === lastLine ? line : `${line}-${lastLine}`;
    if (report === undefined) {
      const fd = openSync(options.report, "w");
      report = createWriteStream(options.report, { fd });
      report.write("line,result,reason,explanation\n");
    }
    isFull = report.write(`${lines},${result},${reason},"${EXPLANATIONS[reason]}"\n`) === false;
  };

  const seen = { keys: new Set<string>(), phones: new Set<string>(), emails: new Set<string>() };
  const portion: Member[] = [];
  let part = 0;
  let rows = 0;
  let accepted = 0;
  let header: ReturnType<typeof recogniseHeader> | undefined;
  let names: readonly string[] = [];
  try {
    for await (const row of readRows(file, format, (bytes) => {
      part = size === 0 ? 1 : bytes / size;
    })) {
      if (header === undefined) {
        if ("broken" in row) throw new CommandError(`The header can't be read: ${EXPLANATIONS[row.broken]}.`);
        names = row.cells;
        header = recogniseHeader(names, named);
        // That of an earlier run, and only now: of a file that is no member list there is nothing to report.
        dropReport(options.report);
        continue;
      }
      const refusal = "broken" in row ? row.broken : check(row, row.cells);
      if (refusal !== undefined) {
        refused[refusal] = (refused[refusal] ?? 0) + 1;
        tell(row, "refused", refusal);
      }
      rows += 1;
      progress.update(
        part,
        `${rows.toLocaleString("en")} lines, ${(rows - accepted).toLocaleString("en")} refused`,
      );
      if (isFull && report !== undefined) {
        await once(report, "drain");
        isFull = false;
      }
      if (portion.length >= PORTION) await takeIn(portion.splice(0));
    }
    if (portion.length > 0) await takeIn(portion);
  } finally {
    progress.done();
    report?.end();
    if (report !== undefined) await finished(report);
  }

  /** Puts a row into the portion, or says why not. */
  function check(row: FileRow, cells: readonly string[]): Refusal | undefined {
    const read = readMemberRow(cells, header?.columns ?? {}, country);
    if ("refusal" in read) return read.refusal;
    const { member } = read;
    const { accountId, memberNumber, phone, email } = member;
    if (!isNew(seen.keys, member.importKey))
      return memberNumber === undefined ? "row_repeated" : "member_number_repeated";
    if (accountId !== undefined && memberNumber !== undefined && !isNew(seen.keys, ACCOUNT_KEY + accountId))
      return "row_repeated";
    const found: Note[] = [...read.notes];
    if (phone && !isNew(seen.phones, phone)) found.push("shared_phone");
    if (email && !isNew(seen.emails, email)) found.push("shared_email");
    for (const note of found) {
      notes[note] = (notes[note] ?? 0) + 1;
      tell(row, "note", note);
    }
    portion.push(member);
    accepted += 1;
    return undefined;
  }

  if (header === undefined)
    throw new CommandError("The file is empty: it needs a header and a line for each member.");
  if (rows === 0)
    throw new CommandError("The list has a header and nobody behind it: it needs a line for each member.");
  const columns = Object.fromEntries(
    Object.entries(header.columns).map(([field, index]) => [field, names[index] ?? ""]),
  );
  const found = { rows, accepted, refused, notes, report: report && options.report };
  return { format, columns, ignored: header.ignored, ...found };
}

/** Removes a report, but nothing that is no file. */
function dropReport(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isFile()) rmSync(path);
}

function isNew(seen: Set<string>, value: string): boolean {
  if (seen.has(value)) return false;
  seen.add(value);
  return true;
}

/** What an import did to the registry. Nothing in it needs a look at accounts that the list does not name. */
interface Imported {
  added: number;
  joined: number;
  changed: number;
  /** Milliseconds of the statement that took the database longest. */
  slowest: number;
}

/** Puts the list into the registry while it is read: a portion is written while the next one is read. */
async function importInto(options: Options, session: D1Session, { key }: MemberSite) {
  const imported: Imported = { added: 0, joined: 0, changed: 0, slowest: 0 };
  let done = 0;
  const write = async (members: readonly Member[]) => {
    const named = namedAccounts(members, key);
    const [found] = named === undefined ? [] : await session.batch([named]);
    const keys = new Map(found?.rows.map((row) => [String(row.id), String(row.import_key)]));
    const { statements, newIds } = await memberPortion(members, key, Math.floor(Date.now() / 1000), keys);
    const [joined, upserted] = await session.batch(statements);
    const added = upserted?.rows.filter(({ id }) => newIds.has(String(id))).length ?? 0;
    imported.added += added;
    imported.joined += joined?.changes ?? 0;
    imported.changed += (upserted?.rows.length ?? 0) - added;
    imported.slowest = Math.max(imported.slowest, joined?.milliseconds ?? 0, upserted?.milliseconds ?? 0);
    done += members.length;
  };
  let writing: Promise<void> = Promise.resolve();
  try {
    const checked = await readList(options, async (members) => {
      await writing;
      writing = write(members);
      // Whoever waits for it hears of it; here it must not count as unheard.
      writing.catch(() => undefined);
    });
    await writing;
    // Statistics for queries of the site's own; the worker's plans do not depend on them.
    if (imported.added > 0) await session.batch([{ sql: "PRAGMA optimize", params: [] }]);
    return { checked, imported };
  } catch (error) {
    await writing.catch(() => undefined);
    // It would tell of lines that were never taken in.
    if (done === 0) dropReport(options.report);
    if (!(error instanceof CommandError) || done === 0) throw error;
    throw new CommandError(
      `${error.message} ${done.toLocaleString("en")} members are in; run the same command again for the rest.`,
      error.code,
    );
  }
}

async function chosenSite(
  options: Options,
  session: D1Session,
  { stdin, stderr, env }: CommandContext,
): Promise<MemberSite> {
  const { target, settingsFile } = options;
  const known = await knownSites(target, settingsFile, session);
  const mayAsk = options.site === undefined && known.further.length > 0 && !options.json;
  const named =
    mayAsk && stdin.isTTY && stderr.isTTY
      ? await askForSite(known, { input: stdin, output: stderr })
      : siteNamed(options.site, known);
  return memberSite(named, session, { target, settingsFile, env });
}

async function importMembers(options: Options, context: CommandContext): Promise<void> {
  const started = performance.now();
  // A dry run opens the database only to see whether the site that was named is one.
  const session =
    options.dryRun && options.site === undefined ? undefined : await openSession(options.target);
  try {
    const site = session && (await chosenSite(options, session, context));
    const { checked, imported } =
      options.dryRun || session === undefined || site === undefined
        ? { checked: await readList(options, async () => undefined), imported: undefined }
        : await importInto(options, session, site);
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
      report: checked.report,
      dry_run: options.dryRun,
      target: options.target.remote ? "remote" : "local",
      ...(site && { site: site.name }),
      ...(imported && {
        accounts_added: imported.added,
        accounts_joined: imported.joined,
        accounts_changed: imported.changed,
        slowest_statement_ms: Math.round(imported.slowest),
      }),
      seconds: Math.round((performance.now() - started) / 100) / 10,
      // Of this process; the database's is not in it.
      peak_memory_mib: Math.round(usage.maxRSS / 1024),
    };
    context.print(options.json ? JSON.stringify(result, undefined, 2) : summary(result, imported, site));
    if (checked.accepted === 0) {
      context.exitCode = 1;
      context.tell("No line could be taken in.");
    }
  } finally {
    await session?.close();
  }
}

interface Result extends Pick<Checked, "accepted" | "refused" | "notes" | "columns"> {
  readonly lines: number;
  readonly ignored_columns: readonly string[];
  readonly report: string | undefined;
  readonly dry_run: boolean;
  readonly target: string;
  readonly seconds: number;
  readonly peak_memory_mib: number;
}

function summary(
  result: Result,
  imported: Readonly<Imported> | undefined,
  site: MemberSite | undefined,
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
    ...(imported === undefined
      ? ["A dry run: nothing was changed."]
      : [
          `In the registry of ${site?.name ?? "the site"} (${result.target}):`,
          `${number(imported.added)} new`,
          `${number(imported.joined)} of a login before, now the member's`,
          `${number(imported.changed)} brought up to date`,
          `${number(result.accepted - imported.added - imported.changed)} as they were`,
        ]),
    ...(result.report === undefined ? [] : [`Each refused line and each note is in ${result.report}.`]),
    `${result.seconds} s, at most ${result.peak_memory_mib} MiB.`,
  ];
  return lines.join("\n");
}
