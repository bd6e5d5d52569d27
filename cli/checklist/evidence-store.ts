import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { CommandError } from "../command-error.mjs";
import type { JudgedRow } from "./judge.ts";
import type { Environment, Evidence } from "./row.ts";
import { ROW_IDS, type RowId } from "./row-ids.ts";

const Shown = v.object({
  at: v.string(),
  from: v.picklist(["browser", "worker", "command"]),
  to: v.picklist(["site", "provider"]),
  request: v.string(),
  response: v.string(),
});

const StoredRow = v.object({
  row: v.picklist(ROW_IDS),
  evidence: v.object({
    how: v.string(),
    checks: v.array(v.object({ text: v.string(), ok: v.boolean(), found: v.optional(v.string()) })),
    exchanges: v.array(Shown),
    pictures: v.array(
      v.object({
        file: v.pipe(v.string(), v.regex(/^[\w-]+\.png$/)),
        caption: v.string(),
        device: v.picklist(["phone", "desktop"]),
        width: v.number(),
        height: v.number(),
      }),
    ),
    logLines: v.array(v.string()),
    missing: v.array(v.string()),
    notApplicable: v.optional(v.string()),
    takenAt: v.pipe(v.string(), v.isoTimestamp()),
    environment: v.picklist(["simulator", "test", "deployed"]),
    issuer: v.string(),
    site: v.string(),
    version: v.string(),
  }),
});

const Run = v.object({
  takenAt: v.string(),
  changed: v.array(v.object({ name: v.string(), why: v.string() })),
});

const StoredEvidence = v.object({
  format: v.literal(1),
  runs: v.object({
    simulator: v.optional(Run),
    test: v.optional(Run),
    deployed: v.optional(Run),
  }),
  rows: v.array(StoredRow),
});

/** The last run in each environment, and the settings that differed during it. */
export type Runs = v.InferOutput<typeof StoredEvidence>["runs"];

/** What earlier runs found, one piece of evidence for each row and environment. */
export interface Stored {
  readonly runs: Runs;
  readonly rows: readonly JudgedRow[];
}

const FILE = "evidence.json";

/** The folder of the pictures that were taken in an environment. */
export function picturesFolder(output: string, environment: Environment): string {
  return join(output, "pictures", environment);
}

/** @throws {CommandError} */
export function readEvidence(output: string): Stored {
  const path = join(output, FILE);
  if (!existsSync(path)) return { runs: {}, rows: [] };
  try {
    return v.parse(StoredEvidence, JSON.parse(readFileSync(path, "utf8")));
  } catch {
    throw new CommandError(`${path} holds no evidence of this command. Move it away to begin anew.`);
  }
}

/** Puts new evidence in place of what there was of the same row and environment. */
export function merged(earlier: readonly JudgedRow[], found: readonly JudgedRow[]): readonly JudgedRow[] {
  const key = ({ row, evidence }: JudgedRow) => `${row} ${evidence.environment}`;
  const replaced = new Set(found.map(key));
  return [...earlier.filter((one) => !replaced.has(key(one))), ...found];
}

export function writeEvidence(output: string, { runs, rows }: Stored): void {
  mkdirSync(output, { recursive: true });
  const path = join(output, FILE);
  const beside = `${path}.${process.pid}`;
  // Renaming is one step: an interrupted run leaves the old evidence or the new, never half of it.
  writeFileSync(beside, `${JSON.stringify({ format: 1, runs, rows }, undefined, 2)}\n`);
  renameSync(beside, path);
}

/** How much evidence of an environment is worth to a reviewer. */
const WORTH: Readonly<Record<Environment, number>> = { test: 2, deployed: 1, simulator: 0 };

/**
 * The evidence to show for a row: the newest if something failed in it, so that a fault is never hidden by what was
 * fine before; else that of the worthiest environment, recent before old.
 * @param isRecent tells whether it is young enough to be sent
 */
export function bestEvidence(
  rows: readonly JudgedRow[],
  id: RowId,
  isRecent: (evidence: Evidence) => boolean,
): Evidence | undefined {
  const all = rows.filter(({ row }) => row === id).map(({ evidence }) => evidence);
  const [newest] = all.toSorted((one, other) => other.takenAt.localeCompare(one.takenAt));
  if (newest === undefined || newest.checks.some(({ ok }) => !ok)) return newest;
  const rank = (evidence: Evidence) => (isRecent(evidence) ? 10 : 0) + WORTH[evidence.environment];
  return all.toSorted((one, other) => rank(other) - rank(one))[0];
}
