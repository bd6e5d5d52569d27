import { bestEvidence, type Runs, type Stored } from "../evidence-store.ts";
import { type AskedField, askedFields, type MerchantFields } from "../merchant-fields.ts";
import type { Environment, Evidence, Section } from "../row.ts";
import type { RowId } from "../row-ids.ts";
import type { Row } from "../rows/row-definition.ts";
import { ROWS } from "../rows.ts";
import type { SiteValues } from "../site-values.ts";

/** How a row stands, the most urgent first. */
export const STATUSES = ["failed", "open", "fill", "met", "none"] as const;
export type Status = (typeof STATUSES)[number];

export interface ReportRow extends Pick<Row, "id" | "section" | "title" | "asked" | "endpoint" | "document"> {
  /** Counted from one; it ties the line of a row to its evidence. */
  readonly number: number;
  readonly status: Status;
  /** Why it stands like that, in a few words; undefined where the rest says it. */
  readonly why: string | undefined;
  readonly evidence: Evidence | undefined;
  /** Whole days since the evidence was taken. */
  readonly age: number | undefined;
  readonly isOld: boolean;
  readonly fields: readonly AskedField[];
}

export interface Report {
  /** ISO 8601, UTC. */
  readonly madeAt: string;
  readonly maxAge: number;
  readonly merchant: MerchantFields;
  readonly merchantSerialNumber: string | undefined;
  readonly rows: readonly ReportRow[];
  readonly counts: Readonly<Record<Status, number>>;
  /** Where the evidence comes from, the most frequent first. */
  readonly environments: readonly Environment[];
  /** Sites and issuers of the evidence. */
  readonly sites: readonly string[];
  readonly issuers: readonly string[];
  readonly version: string | undefined;
  /** The last run in each environment, and the settings that differed during it. */
  readonly runs: Runs;
  /** What still keeps the report from being sent; empty when nothing does. */
  readonly toDo: readonly string[];
}

export interface ReportOptions {
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Days after which evidence is too old to be sent. */
  readonly maxAge: number;
  readonly own: SiteValues;
  readonly merchant: MerchantFields;
}

/** Rows that only the merchant's own words make complete. */
const IN_WORDS: ReadonlySet<RowId> = new Set(["company", "on-behalf", "description", "pilot", "video"]);

const DAY = 24 * 3600 * 1000;

/** Puts evidence and the merchant's words together. */
export function makeReport({ rows: stored, runs }: Stored, options: ReportOptions): Report {
  const { now, maxAge, own, merchant } = options;
  const ageOf = ({ takenAt }: Evidence) => Math.max(0, Math.floor((now - Date.parse(takenAt)) / DAY));
  const isRecent = (evidence: Evidence) => now - Date.parse(evidence.takenAt) <= maxAge * DAY;
  const rows = ROWS.map((row, index): ReportRow => {
    const evidence = bestEvidence(stored, row.id, isRecent);
    const fields = askedFields(row.id, own, merchant);
    const isOld = evidence !== undefined && !isRecent(evidence) && !IN_WORDS.has(row.id);
    const { id, section, title, asked, endpoint, document } = row;
    return {
      ...{ id, section, title, asked, evidence, fields, isOld, number: index + 1 },
      ...(endpoint !== undefined && { endpoint }),
      ...(document !== undefined && { document }),
      age: evidence === undefined ? undefined : ageOf(evidence),
      ...standing(row.id, evidence, fields, isOld ? maxAge : undefined),
    };
  });
  const judged = withRecentRow(rows);
  const shown = judged.flatMap(({ evidence }) => evidence ?? []);
  return {
    madeAt: new Date(now).toISOString(),
    maxAge,
    merchant,
    merchantSerialNumber: own.values.VIPPS_MSN,
    rows: judged,
    counts: Object.fromEntries(
      STATUSES.map((status) => [status, judged.filter((row) => row.status === status).length]),
    ) as Record<Status, number>,
    environments: distinct(shown.map(({ environment }) => environment)),
    sites: distinct(shown.map(({ site }) => site)),
    issuers: distinct(shown.map(({ issuer }) => issuer)),
    version: shown[0]?.version,
    runs,
    toDo: toDoOf(judged, maxAge),
  };
}

function standing(
  id: RowId,
  evidence: Evidence | undefined,
  fields: readonly AskedField[],
  tooOld: number | undefined,
): Pick<ReportRow, "status" | "why"> {
  const unanswered = fields.filter(({ answer }) => answer === undefined);
  if (evidence?.notApplicable !== undefined) return { status: "none", why: evidence.notApplicable };
  const failed = evidence?.checks.filter(({ ok }) => !ok) ?? [];
  if (failed.length > 0)
    return {
      status: "failed",
      why: failed.map(({ text, found }) => (found ? `${text}: ${found}` : text)).join(". "),
    };
  if (evidence === undefined) return { status: "open", why: "No run has looked at this yet." };
  if (tooOld !== undefined)
    return { status: "open", why: `The evidence is older than ${tooOld} days: run the command again.` };
  if (unanswered.length > 0)
    return { status: "fill", why: `To fill in: ${unanswered.map(({ name }) => name).join(", ")}` };
  const nothingShown =
    evidence.checks.length === 0 && !IN_WORDS.has(id) && id !== "recent" && fields.length === 0;
  return nothingShown ? { status: "open", why: evidence.missing[0] } : { status: "met", why: undefined };
}

/** Whether the examples may be sent is seen from all the other rows. */
function withRecentRow(rows: readonly ReportRow[]): readonly ReportRow[] {
  const examples = rows.filter(({ evidence }) => (evidence?.exchanges.length ?? 0) > 0);
  const simulated = examples.some(({ evidence }) => evidence?.environment === "simulator");
  const old = rows.some(({ isOld }) => isOld);
  const why = [
    examples.length === 0 && "There are no examples yet.",
    simulated && "Examples from the simulator are not accepted by Vipps.",
    old && "Some evidence is too old.",
  ].filter((reason) => reason !== false);
  return rows.map((row) =>
    row.id === "recent" && row.status !== "failed"
      ? { ...row, status: why.length === 0 ? "met" : "open", why: why.join(" ") || undefined }
      : row,
  );
}

function toDoOf(rows: readonly ReportRow[], maxAge: number): readonly string[] {
  const titles = (status: Status) => rows.filter((row) => row.status === status).map(({ title }) => title);
  const failed = titles("failed");
  const unfilled = titles("fill");
  const old = rows.filter(({ isOld }) => isOld).length;
  const simulated = rows.some(
    ({ evidence }) => evidence?.environment === "simulator" && evidence.exchanges.length > 0,
  );
  const open = rows.filter(({ status, isOld, id }) => status === "open" && !isOld && id !== "recent");
  return [
    failed.length > 0 && `Put right what failed: ${failed.join(", ")}.`,
    simulated &&
      "Run it against Vipps' test environment (--provider test): the simulator's examples are not accepted.",
    old > 0 && `Run it again: evidence of ${old} rows is older than ${maxAge} days.`,
    open.length > 0 && `Still to show: ${open.map(({ title }) => title).join(", ")}.`,
    unfilled.length > 0 && `Fill in what only you can tell (checklist.yaml): ${unfilled.join(", ")}.`,
  ].filter((entry) => entry !== false);
}

function distinct<Value>(values: readonly Value[]): readonly Value[] {
  const counts = new Map<Value, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort(([, one], [, other]) => other - one).map(([value]) => value);
}

/** The rows of a section, in their order. */
export const rowsOf = ({ rows }: Report, section: Section): readonly ReportRow[] =>
  rows.filter((row) => row.section === section);
