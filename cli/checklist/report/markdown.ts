import type { Evidence } from "../evidence.ts";
import {
  CHECKLIST_PAGE,
  moment,
  ORIGINS,
  pathWords,
  type Report,
  type ReportRow,
  SENT_TO,
} from "./report.ts";

/** Text as it is, whatever signs of Markdown are in it. */
const plain = (text: string): string => text.replace(/[\\`*_{}[\]<>#|]/g, "\\$&").replaceAll("\n", " ");

const table = (head: string, cells: readonly string[]): string => {
  const columns = head.split("|").slice(1, -1);
  return [head, `|${columns.map(() => " --- |").join("")}`, ...cells].join("\n");
};

/** The report as Markdown, in the same order as on paper. Pictures are files beside it. */
export function markdownReport({ title, standings, facts, origins, toDo, sections, rows }: Report): string {
  const line = ({ sign, number, title: asked, comment, applies, proof, words }: ReportRow) =>
    `| ${sign} | ${number} ${plain(asked)} | ${plain(comment)} | ${applies ? proof : words} |`;
  const parts = [
    `# Login API checklist: ${plain(title)}`,
    standings.map(({ sign, count, words }) => `${sign} ${count} ${words.toLowerCase()}`).join(" · "),
    table(
      "| | |",
      facts.map(([name, value]) => `| ${name} | ${plain(value)} |`),
    ),
    ...origins.flatMap(({ note, changed }) => {
      const list = changed.map(({ name, why }) => `- \`${name}\`: ${plain(why)}`).join("\n");
      const differs = `Settings that differed from the site's own during the run:\n\n${list}`;
      return [`> ${note}`, ...(changed.length === 0 ? [] : [differs])];
    }),
    ...(toDo.length > 0 ? ["## Before it is sent", toDo.map((entry) => `- ${plain(entry)}`).join("\n")] : []),
    ...sections.flatMap((section) => [
      `## ${section.title}`,
      table("| | row | how it is met | proof |", section.rows.map(line)),
    ]),
    "# Appendix: the evidence",
    ...rows.flatMap(rowText),
    "---",
    `Vipps' own page: ${CHECKLIST_PAGE}. Partners send the checklist to ${SENT_TO}. Secrets and personal data have given way to their length.`,
  ];
  return `${parts.join("\n\n")}\n`;
}

function rowText(row: ReportRow): readonly string[] {
  const { number, title, status, sign, words, endpoint, asked, reason, evidence, fields, applies } = row;
  return [
    `### ${sign} ${number} ${title}`,
    `**${words}.** ${reason === undefined || status === "met" ? "" : plain(reason)}`.trim(),
    ...(endpoint === undefined ? [] : [`\`${endpoint}\``]),
    `*Asked:* ${plain(asked)}`,
    ...(evidence !== undefined && applies ? evidenceText(evidence, row.ageWords) : []),
    ...fields.map(
      ({ question, answer }) =>
        `**${plain(question)}**\n\n${answer === undefined ? "*To fill in.*" : plain(answer)}`,
    ),
  ];
}

function evidenceText(evidence: Evidence, age: string): readonly string[] {
  const { how, findings, exchanges, pictures, logLines, environment, takenAt } = evidence;
  const checks = findings.map(({ severity, what, seen }) => {
    const told = `${plain(what)}${seen ? `: ${plain(seen)}` : ""}`;
    return severity === "skipped" ? `> Not shown: ${told}\n` : `- ${severity === "ok" ? "✓" : "✗"} ${told}`;
  });
  return [
    `*How it is met:* ${plain(how)}`,
    checks.join("\n"),
    ...exchanges.map((exchange) => {
      const { from, to } = pathWords(exchange, environment);
      const { at, request, response } = exchange;
      return `${from} to ${to}, ${moment(at)}\n\n\`\`\`http\n${request}\n\`\`\`\n\n\`\`\`http\n${response}\n\`\`\``;
    }),
    ...(logLines.length === 0 ? [] : [`The worker's log:\n\n\`\`\`json\n${logLines.join("\n")}\n\`\`\``]),
    ...pictures.map(({ file, caption }) => `![${plain(caption)}](pictures/${environment}/${file})`),
    `*Evidence: ${ORIGINS[environment].words}, ${moment(takenAt)}, ${age}.*`,
  ];
}
