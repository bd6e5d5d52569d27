import type { Design } from "../designs/design.ts";
import { OURS_D1 } from "../designs/designs.ts";
import { WALKS, type Walk, type WalkFigures, type WalkName } from "../parts/walk.ts";
import { goal, table } from "./markdown.ts";
import type { Section } from "./section.ts";

const TITLES: Readonly<Record<WalkName, string>> = {
  start: "starting a login",
  callback: "the callback",
  guarded: "a guarded page",
};

/** Goals: files of `src/` at most. */
const GOALS: Readonly<Partial<Record<WalkName, number>>> = { callback: 35, guarded: 12 };

export function walkSection({ walks }: WalkFigures, earlier?: Design): Section {
  const designs = [OURS_D1, ...(earlier === undefined ? [] : [earlier])];
  const find = (design: string, name: WalkName) =>
    walks.find((one) => one.design === design && one.walk === name);
  return {
    markdown: [
      "## What one request runs through",
      "Files of `src/` and the functions in them that ran, everything warm, by istanbul's counters in each function, from the request until what goes on behind its answer has ended; within Durable Objects too. Packages are left out, and the top levels of files, which run once in an isolate's life.",
      table(
        [
          { heading: "" },
          ...designs.flatMap(({ name, kind }) => [
            { heading: `${kind === "ours" ? `**${name}**` : name}: files`, align: "right" } as const,
            { heading: "functions", align: "right" } as const,
          ]),
        ],
        WALKS.map((name) => [
          TITLES[name],
          ...designs.flatMap(({ id }) => {
            const walk = find(id, name);
            return walk === undefined ? ["–", "–"] : [String(filesOf(walk)), String(functionsOf(walk))];
          }),
        ]),
      ),
    ].join("\n\n"),
    charts: [],
    goals: WALKS.flatMap((name) => {
      const [walk, most] = [find(OURS_D1.id, name), GOALS[name]];
      if (walk === undefined || most === undefined) return [];
      const files = filesOf(walk);
      return [
        goal(
          `${TITLES[name]} runs through at most ${most} files`,
          files <= most,
          `${files} (${functionsOf(walk)} functions)`,
        ),
      ];
    }),
  };
}

function filesOf({ functions }: Walk): number {
  return Object.keys(functions).length;
}

function functionsOf({ functions }: Walk): number {
  return Object.values(functions).reduce((sum, count) => sum + count, 0);
}
