import { unescapeHtml } from "../../../simulator/person.ts";
import { htmlReport } from "./html.ts";
import type { Report } from "./report.ts";

/** Elements that only have an empty line around them. */
const BLOCK = /^(?:p|ul|dl|figure|article)$/;

/** What stands before and behind an element in Markdown. Of all others there is the text alone. */
const MARKS: Readonly<Record<string, readonly [before: string, behind: string]>> = {
  h1: ["\n\n# ", "\n\n"],
  h2: ["\n\n## ", "\n\n"],
  h3: ["\n\n### ", "\n\n"],
  caption: ["\n\n## ", "\n\n"],
  pre: ["\n\n```\n", "\n```\n\n"],
  summary: ["\n\n**", "**\n\n"],
  code: ["`", "`"],
  li: ["\n- ", ""],
  dt: ["\n- **", "**: "],
  tr: ["\n", "|"],
  th: ["| ", " "],
  td: ["| ", " "],
  thead: ["", "\n| --- | --- | --- | --- |"],
};

/** The report as Markdown, made from its page: the same in the same order. Pictures are files beside it. */
export async function markdownReport(report: Report): Promise<string> {
  const page = await htmlReport(report, ({ file }, { environment }) => `pictures/${environment}/${file}`);
  let inCode = false;
  const parts = page.slice(page.indexOf("<body>")).matchAll(/<(\/?)(\w+)([^>]*)>|[^<]+/g);
  const marked = [...parts].map(([part, end, element, attributes = ""]) => {
    if (element === undefined) return inCode ? unescapeHtml(part) : plain(unescapeHtml(part));
    if (element === "pre" || element === "code") inCode = end === "";
    if (element === "img") return `![](${/src="([^"]*)"/.exec(attributes)?.[1]})\n\n`;
    return BLOCK.test(element) ? "\n\n" : (MARKS[element]?.[end === "" ? 0 : 1] ?? "");
  });
  const text = marked.join("").replace(/\n{3,}/g, "\n\n");
  return `${text.trim()}\n`;
}

/** Text as it is, whatever signs of Markdown are in it, on one line; nothing of what only parts elements. */
const plain = (text: string): string =>
  /^\s*\n\s*$/.test(text) ? "" : text.replace(/[\\`*_{}[\]<>#|]/g, "\\$&").replace(/\s+/g, " ");
