// A member list as it lies on the disk: whatever encoding and delimiter the exporting program preferred.

import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { CommandError } from "./command-error.mjs";

export interface FileFormat {
  readonly encoding: "utf-8" | "utf-16le" | "utf-16be" | "windows-1252";
  readonly delimiter: string;
  /** A carriage return by itself is that of very old programs; any before a line feed is taken for a blank. */
  readonly lineEnd: "\n" | "\r";
}

/** As much of the file as tells its format, unless it is all ASCII. In bytes. */
const SAMPLE = 256 * 1024;

const DELIMITERS = [";", ",", "\t", "|"];

/** A line before the header with which programs tell Excel what stands between the columns. */
const SEPARATOR_LINE = /^"?sep=(.?)"?$/i;

/** How the files begin that spreadsheets keep for themselves: zip archives, and Excel's of before 2007. */
const SPREADSHEETS = ["504b0304", "d0cf11e0"];

/**
 * Finds out how a file is written. Excel's exports are often Windows-1252 with semicolons.
 * @param delimiter the one to take, if the caller knows it
 * @throws {CommandError} when it is a spreadsheet
 */
export async function recogniseFormat(path: string, delimiter?: string): Promise<FileFormat> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(SAMPLE), 0, SAMPLE, 0);
    const sample = buffer.subarray(0, bytesRead);
    if (SPREADSHEETS.includes(sample.toString("hex", 0, 4)))
      throw new CommandError(
        "The file is a spreadsheet. Open it where it was made, and save it as CSV (UTF-8).",
      );
    const encoding = markedEncoding(sample) ?? (await letterEncoding(path));
    const [header = "", lineEnd] = /[^\r\n]*(\r(?!\n))?/.exec(new TextDecoder(encoding).decode(sample)) ?? [];
    return {
      encoding,
      delimiter: delimiter ?? (SEPARATOR_LINE.exec(header)?.[1] || delimiterOf(header)),
      lineEnd: lineEnd === undefined ? "\n" : "\r",
    };
  } finally {
    await file.close();
  }
}

/** What a mark at the beginning says, or zeros between the letters. */
function markedEncoding(sample: Uint8Array): FileFormat["encoding"] | undefined {
  if (sample[0] === 0xff && sample[1] === 0xfe) return "utf-16le";
  if (sample[0] === 0xfe && sample[1] === 0xff) return "utf-16be";
  const zeros = [0, 0];
  for (const [at, byte] of sample.entries()) if (byte === 0) zeros[at % 2] = (zeros[at % 2] ?? 0) + 1;
  const [even = 0, odd = 0] = zeros;
  if (even + odd <= sample.length / 4) return undefined;
  return even > odd ? "utf-16be" : "utf-16le";
}

/** What the first letters beyond ASCII are written in, however far down the list they stand. */
async function letterEncoding(path: string): Promise<FileFormat["encoding"]> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: SAMPLE }) as AsyncIterable<Buffer>) {
      decoder.decode(chunk, { stream: true });
      if (chunk.length === SAMPLE && chunk.some((byte) => byte > 0x7f)) return "utf-8";
    }
    decoder.decode();
    return "utf-8";
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return "windows-1252";
  }
}

function delimiterOf(header: string): string {
  const counts = DELIMITERS.map((delimiter) => header.split(delimiter).length);
  const most = Math.max(...counts);
  return DELIMITERS[counts.indexOf(most)] ?? ",";
}

/** Why a line can't be read as one. */
export type BrokenLine = "too_many_cells" | "quote_open" | "too_long";

/** A row of the list, or a line that is none. */
export type FileRow = {
  readonly line: number;
  /** The last line of the row: a cell between quotation marks may have line breaks. */
  readonly lastLine: number;
} & ({ readonly cells: readonly string[] } | { readonly broken: BrokenLine });

/** No row is longer, with all its lines. In characters. */
const ROW_LIMIT = 64 * 1024;

/**
 * The rows of a file, the header first, one after the other; the file is never in memory as a whole. A line that can't
 * be read costs no other one: what comes next is the line behind it.
 * @param onBytes hears how many bytes have been read so far
 */
export async function* readRows(
  path: string,
  format: FileFormat,
  onBytes: (bytes: number) => void,
): AsyncGenerator<FileRow> {
  const decoder = new TextDecoder(format.encoding);
  const found = { text: "", line: 1, columns: undefined, isWithinLongLine: false };
  let bytes = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: 256 * 1024 })) {
    bytes += chunk.length;
    onBytes(bytes);
    found.text += decoder.decode(chunk, { stream: true });
    for (const row of rowsOf(found, format, false)) yield row;
  }
  found.text += decoder.decode();
  for (const row of rowsOf(found, format, true)) yield row;
}

/** How far a file has been read. */
interface Position {
  /** What is still to be read of what has come. */
  text: string;
  /** The number of the line that begins there. */
  line: number;
  /** Cells of the header. */
  columns: number | undefined;
  /** Whether the text begins behind the limit of a line. */
  isWithinLongLine: boolean;
}

/** The rows that the text is sure to hold as a whole; all of them where nothing comes behind it. */
function* rowsOf(position: Position, format: FileFormat, isAll: boolean): Generator<FileRow> {
  const { text } = position;
  let at = 0;
  while (isAll ? at < text.length : text.length - at > ROW_LIMIT) {
    const found = text.indexOf(format.lineEnd, at);
    const lineEnd = found < 0 ? text.length : found;
    let end = lineEnd;
    const { line, columns } = position;
    const isSeparatorLine = line === 1 && SEPARATOR_LINE.test(text.slice(at, lineEnd).trim());
    if (!position.isWithinLongLine && !isSeparatorLine) {
      const row = rowAt(text, at, lineEnd, format);
      let broken: BrokenLine | undefined;
      if (row === undefined) broken = "quote_open";
      else if (lineEnd - at > ROW_LIMIT) broken = "too_long";
      // Of several lines made one, the quotation mark is to blame. Some programs end each line but the header's with a
      // delimiter.
      else if (filled(row.cells) > (columns ?? Number.POSITIVE_INFINITY))
        broken = row.end > lineEnd ? "quote_open" : "too_many_cells";
      if (row === undefined || broken !== undefined)
        yield { line, lastLine: line, broken: broken ?? "quote_open" };
      else {
        end = row.end;
        position.line += text.slice(lineEnd, end).split(format.lineEnd).length - 1;
        if (row.cells.some((cell) => cell.trim() !== "")) {
          position.columns ??= row.cells.length;
          yield { line, lastLine: position.line, cells: row.cells };
        }
      }
    }
    position.isWithinLongLine = found < 0 && !isAll;
    if (!position.isWithinLongLine) position.line += 1;
    at = end + 1;
  }
  position.text = text.slice(at);
}

/** How many cells there are, without blank ones at the end. */
const filled = (cells: readonly string[]): number => cells.findLastIndex((cell) => cell.trim() !== "") + 1;

/**
 * The row that begins somewhere in a text, with blanks around its cells left out. A quotation mark counts where a cell
 * begins with it and another one ends the cell (RFC 4180); any other is what somebody wrote: `Anna "Nusse" Berg`,
 * `"Ola" Berg`, also between quotation marks on one line.
 * @param lineEnd where its first line ends
 * @returns `undefined` where a quotation mark is not closed: the row could be the rest of the file
 */
function rowAt(
  text: string,
  start: number,
  lineEnd: number,
  format: FileFormat,
): { readonly cells: readonly string[]; readonly end: number } | undefined {
  const limit = Math.min(text.length, start + ROW_LIMIT);
  const cells: string[] = [];
  let end = Math.min(lineEnd, limit);
  /** Where something stands from a place on, on the same line. */
  const next = (sign: string, from: number) => {
    const found = text.indexOf(sign, from);
    return found < 0 ? end : Math.min(found, end);
  };
  for (let at = start; at <= end; ) {
    let cellEnd = next(format.delimiter, at);
    let cell = text.slice(at, cellEnd).trim();
    if (cell.startsWith('"')) {
      const open = text.indexOf('"', at);
      const close = closingQuote(text, open + 1);
      if (close >= limit) return undefined;
      const isOneLine = close < end;
      if (!isOneLine) {
        end = limit;
        end = next(format.lineEnd, close);
        if (end === limit && limit < text.length) return undefined;
      }
      const closedEnd = next(format.delimiter, close);
      if (text.slice(close + 1, closedEnd).trim() === "") {
        cell = text.slice(open + 1, close).replaceAll('""', '"');
        cellEnd = closedEnd;
      } else if (!isOneLine) return undefined;
      // A word that begins with one, in a cell between others: "Anna "Nusse" Berg".
      else if (/\s/.test(text.charAt(close - 1)) && cell.endsWith('"')) cell = cell.slice(1, -1);
    }
    cells.push(cell);
    at = cellEnd + (cellEnd < end ? format.delimiter.length : 1);
  }
  return { cells, end };
}

/** The first quotation mark that is not doubled; the end of the text where there is none. */
function closingQuote(text: string, from: number): number {
  let at = text.indexOf('"', from);
  while (at >= 0 && text.charAt(at + 1) === '"') at = text.indexOf('"', at + 2);
  return at < 0 ? text.length : at;
}
