import {
  ASSUMED,
  freeShares,
  keptOf,
  MONTHS,
  meterNames,
  paidBill,
  peopleADatabase,
  type UnitCosts,
  usageOf,
} from "../cost/month.ts";
import { HOSTED, METERS, SOURCES } from "../cost/prices.ts";
import type { CostFigures } from "../parts/cost.ts";
import { number, table } from "./markdown.ts";
import type { Section } from "./section.ts";

/** @param earlierName the other commit that was measured beside, if any. */
export function costSection(figures: CostFigures, earlierName?: string): Section {
  const right = (heading: string) => ({ heading, align: "right" as const });
  const months = MONTHS.map(({ logins, views }) => `${number(logins)} logins, ${number(views)} views`);
  const [small] = MONTHS;
  const first = small && freeShares(small, figures)[0];
  const bills = MONTHS.map((month) => paidBill(month, figures));
  const { earlier } = figures;
  const dollarsOf = (of: UnitCosts) =>
    MONTHS.map((month) => paidBill(month, of)).map(
      ({ dollars }) => `$${number(dollars, dollars < 100 ? 2 : 0)}`,
    );
  const units = [
    ["a first login", figures.firstLogin],
    ["a later login", figures.laterLogin],
    ["a view, session fresh", figures.freshView],
    ["a view that renews it", figures.renewedView],
  ] as const;
  return {
    markdown: [
      "## What it costs",
      `Counted on bare workerd by an instrument around the Worker and its objects, with D1's own counters; what is kept is weighed in the files, of ${number(figures.people)} people who logged in twice. Processor time is that of the whole process, the database and the provider in it, so it is more than Cloudflare would count.`,
      table(
        [{ heading: "" }, ...units.map(([name]) => right(name))],
        meterNames().map((name) => [
          METERS[name].name,
          ...units.map(([, usage]) => number(usage[name], usage[name] % 1 === 0 ? 0 : 3)),
        ]),
      ),
      earlier === undefined
        ? ""
        : `The same with ${earlierName}, which had the features of its time:\n\n${table(
            [{ heading: "" }, right("a first login"), right("a later login"), right("a view that renews it")],
            (
              [
                "objectRequests",
                "objectRowsRead",
                "objectRowsWritten",
                "d1RowsRead",
                "d1RowsWritten",
              ] as const
            ).map((name) => [
              METERS[name].name,
              ...[earlier.firstLogin, earlier.laterLogin, earlier.renewedView].map((usage) =>
                number(usage[name], usage[name] % 1 === 0 ? 0 : 3),
              ),
            ]),
          )}`,
      `Kept: ${number(figures.d1BytesPerson)} bytes in D1 for a person and ${number(figures.d1BytesLogin)} for each login while its event is kept, ${number(figures.objectBytesPerson)} bytes in Durable Objects for a person with a session.`,
      "Nine rows in D1 are what a first login comes to where a name has two words: the account, found again by its phone number, by its email address and by each word of its name, an entry each; the identity, found from the account too; the login itself, found from its account too. Each of these ways is somebody's: the next login, the import of a member list, customer service, the person's own page and its erasure. A later login writes the last two; a member of an imported list who logs in for the first time six. The figures of an hour are one row for each way in which logins ended, worked out later of all of them.",
      "### A month",
      table(
        [{ heading: "" }, ...months.map(right)],
        [
          ["**paid plan**", ...dollarsOf(figures).map((dollars) => `**${dollars}**`)],
          ...(earlier === undefined ? [] : [[`the same with ${earlierName}`, ...dollarsOf(earlier)]]),
          [
            "of it, the most",
            ...bills.map(({ lines }) => {
              const [most] = lines.toSorted((one, other) => other.dollars - one.dollars);
              return most === undefined ? "the plan itself" : `${most.name} $${number(most.dollars, 2)}`;
            }),
          ],
          [
            "free plan, busiest day",
            ...MONTHS.map((month) => {
              const [most] = freeShares(month, figures);
              if (most === undefined) return "";
              const share = `${number(most.share * 100)} % of ${most.name}`;
              return most.share <= 1 ? share : `no: ${share}`;
            }),
          ],
          ["kept in D1", ...MONTHS.map((month) => `${number(keptOf(month, figures).d1Gb, 2)} GB`)],
          ...HOSTED.map(({ name, charge }) => [
            name,
            ...MONTHS.map(({ logins }) => {
              const dollars = charge(logins);
              return dollars === undefined ? "–" : `$${number(dollars)}`;
            }),
          ]),
        ],
      ),
      `Assumed: each login of a month is another person's, ${number(ASSUMED.newShare * 100)} % of them for the first time; ${ASSUMED.viewsAVisit} views a visit, one of which renews the session; a page's images and style sheets go past the worker ([site.md](site.md#what-need-not-pass-the-worker)), else each of them is a request more; events are kept for ${ASSUMED.eventMonths} months, and ${ASSUMED.peopleKept} people for each who logs in in a month; the busiest day is ${ASSUMED.peak} times the average. Durable Objects are at work for half a second in a login and 0.05 s in a renewal; their alarms, and what an isolate asks KV once in its life, are left out.`,
      first === undefined || small === undefined
        ? ""
        : `**The free plan** ends first at ${first.name}: with these views for each login, at about ${number(small.logins / first.share)} logins a month. **A second database** is needed when one of the paid plan (10 GB) is full: with about ${number(peopleADatabase(figures))} people. Sites of one worker can then be shared out between two deployments.`,
      `### Rows written by a month's logins\n\n${table(
        [{ heading: "" }, ...months.map(right)],
        (["d1RowsWritten", "objectRowsWritten", "d1RowsRead", "objectRequests", "requests"] as const).map(
          (name) => [METERS[name].name, ...MONTHS.map((month) => number(usageOf(month, figures)[name]))],
        ),
      )}`,
      `### Prices\n\n${SOURCES.map((source) => `- ${source}`).join("\n")}\n- Rules: ${HOSTED.map(({ name, rule }) => `${name}: ${rule}`).join(". ")}.`,
    ]
      .filter((part) => part !== "")
      .join("\n\n"),
    charts: [],
    goals: [],
  };
}
