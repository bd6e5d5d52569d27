import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { COMPARED, DURABLE_WRITE } from "../designs/designs.ts";
import type { Environment } from "../environment.ts";
import { LONG_PARTS, PARTS, type Part } from "../options.ts";
import type { Results } from "../results.ts";
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
import { worldSection } from "./world-section.ts";

/** The section of a part; undefined if it was not measured. */
export function sectionOf(results: Results, part: Part): Section | undefined {
  switch (part) {
    case "session":
      return results.session && sessionSection(results.session);
    case "logins":
      return results.logins && loginsSection(results.logins);
    case "steps":
      return results.steps && joined(stepsSection(results.steps), worldSection(results.steps));
    case "scale":
      return results.scale && scaleSection(results.scale);
    case "cost":
      return results.cost && costSection(results.cost);
    case "size":
      return results.size && sizeSection(results.size);
    case "start":
      return results.start && startSection(results.start);
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
  const sections = [...PARTS, ...LONG_PARTS]
    .map((part) => sectionOf(results, part))
    .filter((section) => section !== undefined);
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
  const path = join(folder, "performance.md");
  writeFileSync(path, `${pageText(results, sections)}\n`);
  return path;
}

function pageText(results: Results, sections: readonly Section[]): string {
  const goals = sections.flatMap((section) => section.goals);
  return [
    "# Performance",
    `Everything here is measured by \`${results.command}\`, which writes this page. Nothing in it is edited by hand: change \`bench/\` and run it again.`,
    results.quick ? "> A quick run: few and short rounds. Take it as a hint." : undefined,
    results.session !== undefined && wasDisturbed(results.session)
      ? "> The machine had other work to do during this run. Take its rates as a hint and go by the processor times, which other work disturbs less."
      : undefined,
    goals.length === 0 ? undefined : `## Goals\n\n${goals.join("\n")}`,
    ...sections.map(({ markdown }) => markdown),
    methodText(results.environment),
  ]
    .filter((part) => part !== undefined)
    .join("\n\n");
}

function methodText(environment: Environment): string {
  const { pinned, packages } = environment;
  const cores =
    pinned === null
      ? "Neither workerd nor the load generator is kept on a core of its own here (no `taskset`, or one core)."
      : `workerd is kept on core ${pinned.measured} and the load generator on core ${pinned.generator} with \`taskset\`.`;
  return [
    "## Method",
    `Measured on ${environment.date}: ${environment.processor}, ${environment.cores} cores, ${environment.memoryGiB} GiB, ${environment.system}; workerd ${environment.workerd}, Node ${environment.node}. ${cores} Figures of one run are comparable with each other, not with those of another machine or day.`,
    "- **Bundles** are what `wrangler deploy --dry-run --minify` makes, this project's with its own `wrangler.toml`. Each runs on bare `workerd serve` in a process of its own, without wrangler or Miniflare in between, one isolate each, as workerd does it.",
    "- **Bindings** are workerd's own. Behind KV and D1 stands a small service of the benchmark in the same process: a map and a SQLite database, each in a Durable Object, the same for all. Durable Objects write to the local disk. On Cloudflare the same calls cross a network, which no local figure shows: [the world on paper](#the-world-on-paper) is about that.",
    "- **The provider** is a second Worker in the same process that answers at once. Its documents, keys and the shape of its ID token come from this project's simulator. The person at the provider is the generator: it signs the ID token before the clock starts and hands it over as the code.",
    "- **Turns**: all designs run at once and are measured one after the other, round by round (A B C … A B C …), after a moment of warming up. A figure is the median of the rounds.",
    "- **The generator** holds its connections open and sends each next request when the answer is there (undici). “Processor” figures come from the system's count of the workerd process, not from the generator.",
    "- Rate limiters are not bound here: workerd has none of its own.",
    `### What was compared, and how it is configured\n\n${table(
      [{ heading: "" }, { heading: "configured as" }],
      [...COMPARED, DURABLE_WRITE].map(({ name, configuredAs }) => [name, configuredAs]),
    )}`,
    `Versions: ${Object.entries(packages)
      .map(([name, version]) => `${name} ${version}`)
      .join(", ")}. The peers' own files are in \`bench/peers/\`, exact versions in its lockfile.`,
  ].join("\n\n");
}
