import type { Finding, Severity } from "../../findings/finding.ts";
import { bestEvidence, type Environment, type Evidence, type Stored } from "../evidence.ts";
import { type AskedField, askedFields, type MerchantFields } from "../merchant-fields.ts";
import { ROW_IDS, ROWS, type RowId, SECTIONS, type Section } from "../rows.ts";
import type { SiteValues } from "../site-values.ts";

/** How a row stands, the most urgent first; how severe that is for who wants to send the report, and what to do. */
export const STATUSES = {
  failed: {
    ...{ words: "Failed", sign: "✗", severity: "error" },
    todo: "Put it right, and run the command again.",
  },
  open: {
    ...{ words: "Still to show", sign: "…", severity: "warning" },
    todo: "Show it: another run, or the settings that are missing.",
  },
  fill: {
    ...{ words: "To fill in", sign: "✎", severity: "warning" },
    todo: "Write it into checklist.yaml, and make the report again (--report-only).",
  },
  met: { words: "Met", sign: "✓", severity: "ok", todo: "" },
  none: { words: "Not applicable", sign: "–", severity: "skipped", todo: "" },
} as const satisfies Record<string, { words: string; sign: string; severity: Severity; todo: string }>;

export type Status = keyof typeof STATUSES;

interface Standing {
  readonly status: Status;
  /** Why it stands like that, in a few words; undefined where the rest says it. */
  readonly reason: string | undefined;
}

export interface ReportOptions {
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Days after which evidence is too old to be sent. */
  readonly maxAge: number;
  readonly own: SiteValues;
  readonly merchant: MerchantFields;
}

/** Where evidence may come from, and what the reader must know of that. */
export const ORIGINS = {
  simulator: {
    words: "Simulator",
    note: "This evidence comes from the simulator, a stand-in for Vipps MobilePay on the developer's own machine, with made-up people and keys. It shows what the worker does; Vipps does not accept it as examples.",
  },
  test: {
    words: "Vipps test environment",
    note: "This evidence comes from Vipps' own test environment: the worker ran on the merchant's machine, its requests to Vipps were recorded as they left it.",
  },
  deployed: {
    words: "Deployed site",
    note: "This evidence comes from the deployed site, seen as a browser sees it. What goes between the worker and Vipps cannot be seen from outside.",
  },
} as const satisfies Record<Environment, { words: string; note: string }>;

/** Rows that only the merchant's own words make complete. */
const IN_WORDS: ReadonlySet<RowId> = new Set(["company", "on-behalf", "description", "pilot", "video"]);

const DAY = 24 * 3600 * 1000;

export type Report = ReturnType<typeof makeReport>;
export type ReportRow = Report["rows"][number];

/** Puts evidence and the merchant's words together: all that a report says, in whatever form it is written. */
export function makeReport({ rows: stored, runs }: Stored, { now, maxAge, own, merchant }: ReportOptions) {
  const isRecent = ({ takenAt }: Evidence) => now - Date.parse(takenAt) <= maxAge * DAY;
  const judged = ROW_IDS.map((id, index) => {
    const evidence = bestEvidence(stored, id, isRecent);
    const fields = askedFields(id, own, merchant);
    const isOld = evidence !== undefined && !isRecent(evidence) && !IN_WORDS.has(id);
    const standing = standingOf(id, evidence, fields, isOld ? maxAge : undefined);
    return { ...ROWS[id], ...standing, id, evidence, fields, isOld, number: index + 1 };
  });
  const examples = judged.flatMap(({ evidence }) => (evidence?.exchanges.length ? [evidence] : []));
  const isSimulated = examples.some(({ environment }) => environment === "simulator");
  // Whether the examples may be sent is seen from all the other rows.
  const lacks = [
    examples.length === 0 && "There are no examples yet.",
    isSimulated && "Examples from the simulator are not accepted by Vipps.",
    judged.some(({ isOld }) => isOld) && "Some evidence is too old.",
  ].filter((reason) => reason !== false);
  const recent: Standing = {
    status: lacks.length === 0 ? "met" : "open",
    reason: lacks.join(" ") || undefined,
  };
  const rows = judged.map((row) => {
    const { id, section, title, asked, endpoint, evidence, fields, isOld, number } = row;
    const standing: Standing = id === "recent" && row.status !== "failed" ? recent : row;
    const age = evidence && Math.max(0, Math.floor((now - Date.parse(evidence.takenAt)) / DAY));
    return {
      /** `number` is counted from one, and ties the line of a row to its evidence; `age` is in whole days. */
      ...{ id, section, title, asked, endpoint, evidence, fields, isOld, number, age },
      ...{ status: standing.status, reason: standing.reason },
      ...STATUSES[standing.status],
      /** Whether there is anything to show for it. */
      applies: evidence !== undefined && evidence.notApplicable === undefined,
      comment: commentOn(standing, evidence, fields),
      proof: proofOf(evidence, fields),
      ageWords: age === undefined ? "" : ageWords(age, isOld ? maxAge : undefined),
    };
  });
  const of = (status: Status) => rows.filter((row) => row.status === status);
  const counts = Object.fromEntries(
    (Object.keys(STATUSES) as Status[]).map((status) => [status, of(status).length]),
  ) as Record<Status, number>;
  const titles = (wanted: typeof rows) => wanted.map(({ title }) => title).join(", ");
  const old = rows.filter(({ isOld }) => isOld).length;
  const open = of("open").filter(({ isOld, id }) => !isOld && id !== "recent");
  const shown = rows.flatMap(({ evidence }) => evidence ?? []);
  const sites = distinct(shown.map(({ site }) => site));
  const facts: readonly (readonly [name: string, value: string | undefined])[] = [
    ["Partner", merchant.partner_name],
    ["Sales unit", merchant.sales_unit_name],
    ["Merchant Serial Number", own.values.VIPPS_MSN],
    ["Site", sites.join(", ")],
    ["Issuer", distinct(shown.map(({ issuer }) => issuer)).join(", ")],
    ["Made", moment(new Date(now).toISOString())],
  ];
  return {
    ...{ rows, counts },
    /** ISO 8601, UTC. */
    madeAt: new Date(now).toISOString(),
    version: shown[0]?.version,
    title: merchant.company_name ?? (sites[0] === undefined ? "a site" : new URL(sites[0]).host),
    /** What stands above the report. */
    facts: facts.flatMap(([name, value]) => (value ? [[name, value] as const] : [])),
    /** The standings that there are, and how often. */
    standings: (Object.keys(STATUSES) as Status[]).flatMap((status) =>
      counts[status] > 0 ? [{ ...STATUSES[status], status, count: counts[status] }] : [],
    ),
    sections: (Object.keys(SECTIONS) as Section[]).map((section) => ({
      title: SECTIONS[section],
      rows: rows.filter((row) => row.section === section),
    })),
    /** Where the evidence comes from, the most frequent first, and what was set otherwise there. */
    origins: distinct(shown.map(({ environment }) => environment)).map((environment) => ({
      ...{ ...ORIGINS[environment], environment },
      changed: runs[environment]?.changed ?? [],
    })),
    /** What still keeps the report from being sent; empty when nothing does. */
    toDo: [
      counts.failed > 0 && `Put right what failed: ${titles(of("failed"))}.`,
      isSimulated &&
        "Run it against Vipps' test environment (--provider test): the simulator's examples are not accepted.",
      old > 0 && `Run it again: evidence of ${old} rows is older than ${maxAge} days.`,
      open.length > 0 && `Still to show: ${titles(open)}.`,
      counts.fill > 0 && `Fill in what only you can tell (checklist.yaml): ${titles(of("fill"))}.`,
    ].filter((entry) => entry !== false),
  };
}

function standingOf(
  id: RowId,
  evidence: Evidence | undefined,
  fields: readonly AskedField[],
  tooOld: number | undefined,
): Standing {
  if (evidence?.notApplicable !== undefined) return { status: "none", reason: evidence.notApplicable };
  const findings = evidence?.findings ?? [];
  const failed = findings.filter(({ severity }) => severity === "error");
  const told = failed.map(({ what, seen }) => (seen ? `${what}: ${seen}` : what)).join(". ");
  if (failed.length > 0) return { status: "failed", reason: told };
  if (evidence === undefined) return { status: "open", reason: "No run has looked at this yet." };
  if (tooOld !== undefined)
    return { status: "open", reason: `The evidence is older than ${tooOld} days: run the command again.` };
  const empty = fields.filter(({ answer }) => answer === undefined).map(({ name }) => name);
  if (empty.length > 0) return { status: "fill", reason: `To fill in: ${empty.join(", ")}` };
  const isShown = IN_WORDS.has(id) || fields.length > 0 || checksOf(evidence).length > 0;
  return isShown
    ? { status: "met", reason: undefined }
    : { status: "open", reason: findings.find(({ severity }) => severity === "skipped")?.what };
}

/** What was really looked at. */
export const checksOf = ({ findings }: Evidence) => findings.filter(({ severity }) => severity !== "skipped");

function distinct<Value>(values: readonly Value[]): readonly Value[] {
  const groups = [...Map.groupBy(values, (value) => value)];
  return groups.sort(([, one], [, other]) => other.length - one.length).map(([value]) => value);
}

/** `2026-11-22 16:04 UTC` */
export const moment = (iso: string): string => `${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC`;

function ageWords(age: number, tooOld: number | undefined): string {
  const days = age === 0 ? "today" : age === 1 ? "1 day old" : `${age} days old`;
  return tooOld === undefined ? days : `${days}, more than ${tooOld}: too old to be sent`;
}

/** In characters: a form's field, or three lines of a table, hold it. */
const SHORT = 240;

/**
 * One or two sentences on a row: what to put into the field 'your comments' of Vipps' form. What the merchant said
 * comes first, because only they can; of what the worker does, what is most important.
 */
function commentOn(
  { status, reason }: Standing,
  evidence: Evidence | undefined,
  fields: readonly AskedField[],
): string {
  if (status === "none" || status === "failed" || evidence === undefined)
    return reason ?? STATUSES[status].words;
  // The second sentence too, where both are short.
  const [one = "", two = ""] = evidence.how.split(/(?<=[.!?])\s/, 2);
  const how = one.length + two.length > SHORT ? one : `${one} ${two}`.trim();
  const answers = fields.map(({ answer }) => answer?.replace(/\s+/g, " "));
  const open = status === "fill" || status === "open" ? reason : undefined;
  const asSentence = (text: string) => (/[.!?]$/.test(text) ? text : `${text}.`);
  return [...answers, how, open].flatMap((text) => (text ? [asSentence(text)] : [])).join(" ");
}

/** How much stands in the appendix for a row. */
function proofOf(evidence: Evidence | undefined, fields: readonly AskedField[]): string {
  const { length: checks } = evidence === undefined ? [] : checksOf(evidence);
  // Where nothing held or failed to hold, pictures show at most what the site itself leaves out.
  if (checks === 0 && fields.length > 0) return "the merchant's word";
  const amounts = { check: checks, request: evidence?.exchanges.length, picture: evidence?.pictures.length };
  const words = Object.entries(amounts).flatMap(([word, number = 0]) =>
    number === 0 ? [] : [`${number} ${word}${number === 1 ? "" : "s"}`],
  );
  return words.length > 0 ? words.join(", ") : fields.length > 0 ? "the merchant's word" : "described";
}

/** The texts for the fields 'your comments' of Vipps' editable form, row by row, to be pasted. */
export function comments({ rows }: Report): string {
  const texts = rows.map(({ title, status, words, comment, proof, number, applies }) => {
    const where = ` Proof: ${proof}, checklist-report.pdf, number ${number}.`;
    return `## ${title}: ${words}\n${comment}${status === "met" && applies ? where : ""}`;
  });
  return texts.join("\n\n");
}

/** How a row stands, as a finding to print. */
export function findingOf({ id, section, title, asked, reason, severity, words, todo }: ReportRow): Finding {
  const isGood = severity === "ok" || severity === "skipped";
  return {
    ...{ id, family: section, severity, why: asked, todo, link: "docs/checklist.md" },
    what: `${title}: ${(isGood ? undefined : reason) ?? words.toLowerCase()}`,
  };
}

const SENDERS = { browser: "Browser", worker: "Worker", command: "This command" } as const;

/** Who sent a request, and to whom, in an environment. */
export function pathWords({ from, to }: Evidence["exchanges"][number], environment: Environment) {
  const provider = environment === "simulator" ? "simulator" : "Vipps";
  return { from: SENDERS[from], to: to === "site" ? "site" : provider };
}

/** Where Vipps describes the checklist, and where partners send it. */
export const CHECKLIST_PAGE = "https://developer.vippsmobilepay.com/docs/APIs/login-api/login-api-checklist/";
export const SENT_TO = "developer@vippsmobilepay.com";
