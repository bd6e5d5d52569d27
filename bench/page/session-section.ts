import type { Design } from "../designs/design.ts";
import { comparedWith, HONO, OURS_D1, PEERS, PLAIN } from "../designs/designs.ts";
import type { SessionFigures, SessionSeries, Target } from "../parts/session.ts";
import { ratioByRound, type Summary, summarise } from "../statistics.ts";
import { BUSY, processorTime } from "./load-figures.ts";
import { goal, number, picture, table } from "./markdown.ts";
import type { Chart, Section } from "./section.ts";

const TITLES: Readonly<Record<Target, string>> = {
  session: "The session route, as a script asks it",
  guarded: "A static page behind the login",
};

/** What stands in the way of the goal, said where it is missed. */
const LIMITS: Readonly<Record<Target, string>> = {
  session: "",
  guarded:
    ". Bare Hono hands the asset's answer on untouched. Behind a login the session is checked first, and the answer is made anew, because one whose headers let a shared cache keep it would be shown to others",
};

/** The goals: this share of what bare Hono does with the same processor time, which other work disturbs least. */
const GOALS: Readonly<Record<Target, number>> = { session: 0.95, guarded: 0.9 };

export function sessionSection(figures: SessionFigures, earlier?: Design): Section {
  const targets: readonly Target[] = ["session", "guarded"];
  const rounds = figures.series[0]?.rounds.length ?? 0;
  return {
    markdown: [
      "## The authenticated request",
      `Somebody is logged in, by a real login in this very run, and asks with the cookie that it left. ${rounds} rounds of ${figures.secondsEach} s for each figure; what stands in brackets are the quartiles.`,
      ...targets.flatMap((target) => [
        `### ${TITLES[target]}`,
        tableOf(figures, target, earlier),
        picture(`request-${target}`, `${TITLES[target]}: requests a second at 16 connections`),
      ]),
      "“Processor” is the time workerd used for one request, by the system's own count. “Of Hono” is the median of the rounds' ratios: what disturbs a round disturbs both.",
      generatorText(figures),
    ].join("\n\n"),
    charts: targets.map((target) => chartOf(figures, target, earlier)),
    goals: targets.map((target) => goalOf(figures, target)),
  };
}

/** The share of its core that workerd was busy with the fastest of all; undefined where the system does not tell. */
function busiest(figures: SessionFigures): number | undefined {
  const busy = find(figures, PLAIN.id, "session", 16)?.rounds.map((round) => round.busy) ?? [];
  const known = busy.filter((share) => share !== undefined);
  return known.length === 0 ? undefined : summarise(known).median;
}

/** Whether the machine had other work to do while it was measured, or the generator was too slow. */
export function wasDisturbed(figures: SessionFigures): boolean {
  return (busiest(figures) ?? 1) < BUSY;
}

function generatorText(figures: SessionFigures): string {
  const share = busiest(figures);
  if (share === undefined) return "";
  const measured = `With the fastest of all, the plain Response at 16 connections, workerd was busy for ${number(share * 100)} % of the time`;
  return wasDisturbed(figures)
    ? `${measured}, which should be nearly all of it.`
    : `${measured}: the generator keeps up.`;
}

function tableOf(figures: SessionFigures, target: Target, earlier: Design | undefined): string {
  const columns = [
    { heading: "" },
    { heading: "requests/s, 16 connections", align: "right" },
    { heading: "of Hono", align: "right" },
    { heading: "processor", align: "right" },
    { heading: "of Hono, by processor", align: "right" },
    { heading: "requests/s, 1 connection", align: "right" },
    { heading: "median answer, 1 connection", align: "right" },
  ] as const;
  const rows = comparedWith(earlier).flatMap((design) => {
    const [many, one] = [find(figures, design.id, target, 16), find(figures, design.id, target, 1)];
    if (many === undefined || one === undefined) return [];
    const throughput = rates(many);
    const processor = processorTime(many);
    const name = design.id === OURS_D1.id ? `**${design.name}**` : design.name;
    return [
      [
        name,
        `${number(throughput.median)} (${number(throughput.low)}–${number(throughput.high)})`,
        number(ratio(figures, design.id, target, 16).median, 2),
        processor === undefined ? "–" : `${number(processor, 1)} µs`,
        byProcessor(figures, design.id, target)?.toFixed(2) ?? "–",
        number(rates(one).median),
        `${number(summarise(one.rounds.map(({ medianLatency }) => medianLatency)).median, 2)} ms`,
      ],
    ];
  });
  return table(columns, rows);
}

function chartOf(figures: SessionFigures, target: Target, earlier: Design | undefined): Chart {
  const bars = comparedWith(earlier).flatMap((design) => {
    const series = find(figures, design.id, target, 16);
    if (series === undefined) return [];
    const { median, low, high } = rates(series);
    return [{ label: design.name, value: median, low, high, emphasis: design.kind, text: number(median) }];
  });
  return {
    name: `request-${target}`,
    title: TITLES[target],
    subtitle: "Requests a second on one core, 16 connections; more is better",
    bars,
  };
}

function goalOf(figures: SessionFigures, target: Target): string {
  const ours = ratio(figures, OURS_D1.id, target, 16).median;
  const share = byProcessor(figures, OURS_D1.id, target) ?? ours;
  const best = PEERS.map((peer) => ({
    name: peer.name,
    ratio: ratio(figures, peer.id, target, 16).median,
  })).sort((a, b) => b.ratio - a.ratio)[0];
  const what = `${TITLES[target].toLowerCase()}, at least ${GOALS[target].toFixed(2)} of bare Hono by processor time and ahead of every peer`;
  const reached = share >= GOALS[target] && ours > (best?.ratio ?? 0);
  return goal(
    what,
    reached,
    `${share.toFixed(2)} (by requests a second ${ours.toFixed(2)}); the best peer, ${best?.name}, ${best?.ratio.toFixed(2)}${reached ? "" : LIMITS[target]}`,
  );
}

/** What share of its processor time bare Hono would need for the same; undefined where the system does not tell. */
function byProcessor(figures: SessionFigures, design: string, target: Target): number | undefined {
  const [ours, hono] = [design, HONO.id].map((id) => processorTime(find(figures, id, target, 16)));
  return ours === undefined || hono === undefined ? undefined : hono / ours;
}

function ratio(figures: SessionFigures, design: string, target: Target, connections: number): Summary {
  const rate = (id: string) =>
    find(figures, id, target, connections)?.rounds.map(({ perSecond }) => perSecond) ?? [];
  return ratioByRound(rate(design), rate(HONO.id));
}

function rates({ rounds }: SessionSeries): Summary {
  return summarise(rounds.map(({ perSecond }) => perSecond));
}

function find(
  { series }: SessionFigures,
  design: string,
  target: Target,
  connections: number,
): SessionSeries | undefined {
  return series.find(
    (one) => one.design === design && one.target === target && one.connections === connections,
  );
}
