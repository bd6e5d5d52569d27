import { DEEDS, type Deed, type ScaleFigures, type ScaleRow } from "../parts/scale.ts";
import { goal, number, picture, table } from "./markdown.ts";
import type { Section } from "./section.ts";

/** How much slower than with nobody in the registry anything may become. */
const FLAT = 2;
/** Below this many milliseconds more, a ratio says more of the clock than of the registry. */
const NOISE = 2;
/** What a search by part of a name may take, in milliseconds. */
const SEARCH_LIMIT = 50;

/** Rows of D1 that a login may cost. */
const ROWS = { read: 12, written: 6 };

/** The deed that has to look at more people where there are more of the name. */
const isNameSearch = (deed: Deed): boolean =>
  deed.startsWith("console: search by part") || deed.includes("first name");

/** The deed whose line is drawn. */
const DRAWN: readonly Deed[] = ["login of somebody known", "login of somebody new"];

export function scaleSection(figures: ScaleFigures): Section {
  const { sizes, repetitions, eventsEach } = figures;
  const largest = Math.max(...sizes);
  const columns = [
    { heading: "" },
    ...sizes.map((size) => ({ heading: `${number(size)}`, align: "right" as const })),
    { heading: `${number(largest)} to 0`, align: "right" as const },
  ];
  const rowsOf = (shown: (row: ScaleRow) => string, ratio: (deed: Deed) => string) =>
    DEEDS.map((deed) => [deed, ...sizes.map((size) => shown(rowOf(figures, deed, size))), ratio(deed)]);
  const slow = DEEDS.filter((deed) => !isNameSearch(deed) && !isFlat(figures, deed));
  const searches = DEEDS.filter(isNameSearch).map((deed) => rowOf(figures, deed, largest).milliseconds);
  return {
    markdown: [
      "## Size of the registry",
      `The same deeds beside ${sizes.map((size) => number(size)).join(", ")} people in the registry, half of them with logins, half on a member list, and ${number(eventsEach, 1)} login events each; nobody has run \`ANALYZE\`. One workerd for each size, all at once, ${number(repetitions)} rounds in turn; medians. A login is start and callback together.`,
      "### Milliseconds",
      table(
        columns,
        rowsOf(
          ({ milliseconds }) => number(milliseconds, 1),
          (deed) => number(timeRatio(figures, deed), 2),
        ),
      ),
      picture("scale", "Milliseconds of a login over the size of the registry"),
      "### Rows that D1 reads and writes",
      "By D1's own count, which is what it bills: read / written.",
      table(
        columns,
        rowsOf(
          ({ rowsRead, rowsWritten }) => `${number(rowsRead)} / ${number(rowsWritten)}`,
          (deed) => number(readRatio(figures, deed), 2),
        ),
      ),
    ].join("\n\n"),
    charts: [
      {
        name: "scale",
        title: "A login, by the size of the registry",
        subtitle:
          "Milliseconds from the click to the redirect into the site, the provider's part left out as far as can be",
        line: {
          emphasis: "ours",
          points: sizes.map((size) => ({
            x: size,
            y: Math.max(...DRAWN.map((deed) => rowOf(figures, deed, size).milliseconds)),
          })),
        },
        axes: { x: "people in the registry", y: "ms" },
      },
    ],
    goals: [
      goal(
        `with ${number(largest)} people in the registry everything but a search by part of a name takes at most ${FLAT} times what it takes with none`,
        slow.length === 0,
        slow.length === 0
          ? `at most ${number(Math.max(...DEEDS.filter((deed) => !isNameSearch(deed)).map((deed) => timeRatio(figures, deed))), 2)} times`
          : `not so for: ${slow.join("; ")}`,
      ),
      goal(
        `a search by part of a name among ${number(largest)} people within ${SEARCH_LIMIT} ms`,
        Math.max(...searches) <= SEARCH_LIMIT,
        searches.map((milliseconds) => `${number(milliseconds, 1)} ms`).join(" and "),
      ),
      ...[
        DEEDS.filter((deed) => deed.startsWith("login") && !deed.endsWith("new")),
        DEEDS.filter((deed) => deed === "login of somebody new"),
      ].map((deeds) => {
        const rows = figures.rows.filter(({ deed }) => deeds.includes(deed));
        const most = (pick: (row: ScaleRow) => number) => Math.max(...rows.map(pick));
        const [read, written] = [most(({ rowsRead }) => rowsRead), most(({ rowsWritten }) => rowsWritten)];
        return goal(
          `${deeds.join("; ")}: reads at most ${ROWS.read} rows of D1 and writes at most ${ROWS.written}, at every size`,
          read <= ROWS.read && written <= ROWS.written,
          `at most ${read} and ${written}`,
        );
      }),
    ],
  };
}

function isFlat(figures: ScaleFigures, deed: Deed): boolean {
  const [smallest, largest] = ends(figures, deed);
  return largest.milliseconds <= Math.max(FLAT * smallest.milliseconds, smallest.milliseconds + NOISE);
}

function timeRatio(figures: ScaleFigures, deed: Deed): number {
  const [smallest, largest] = ends(figures, deed);
  return largest.milliseconds / smallest.milliseconds;
}

/** Of nothing read with nobody there, the ratio is that of one row. */
function readRatio(figures: ScaleFigures, deed: Deed): number {
  const [smallest, largest] = ends(figures, deed);
  return Math.max(1, largest.rowsRead) / Math.max(1, smallest.rowsRead);
}

function ends(figures: ScaleFigures, deed: Deed): readonly [ScaleRow, ScaleRow] {
  const { sizes } = figures;
  return [rowOf(figures, deed, Math.min(...sizes)), rowOf(figures, deed, Math.max(...sizes))];
}

/** @throws Error for a deed that was not measured */
function rowOf({ rows }: ScaleFigures, deed: Deed, accounts: number): ScaleRow {
  const row = rows.find((one) => one.deed === deed && one.accounts === accounts);
  if (row === undefined) throw new Error(`${deed} was not measured with ${accounts} people`);
  return row;
}
