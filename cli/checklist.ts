// `vipps-login checklist`: walks through Vipps' go-live checklist and writes a report of it.

import { relative } from "node:path";
import { styleText } from "node:util";
import { merged, readEvidence, type Stored, writeEvidence } from "./checklist/evidence-store.ts";
import { readMerchantFile } from "./checklist/merchant-fields.ts";
import { checklistCommand, type Options } from "./checklist/options.ts";
import { makeReport, type Report } from "./checklist/report/report.ts";
import { comments, STATUS_SIGNS, STATUS_WORDS } from "./checklist/report/words.ts";
import { type WrittenFiles, writeReport } from "./checklist/report/write-report.ts";
import { scenesFor } from "./checklist/rows.ts";
import type { Surroundings } from "./checklist/run.ts";
import type { SceneName } from "./checklist/seen.ts";
import type { SiteValues } from "./checklist/site-values.ts";
import { findChromium, noChromium } from "./chromium.mjs";
import { CommandError } from "./command-error.mjs";
import type { CommandContext } from "./command-line.ts";

/** The command `checklist`. */
export function checklist(context: CommandContext) {
  return checklistCommand(context, async (options) => {
    // An end by signal alone would leave the settings of the run and its storage behind.
    for (const [name, code] of ENDS) process.once(name, () => process.exit(code));
    context.exitCode = await perform(context, options);
  });
}

const ENDS = [
  ["SIGINT", 130],
  ["SIGTERM", 143],
  ["SIGHUP", 129],
] as const;

const SCENE_WORDS: Readonly<Record<SceneName, string>> = {
  button: "the page with the button",
  starts: "logins begun, to compare what differs",
  login: "a login from the link to the session",
  olderToken: "a login whose ID token lacks what was asked for",
  errors: "errors as customers meet them",
  otherBrowser: "a login that comes back in another browser",
  members: "a member the site knew before",
  console: "customer service",
  nativeApp: "a native app",
  webhook: "a consent withdrawn",
};

async function surroundingsOf(
  { root, tell }: CommandContext,
  options: Options,
  own: SiteValues,
): Promise<Surroundings | undefined> {
  const { source, environment, settingsFile, port } = options;
  const { deployedSurroundings, simulatorSurroundings, testSurroundings } = await import(
    "./checklist/surroundings.ts"
  );
  switch (source.kind) {
    case "none":
      return undefined;
    case "deployed":
      return deployedSurroundings({ url: source.url, own, logFile: source.log, tell });
    case "test":
      return testSurroundings({ root, own, environment, settingsFile, tell });
    case "simulator": {
      const withMembers = scenesFor(options.rows).includes("members");
      return simulatorSurroundings({ root, own, environment, port, withMembers });
    }
  }
}

/** What a run finds; nothing where none is wanted. */
async function look(
  context: CommandContext,
  options: Options,
  own: SiteValues,
  chromium: string | undefined,
): Promise<Stored> {
  const nothing = { runs: {}, rows: [] };
  if (options.source.kind === "none") return nothing;
  if (chromium === undefined) throw new CommandError(`A browser is needed: ${noChromium()}.`);
  const byHand = options.source.kind !== "simulator";
  if (byHand && process.platform === "linux" && !process.env.DISPLAY && !process.env.WAYLAND_DISPLAY)
    throw new CommandError(
      "You have to log in by hand, but no browser window can open here: there is no display.",
    );
  const progress = (text: string) =>
    options.quiet ? undefined : context.tell(`${styleText("dim", "·")} ${text}`);
  progress(byHand ? "opening a browser" : "starting the worker and the simulator");
  const there = await surroundingsOf(context, options, own);
  if (there === undefined) return nothing;
  const { run } = await import("./checklist/run.ts");
  try {
    const rows = await run(there, {
      rows: options.rows,
      output: options.output,
      buttonPath: options.buttonPath,
      chromium,
      progress: (scene) => progress(SCENE_WORDS[scene]),
    });
    const takenAt = new Date().toISOString();
    return { runs: { [there.environment]: { takenAt, changed: there.changed } }, rows };
  } finally {
    await there.stop();
  }
}

const COLOURS = { failed: "red", open: "blue", fill: "yellow", met: "green", none: "dim" } as const;

function printSummary(
  { root, print }: CommandContext,
  report: Report,
  files: WrittenFiles,
  merchantFile: string | undefined,
): void {
  for (const { id, title, status, why } of report.rows) {
    const sign = styleText(COLOURS[status], `${STATUS_SIGNS[status]} ${STATUS_WORDS[status].padEnd(14)}`);
    const reason = why === undefined || status === "none" ? "" : styleText("dim", ` ${why}`);
    print(`${sign} ${title} (${id})${reason}`);
  }
  print("");
  for (const entry of report.toDo) print(`${styleText("bold", "→")} ${entry}`);
  const here = (path: string) => relative(root, path) || path;
  if (merchantFile !== undefined)
    print(`Made ${here(merchantFile)}: fill in there what only you can tell Vipps.`);
  for (const file of [files.html, files.markdown, files.pdf]) if (file) print(`  ${here(file)}`);
}

function asJson(report: Report, files: WrittenFiles): string {
  return JSON.stringify({
    made_at: report.madeAt,
    counts: report.counts,
    rows: report.rows.map(({ id, title, status, why, evidence, age, isOld, fields }) => ({
      id,
      title,
      status,
      why: why ?? null,
      environment: evidence?.environment ?? null,
      taken_at: evidence?.takenAt ?? null,
      age_days: age ?? null,
      too_old: isOld,
      to_fill_in: fields.filter(({ answer }) => answer === undefined).map(({ name }) => name),
    })),
    to_do: report.toDo,
    files: { html: files.html, markdown: files.markdown, pdf: files.pdf ?? null },
  });
}

/** @returns the exit code */
async function perform(context: CommandContext, options: Options): Promise<number> {
  const { root, print, tell } = context;
  // wrangler and the browser's driver take a second to load, which nobody who wants the help should wait for.
  const { readSiteValues } = await import("./checklist/site-values.ts");
  const own = readSiteValues(root, options.settingsFile, options.environment);
  const { fields, made } = readMerchantFile(options.merchant);
  const earlier = readEvidence(options.output);
  const chromium = await findChromium();
  const found = await look(context, options, own, chromium);
  const stored: Stored = {
    runs: { ...earlier.runs, ...found.runs },
    rows: merged(earlier.rows, found.rows),
  };
  if (found.rows.length > 0) writeEvidence(options.output, stored);
  const report = makeReport(stored, { now: Date.now(), maxAge: options.maxAge, own, merchant: fields });
  if (!options.quiet) tell(`${styleText("dim", "·")} writing the report`);
  const files = await writeReport(report, options.output, options.pdf ? chromium : undefined);
  if (options.comments) print(comments(report));
  else if (options.json) print(asJson(report, files));
  else printSummary(context, report, files, made ? options.merchant : undefined);
  return report.counts.failed > 0 || (options.strict && report.toDo.length > 0) ? 1 : 0;
}
