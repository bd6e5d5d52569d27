import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { picturesFolder } from "../evidence-store.ts";
import { type Embed, htmlReport } from "./html.ts";
import { markdownReport } from "./markdown.ts";
import { printReport } from "./pdf.ts";
import type { Report } from "./report.ts";

export interface WrittenFiles {
  readonly html: string;
  readonly markdown: string;
  readonly pdf: string | undefined;
}

/**
 * Writes the report in its three forms.
 * @param chromium the browser that prints it; without one there is no PDF
 */
export async function writeReport(
  report: Report,
  output: string,
  chromium: string | undefined,
): Promise<WrittenFiles> {
  mkdirSync(output, { recursive: true });
  const embed: Embed = ({ file }, { environment }) => {
    const picture = readFileSync(join(picturesFolder(output, environment), file));
    return `data:image/png;base64,${picture.toString("base64")}`;
  };
  const page = await htmlReport(report, embed);
  const files = {
    html: join(output, "checklist-report.html"),
    markdown: join(output, "checklist-report.md"),
    pdf: chromium === undefined ? undefined : join(output, "checklist-report.pdf"),
  };
  writeFileSync(files.html, page);
  writeFileSync(files.markdown, markdownReport(report));
  if (chromium !== undefined && files.pdf !== undefined) await printReport(chromium, page, files.pdf);
  return files;
}
