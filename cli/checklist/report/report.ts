import type { Finding, Severity } from "../../findings/finding.ts";
import { bestEvidence, type Environment, type Evidence, type Stored } from "../evidence.ts";
import { type AskedField, askedFields, type MerchantFields } from "../merchant-fields.ts";
import { ROW_IDS, ROWS, type Row, type RowId, type Section } from "../rows.ts";
import type { SiteValues } from "../site-values.ts";

/** How a row stands, the most urgent first, and how severe that is for who wants to send the report. */
export const STATUSES = {
  failed: { words: "Failed", sign: "✗", severity: "error" },
  open: { words: "Still to show", sign: "…", severity: "warning" },
  fill: { words: "To fill in", sign: "✎", severity: "warning" },
  met: { words: "Met", sign: "✓", severity: "ok" },
  none: { words: "Not applicable", sign: "–", severity: "skipped" },
} as const satisfies Record<string, { words: string; sign: string; severity: Severity }>;

export type Status = keyof typeof STATUSES;

interface Standing {
  readonly status: Status;
  /** Why it stands like that, in a few words; undefined where the rest says it. */
  readonly reason: string | undefined;
}

export interface ReportRow extends Standing, Pick<Row, "section" | "title" | "asked" | "endpoint"> {
  readonly id: RowId;
  /** Counted from one; it ties the line of a row to its evidence. */
  readonly number: number;
  readonly evidence: Evidence | undefined;
  /** Whole days since the evidence was taken. */
  readonly age: number | undefined;
  readonly isOld: boolean;
  readonly fields: readonly AskedField[];
}

export interface Report extends Pick<Stored, "runs"> {
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
  const isRecent = ({ takenAt }: Evidence) => now - Date.parse(takenAt) <= maxAge * DAY;
  const looked = ROW_IDS.map((id, index): ReportRow => {
    const { section, title, asked, endpoint } = ROWS[id];
    const evidence = bestEvidence(stored, id, isRecent);
    const fields = askedFields(id, own, merchant);
    const isOld = evidence !== undefined && !isRecent(evidence) && !IN_WORDS.has(id);
    return {
      ...{ id, section, title, asked, evidence, fields, isOld, number: index + 1 },
      ...(endpoint !== undefined && { endpoint }),
      age: evidence && Math.max(0, Math.floor((now - Date.parse(evidence.takenAt)) / DAY)),
      ...standing(id, evidence, fields, isOld ? maxAge : undefined),
    };
  });
  const recent = standingOfExamples(looked);
  const rows = looked.map((row) =>
    row.id === "recent" && row.status !== "failed" ? { ...row, ...recent } : row,
  );
  const shown = rows.flatMap(({ evidence }) => evidence ?? []);
  const count = (status: string) => rows.filter((row) => row.status === status).length;
  return {
    ...{ maxAge, merchant, rows, runs },
    madeAt: new Date(now).toISOString(),
    merchantSerialNumber: own.values.VIPPS_MSN,
    counts: Object.fromEntries(Object.keys(STATUSES).map((status) => [status, count(status)])) as Record<
      Status,
      number
    >,
    environments: distinct(shown.map(({ environment }) => environment)),
    sites: distinct(shown.map(({ site }) => site)),
    issuers: distinct(shown.map(({ issuer }) => issuer)),
    version: shown[0]?.version,
    toDo: toDoOf(rows, maxAge),
  };
}

function standing(
  id: RowId,
  evidence: Evidence | undefined,
  fields: readonly AskedField[],
  tooOld: number | undefined,
): Standing {
  if (evidence?.notApplicable !== undefined) return { status: "none", reason: evidence.notApplicable };
  const findings = evidence?.findings ?? [];
  const failed = findings.filter(({ severity }) => severity === "error");
  if (failed.length > 0)
    return {
      status: "failed",
      reason: failed.map(({ what, seen }) => (seen ? `${what}: ${seen}` : what)).join(". "),
    };
  if (evidence === undefined) return { status: "open", reason: "No run has looked at this yet." };
  if (tooOld !== undefined)
    return { status: "open", reason: `The evidence is older than ${tooOld} days: run the command again.` };
  const empty = fields.filter(({ answer }) => answer === undefined);
  if (empty.length > 0)
    return { status: "fill", reason: `To fill in: ${empty.map(({ name }) => name).join(", ")}` };
  const isShown = IN_WORDS.has(id) || fields.length > 0 || checksOf(evidence).length > 0;
  return isShown
    ? { status: "met", reason: undefined }
    : { status: "open", reason: findings.find(({ severity }) => severity === "skipped")?.what };
}

/** What was really looked at. */
export const checksOf = ({ findings }: Evidence) => findings.filter(({ severity }) => severity !== "skipped");

/** Whether the examples may be sent is seen from all the other rows. */
function standingOfExamples(rows: readonly ReportRow[]): Standing {
  const examples = rows.flatMap(({ evidence }) => (evidence?.exchanges.length ? [evidence] : []));
  const reasons = [
    examples.length === 0 && "There are no examples yet.",
    isSimulated(examples) && "Examples from the simulator are not accepted by Vipps.",
    rows.some(({ isOld }) => isOld) && "Some evidence is too old.",
  ].filter((reason) => reason !== false);
  return { status: reasons.length === 0 ? "met" : "open", reason: reasons.join(" ") || undefined };
}

const isSimulated = (examples: readonly Evidence[]): boolean =>
  examples.some(({ environment }) => environment === "simulator");

function toDoOf(rows: readonly ReportRow[], maxAge: number): readonly string[] {
  const titles = (wanted: readonly ReportRow[]) => wanted.map(({ title }) => title).join(", ");
  const of = (status: Status) => rows.filter((row) => row.status === status);
  const old = rows.filter(({ isOld }) => isOld).length;
  const examples = rows.flatMap(({ evidence }) => (evidence?.exchanges.length ? [evidence] : []));
  const open = of("open").filter(({ isOld, id }) => !isOld && id !== "recent");
  return [
    of("failed").length > 0 && `Put right what failed: ${titles(of("failed"))}.`,
    isSimulated(examples) &&
      "Run it against Vipps' test environment (--provider test): the simulator's examples are not accepted.",
    old > 0 && `Run it again: evidence of ${old} rows is older than ${maxAge} days.`,
    open.length > 0 && `Still to show: ${titles(open)}.`,
    of("fill").length > 0 && `Fill in what only you can tell (checklist.yaml): ${titles(of("fill"))}.`,
  ].filter((entry) => entry !== false);
}

function distinct<Value>(values: readonly Value[]): readonly Value[] {
  const groups = [...Map.groupBy(values, (value) => value)];
  return groups.sort(([, one], [, other]) => other.length - one.length).map(([value]) => value);
}

/** The rows of a section, in their order. */
export const rowsOf = ({ rows }: Report, section: Section): readonly ReportRow[] =>
  rows.filter((row) => row.section === section);

/** How a row stands, as a finding to print. */
export function findingOf({ id, section, title, asked, status, reason }: ReportRow): Finding {
  const { severity, words } = STATUSES[status];
  const isGood = severity === "ok" || severity === "skipped";
  return {
    ...{ id, family: section, severity, why: asked, link: "docs/checklist.md" },
    what: isGood ? `${title}: ${words.toLowerCase()}` : `${title}: ${reason ?? words.toLowerCase()}`,
    todo: isGood ? "" : TO_DO[status],
  };
}

const TO_DO: Readonly<Record<Status, string>> = {
  failed: "Put it right, and run the command again.",
  open: "Show it: another run, or the settings that are missing.",
  fill: "Write it into checklist.yaml, and make the report again (--report-only).",
  met: "",
  none: "",
};
