import { stripVTControlCharacters } from "node:util";

/** What a line of `wrangler dev` is to the person who started it. */
export type OutputLine =
  | { readonly kind: "event"; readonly level: string; readonly text: string }
  | { readonly kind: "error"; readonly text: string }
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "noise" };

/** What wrangler says at each start and request. The banner says what matters of it. */
const NOISE = [
  /^Using (secrets|vars) defined in /,
  /^Your Worker has access to the following bindings:/,
  /^Binding\s+Resource\s+Mode$/,
  /^env\.\w+ \(.*\)\s/,
  /^env\.\w+\s/,
  /^⎔ (Starting|Reloading) local server/,
  /^\[wrangler:info\] /,
  // That the daily clearing has to be triggered by hand here, in four lines.
  /^▲ \[WARNING\] Scheduled Workers are not automatically triggered/,
  /^\s+To manually trigger a scheduled event, run:/,
  /^\s+curl "[^"]+\/scheduled"/,
  /^\s+For more details, see \S+#test-cron-triggers-locally/,
  /^\s*$/,
];

const RELOADED = /^⎔ Local server updated and ready/;

const ERROR = /^\s*✘ \[ERROR\] (.*)$/;

/** The worker's own structured lines (src/log.ts): one JSON object with a level and an event. */
function parseEvent(text: string): { level: string; event: string } | undefined {
  if (!text.startsWith("{") || !text.endsWith("}")) return undefined;
  try {
    const { level, event, ...fields } = JSON.parse(text) as Record<string, unknown>;
    return typeof level === "string" && typeof event === "string" ? { ...fields, level, event } : undefined;
  } catch {
    return undefined;
  }
}

function fieldText(value: unknown): string {
  if (typeof value === "object" && value !== null && !Array.isArray(value))
    return Object.entries(value)
      .map(([name, part]) => `${name}:${fieldText(part)}`)
      .join(",");
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return /[\s"=]/.test(text) || text === "" ? JSON.stringify(text) : text;
}

/**
 * Reads one line of what `wrangler dev` prints.
 * @returns the worker's log lines as `event name=value …`, errors without their frame, anything else as it is
 */
export function readOutputLine(raw: string): OutputLine {
  const line = stripVTControlCharacters(raw).trimEnd();
  // wrangler frames what the worker writes with console.error and console.warn.
  const text = line.replace(/^(✘ \[ERROR\]|▲ \[WARNING\]) /, "");
  const parsed = parseEvent(text);
  if (parsed !== undefined) {
    const { level, event, ...fields } = parsed;
    const pairs = Object.entries(fields).map(([name, value]) => `${name}=${fieldText(value)}`);
    return { kind: "event", level, text: [event, ...pairs].join(" ") };
  }
  if (NOISE.some((pattern) => pattern.test(line))) return { kind: "noise" };
  if (RELOADED.test(line)) return { kind: "text", text: "Worker reloaded with the changed files." };
  const error = line.match(ERROR)?.[1];
  return error === undefined ? { kind: "text", text: line } : { kind: "error", text: error };
}
