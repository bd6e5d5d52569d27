import type { LoadResult } from "../load/measured-load.ts";
import type { AttemptsFigures } from "../parts/attempts.ts";
import { ratioByRound, summarise } from "../statistics.ts";
import { disturbedWarning } from "./load-figures.ts";
import { goal, number, table } from "./markdown.ts";
import type { Section } from "./section.ts";

/** Good logins beside some that hang are as quick as alone while their median is at most this many times as long. */
const AS_QUICK = 1.25;
/** What one Durable Object may store, in bytes (Cloudflare's limit with SQLite). */
const MOST_STORED = 10e9;
/** How long a used login is kept at most, in seconds: its ten minutes, 24 hours, and until the next sweep. */
const KEPT_FOR = 600 + 24 * 3600 + 3600;

export function attemptsSection({ limits, day, hanging, untouched }: AttemptsFigures): Section {
  const rowBytes = day.bytes / day.rows;
  const best = Math.max(...limits.filter(({ shards }) => shards === 1).map(({ result }) => result.perSecond));
  const ratio = ratioByRound(
    hanging.beside.map(({ medianLatency }) => medianLatency),
    hanging.alone.map(({ medianLatency }) => medianLatency),
  ).median;
  const figures = (results: readonly LoadResult[]) => [
    number(summarise(results.map(({ perSecond }) => perSecond)).median),
    `${number(summarise(results.map(({ medianLatency }) => medianLatency)).median, 1)} ms`,
    `${number(summarise(results.map(({ p99Latency }) => p99Latency)).median, 1)} ms`,
  ];
  const answers = Object.entries(hanging.answers).map(([status, count]) => `${number(count)} with ${status}`);
  return {
    markdown: [
      "## An object that finishes logins",
      disturbedWarning(limits.filter(({ connections }) => connections > 4).map(({ result }) => result)),
      "All logins of a deployment are finished in `LOGIN_SHARDS` long-lived objects. Here one of them carries everything, and is asked for more at a time until more at a time brings nothing; eight stand beside it. workerd runs the objects, the Worker that calls them, D1 and the provider on one core, so a figure is what all of it carries, and the object itself can do no less.",
      table(
        [
          { heading: "objects" },
          { heading: "logins at a time", align: "right" },
          { heading: "finished a second", align: "right" },
          { heading: "median", align: "right" },
          { heading: "p99", align: "right" },
          { heading: "memory of workerd", align: "right" },
        ],
        [
          ...limits.map(({ shards, connections, result, resident }) => [
            String(shards),
            String(connections),
            ...figures([result]),
            mib(resident),
          ]),
          [
            `1, with ${number(day.rows)} used logins in it`,
            "16",
            ...figures([day.result]),
            mib(day.resident),
          ],
        ],
      ),
      `A used login is a row for 24 hours. Time is not made to pass here: ${number(day.rows)} rows spread over the last 24 hours were written into the object's own file, as it would have written them, and logins measured beside them. The file is ${number(day.bytes / 2 ** 20)} MiB then, ${number(rowBytes)} bytes a row. At ${number(best)} logins a second without a break, the most that was measured, a day's rows would be ${number(best * KEPT_FOR)} and ${number((best * KEPT_FOR * rowBytes) / 1e9, 1)} GB; what an object may store (10 GB) is enough for ${number(MOST_STORED / rowBytes / KEPT_FOR)} logins a second all day.`,
      "### Token requests that hang",
      `${number(hanging.good)} good logins alone, and beside ${number(hanging.hanging)} others whose token request the provider takes and never answers, all in one object; ${hanging.alone.length} rounds, in turns. The object has four exchanges under way at a time and leaves further ones to the Workers that call it. Cloudflare's own limit of six open connections for each call does not hold on bare workerd.`,
      table(
        [
          { heading: "" },
          { heading: "finished a second", align: "right" },
          { heading: "median", align: "right" },
          { heading: "p99", align: "right" },
        ],
        [
          ["alone", ...figures(hanging.alone)],
          ["beside those that hang", ...figures(hanging.beside)],
        ],
      ),
      `Those that hang were answered in the end: ${answers.join(", ")}; ${number(hanging.answeredBefore)} of them before the good ones were through.`,
      "### What starts leave behind",
      `${number(untouched.starts)} logins were started in ${number(untouched.seconds)} s and never came back. Every file of storage (KV, D1, Durable Objects; ${number(untouched.files)} files, ${number(untouched.bytes)} bytes) was compared by SHA-256 before and after: ${untouched.changed.length === 0 ? "none differs" : `${untouched.changed.length} differ: ${untouched.changed.join(", ")}`}.`,
    ]
      .filter((part) => part !== undefined)
      .join("\n\n"),
    charts: [],
    goals: [
      goal(
        `good logins as quick beside ${number(hanging.hanging)} token requests that hang as alone (median at most ${AS_QUICK} times)`,
        ratio <= AS_QUICK && hanging.answeredBefore === 0,
        number(ratio, 2),
      ),
      goal(
        `${number(untouched.starts)} starts leave storage byte for byte as it was`,
        untouched.changed.length === 0,
        `${untouched.changed.length} of ${number(untouched.files)} files differ`,
      ),
    ],
  };
}

function mib(bytes: number | undefined): string {
  return bytes === undefined ? "–" : `${number(bytes / 2 ** 20)} MiB`;
}
