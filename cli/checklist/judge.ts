import type { Redactor } from "./redaction.ts";
import type { Environment, Evidence, Finding } from "./row.ts";
import type { RowId } from "./row-ids.ts";
import type { RawFinding, Row } from "./rows/row-definition.ts";
import { ROWS } from "./rows.ts";
import type { SceneName, Seen } from "./seen.ts";

export interface JudgedRow {
  readonly row: RowId;
  readonly evidence: Evidence;
}

export interface Circumstances {
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Of this package. */
  readonly version: string;
  readonly failed: Readonly<Partial<Record<SceneName, string>>>;
}

/** Judges rows by what a run saw. Nothing that leaves here holds a secret or anything personal. */
export function judgeRows(
  seen: Seen,
  ids: readonly RowId[],
  redactor: Redactor,
  { now, version, failed }: Circumstances,
): readonly JudgedRow[] {
  // Everything is learned before anything is shown: a value may turn up before the place that gives it away.
  for (const exchange of seen.exchanges) redactor.learn(exchange);
  const { issuer, site }: { issuer: string; site: string } = seen;
  const environment: Environment = seen.environment;
  return ROWS.filter(({ id }) => ids.includes(id)).map((row) => ({
    row: row.id,
    evidence: {
      ...blanked(withFailedScenes(row, row.judge(seen), failed), redactor),
      takenAt: new Date(now).toISOString(),
      environment,
      issuer,
      site,
      version,
    },
  }));
}

/** A scene that came to no end is a reason to look, whatever the rest says. */
function withFailedScenes(row: Row, found: RawFinding, failed: Circumstances["failed"]): RawFinding {
  const broken = row.scenes.filter((scene) => failed[scene] !== undefined);
  if (broken.length === 0 || found.notApplicable !== undefined) return found;
  const checks = broken.map((scene) => ({
    text: `The walk “${scene}” came to its end`,
    ok: false,
    found: failed[scene],
  }));
  return { ...found, checks: [...checks, ...found.checks] };
}

function blanked(found: RawFinding, { show, sweep }: Redactor): Finding {
  return {
    how: sweep(found.how),
    checks: found.checks.map(({ text, ok, found: what }) => ({
      text: sweep(text),
      ok,
      found: what === undefined ? undefined : sweep(what),
    })),
    exchanges: found.exchanges.map(show),
    pictures: found.pictures.map((picture) => ({ ...picture, caption: sweep(picture.caption) })),
    logLines: found.logLines.map(sweep),
    missing: found.missing.map(sweep),
    ...(found.notApplicable !== undefined && { notApplicable: sweep(found.notApplicable) }),
  };
}
