// `npm run bench`: this project beside others, on bare workerd; writes docs/performance.md.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { CommandError } from "../cli/command-error.mjs";
import { type Bundle, bundle } from "./bundle.ts";
import type { Design } from "./designs/design.ts";
import { earlierDesign } from "./designs/earlier.ts";
import { describeEnvironment } from "./environment.ts";
import { createProvider } from "./load/provider.ts";
import { HELP, type Options, PARTS, type Part, readOptions, UsageError } from "./options.ts";
import { sectionOf, updatePage, writePage } from "./page/page.ts";
import { measureAttempts } from "./parts/attempts.ts";
import { countCosts } from "./parts/cost.ts";
import { endure } from "./parts/endurance.ts";
import { measureLogins } from "./parts/logins.ts";
import { watchMemory } from "./parts/memory.ts";
import type { Bench } from "./parts/part.ts";
import { measureScale } from "./parts/scale.ts";
import { measureSessions } from "./parts/session.ts";
import { measureSizes } from "./parts/size.ts";
import { measureStarts } from "./parts/start.ts";
import { countSteps } from "./parts/steps.ts";
import { countWalks } from "./parts/walk.ts";
import type { Results } from "./results.ts";
import { buildServices } from "./running-design.ts";
import { chooseCores, pinGenerator } from "./workerd/cores.ts";
import { lastLinesOfAll } from "./workerd/server.ts";

const MEASURE: { readonly [Name in Part]: (bench: Bench) => Promise<NonNullable<Results[Name]>> } = {
  session: measureSessions,
  logins: measureLogins,
  attempts: measureAttempts,
  steps: countSteps,
  walk: countWalks,
  scale: measureScale,
  cost: countCosts,
  size: measureSizes,
  start: measureStarts,
  memory: watchMemory,
  endurance: endure,
};

/** How much of the workers' own words is shown when a part fails. */
const LINES_AT_FAILURE = 40;

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** @returns whether every part was measured */
async function run(options: Options, folder: string): Promise<boolean> {
  const startedAt = performance.now();
  const elapsed = () => `${Math.round((performance.now() - startedAt) / 1000)} s`.padStart(6);
  const json = options.json === undefined ? undefined : resolve(options.json);
  process.chdir(root);
  const cores = chooseCores();
  if (cores !== undefined) pinGenerator(cores);
  const earlier = options.beside === undefined ? undefined : earlierDesign(root, options.beside, folder);
  const provider = await createProvider();
  await buildServices(folder);
  let results: Results = {
    environment: describeEnvironment(cores, new Date()),
    quick: options.quick,
    command: options.command,
    ...(earlier !== undefined && { earlier }),
  };
  let failed = 0;
  for (const part of options.parts) {
    const say = (line: string) => console.log(`${elapsed()}  ${part.padEnd(8)} ${line}`);
    const bench: Bench = {
      folder,
      provider,
      cores,
      quick: options.quick,
      earlier,
      alone: options.parts.length === 1,
      bundleOf: bundler(folder, say),
      say,
    };
    try {
      const figures = { [part]: await MEASURE[part](bench) };
      results = { ...results, ...figures };
      console.log(`\n${withoutPictures(sectionOf(results, part)?.markdown ?? "")}\n`);
    } catch (error) {
      failed += 1;
      say(`FAILED: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
      const lines = lastLinesOfAll(LINES_AT_FAILURE);
      if (lines.length > 0) console.log(`What the workers wrote last:\n${lines.join("\n")}`);
    }
  }
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(results, undefined, 2)}\n`);
  const whole = failed === 0 && !options.quick && options.parts.length === PARTS.length;
  const path = options.update
    ? updatePage(results, "docs")
    : writePage(results, whole ? "docs" : "dist/bench");
  console.log(`${elapsed()}  written to ${path}`);
  return failed === 0;
}

/** Bundles each design once, however many parts ask for it. */
function bundler(folder: string, say: (line: string) => void): (design: Design) => Promise<Bundle> {
  return (design) => {
    const { source } = design;
    const known = bundles.get(source);
    if (known !== undefined) return known;
    say(`bundling ${design.name}`);
    const made = bundle(source, join(folder, "bundles", design.id), design.compatibilityFlags);
    bundles.set(source, made);
    return made;
  };
}

const bundles = new Map<Design["source"], Promise<Bundle>>();

/** What of a section is for a terminal. */
function withoutPictures(markdown: string): string {
  return markdown.replace(/<picture>.*?<\/picture>\n*/gs, "");
}

try {
  const options = readOptions(process.argv.slice(2));
  if (options.help) console.log(HELP);
  else if (options.from !== undefined) {
    const results: Results = JSON.parse(readFileSync(resolve(options.from), "utf8"));
    process.chdir(root);
    console.log(
      `written to ${options.update ? updatePage(results, "docs") : writePage(results, "dist/bench")}`,
    );
  } else {
    const folder = mkdtempSync(join(tmpdir(), "vipps-login-bench-"));
    process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));
    process.exitCode = (await run(options, folder)) ? 0 : 1;
  }
} catch (error) {
  if (error instanceof UsageError) {
    console.error(`${error.message}\n\n${HELP}`);
    process.exitCode = 2;
  } else if (error instanceof CommandError) {
    console.error(error.message);
    process.exitCode = 1;
  } else throw error;
}
