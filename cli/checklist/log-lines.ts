/** One structured line of the worker's log (src/log.ts). */
export interface LogLine {
  readonly level: string;
  readonly event: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** @returns undefined for what is no line of the worker's own */
export function parseLogLine(text: string): LogLine | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed !== "object" || parsed === null) return undefined;
    const { level, event, ...fields } = parsed as Record<string, unknown>;
    return typeof level === "string" && typeof event === "string" ? { level, event, fields } : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The worker's lines in what `wrangler tail --format json` wrote: an object per request, one after the other,
 * whose `logs` hold what the worker printed.
 */
export function parseTail(text: string): readonly LogLine[] {
  const messages = text.matchAll(/"message":\s*\[\s*("(?:[^"\\]|\\.)*")/g);
  return [...messages].flatMap(([, quoted = '""']) => parseLogLine(JSON.parse(quoted) as string) ?? []);
}

/** The line as it stands in the log. */
export const lineText = ({ level, event, fields }: LogLine): string =>
  JSON.stringify({ level, event, ...fields });

/** The line under a reference that a customer was shown. */
export function lineOf(lines: readonly LogLine[], reference: string): LogLine | undefined {
  return lines.find(({ fields }) => fields.reference === reference);
}
