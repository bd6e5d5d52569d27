/** Carries out a statement whose `?1`, `?2` … stand for these values. */
export type RunQuery = (
  sql: string,
  params: readonly (string | number)[],
) => Promise<readonly Readonly<Record<string, unknown>>[]>;

/** How rows are written: for a spreadsheet, or exactly as they are. */
export type ExportFormat = "csv" | "json";

/** A row as it is handed out: its columns by name. */
export type ExportedRow = Readonly<Record<string, string | boolean | null>>;

/** What can be exported, and how it is read: portion by portion, so that a million rows take no more memory than a thousand. */
export interface Export {
  readonly columns: readonly string[];
  readonly portions: AsyncIterable<readonly ExportedRow[]>;
}

/**
 * The rows as text, piece by piece: CSV (RFC 4180, with a byte order mark, by which spreadsheets know UTF-8), or
 * one JSON array.
 * @param onPortion hears how many rows have been written so far.
 * @param separator of the cells of CSV; where decimals have a comma, spreadsheets expect a semicolon.
 */
export async function* writtenRows(
  { columns, portions }: Export,
  format: ExportFormat,
  onPortion?: (rows: number) => void,
  separator = ",",
): AsyncGenerator<string> {
  const csvLine = (cells: readonly string[]) => `${cells.map(csvCell).join(separator)}\r\n`;
  const isCsv = format === "csv";
  yield isCsv ? `\ufeff${csvLine(columns)}` : "[";
  let written = 0;
  for await (const rows of portions) {
    const lines = rows.map((row) =>
      isCsv ? csvLine(columns.map((column) => cellText(row[column], column))) : `\n${JSON.stringify(row)}`,
    );
    yield isCsv ? lines.join("") : `${written === 0 ? "" : ","}${lines.join(",")}`;
    written += rows.length;
    onPortion?.(written);
  }
  if (!isCsv) yield "\n]\n";
}

function cellText(value: string | boolean | null | undefined, column: string): string {
  if (typeof value === "boolean") return value ? "yes" : "no";
  // Digits alone are a number of the reader's country.
  return column === "phone" && value ? `+${value}` : (value ?? "");
}

/** What a formula begins with, and what a program with other settings may take for the end of a cell. */
const FORMULA = "=+-@＝＋－＠";
const SEPARATOR = ";,|\"'";

/**
 * A cell that no spreadsheet takes for a formula. Line breaks and other control characters become spaces, and an
 * apostrophe stands before whatever could begin a formula, at the start of the cell and behind every separator
 * (OWASP, 'CSV Injection').
 */
function csvCell(text: string): string {
  let cell = "";
  let mayBegin = true;
  for (const char of text.replace(/[\p{Cc}\u2028\u2029]/gu, " ")) {
    if (mayBegin && FORMULA.includes(char)) cell += "'";
    if (char !== " ") mayBegin = SEPARATOR.includes(char);
    cell += char === '"' ? '""' : char;
  }
  return `"${cell}"`;
}
