import { type Found, holds, skipped } from "../findings/finding.ts";
import type { Evidence, JudgedRow, Picture } from "./evidence.ts";
import { lineText } from "./log-lines.ts";
import type { Redactor } from "./redaction.ts";
import { ROW_IDS, ROWS, type Row, type RowId, scenesOf } from "./rows.ts";
import type { SceneName, Seen } from "./walk.ts";

export interface Circumstances {
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Of this package. */
  readonly version: string;
  /** Why scenes came to no end. */
  readonly failed: Readonly<Partial<Record<SceneName, string>>>;
}

/** Judges rows by what a run saw. Nothing that leaves here holds a secret or anything personal. */
export function judgeRows(
  seen: Seen,
  ids: readonly RowId[],
  redactor: Redactor,
  { now, version, failed }: Circumstances,
): JudgedRow[] {
  // Everything is learned before anything is shown: a value may turn up before the place that gives it away.
  for (const exchange of seen.exchanges) redactor.learn(exchange);
  const { environment, issuer, site } = seen;
  const takenAt = new Date(now).toISOString();
  return ROW_IDS.filter((id) => ids.includes(id)).map((row) => ({
    row,
    evidence: {
      ...judged(ROWS[row], seen, failed, redactor),
      ...{ takenAt, environment, issuer, site, version },
    },
  }));
}

type Judged = Omit<Evidence, "takenAt" | "environment" | "issuer" | "site" | "version">;

function judged(row: Row, seen: Seen, failed: Circumstances["failed"], redactor: Redactor): Judged {
  const { show, sweep } = redactor;
  const none = { findings: [], exchanges: [], pictures: [], logLines: [] };
  const notApplicable = row.notApplicable?.(seen) || undefined;
  if (notApplicable !== undefined)
    return { ...none, how: "Not applicable.", notApplicable: sweep(notApplicable) };
  const findings = [...brokenScenes(row, failed), ...lookAt(row, seen)];
  return {
    how: sweep(typeof row.how === "string" ? row.how : row.how(seen)),
    findings: findings.map(({ what, seen: told, ...rest }) => ({
      ...{ ...rest, what: sweep(what) },
      ...(told !== undefined && { seen: sweep(told) }),
    })),
    exchanges: (row.examples?.(seen) ?? []).filter((one) => one !== undefined).map(show),
    pictures: picturesOf(row, seen).map((one) => ({ ...one, caption: sweep(one.caption) })),
    logLines: (row.logLines?.(seen) ?? [])
      .filter((line) => line !== undefined)
      .map((line) => sweep(lineText(line))),
  };
}

/** A scene that came to no end is a reason to look, whatever the rest says. */
function brokenScenes(row: Row, failed: Circumstances["failed"]): readonly Found[] {
  const broken = scenesOf(row).filter((scene) => failed[scene] !== undefined);
  return broken.map((scene) => holds(`The walk “${scene}” came to its end`, false, failed[scene]));
}

/** What goes between the worker and Vipps when the worker runs elsewhere. */
const UNSEEN_TRAFFIC = skipped(
  "The worker is deployed, so what goes between it and Vipps cannot be seen from here. Run this command with --provider test on a machine of yours to capture it.",
);

function lookAt({ judge, sees, unseen, isWire }: Row, seen: Seen): readonly Found[] {
  const found = [...(judge?.(seen) ?? [])];
  if (isWire && seen.environment === "deployed") return [...found, UNSEEN_TRAFFIC];
  if (found.length > 0 || sees === undefined || seen[sees] !== undefined) return found;
  return [skipped(unseen ?? "This part was not walked through in this run.")];
}

function picturesOf({ sees }: Row, seen: Seen): readonly Picture[] {
  const scenes = sees === undefined ? [] : [seen[sees] ?? []].flat();
  return scenes.flatMap((scene) => ("pictures" in scene ? scene.pictures : []));
}
