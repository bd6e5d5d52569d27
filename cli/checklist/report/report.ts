import type { Finding, Severity } from "../../findings/finding.ts";
import { bestEvidence, type Environment, type Evidence, type Stored } from "../evidence.ts";
import { type Asked, askedFields, type MerchantFields } from "../merchant-fields.ts";
import { ROW_IDS, ROWS, type RowId } from "../rows.ts";
import type { SiteValues } from "../settings.ts";

/** How a row stands, the most urgent first, and how severe that is for who wants to send the report. */
export const STATUSES = {
  failed: { words: "Failed", sign: "✗", severity: "error" },
  open: { words: "Still to show", sign: "…", severity: "warning" },
  fill: { words: "To fill in", sign: "✎", severity: "warning" },
  met: { words: "Met", sign: "✓", severity: "ok" },
  none: { words: "Not applicable", sign: "–", severity: "skipped" },
} as const satisfies Record<string, { words: string; sign: string; severity: Severity }>;

export type Status = keyof typeof STATUSES;

/** `reason`: why it stands like that, in a few words; undefined where the rest says it. */
type Standing = readonly [status: Status, reason?: string | undefined];

/** `now` in milliseconds since the epoch; `maxAge` the days after which evidence is too old to be sent. */
type ReportOptions = Readonly<{ now: number; maxAge: number; own: SiteValues; merchant: MerchantFields }>;

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

export type Report = ReturnType<typeof makeReport>;
export type ReportRow = Report["rows"][number];

/** Puts evidence and the merchant's words together: all that a report says, in whatever form it is written. */
export function makeReport({ rows: stored, runs }: Stored, { now, maxAge, own, merchant }: ReportOptions) {
  const madeAt = new Date(now).toISOString();
  const daysSince = ({ takenAt }: Evidence) => Math.max(0, (now - Date.parse(takenAt)) / 86_400_000);
  const isRecent = (evidence: Evidence) => daysSince(evidence) <= maxAge;
  const found = ROW_IDS.map((id) => {
    const evidence = bestEvidence(stored, id, isRecent);
    // Where nothing was judged the merchant's own words make the row complete, and they do not age.
    const isOld = evidence !== undefined && !isRecent(evidence) && ROWS[id].judge !== undefined;
    return { id, evidence, isOld, fields: askedFields(id, own, merchant) };
  });
  const shown = found.flatMap(({ evidence }) => evidence ?? []);
  const examples = shown.filter(({ exchanges }) => exchanges.length > 0);
  const isSimulated = examples.some(({ environment }) => environment === "simulator");
  // Whether the examples may be sent is seen from all the other rows.
  const lacks = sentences(
    examples.length === 0 && "There are no examples yet.",
    isSimulated && "Examples from the simulator are not accepted by Vipps.",
    found.some(({ isOld }) => isOld) && "Some evidence is too old.",
  );
  const rows = found.map(({ id, evidence, isOld, fields }, index) => {
    const { section, title, asked, endpoint } = ROWS[id];
    const alone = standingOf(id, evidence, fields, isOld ? maxAge : undefined);
    const amongAll: Standing = lacks === "" ? ["met"] : ["open", lacks];
    const standing = id === "recent" && alone[0] !== "failed" ? amongAll : alone;
    const [status, reason] = standing;
    const age = evidence && Math.floor(daysSince(evidence));
    const days = age ? `${amount(age, "day")} old` : "today";
    return {
      /** `number` is counted from one, and ties the line of a row to its evidence; `age` is in whole days. */
      ...{ id, section, title, asked, endpoint, evidence, fields, isOld, number: index + 1, age },
      ...{ ...STATUSES[status], status, reason },
      /** Whether there is anything to show for it. */
      applies: evidence !== undefined && evidence.notApplicable === undefined,
      comment: commentOn(standing, evidence, fields),
      proof: proofOf(evidence, fields),
      ageWords: isOld ? `${days}, more than ${maxAge}: too old to be sent` : days,
    };
  });
  const of = (status: Status) => rows.filter((row) => row.status === status);
  const counts = { failed: 0, open: 0, fill: 0, met: 0, none: 0 };
  for (const { status } of rows) counts[status] += 1;
  const titles = (wanted: typeof rows) => wanted.map(({ title }) => title).join(", ");
  const old = rows.filter(({ isOld }) => isOld).length;
  const open = of("open").filter(({ isOld, id }) => !isOld && id !== "recent");
  const sites = distinct(shown.map(({ site }) => site));
  const facts = {
    Partner: merchant.partner_name,
    "Sales unit": merchant.sales_unit_name,
    "Merchant Serial Number": own.values.VIPPS_MSN,
    Site: sites.join(", "),
    Issuer: distinct(shown.map(({ issuer }) => issuer)).join(", "),
    Made: moment(madeAt),
  };
  return {
    ...{ rows, counts, madeAt, version: shown[0]?.version },
    title: merchant.company_name ?? (sites[0] === undefined ? "a site" : new URL(sites[0]).host),
    /** What stands above the report. */
    facts: Object.entries(facts).filter(([, value]) => value),
    sections: [...Map.groupBy(rows, ({ section }) => section)],
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

function standingOf(id: RowId, evidence: Evidence | undefined, fields: Asked, tooOld?: number): Standing {
  if (evidence?.notApplicable !== undefined) return ["none", evidence.notApplicable];
  if (evidence === undefined) return ["open", "No run has looked at this yet."];
  const { findings } = evidence;
  const failed = findings.filter(({ severity }) => severity === "error");
  const told = failed.map(({ what, seen }) => (seen ? `${what}: ${seen}` : what)).join(". ");
  if (failed.length > 0) return ["failed", told];
  if (tooOld !== undefined)
    return ["open", `The evidence is older than ${tooOld} days: run the command again.`];
  const empty = fields.filter(({ answer }) => answer === undefined).map(({ name }) => name);
  if (empty.length > 0) return ["fill", `To fill in: ${empty.join(", ")}`];
  const isShown = ROWS[id].judge === undefined || fields.length > 0 || checksOf(evidence).length > 0;
  return isShown ? ["met"] : ["open", findings.find(({ severity }) => severity === "skipped")?.what];
}

/** What was really looked at. */
const checksOf = ({ findings }: Evidence) => findings.filter(({ severity }) => severity !== "skipped");

function distinct<Value>(values: readonly Value[]): readonly Value[] {
  const groups = [...Map.groupBy(values, (value) => value)];
  return groups.sort(([, one], [, other]) => other.length - one.length).map(([value]) => value);
}

/** Those that there are, as sentences. */
const sentences = (...texts: readonly (string | false | undefined)[]): string =>
  texts.flatMap((text) => (text ? [/[.!?]$/.test(text) ? text : `${text}.`] : [])).join(" ");

/** `2026-11-22 16:04 UTC` */
export const moment = (iso: string): string => `${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC`;

const amount = (number: number, word: string): string => `${number} ${word}${number === 1 ? "" : "s"}`;

/** In characters: a form's field, or three lines of a table, hold it. */
const SHORT = 240;

/**
 * One or two sentences on a row: what to put into the field 'your comments' of Vipps' form. What the merchant said
 * comes first, because only they can; of what the worker does, what is most important.
 */
function commentOn([status, reason]: Standing, evidence: Evidence | undefined, fields: Asked): string {
  if (status === "none" || status === "failed" || evidence === undefined)
    return reason ?? STATUSES[status].words;
  // The second sentence too, where both are short.
  const [one = "", two = ""] = evidence.how.split(/(?<=[.!?])\s/, 2);
  const how = one.length + two.length > SHORT ? one : `${one} ${two}`.trim();
  const answers = fields.map(({ answer }) => answer?.replace(/\s+/g, " "));
  return sentences(...answers, how, reason);
}

/** How much stands in the appendix for a row. */
function proofOf(evidence: Evidence | undefined, fields: Asked): string {
  const checks = evidence === undefined ? 0 : checksOf(evidence).length;
  // Where nothing held or failed to hold, pictures show at most what the site itself leaves out.
  if (checks === 0 && fields.length > 0) return "the merchant's word";
  const amounts = { check: checks, request: evidence?.exchanges.length, picture: evidence?.pictures.length };
  const words = Object.entries(amounts).flatMap(([word, number]) => (number ? amount(number, word) : []));
  return words.join(", ") || "described";
}

/** The texts for the fields 'your comments' of Vipps' editable form, row by row, to be pasted. */
export function comments({ rows }: Report): string {
  const texts = rows.map(({ title, status, words, comment, proof, number, applies }) => {
    const where = ` Proof: ${proof}, checklist-report.pdf, number ${number}.`;
    return `## ${title}: ${words}\n${comment}${status === "met" && applies ? where : ""}`;
  });
  return texts.join("\n\n");
}

const TO_DO: Readonly<Partial<Record<Status, string>>> = {
  failed: "Put it right, and run the command again.",
  open: "Show it: another run, or the settings that are missing.",
  fill: "Write it into checklist.yaml, and make the report again (--report-only).",
};

/** How a row stands, as a finding to print. */
export function findingOf({ id, section: family, asked: why, severity, ...row }: ReportRow): Finding {
  const { [row.status]: todo } = TO_DO;
  const what = `${row.title}: ${(todo && row.reason) ?? row.words.toLowerCase()}`;
  return { id, family, severity, what, why, todo: todo ?? "", link: "docs/checklist.md" };
}
