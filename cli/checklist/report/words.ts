import type { Environment } from "../evidence.ts";
import { checksOf, type Report, type ReportRow, STATUSES } from "./report.ts";

/** Where Vipps describes the checklist, and where partners send it. */
export const CHECKLIST_PAGE = "https://developer.vippsmobilepay.com/docs/APIs/login-api/login-api-checklist/";
export const SENT_TO = "developer@vippsmobilepay.com";

export const ENVIRONMENT_WORDS: Readonly<Record<Environment, string>> = {
  simulator: "Simulator",
  test: "Vipps test environment",
  deployed: "Deployed site",
};

/** What the reader must know of where the evidence comes from. */
export const ENVIRONMENT_NOTES: Readonly<Record<Environment, string>> = {
  simulator:
    "This evidence comes from the simulator, a stand-in for Vipps MobilePay on the developer's own machine, with made-up people and keys. It shows what the worker does; Vipps does not accept it as examples.",
  test: "This evidence comes from Vipps' own test environment: the worker ran on the merchant's machine, its requests to Vipps were recorded as they left it.",
  deployed:
    "This evidence comes from the deployed site, seen as a browser sees it. What goes between the worker and Vipps cannot be seen from outside.",
};

/** `2026-11-22 16:04 UTC` */
export const moment = (iso: string): string => `${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC`;

export function ageWords({ age, isOld }: ReportRow, maxAge: number): string {
  if (age === undefined) return "";
  const days = age === 0 ? "today" : age === 1 ? "1 day old" : `${age} days old`;
  return isOld ? `${days}, more than ${maxAge}: too old to be sent` : days;
}

export function titleOf({ merchant, sites }: Report): string {
  const [site] = sites;
  return merchant.company_name ?? (site === undefined ? "a site" : new URL(site).host);
}

export const SENDER_WORDS = { browser: "Browser", worker: "Worker", command: "This command" } as const;
const RECEIVER_WORDS = { site: "site", provider: "Vipps" } as const;

/** Who the provider is in an exchange of this environment. */
export function receiverWords(to: keyof typeof RECEIVER_WORDS, environment: Environment): string {
  return to === "provider" && environment === "simulator" ? "simulator" : RECEIVER_WORDS[to];
}

/** Whether there is anything to show for a row. */
export const appliesTo = ({ evidence }: ReportRow): boolean =>
  evidence !== undefined && evidence.notApplicable === undefined;

/** What stands above the report. */
export function facts(report: Report): readonly (readonly [name: string, value: string])[] {
  const { merchant, merchantSerialNumber, sites, issuers, madeAt } = report;
  const all: readonly (readonly [string, string | undefined])[] = [
    ["Partner", merchant.partner_name],
    ["Sales unit", merchant.sales_unit_name],
    ["Merchant Serial Number", merchantSerialNumber],
    ["Site", sites.join(", ")],
    ["Issuer", issuers.join(", ")],
    ["Made", moment(madeAt)],
  ];
  return all.flatMap(([name, value]) => (value ? [[name, value]] : []));
}

/** In characters: a form's field, or three lines of a table, hold it. */
const SHORT = 240;

/**
 * One or two sentences on a row: what to put into the field 'your comments' of Vipps' form. What the merchant said
 * comes first, because only they can; of what the worker does, what is most important.
 */
export function comment({ status, reason, evidence, fields }: ReportRow): string {
  if (status === "none" || status === "failed" || evidence === undefined)
    return reason ?? STATUSES[status].words;
  // The second sentence too, where both are short.
  const [one = "", two = ""] = evidence.how.split(/(?<=[.!?])\s/, 2);
  const how = one.length + two.length > SHORT ? one : `${one} ${two}`.trim();
  const answers = fields.map(({ answer }) => answer?.replace(/\s+/g, " "));
  const open = status === "fill" || status === "open" ? reason : undefined;
  return [...answers, how, open].flatMap((text) => (text ? [asSentence(text)] : [])).join(" ");
}

const asSentence = (text: string): string => (/[.!?]$/.test(text) ? text : `${text}.`);

/** How much stands in the appendix for a row. */
export function proofWords({ evidence, fields }: ReportRow): string {
  const count = (number: number, word: string) =>
    number === 0 ? [] : [`${number} ${word}${number === 1 ? "" : "s"}`];
  const words = [
    ...count(evidence === undefined ? 0 : checksOf(evidence).length, "check"),
    ...count(evidence?.exchanges.length ?? 0, "request"),
    ...count(evidence?.pictures.length ?? 0, "picture"),
  ];
  return words.length > 0 ? words.join(", ") : fields.length > 0 ? "the merchant's word" : "described";
}

/** The texts for the fields 'your comments' of Vipps' editable form, row by row, to be pasted. */
export function comments(report: Report): string {
  return report.rows
    .map((row) => {
      const proof = appliesTo(row)
        ? ` Proof: ${proofWords(row)}, checklist-report.pdf, number ${row.number}.`
        : "";
      return `## ${row.title}: ${STATUSES[row.status].words}\n${comment(row)}${row.status === "met" ? proof : ""}`;
    })
    .join("\n\n");
}
