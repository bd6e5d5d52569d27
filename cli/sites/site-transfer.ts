// `site export` and `import`: hands a site from one deployment to another, in a file that only the
// receiving one can open. Each line is a JWE (RFC 7516): the first, sealed for the receiver, holds the settings,
// secrets included, and the key of the others; they hold the rows, in order, and the last says how many there were.

import { randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { CompactEncrypt, compactDecrypt, decodeProtectedHeader, type JWK } from "jose";
import * as v from "valibot";
import type { MasterKeys } from "../../src/sites/master-keys.ts";
import type { SiteValues } from "../../src/sites/site-document.ts";
import { CommandError } from "../command-error.mjs";
import type { D1Session } from "../d1-session.ts";
import type { Erasures } from "../erased-accounts.ts";
import { countRows, deleteRows, type RowCounts, type SiteTable, siteTables } from "./site-rows.ts";
import { transferKeys } from "./transfer-key.ts";

/** Tables whose rows belong to sites and do not go into an export, each with the reason. */
export const NOT_EXPORTED: Readonly<Record<string, string>> = {
  account_names: "kept by triggers of accounts",
  group_members: "kept by triggers of accounts",
  link_candidates: "kept by triggers of link_requests",
};

/** Rows of one line. */
const PORTION = 500;

const TYPE = "vipps-login-site";

const manifest = v.object({
  version: v.literal(1),
  id: v.pipe(v.string(), v.regex(/^[0-9a-f]{12}$/)),
  host: v.string(),
  /** When it was exported, in seconds since the epoch. */
  at: v.number(),
  settings: v.record(v.string(), v.string()),
  /** Thumbprints of session keys of this site that may never sign again. */
  revoked: v.array(v.string()),
  /** Under which key its rows stood; its host in a file of an earlier version. */
  partition: v.optional(v.string()),
  /** Who was erased there, as digests of that key and the account. */
  erased: v.optional(v.array(v.string()), []),
  /** When, in the same order, in seconds since the epoch; not in a file of an earlier version. */
  erased_at: v.optional(v.array(v.number()), []),
  /** The key of the further lines. */
  key: v.string(),
});

const rowsLine = v.object({
  table: v.string(),
  columns: v.array(v.string()),
  rows: v.array(v.array(v.union([v.string(), v.number(), v.null()]))),
});

const lastLine = v.object({ counts: v.record(v.string(), v.number()) });

/** What an export is about. */
export type Manifest = v.InferOutput<typeof manifest>;

/** Who was erased at the site of a file. */
export const erasuresOf = ({ erased, erased_at }: Manifest): Erasures =>
  new Map(erased.map((subject, index) => [subject, erased_at[index] ?? Number.POSITIVE_INFINITY]));

export interface SiteExport {
  readonly session: D1Session;
  readonly host: string;
  /** The key of its rows. */
  readonly partition: string;
  readonly settings: SiteValues;
  readonly revoked: readonly string[];
  /** Who was erased at the site. */
  readonly erased: Erasures;
  readonly receiver: JWK;
  /** Seconds since the epoch. */
  readonly at: number;
  readonly onRows?: (count: number) => void;
}

/** The lines of an export. @throws {CommandError} */
export async function* exportedLines(request: SiteExport): AsyncGenerator<string, RowCounts> {
  const { session, host, partition, settings, revoked, erased, receiver, at, onRows } = request;
  const key = randomBytes(32);
  const id = randomBytes(6).toString("hex");
  const first: Manifest = {
    ...{ version: 1, id, host, partition, at, settings: { ...settings } },
    ...{ revoked: [...revoked], erased: [...erased.keys()], erased_at: [...erased.values()] },
    key: key.toString("base64url"),
  };
  yield await new CompactEncrypt(Buffer.from(JSON.stringify(first)))
    .setProtectedHeader({ alg: "ECDH-ES+A256KW", enc: "A256GCM", typ: TYPE })
    .encrypt(receiver);
  let number = 0;
  const sealed = (content: unknown) => {
    number += 1;
    return new CompactEncrypt(Buffer.from(JSON.stringify(content)))
      .setProtectedHeader({ alg: "dir", enc: "A256GCM", typ: TYPE, n: number })
      .encrypt(key);
  };
  const counts: Record<string, number> = {};
  for (const table of await exportedTables(session)) {
    for await (const rows of rowsOf(session, table, partition)) {
      counts[table.name] = (counts[table.name] ?? 0) + rows.length;
      yield await sealed({ table: table.name, columns: table.columns, rows });
      onRows?.(rows.length);
    }
  }
  yield await sealed({ counts });
  return counts;
}

/** The tables that an export holds: all whose rows belong to sites, but for those with a reason. @throws {CommandError} */
export async function exportedTables(session: D1Session): Promise<readonly SiteTable[]> {
  return (await siteTables(session)).filter(({ name }) => !(name in NOT_EXPORTED));
}

type Row = readonly (string | number | null)[];

/** The rows of a site, from key to key. */
async function* rowsOf(
  session: D1Session,
  { name, columns, key }: SiteTable,
  site: string,
): AsyncGenerator<readonly Row[]> {
  const select = `SELECT ${columns.join(", ")} FROM ${name}`;
  const asRows = (rows: readonly Readonly<Record<string, unknown>>[] = []) =>
    rows.map((row) => columns.map((column) => row[column] as Row[number]));
  if (key[0] !== "site") {
    // Their key tells nothing of the site, so the keys are looked up first, by the index of the site.
    const [id = ""] = key;
    const [found] = await session.batch([
      { sql: `SELECT ${id} AS id FROM ${name} WHERE site = ?1`, params: [site] },
    ]);
    const ids = (found?.rows ?? []).map((row) => Number(row.id)).toSorted((one, other) => one - other);
    for (let start = 0; start < ids.length; start += PORTION) {
      const portion = JSON.stringify(ids.slice(start, start + PORTION));
      const sql = `${select} WHERE ${id} IN (SELECT value FROM json_each(?1)) AND site = ?2 ORDER BY ${id}`;
      const [result] = await session.batch([{ sql, params: [portion, site] }]);
      yield asRows(result?.rows);
    }
    return;
  }
  const rest = key.slice(1);
  let after: readonly (string | number)[] | undefined;
  for (;;) {
    const beyond =
      after === undefined
        ? ""
        : `AND (${rest.join(", ")}) > (${rest.map((_, index) => `?${index + 2}`).join(", ")})`;
    const sql = `${select} WHERE site = ?1 ${beyond} ORDER BY ${key.join(", ")} LIMIT ${PORTION}`;
    const [result] = await session.batch([{ sql, params: [site, ...(after ?? [])] }]);
    const rows = result?.rows ?? [];
    if (rows.length > 0) yield asRows(rows);
    const last = rows.at(-1);
    if (last === undefined || rows.length < PORTION) return;
    after = rest.map((column) => last[column] as string | number);
  }
}

/** An export that was opened, and what reads its rows. */
export interface OpenedExport {
  readonly manifest: Manifest;
  readonly lines: AsyncIterator<string>;
}

/** Opens the first line of an export. @throws {CommandError} for a file that is none, or for another deployment. */
export async function openExport(path: string, keys: MasterKeys): Promise<OpenedExport> {
  const reader = createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY });
  const lines = reader[Symbol.asyncIterator]();
  const { value: first = "" } = await lines.next();
  if (!isOurs(first)) throw new CommandError(`${path} is no export of a site.`);
  for (const key of transferKeys(keys)) {
    try {
      const { plaintext } = await compactDecrypt(first, key);
      const read = v.safeParse(manifest, JSON.parse(Buffer.from(plaintext).toString()));
      if (read.success) return { manifest: read.output, lines };
    } catch {
      // Sealed for another key.
    }
  }
  throw new CommandError(`${path} was sealed for another deployment, or for one whose master key is gone.`);
}

function isOurs(line: string): boolean {
  try {
    return decodeProtectedHeader(line).typ === TYPE;
  } catch {
    return false;
  }
}

/**
 * Puts the rows of an export under a key of their own. Whatever stands there already is of a run that was cut off,
 * and goes first.
 * @param partition the key.
 * @returns how many rows there are of each table, read back.
 * @throws {CommandError} where a line is missing, or of another file; the site is not there then.
 */
export async function importRows(
  session: D1Session,
  { manifest: { key }, lines }: OpenedExport,
  partition: string,
  onRows: (count: number) => void = () => undefined,
): Promise<RowCounts> {
  const tables = await siteTables(session);
  const byName = new Map((await exportedTables(session)).map((table) => [table.name, table]));
  await deleteRows(session, tables, partition);
  const secret = Buffer.from(key, "base64url");
  for (let number = 1; ; number += 1) {
    const { value: line, done } = await lines.next();
    if (done) throw new CommandError("The file ends in the middle. Export the site again.");
    const content = await openLine(line, secret, number);
    const end = v.safeParse(lastLine, content);
    if (end.success) {
      const { done: isWhole } = await lines.next();
      if (!isWhole) throw new CommandError("The file goes on behind its end. Export the site again.");
      return confirmCounts(session, tables, partition, end.output.counts);
    }
    const { table: name, columns, rows } = v.parse(rowsLine, content);
    // A file of an earlier version holds what the triggers here write by themselves.
    if (name in NOT_EXPORTED) continue;
    const table = byName.get(name);
    const unknown = columns.filter((column) => table?.columns.includes(column) !== true);
    if (table === undefined || unknown.length > 0)
      throw new CommandError(
        `The database here has no ${table === undefined ? `table ${name}` : `column ${unknown.join(", ")} in ${name}`}: bring it up to date first (apply the migrations).`,
      );
    await session.batch([insertion(table, columns, rows, partition)]);
    onRows(rows.length);
  }
}

async function openLine(line: string, secret: Uint8Array, number: number): Promise<unknown> {
  try {
    const { plaintext, protectedHeader } = await compactDecrypt(line, secret);
    if (protectedHeader.n !== number) throw new Error("another line");
    return JSON.parse(Buffer.from(plaintext).toString());
  } catch {
    throw new CommandError(
      `Line ${number + 1} of the file is not the one that was written. Export the site again.`,
    );
  }
}

function insertion(table: SiteTable, columns: readonly string[], rows: readonly Row[], partition: string) {
  // A number that only tells rows apart is given anew.
  const [first] = table.key;
  const isKept = (column: string) => table.key.length > 1 || column !== first || column === "site";
  const kept = columns.filter(isKept);
  const values = kept.map((column) =>
    column === "site" ? "?2" : `json_extract(value, '$[${columns.indexOf(column)}]')`,
  );
  return {
    sql: `INSERT INTO ${table.name} (${kept.join(", ")}) SELECT ${values.join(", ")} FROM json_each(?1) ORDER BY key`,
    params: [JSON.stringify(rows), partition],
  };
}

async function confirmCounts(
  session: D1Session,
  tables: readonly SiteTable[],
  partition: string,
  expected: Readonly<Record<string, number>>,
): Promise<RowCounts> {
  const counts = await countRows(session, tables, partition);
  const wrong = Object.entries(expected).filter(([name, count]) => (counts[name] ?? 0) !== count);
  if (wrong.length > 0)
    throw new CommandError(
      `Not all rows arrived in ${wrong.map(([name]) => name).join(", ")}. Run the same again.`,
    );
  return counts;
}
