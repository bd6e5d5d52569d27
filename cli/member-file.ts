// A member list as it lies on the disk: whatever encoding and delimiter the exporting program preferred.

import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { Readable } from "node:stream";
import { TextDecoderStream } from "node:stream/web";
import { type CsvError, parse } from "csv-parse";

export interface FileFormat {
  readonly encoding: "utf-8" | "utf-16le" | "windows-1252";
  readonly delimiter: string;
}

/** As much of the file as tells its format. In bytes. */
const SAMPLE = 256 * 1024;

const DELIMITERS = [";", ",", "\t", "|"];

/**
 * Finds out how a file is written. Excel's exports are often Windows-1252 with semicolons.
 * @param delimiter the one to take, if the caller knows it
 */
export async function recogniseFormat(path: string, delimiter?: string): Promise<FileFormat> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(SAMPLE), 0, SAMPLE, 0);
    const sample = buffer.subarray(0, bytesRead);
    const encoding = encodingOf(sample);
    const [header = ""] = new TextDecoder(encoding).decode(sample).split(/\r\n|\r|\n/, 1);
    return { encoding, delimiter: delimiter ?? delimiterOf(header) };
  } finally {
    await file.close();
  }
}

function encodingOf(sample: Uint8Array): FileFormat["encoding"] {
  if (sample[0] === 0xff && sample[1] === 0xfe) return "utf-16le";
  try {
    // A stream: the sample may end in the middle of a letter.
    new TextDecoder("utf-8", { fatal: true }).decode(sample, { stream: true });
    return "utf-8";
  } catch {
    return "windows-1252";
  }
}

function delimiterOf(header: string): string {
  const counts = DELIMITERS.map((delimiter) => header.split(delimiter).length);
  const most = Math.max(...counts);
  return DELIMITERS[counts.indexOf(most)] ?? ",";
}

/** One line of the list, or a place where it can't be read as lines. */
export type FileRow =
  | { readonly line: number; readonly cells: readonly string[] }
  | { readonly line: number; readonly broken: true };

/**
 * The rows of a file, the header first, one after the other; the file is never in memory as a whole.
 * @param onBytes hears how many bytes have been read so far
 */
export async function* readRows(
  path: string,
  { encoding, delimiter }: FileFormat,
  onBytes: (bytes: number) => void,
): AsyncGenerator<FileRow> {
  let bytes = 0;
  const source = createReadStream(path, { highWaterMark: 256 * 1024 });
  source.on("data", (chunk) => {
    bytes += chunk.length;
    onBytes(bytes);
  });
  const broken: number[] = [];
  const parser = parse({
    bom: true,
    delimiter,
    info: true,
    skip_empty_lines: true,
    skip_records_with_empty_values: true,
    skip_records_with_error: true,
    trim: true,
    // Some programs leave empty cells at the end of a line out.
    relax_column_count_less: true,
    // A quotation mark that is never closed would else swallow the rest of the file. In characters.
    max_record_size: 64 * 1024,
    on_skip: (error: CsvError | undefined) => {
      if (error !== undefined) broken.push(Number(error.lines ?? 0));
      return undefined;
    },
  });
  const text = Readable.toWeb(source).pipeThrough(new TextDecoderStream(encoding));
  for await (const item of Readable.fromWeb(text).pipe(parser)) {
    const { record, info } = item as { record: string[]; info: { lines: number } };
    // The parser is ahead of what is read here.
    while (broken[0] !== undefined && broken[0] < info.lines)
      yield { line: broken.shift() ?? 0, broken: true };
    yield { line: info.lines, cells: record };
  }
  for (const line of broken.splice(0)) yield { line, broken: true };
}
