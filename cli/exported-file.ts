// A list of people written to a file: what the commands that hand one out share.

import { once } from "node:events";
import { chmodSync, createWriteStream, existsSync, statSync } from "node:fs";
import { basename, dirname } from "node:path";
import { finished } from "node:stream/promises";
import { Option } from "@commander-js/extra-typings";
import { type Export, type ExportFormat, type RunQuery, writtenRows } from "../src/accounts/exported-rows.ts";
import { usageError } from "./command-error.mjs";
import type { CommandContext } from "./command-line.ts";
import { type PlaceOptions, targetOf } from "./d1-place.ts";
import { openSession } from "./d1-session.ts";
import { siteMeant } from "./member-site.ts";

/** Rows of one statement. */
export const PORTION = 20_000;

export const formatOption = () =>
  new Option("--format <name>", "csv or json (else by the name of the file, else csv)").choices([
    "csv",
    "json",
  ]);

export const semicolonOption = () =>
  new Option(
    "--semicolons",
    "semicolons between the cells of CSV, as spreadsheets set to a Nordic language expect",
  );

export interface ExportCommandOptions extends PlaceOptions {
  readonly format?: ExportFormat | undefined;
  readonly semicolons?: true | undefined;
  readonly json?: true | undefined;
}

/** What a command hands out. */
export interface NamedExport {
  /** As the audit log has it. */
  readonly actor: "consents:export" | "members:export";
  readonly details: Readonly<Record<string, string | number>>;
  /** Throws where there is nothing to hand out, before anything is written. */
  readonly check?: (run: RunQuery, site: string) => Promise<void>;
  readonly open: (run: RunQuery, site: string) => Export;
}

/** What was written, and whose it is. */
export interface WrittenExport {
  readonly format: ExportFormat;
  /** The site's name. */
  readonly site: string;
  readonly rows: number;
}

/**
 * Writes a list to a file that only its owner can read. The audit log has a line before it begins, and one with the
 * number of rows when it is done.
 * @param file where.
 */
export async function writeExport(
  context: CommandContext,
  file: string,
  options: ExportCommandOptions,
  { actor, details, check, open }: NamedExport,
): Promise<WrittenExport> {
  const format = options.format ?? (file.toLowerCase().endsWith(".json") ? "json" : "csv");
  if (basename(file) === "-")
    throw usageError("What is exported goes to a file that only you can read: - is the name of none");
  checkPlace(file);
  const target = targetOf(context, options);
  const { persistTo } = target;
  // An import makes the storage; of a place that was mistyped an export would be of nobody.
  if (persistTo !== undefined && !existsSync(persistTo)) throw usageError(`There is no folder ${persistTo}`);
  const session = await openSession(target);
  try {
    const { key: site, name } = await siteMeant(context, target, options, session);
    const run: RunQuery = async (sql, params) => (await session.batch([{ sql, params }]))[0]?.rows ?? [];
    const note = (more: Readonly<Record<string, number>>) =>
      run(
        `INSERT INTO audit_log (site, at, actor, actor_role, action, details)
         VALUES (?1, ?2, ?3, 'system', 'exported', ?4)`,
        [...[site, Math.floor(Date.now() / 1000), actor], JSON.stringify({ ...details, format, ...more })],
      );
    await check?.(run, site);
    await note({});
    let rows = 0;
    const count = (written: number) => {
      rows = written;
    };
    const pieces = writtenRows(open(run, site), format, count, options.semicolons ? ";" : ",");
    const output = createWriteStream(file, { mode: 0o600 });
    await once(output, "open");
    // The mode is for new files alone.
    chmodSync(file, 0o600);
    for await (const piece of pieces) {
      if (!output.write(piece)) await once(output, "drain");
    }
    output.end();
    await finished(output);
    await note({ rows });
    return { format, site: name, rows };
  } finally {
    await session.close();
  }
}

/** @throws {CommandError} where no file can be written. */
export function checkPlace(file: string): void {
  if (!existsSync(dirname(file))) throw usageError(`There is no folder ${dirname(file)}`);
  if (existsSync(file) && statSync(file).isDirectory()) throw usageError(`${file} is a folder, not a file`);
}
