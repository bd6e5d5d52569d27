import type { Design } from "../designs/design.ts";
import { comparedWith, HONO, OURS_D1 } from "../designs/designs.ts";
import type { StartFigures } from "../parts/start.ts";
import { ratioByRound, summarise } from "../statistics.ts";
import { goal, number, picture, table } from "./markdown.ts";
import type { Section } from "./section.ts";

/** The goal: at most this many times what bare Hono takes. */
const GOAL = 1.7;

export function startSection({ series }: StartFigures, earlier?: Design): Section {
  const find = (id: string) => series.find(({ design }) => design === id);
  /** Processor time where the system tells, else the time that passed. */
  const timesOf = (id: string) => {
    const one = find(id);
    return one === undefined || one.processor.length === 0 ? (one?.wall ?? []) : one.processor;
  };
  const ratio = (id: string) => ratioByRound(timesOf(id), timesOf(HONO.id)).median;
  const shown = comparedWith(earlier).filter(({ id }) => find(id) !== undefined);
  const rounds = find(HONO.id)?.wall.length ?? 0;
  const ours = summarise(timesOf(OURS_D1.id)).median;
  const readingOf = (id: string) => find(id)?.reading ?? [];
  const isReadingKnown = readingOf(OURS_D1.id).length > 0;
  return {
    markdown: [
      "## Start-up",
      `What it takes to run the top level of the bundle when it is loaded into an isolate, in ${rounds} fresh processes each. It is done as \`wrangler check startup\` does it, by a Worker that is running already and imports the bundle; the figure is the system's count of processor time, because a sampled profile is too coarse for so little. V8 has read the bundle before that, all of it, whatever is used: under “read” stands what a process needs more of until it answers than one with an empty bundle.`,
      table(
        [
          { heading: "" },
          { heading: "processor", align: "right" },
          { heading: "of Hono", align: "right" },
          { heading: "read", align: "right" },
          { heading: "until loaded", align: "right" },
        ],
        shown.map(({ id, name, kind }) => {
          const { median, low, high } = summarise(timesOf(id));
          return [
            kind === "ours" ? `**${name}**` : name,
            `${number(median, 1)} ms (${number(low, 1)}–${number(high, 1)})`,
            number(ratio(id), 1),
            readingOf(id).length === 0 ? "" : `${number(summarise(readingOf(id)).median, 1)} ms`,
            `${number(summarise(find(id)?.wall ?? []).median, 1)} ms`,
          ];
        }),
      ),
      picture("start-up", "Processor time of the start of each bundle"),
    ].join("\n\n"),
    charts: [
      {
        name: "start-up",
        title: "Start-up",
        subtitle: "Milliseconds of processor time to load the bundle into an isolate; less is better",
        bars: shown.map(({ id, name, kind }) => {
          const { median, low, high } = summarise(timesOf(id));
          return { label: name, value: median, low, high, emphasis: kind, text: `${number(median, 1)} ms` };
        }),
      },
    ],
    goals: [
      goal(
        `start-up, at most ${GOAL} times bare Hono's`,
        ratio(OURS_D1.id) <= GOAL,
        `${number(ratio(OURS_D1.id), 2)} (${number(ours, 1)} ms)`,
        `The difference is ${number(ours - summarise(timesOf(HONO.id)).median, 1)} ms in an isolate's life${isReadingKnown ? `, to which reading the bundle adds ${number(summarise(readingOf(OURS_D1.id)).median, 1)}` : ""}. Cloudflare [starts it while the TLS handshake is still under way](https://blog.cloudflare.com/eliminating-cold-starts-with-cloudflare-workers/).`,
      ),
    ],
  };
}
