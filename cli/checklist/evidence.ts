import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { CommandError } from "../command-error.mjs";
import { ROW_IDS, type RowId } from "./rows.ts";

/** An exchange as it may be shown to anybody: every value that is secret or personal has given way to its length. */
const ShownExchange = v.object({
  /** ISO 8601, UTC. */
  at: v.string(),
  from: v.picklist(["browser", "worker", "command"]),
  to: v.picklist(["site", "provider"]),
  /** Method, address and headers, a line each; then an empty line and the body, if there is one. */
  request: v.string(),
  /** The status line, headers and body likewise. */
  response: v.string(),
});

/** A picture of a page, blanked. */
const Picture = v.object({
  /** The file's name inside the folder of pictures. */
  file: v.pipe(v.string(), v.regex(/^[\w-]+\.png$/)),
  caption: v.string(),
  device: v.picklist(["phone", "desktop"]),
});

const Found = v.object({
  severity: v.picklist(["ok", "warning", "error", "skipped"]),
  ...v.entriesFromList(["what", "todo"], v.string()),
  seen: v.optional(v.string()),
});

/** Against what a run was, worth the more to a reviewer: the simulator, a deployed site, Vipps' test environment. */
const ENVIRONMENTS = ["simulator", "deployed", "test"] as const;

/** What a run found out about a row, when and where. */
const Evidence = v.object({
  /** How the row is met, in words for whoever reviews the integration. */
  how: v.string(),
  /** What has to hold and whether it does; skipped, what this kind of run cannot show. */
  findings: v.array(Found),
  exchanges: v.array(ShownExchange),
  pictures: v.array(Picture),
  /** Lines of the worker's log, as JSON. */
  logLines: v.array(v.string()),
  /** Why the row does not concern this site, read from its settings. */
  notApplicable: v.optional(v.string()),
  /** ISO 8601, UTC. */
  takenAt: v.pipe(v.string(), v.isoTimestamp()),
  environment: v.picklist(ENVIRONMENTS),
  /** The version is of this package. */
  ...v.entriesFromList(["issuer", "site", "version"], v.string()),
});

const JudgedRow = v.object({ row: v.picklist(ROW_IDS), evidence: Evidence });

/** A setting that differed from the site's own in a run, and why. */
const ChangedSetting = v.object(v.entriesFromList(["name", "why"], v.string()));
const Run = v.object({ changed: v.array(ChangedSetting) });

/** What earlier runs found: one piece of evidence for each row and environment, and the last run in each. */
const Stored = v.object({
  format: v.literal(2),
  runs: v.object(v.entriesFromList(ENVIRONMENTS, v.optional(Run))),
  rows: v.array(JudgedRow),
});

export type ShownExchange = v.InferOutput<typeof ShownExchange>;
export type Picture = v.InferOutput<typeof Picture>;
export type Evidence = v.InferOutput<typeof Evidence>;
export type Environment = Evidence["environment"];
export type JudgedRow = v.InferOutput<typeof JudgedRow>;
export type Stored = Omit<v.InferOutput<typeof Stored>, "format">;
export type ChangedSetting = v.InferOutput<typeof ChangedSetting>;

const FILE = "evidence.json";

/** The folder of the pictures that were taken in an environment. */
export const picturesFolder = (output: string, environment: Environment): string =>
  join(output, "pictures", environment);

/** @throws {CommandError} */
export function readEvidence(output: string): Stored {
  const path = join(output, FILE);
  if (!existsSync(path)) return { runs: {}, rows: [] };
  try {
    return v.parse(Stored, JSON.parse(readFileSync(path, "utf8")));
  } catch {
    throw new CommandError(
      `${path} holds no evidence of this version of the command. Move it away to begin anew.`,
    );
  }
}

/** Puts new evidence in place of what there was of the same row and environment. */
export function merged(earlier: readonly JudgedRow[], found: readonly JudgedRow[]): JudgedRow[] {
  const key = ({ row, evidence }: JudgedRow) => `${row} ${evidence.environment}`;
  const replaced = new Set(found.map(key));
  return [...earlier.filter((one) => !replaced.has(key(one))), ...found];
}

export function writeEvidence(output: string, { runs, rows }: Stored): void {
  mkdirSync(output, { recursive: true });
  const path = join(output, FILE);
  const beside = `${path}.${process.pid}`;
  // Renaming is one step: an interrupted run leaves the old evidence or the new, never half of it.
  writeFileSync(beside, `${JSON.stringify({ format: 2, runs, rows }, undefined, 2)}\n`);
  renameSync(beside, path);
}

/**
 * The evidence to show for a row: the newest if something failed in it, so that a fault is never hidden by what was
 * fine before; else that of the worthiest environment, recent before old.
 * @param isRecent tells whether it is young enough to be sent
 */
export function bestEvidence(rows: readonly JudgedRow[], id: RowId, isRecent: (one: Evidence) => boolean) {
  const all = rows.filter(({ row }) => row === id).map(({ evidence }) => evidence);
  const [newest] = all.toSorted((one, other) => other.takenAt.localeCompare(one.takenAt));
  if (newest === undefined || newest.findings.some(({ severity }) => severity === "error")) return newest;
  const rank = (one: Evidence) => (isRecent(one) ? 10 : 0) + ENVIRONMENTS.indexOf(one.environment);
  return all.toSorted((one, other) => rank(other) - rank(one))[0];
}
