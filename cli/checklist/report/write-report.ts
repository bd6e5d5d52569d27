import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { launchChromium } from "../browser.ts";
import { picturesFolder } from "../evidence.ts";
import { htmlReport } from "./html.ts";
import { markdownReport } from "./markdown.ts";
import type { Report } from "./report.ts";

export type WrittenFiles = Awaited<ReturnType<typeof writeReport>>;

/** Writes the report in its three forms. Without Chromium, which prints it, there is no PDF. */
export async function writeReport(report: Report, output: string, chromium: string | undefined) {
  mkdirSync(output, { recursive: true });
  const page = await htmlReport(report, ({ file }, { environment }) => {
    const picture = readFileSync(join(picturesFolder(output, environment), file));
    return `data:image/png;base64,${picture.toString("base64")}`;
  });
  const html = join(output, "checklist-report.html");
  const markdown = join(output, "checklist-report.md");
  const pdf = chromium && join(output, "checklist-report.pdf");
  writeFileSync(html, page);
  writeFileSync(markdown, await markdownReport(report));
  if (chromium && pdf) await printReport(chromium, page, pdf);
  return { html, markdown, pdf };
}

/** Prints the HTML report. @param path where the PDF is written */
async function printReport(executablePath: string, html: string, path: string): Promise<void> {
  const browser = await launchChromium(executablePath);
  try {
    const page = await browser.newPage({ colorScheme: "light" });
    // On paper nothing can be opened.
    await page.setContent(html.replaceAll("<details", "<details open"), { waitUntil: "load" });
    const small = "font:8px sans-serif;color:#777;width:100%;padding:0 14mm";
    await page.pdf({
      ...{ path, format: "A4", printBackground: true, tagged: true, outline: true },
      displayHeaderFooter: true,
      headerTemplate: "<span></span>",
      footerTemplate: `<div style="${small};display:flex;justify-content:space-between"><span>Vipps MobilePay Login API checklist</span><span><span class="pageNumber"></span> / <span class="totalPages"></span></span></div>`,
      margin: { top: "14mm", bottom: "16mm", left: "14mm", right: "14mm" },
    });
  } finally {
    await browser.close();
  }
}
