import type { Evidence } from "../evidence.ts";
import { SECTIONS, type Section } from "../rows.ts";
import { type Report, type ReportRow, rowsOf, STATUSES, type Status } from "./report.ts";
import {
  ageWords,
  appliesTo,
  CHECKLIST_PAGE,
  comment,
  ENVIRONMENT_NOTES,
  ENVIRONMENT_WORDS,
  facts,
  moment,
  proofWords,
  receiverWords,
  SENDER_WORDS,
  SENT_TO,
  titleOf,
} from "./words.ts";

/** Text as it is, whatever signs of Markdown are in it. */
const plain = (text: string): string => text.replace(/[\\`*_{}[\]<>#|]/g, "\\$&").replaceAll("\n", " ");

/** The report as Markdown, in the same order as on paper. Pictures are files beside it. */
export function markdownReport(report: Report): string {
  const { counts, toDo, environments, runs } = report;
  const summary = (Object.keys(STATUSES) as Status[])
    .filter((status) => counts[status] > 0)
    .map((status) => `${STATUSES[status].sign} ${counts[status]} ${STATUSES[status].words.toLowerCase()}`)
    .join(" · ");
  const line = (row: ReportRow) =>
    `| ${STATUSES[row.status].sign} | ${row.number} ${plain(row.title)} | ${plain(comment(row))} | ${appliesTo(row) ? proofWords(row) : STATUSES[row.status].words} |`;
  return `${[
    `# Login API checklist: ${plain(titleOf(report))}`,
    summary,
    ["| | |", "| --- | --- |", ...facts(report).map(([name, value]) => `| ${name} | ${plain(value)} |`)].join(
      "\n",
    ),
    ...environments.flatMap((environment) => [
      `> ${ENVIRONMENT_NOTES[environment]}`,
      ...changedSettings(runs[environment]?.changed),
    ]),
    ...(toDo.length > 0 ? ["## Before it is sent", toDo.map((entry) => `- ${plain(entry)}`).join("\n")] : []),
    ...(Object.keys(SECTIONS) as Section[]).flatMap((section) => [
      `## ${SECTIONS[section]}`,
      [
        "| | row | how it is met | proof |",
        "| --- | --- | --- | --- |",
        ...rowsOf(report, section).map(line),
      ].join("\n"),
    ]),
    "# Appendix: the evidence",
    ...report.rows.flatMap((row) => rowText(row, report.maxAge)),
    "---",
    `Vipps' own page: ${CHECKLIST_PAGE}. Partners send the checklist to ${SENT_TO}. Secrets and personal data have given way to their length.`,
  ].join("\n\n")}\n`;
}

function changedSettings(changed: readonly { name: string; why: string }[] = []): readonly string[] {
  if (changed.length === 0) return [];
  const list = changed.map(({ name, why }) => `- \`${name}\`: ${plain(why)}`).join("\n");
  return [`Settings that differed from the site's own during the run:\n\n${list}`];
}

function rowText(row: ReportRow, maxAge: number): readonly string[] {
  const { number, title, status, endpoint, asked, reason, evidence, fields } = row;
  return [
    `### ${STATUSES[status].sign} ${number} ${title}`,
    `**${STATUSES[status].words}.** ${reason === undefined || status === "met" ? "" : plain(reason)}`.trim(),
    ...(endpoint === undefined ? [] : [`\`${endpoint}\``]),
    `*Asked:* ${plain(asked)}`,
    ...(evidence !== undefined && appliesTo(row) ? evidenceText(evidence, row, maxAge) : []),
    ...fields.map(
      ({ question, answer }) =>
        `**${plain(question)}**\n\n${answer === undefined ? "*To fill in.*" : plain(answer)}`,
    ),
  ];
}

function evidenceText(evidence: Evidence, row: ReportRow, maxAge: number): readonly string[] {
  const { how, findings, exchanges, pictures, logLines, environment, takenAt } = evidence;
  return [
    `*How it is met:* ${plain(how)}`,
    findings
      .map(({ severity, what, seen }) => {
        const told = `${plain(what)}${seen ? `: ${plain(seen)}` : ""}`;
        return severity === "skipped"
          ? `> Not shown: ${told}\n`
          : `- ${severity === "ok" ? "✓" : "✗"} ${told}`;
      })
      .join("\n"),
    ...exchanges.map(
      ({ at, from, to, request, response }) =>
        `${SENDER_WORDS[from]} to ${receiverWords(to, environment)}, ${moment(at)}\n\n\`\`\`http\n${request}\n\`\`\`\n\n\`\`\`http\n${response}\n\`\`\``,
    ),
    ...(logLines.length === 0 ? [] : [`The worker's log:\n\n\`\`\`json\n${logLines.join("\n")}\n\`\`\``]),
    ...pictures.map(({ file, caption }) => `![${plain(caption)}](pictures/${environment}/${file})`),
    `*Evidence: ${ENVIRONMENT_WORDS[environment]}, ${moment(takenAt)}, ${ageWords(row, maxAge)}.*`,
  ];
}
