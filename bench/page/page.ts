import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { comparedWith, DURABLE_WRITE, REDIRECT } from "../designs/designs.ts";
import { LONG_PARTS, PARTS, type Part } from "../options.ts";
import type { Results } from "../results.ts";
import { attemptsSection } from "./attempts-section.ts";
import { barChart, lineChart, THEMES } from "./charts.ts";
import { costSection } from "./cost-section.ts";
import { enduranceSection } from "./endurance-section.ts";
import { loginsSection } from "./logins-section.ts";
import { table } from "./markdown.ts";
import { memorySection } from "./memory-section.ts";
import { scaleSection } from "./scale-section.ts";
import type { Section } from "./section.ts";
import { sessionSection, wasDisturbed } from "./session-section.ts";
import { sizeSection } from "./size-section.ts";
import { startSection } from "./start-section.ts";
import { stepsSection } from "./steps-section.ts";
import { walkSection } from "./walk-section.ts";
import { worldSection } from "./world-section.ts";

/** The section of a part; undefined if it was not measured. */
export function sectionOf(results: Results, part: Part): Section | undefined {
  switch (part) {
    case "session":
      return results.session && sessionSection(results.session, results.earlier);
    case "logins":
      return results.logins && loginsSection(results.logins, results.earlier);
    case "steps":
      return (
        results.steps &&
        joined(stepsSection(results.steps, results.earlier), worldSection(results.steps, results.earlier))
      );
    case "attempts":
      return results.attempts && attemptsSection(results.attempts);
    case "walk":
      return results.walk && walkSection(results.walk, results.earlier);
    case "scale":
      return results.scale && scaleSection(results.scale);
    case "cost":
      return results.cost && costSection(results.cost, results.earlier?.name);
    case "size":
      return results.size && sizeSection(results.size, results.earlier);
    case "start":
      return results.start && startSection(results.start, results.earlier);
    case "endurance":
      return results.endurance && enduranceSection(results.endurance);
    case "memory":
      return results.memory && memorySection(results.memory);
  }
}

function joined(first: Section, second: Section): Section {
  return {
    markdown: `${first.markdown}\n\n${second.markdown}`,
    charts: [...first.charts, ...second.charts],
    goals: [...first.goals, ...second.goals],
  };
}

/**
 * Writes the page and its charts.
 * @param folder gets `performance.md` and `images/performance/`
 * @returns the path of the page
 */
export function writePage(results: Results, folder: string): string {
  return write(results, folder, new Map());
}

/**
 * Writes what was measured in place of the same parts of a page that is there, and leaves the others as they are.
 * @param folder holds the page; see {@link writePage}
 * @returns the path of the page
 */
export function updatePage(results: Results, folder: string): string {
  return write(results, folder, keptParts(readFileSync(join(folder, PAGE), "utf8")));
}

const PAGE = "performance.md";

/** A part of the page as text. */
interface Block {
  readonly goals: string;
  readonly markdown: string;
}

/** The parts of a page by the comments that stand before them. */
export function keptParts(page: string): Map<string, Block> {
  const [parts = ""] = page.split(/^## Method$/m);
  const [, ...pieces] = parts.split(/^<!-- (goals of )?(\w+) -->$/m);
  const kept = new Map<string, Block>();
  for (let at = 0; at + 2 < pieces.length; at += 3) {
    const [ofGoals, part = "", text = ""] = pieces.slice(at, at + 3);
    const known = kept.get(part) ?? { goals: "", markdown: "" };
    kept.set(part, { ...known, [ofGoals === undefined ? "markdown" : "goals"]: text.trim() });
  }
  return kept;
}

function write(results: Results, folder: string, kept: Map<string, Block>): string {
  const isUpdate = kept.size > 0;
  const sections: Section[] = [];
  const blocks = new Map<Part, Block>();
  for (const part of [...PARTS, ...LONG_PARTS]) {
    const section = sectionOf(results, part);
    const block = kept.get(part);
    if (section !== undefined) {
      sections.push(section);
      const markdown = withOrigin(section.markdown, results);
      blocks.set(part, { goals: section.goals.join("\n"), markdown });
    } else if (block !== undefined) blocks.set(part, block);
  }
  const images = join(folder, "images/performance");
  mkdirSync(images, { recursive: true });
  for (const { charts } of sections) {
    for (const chart of charts) {
      for (const [name, theme] of Object.entries(THEMES)) {
        const framing = { title: chart.title, subtitle: chart.subtitle, theme };
        const svg =
          "bars" in chart ? barChart(chart.bars, framing) : lineChart(chart.line, chart.axes, framing);
        writeFileSync(join(images, `${chart.name}-${name}.svg`), svg);
      }
    }
  }
  const path = join(folder, PAGE);
  writeFileSync(path, `${pageText(results, blocks, isUpdate)}\n`);
  return path;
}

/** A section with the command and the machine that its figures come from, below its heading. */
function withOrigin(markdown: string, { command, environment }: Results): string {
  const [heading = "", ...rest] = markdown.split("\n");
  const { date, workerd, node } = environment;
  const origin = `Measured on ${date} by \`${command}\`: ${machineText(environment)}; workerd ${workerd}, Node ${node}.`;
  return [heading, "", origin, ...rest].join("\n");
}

function machineText({ processor, cores, memoryGiB, system }: Results["environment"]): string {
  return `${processor}, ${cores} cores, ${memoryGiB} GiB, ${system}`;
}

function pageText(results: Results, blocks: ReadonlyMap<Part, Block>, isUpdate: boolean): string {
  const goals = [...blocks].filter((block) => block[1].goals !== "");
  return [
    "# Performance",
    `Everything here is measured by \`${isUpdate ? "npm run bench" : results.command}\`, which writes this page. Nothing in it is edited by hand: change \`bench/\` and run it again.${isUpdate ? " Parts were measured at different times: each section says when, by which command and on what." : ""}`,
    results.quick ? "> A quick run: few and short rounds. Take it as a hint." : undefined,
    results.session !== undefined && wasDisturbed(results.session)
      ? "> The machine had other work to do during this run. Take its rates as a hint and go by the processor times, which other work disturbs less."
      : undefined,
    goals.length === 0
      ? undefined
      : `## Goals\n\n${goals.map(([part, block]) => `<!-- goals of ${part} -->\n${block.goals}`).join("\n")}`,
    ...[...blocks].map(([part, { markdown }]) => `<!-- ${part} -->\n${markdown}`),
    methodText(results, isUpdate),
  ]
    .filter((part) => part !== undefined)
    .join("\n\n");
}

function methodText({ environment, earlier }: Results, isUpdate: boolean): string {
  const { pinned, packages } = environment;
  const cores =
    pinned === null
      ? "Neither workerd nor the load generator is kept on a core of its own here (no `taskset`, or one core)."
      : `workerd is kept on core ${pinned.measured} and the load generator on core ${pinned.generator} with \`taskset\`.`;
  return [
    "## Method",
    `${isUpdate ? "Last measured on" : "Measured on"} ${environment.date}: ${machineText(environment)}; workerd ${environment.workerd}, Node ${environment.node}. ${cores} Figures of one run are comparable with each other, not with those of another machine or day.`,
    "- **Bundles** are what `wrangler deploy --dry-run --minify` makes, this project's with its own `wrangler.toml`. Each runs on bare `workerd serve` in a process of its own, without wrangler or Miniflare in between, one isolate each, as workerd does it.",
    "- **Bindings** are workerd's own. Behind KV and D1 stands a small service of the benchmark in the same process: a map and a SQLite database, each in a Durable Object, the same for all. Durable Objects write to the local disk. On Cloudflare the same calls cross a network, which no local figure shows: [the world on paper](#the-world-on-paper) is about that.",
    "- **The provider** is a second Worker in the same process that answers at once. Its documents, keys and the shape of its ID token come from this project's simulator. The person at the provider is the generator: it signs the ID token before the clock starts and hands it over as the code.",
    "- **Turns**: all designs run at once and are measured one after the other, round by round (A B C … A B C …), after a moment of warming up. A figure is the median of the rounds.",
    "- **The generator** holds its connections open and sends each next request when the answer is there (undici). “Processor” figures come from the system's count of the workerd process, not from the generator.",
    "- Rate limiters are not bound here: workerd has none of its own.",
    `### What was compared, and how it is configured\n\n${table(
      [{ heading: "" }, { heading: "configured as" }],
      [...comparedWith(earlier), REDIRECT, DURABLE_WRITE].map(({ name, configuredAs }) => [
        name,
        configuredAs,
      ]),
    )}`,
    `Versions: ${Object.entries(packages)
      .map(([name, version]) => `${name} ${version}`)
      .join(
        ", ",
      )}. The peers' own files are in \`bench/peers/\`, exact versions in \`bench/package-lock.json\`.`,
  ].join("\n\n");
}
