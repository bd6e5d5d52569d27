import type { MemoryFigures, MemoryPoint } from "../parts/memory.ts";
import { quantile } from "../statistics.ts";
import { goal, number, picture } from "./markdown.ts";
import type { Section } from "./section.ts";

/** Memory counts as flat when the last third of the run is no more than this above the middle third. */
const FLAT = 0.05;

/** Below this many seconds a run says nothing: workerd has not yet let go of the first objects for good. */
const LEAST_SECONDS = 150;

export function memorySection({ points }: MemoryFigures): Section {
  const last = points.at(-1) ?? { logins: 0, seconds: 0, resident: 0 };
  const growth = growthOf(points);
  const most = Math.max(...points.map(({ resident }) => resident));
  const long = last.seconds >= LEAST_SECONDS;
  return {
    markdown: [
      "## Memory",
      `${number(last.logins)} different people logged in, and the session of each was checked once, within ${number(last.seconds / 60, 1)} minutes. The figure is the resident memory of workerd: this design and everything beside it in the same process, the provider, KV and the database too.`,
      "Each person who logs in has a Durable Object; a few more, long-lived, finish the logins of all. workerd keeps an object in memory for some seconds after its last call and forgets it for good after about a minute, so memory rises for as long, by how many log in in a second; whether it stays there is what is measured.",
      picture("memory", "Resident memory of workerd over the number of logins"),
      `At most ${mib(most)}, in the end ${mib(last.resident)}. The median of the last third of the run is ${percent(growth)} beside that of the middle third.`,
    ].join("\n\n"),
    charts: [
      {
        name: "memory",
        title: "Memory over logins and session checks",
        subtitle: "Resident memory of workerd; each login is another person's, each session is checked once",
        line: {
          emphasis: "ours",
          points: points.map(({ logins, resident }) => ({ x: logins, y: resident / 2 ** 20 })),
        },
        axes: { x: "logins and session checks", y: "MiB" },
      },
    ],
    goals: long
      ? [
          goal(
            `memory flat over ${number(last.logins)} logins and as many session checks (the last third at most ${number(FLAT * 100)} % above the middle third)`,
            growth <= FLAT,
            percent(growth),
          ),
        ]
      : [],
  };
}

/** By how much of it the median of the last third of the run differs from that of the middle third. */
export function growthOf(points: readonly MemoryPoint[]): number {
  const third = Math.floor(points.length / 3);
  const median = (part: readonly MemoryPoint[]) =>
    quantile(
      part.map(({ resident }) => resident),
      0.5,
    );
  if (third === 0) return Number.NaN;
  return median(points.slice(-third)) / median(points.slice(-2 * third, -third)) - 1;
}

function percent(share: number): string {
  return `${share > 0 ? "+" : ""}${number(share * 100, 1)} %`;
}

function mib(bytes: number): string {
  return `${number(bytes / 2 ** 20)} MiB`;
}
