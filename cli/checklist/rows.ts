import packageJson from "../../package.json" with { type: "json" };
import { type Found, holds, skipped } from "../findings/finding.ts";
import type { Evidence, JudgedRow } from "./evidence.ts";
import type { Redactor } from "./redaction.ts";
import { CONSIDERATION_ROWS } from "./rows/considerations.ts";
import { ENDPOINT_ROWS } from "./rows/endpoints.ts";
import { PITFALL_ROWS, SENT_ROWS } from "./rows/pitfalls.ts";
import { QUALITY_ROWS } from "./rows/quality.ts";
import { answered, type Endpoint, type Exchange, type LogLine } from "./traffic.ts";
import type { SceneName, Seen } from "./walk.ts";

/**
 * What has to hold, in words, and whether it does; with it, what was seen of that. `unseen` is what this kind of run
 * cannot show; what is undefined is not told of.
 */
type Judgement = Readonly<
  Record<string, boolean | readonly [isSo: boolean, seen: string | undefined] | "unseen" | undefined>
>;

/** One row of the checklist: what is asked, and how a run tells whether it is met. */
export interface Row {
  /** The part of the checklist that it stands in. */
  readonly section: string;
  readonly title: string;
  /** What Vipps asks, in our words. */
  readonly asked: string;
  /** How it is met, for whoever reviews the integration. */
  readonly how?: string | ((seen: Seen) => string);
  /** Method and path, for the rows that are an endpoint. */
  readonly endpoint?: string;
  /** The scene that is the row's own: its pictures are shown. */
  readonly sees?: SceneName;
  /** What else has to be walked to judge it. */
  readonly scenes?: readonly SceneName[];
  /** Said where that scene was not played. */
  readonly unseen?: string;
  /** The endpoint that it is about, whose answer is shown; nobody sees how a deployed worker asks it at a login. */
  readonly wire?: Endpoint;
  /** Why the row does not concern this site, by its settings. */
  readonly notApplicable?: (seen: Seen) => string | false;
  readonly judge?: (seen: Seen) => Judgement | undefined;
  /** What can be said of a deployed site all the same, where it is about the wire. */
  readonly outside?: (seen: Seen) => Judgement;
  /** What no program can know and the row is not complete without: its key in the merchant's file, and the question. */
  readonly asks?: Readonly<Record<string, string>>;
  /** Requests that a reviewer wants to see. */
  readonly examples?: (seen: Seen) => readonly (Exchange | undefined)[];
  readonly logLines?: (seen: Seen) => readonly (LogLine | undefined)[];
}

/** The rows of a section, by their ids. */
export type Rows = Readonly<Record<string, Omit<Row, "section">>>;

/** The parts of Vipps' checklist and their rows, in its order. */
const SECTIONS = {
  "Endpoints to integrate": ENDPOINT_ROWS,
  "Quality assurance": QUALITY_ROWS,
  "Integration considerations": CONSIDERATION_ROWS,
  "Avoid integration pitfalls": PITFALL_ROWS,
  "Sent along with the checklist": SENT_ROWS,
} as const satisfies Record<string, Rows>;

type Sections = typeof SECTIONS;
export type RowId = { [Title in keyof Sections]: keyof Sections[Title] }[keyof Sections];

/** Every row of the checklist, in the order of the report. */
export const ROWS = Object.fromEntries(
  Object.entries<Rows>(SECTIONS).flatMap(([section, rows]) =>
    Object.entries(rows).map(([id, row]) => [id, { ...row, section }]),
  ),
) as Readonly<Record<RowId, Row>>;

export const ROW_IDS = Object.keys(ROWS) as readonly RowId[];

/** What has to be walked to judge a row. */
export const scenesOf = ({ sees, scenes = [], wire }: Row): readonly SceneName[] =>
  [sees, wire && ("login" as const), ...scenes].filter((scene) => scene !== undefined);

/** Judges rows by what a run saw. Nothing that leaves here holds a secret or anything personal. */
export function judgeRows(seen: Seen, ids: readonly RowId[], redactor: Redactor): JudgedRow[] {
  // Everything is learned before anything is shown: a value may turn up before the place that gives it away.
  for (const exchange of seen.exchanges) redactor.learn(exchange);
  return ROW_IDS.filter((id) => ids.includes(id)).map((row) => ({
    row,
    evidence: evidenceOf(ROWS[row], seen, redactor),
  }));
}

function evidenceOf(row: Row, seen: Seen, { show, sweep }: Redactor): Evidence {
  const { environment, issuer, site } = seen;
  const { version } = packageJson;
  const about = { takenAt: new Date().toISOString(), environment, issuer, site, version };
  const none = { findings: [], exchanges: [], pictures: [], logLines: [] };
  const notApplicable = row.notApplicable?.(seen);
  if (notApplicable)
    return { ...about, ...none, how: "Not applicable.", notApplicable: sweep(notApplicable) };
  const examples = row.wire === undefined ? (row.examples?.(seen) ?? []) : [answered(seen, row.wire)];
  const pictures = (row.sees && seen.pictures[row.sees]) ?? [];
  return {
    ...about,
    how: sweep(typeof row.how === "function" ? row.how(seen) : (row.how ?? "")),
    findings: lookAt(row, seen).map(({ what, seen: told, ...rest }) => ({
      ...{ ...rest, what: sweep(what) },
      ...(told !== undefined && { seen: sweep(told) }),
    })),
    exchanges: examples.filter((one) => one !== undefined).map(show),
    pictures: pictures.map((one) => ({ ...one, caption: sweep(one.caption) })),
    logLines: (row.logLines?.(seen) ?? [])
      .filter((line) => line !== undefined)
      .map((line) => sweep(JSON.stringify(line))),
  };
}

/** What goes between the worker and Vipps when the worker runs elsewhere. */
const UNSEEN_TRAFFIC = skipped(
  "The worker is deployed, so what goes between it and Vipps cannot be seen from here. Run this command with --provider test on a machine of yours to capture it.",
);

function lookAt(row: Row, seen: Seen): readonly Found[] {
  const { sees, unseen = "This part was not walked through in this run." } = row;
  const isHidden = row.wire !== undefined && seen.environment === "deployed";
  // A scene that came to no end is a reason to look, whatever the rest says.
  const broken = scenesOf(row).flatMap((scene) => {
    const reason = seen.failed[scene];
    return reason === undefined ? [] : holds(`The walk “${scene}” came to its end`, false, reason);
  });
  const judgement = isHidden ? row.outside?.(seen) : row.judge?.(seen);
  const found = Object.entries(judgement ?? {}).flatMap(([what, judged]) => {
    if (judged === undefined) return [];
    if (judged === "unseen") return skipped(what);
    return typeof judged === "boolean" ? holds(what, judged) : holds(what, ...judged);
  });
  if (isHidden) return [...broken, ...found, UNSEEN_TRAFFIC];
  const isUnseen = found.length === 0 && sees !== undefined && seen[sees] === undefined;
  return [...broken, ...found, ...(isUnseen ? [skipped(unseen)] : [])];
}
